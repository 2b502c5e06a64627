"""What stands in a manifest is known to Ray's operator, and is there: images, ports, paths, variables, settings."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
import yaml

from narrator_ray.config import load_section
from narrator_ray.model.presets import find_preset
from tests.cluster.manifests import BASE, CLUSTER, OVERLAYS, ROOT, base, cluster_specs, containers, load, overlay, pods
from tests.test_jobs import settings_of

SCHEMAS = ROOT.parent / "shared" / "kuberay"
needs_schemas = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="KubeRay's schemas are not here: ../shared/kuberay")
DOCKERFILE = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
WORKDIR = "/opt/narrator-ray"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3, "": 1}


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    """The operator's schema of a kind, in which what is not named is an error."""
    definition = yaml.load((SCHEMAS / f"crd_{kind.lower()}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    [version] = [one for one in definition["spec"]["versions"] if one["name"] == "v1"]
    schema = closed(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema)


def closed(schema):
    """The schema without room for other keys, unless it says that it has room."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    has_room = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and not has_room:
        inner["additionalProperties"] = False
    return inner


def problems(manifest: dict) -> list[str]:
    """Everything that the schema does not allow."""
    errors = validator(manifest["kind"]).iter_errors(manifest)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]


def amount(text: str) -> float:
    """A quantity of Kubernetes."""
    number, unit = re.fullmatch(r"([0-9.]+)(Ki|Mi|Gi|m|)", str(text)).groups()
    return float(number) * UNITS[unit]


def night_of(name: str):
    """The settings of the night, as an overlay mounts them."""
    return load_section(settings_of("nightly"), CLUSTER / "kuberay" / "overlays" / name / "nightly.yaml")


@needs_schemas
@pytest.mark.parametrize("name", OVERLAYS)
def test_the_operator_knows_every_key(name):
    """Patched as the overlay says; a key that does not exist is an error."""
    checked = [one for one in overlay(name) if one["apiVersion"] == "ray.io/v1"]
    assert [one["kind"] for one in checked] == ["RayCluster", "RayJob"]
    assert [problem for one in checked for problem in problems(one)] == []


@needs_schemas
def test_a_misspelt_key_is_found():
    """The check can fail: in the spec, in a pod, in a container."""
    cluster = overlay("prod")[0]
    cluster["spec"]["rayVersoin"] = "2.60.0"
    pod = cluster["spec"]["headGroupSpec"]["template"]["spec"]
    pod["securityContexts"] = {}
    pod["containers"][0]["imagePulPolicy"] = "Always"
    assert len(problems(cluster)) == 3


@needs_schemas
def test_the_cronjobs_pod_is_one():
    """Kubernetes' own kinds have no schema here; a pod is a pod."""
    [cron] = [one for one in base() if one["kind"] == "CronJob"]
    job = {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "spec": {"submitterPodTemplate": cron["spec"]["jobTemplate"]["spec"]["template"]},
    }
    assert problems(job) == []
    assert cron["spec"].keys() <= {
        "schedule", "timeZone", "concurrencyPolicy", "startingDeadlineSeconds", "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit", "jobTemplate", "suspend",
    }  # fmt: skip
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"


def test_what_the_night_needs_in_the_image_is_copied_there():
    """The program of the CronJob and of the RayJob, from the image's working directory."""
    [cron] = [one for one in base() if one["kind"] == "CronJob"]
    [job] = [one for one in base() if one["kind"] == "RayJob"]
    words = [containers(cron)[0]["command"], job["spec"]["entrypoint"].split()]
    assert f"WORKDIR {WORKDIR}" in DOCKERFILE
    for python, program, *_ in words:
        assert python == "python"
        assert (ROOT / program).is_file()
        assert re.search(rf"^COPY (\S+) {WORKDIR}/({re.escape(program)}|{Path(program).parts[0]})$", DOCKERFILE, re.M)
    assert words[0][2] == job["metadata"]["name"]
    assert words[1][2:] == ["--config", "/etc/narrator-ray/nightly.yaml"]
    assert job["spec"]["suspend"] is True


def test_what_the_image_copies_is_sent_to_the_builder():
    """.dockerignore leaves all else out."""
    assert all((ROOT / source).exists() for source in copied_sources())
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split() if line[0] == "!"}
    assert copied_sources() <= kept


def copied_sources() -> set[str]:
    """What the image takes from the repository."""
    lines = [line for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line]
    return {source for line in lines for source in line.split()[1:-1]}


def test_the_image_is_pinned_and_not_root():
    """One base for both stages, exact versions from constraints.txt, an extra that exists."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert DOCKERFILE.count("FROM ${CUDA_BASE}") == 2
    assert re.search(r"^ARG CUDA_BASE=\S+:\S+\d", DOCKERFILE, re.M)
    assert DOCKERFILE.count("pip install") == DOCKERFILE.count("--constraint constraints.txt") == 2
    assert set(re.search(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.M)[1].split(",")) <= extras.keys()
    [user] = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M)
    assert int(user[0]) > 0
    every = [pod["securityContext"] for spec in cluster_specs(base()).values() for pod in pods(spec)]
    assert {(str(one["runAsUser"]), str(one["runAsGroup"])) for one in every} == {user}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_settings_of_the_night_are_settings(name):
    """They load, name a preset that there is, and ask for a GPU exactly where the cluster has some."""
    night, clusters = night_of(name), cluster_specs(overlay(name))
    find_preset(night.settings.model.preset)
    has_gpus = any("nvidia.com/gpu" in one["resources"]["limits"] for one in containers(clusters["RayJob"]))
    assert night.settings.model.device == ("cuda" if has_gpus else "cpu")
    assert night.catalog.startswith("s3://") and night.out.startswith("s3://")


def test_the_settings_of_the_base_are_those_of_a_cluster_with_gpus():
    """They are what an overlay begins with."""
    assert load_section(settings_of("nightly"), BASE / "nightly.yaml").settings.model.device == "cuda"


@pytest.mark.parametrize("name", OVERLAYS)
def test_replicas_fit_the_machines(name):
    """All replicas of the night find GPUs and CPUs on the workers at their most; the head holds no work."""
    run, cluster = night_of(name).settings.run, cluster_specs(overlay(name))["RayJob"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    num_cpus = num_gpus = 0.0
    for group in cluster["workerGroupSpecs"]:
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        num_cpus += group["maxReplicas"] * amount(limits["cpu"])
        num_gpus += group["maxReplicas"] * amount(limits.get("nvidia.com/gpu", 0))
    if num_gpus:
        assert run.encoder_actors * run.encoder_gpus + run.narrator_actors * run.narrator_gpus <= num_gpus
    assert run.encoder_actors + run.narrator_actors + 1 <= num_cpus or not num_gpus


@pytest.mark.parametrize("name", OVERLAYS)
def test_memory_and_gpus_are_what_is_asked_for(name):
    """A pod that may take more memory than it asks for is killed when its neighbours want theirs."""
    for cluster in cluster_specs(overlay(name)).values():
        for container in containers(cluster):
            asked, most = container["resources"]["requests"], container["resources"]["limits"]
            assert asked.keys() == most.keys()
            assert all(asked[key] == most[key] for key in asked if key != "cpu")


def test_cluster_and_night_are_made_of_the_same_machines():
    """What is tried on the standing cluster holds for the night."""
    cluster, night = (cluster_specs(base())[kind] for kind in ("RayCluster", "RayJob"))
    own = ("authOptions", "gcsFaultToleranceOptions")
    assert {key: value for key, value in cluster.items() if key not in own} == night


def test_versions_and_names_agree():
    """Ray's version, variables that the code reads, volumes, secrets and accounts that are named somewhere."""
    pinned = re.search(r"^ray==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)[1]
    resources = base()
    names = {(one["kind"], one["metadata"]["name"]) for one in resources}
    [generated] = load(BASE / "kustomization.yaml")[0]["configMapGenerator"]
    known = code_text()
    for cluster in cluster_specs(resources).values():
        assert cluster["rayVersion"] == pinned
        for pod in pods(cluster):
            assert ("ServiceAccount", pod["serviceAccountName"]) in names
            mounted = {one["name"] for one in pod["containers"][0]["volumeMounts"]}
            assert mounted == {one["name"] for one in pod["volumes"]}
            for volume in pod["volumes"]:
                if "configMap" in volume:
                    assert volume["configMap"]["name"] == generated["name"]
                else:
                    assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in names
            for variable in pod["containers"][0]["env"]:
                assert "value" in variable and variable["name"] in known, variable
    in_image = set(re.findall(r"^(?:    |ENV )([A-Z_]+)=", DOCKERFILE, re.M))
    assert "NARRATOR_RAY_CACHE" in in_image
    assert [name for name in in_image - {"PATH", "PYTHONUNBUFFERED"} if name not in known] == []


def code_text() -> str:
    """Sources that read environment variables: ours, Ray's job server and Serve, the hub's client."""
    [ray], [hub] = (importlib.util.find_spec(name).submodule_search_locations for name in ("ray", "huggingface_hub"))
    files = [*(ROOT / "narrator_ray").rglob("*.py"), Path(ray) / "dashboard/modules/job/job_supervisor.py"]
    files += [Path(ray) / "serve/_private/constants.py"]
    files += [Path(hub) / "constants.py"]
    return "".join(path.read_text(encoding="utf-8") for path in files)


def test_ports_are_open_to_those_who_need_them():
    """Every port of the policy is one that a machine listens on, and the metrics port is the one Ray is told."""
    [policy] = [one for one in base() if one["kind"] == "NetworkPolicy"]
    assert policy["spec"].keys() == {"podSelector", "policyTypes", "ingress", "egress"}
    agent = 52365
    for cluster in cluster_specs(base()).values():
        groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
        listening = {port["containerPort"] for one in containers(cluster) for port in one["ports"]} | {agent}
        named = {port["port"] for rule in policy["spec"]["ingress"] for port in rule.get("ports", ())}
        assert named <= listening
        assert {group["rayStartParams"]["metrics-export-port"] for group in groups} == {"8080"}
        redis = cluster.get("gcsFaultToleranceOptions", {}).get("redisAddress", ":6379").rpartition(":")[2]
        assert int(redis) in {port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", ())}


def test_no_secret_stands_in_a_manifest():
    """By reference only."""
    for path in CLUSTER.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"kind: Secret|AKIA[0-9A-Z]{16}|(?i:password|secret_access_key|auth_token): *\S", text), (
            path
        )


@pytest.fixture(scope="module")
def ray_up() -> ModuleType:
    """Ray's own check of its cluster files."""
    from ray.autoscaler._private import util

    return util


def test_ray_up_takes_the_file_for_aws(ray_up):
    """With Ray's own validator; a misspelt key is refused."""
    settings = load(CLUSTER / "aws.yaml")[0]
    ray_up.validate_config(ray_up.prepare_config(settings))
    wrong = load(CLUSTER / "aws.yaml")[0] | {"idle_timeout_minuts": 5}
    with pytest.raises(jsonschema.ValidationError):
        ray_up.validate_config(ray_up.prepare_config(wrong))


def test_machines_on_aws_are_those_of_kubernetes():
    """The head holds no work, GPUs scale to zero, volume and variables are the image's."""
    settings = load(CLUSTER / "aws.yaml")[0]
    types = settings["available_node_types"]
    assert types[settings["head_node_type"]]["resources"] == {"CPU": 0}
    assert types["gpu"]["min_workers"] == 0 and types["decode"]["min_workers"] == 1
    options = " ".join(settings["docker"]["run_options"])
    assert ":/models" in options and "VOLUME /models" in DOCKERFILE
    assert re.search(r"--env (\w+)=", options)[1] in code_text()
    assert "10001:10001" in settings["initialization_commands"][0]
