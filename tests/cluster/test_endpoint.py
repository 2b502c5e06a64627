"""The endpoint's manifest: known to the operator and to Serve, and of settings, ports and machines that there are."""

import importlib
import tomllib

import pytest
import yaml
from ray.serve.schema import HTTPOptionsSchema, ServeApplicationSchema, ServeDeploySchema

from narrator_ray.model.presets import find_preset
from serve_app.settings import ServeSettings
from tests.cluster.manifests import BASE, CLUSTER, ROOT, base, cluster_specs, containers, load, pods
from tests.cluster.test_manifests import DOCKERFILE, amount, copied_sources, needs_schemas, problems

FOLDER = CLUSTER / "kuberay" / "endpoint"
SERVICE = load(FOLDER / "rayservice.yaml")[0]
SERVE = yaml.safe_load(SERVICE["spec"]["serveConfigV2"])
[APPLICATION] = SERVE["applications"]
CLUSTER_SPEC = cluster_specs([SERVICE])["RayService"]


@pytest.fixture(scope="module")
def settings() -> ServeSettings:
    """What the builder is given."""
    return ServeSettings.model_validate(APPLICATION["args"])


@needs_schemas
def test_the_operator_knows_every_key():
    """A key that does not exist is an error."""
    assert problems(SERVICE) == []
    assert problems(SERVICE | {"spec": SERVICE["spec"] | {"serveConfigV3": ""}}) != []


def test_serve_knows_every_key_of_its_configuration():
    """Its own schema takes misspelt ones in silence."""
    ServeDeploySchema.model_validate(SERVE)
    assert SERVE.keys() <= ServeDeploySchema.model_fields.keys()
    assert SERVE["http_options"].keys() <= HTTPOptionsSchema.model_fields.keys()
    assert APPLICATION.keys() <= ServeApplicationSchema.model_fields.keys()


def test_the_application_is_built_of_settings_that_there_are(settings):
    """The import path leads to the builder; nobody's key is the only one."""
    module, _, name = APPLICATION["import_path"].partition(":")
    assert getattr(importlib.import_module(module), name).__annotations__["settings"] in (
        "ServeSettings",
        ServeSettings,
    )
    find_preset(settings.preset)
    assert set(settings.access.api_keys.values()) == {"0" * 64}
    assert settings.drain_timeout_s < SERVICE["spec"]["rayClusterDeletionDelaySeconds"]


def test_the_image_has_the_endpoint():
    """The package and what it needs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert "serve_app" in copied_sources() and "serve" in extras
    assert "serve" in DOCKERFILE.split("ARG EXTRAS=")[1].split()[0].split(",")


def test_requests_come_in_by_one_port():
    """Serve's, which every machine names and the policy opens."""
    [policy] = load(FOLDER / "networkpolicy.yaml")
    [rule] = policy["spec"]["ingress"]
    port = SERVE["http_options"]["port"]
    assert [one["port"] for one in rule["ports"]] == [port]
    assert all(port in [one["containerPort"] for one in container["ports"]] for container in containers(CLUSTER_SPEC))


def test_replicas_fit_the_machines(settings):
    """At their least on what is always there, at their most on what there may be."""
    for number, replicas in (("minReplicas", "least"), ("maxReplicas", "most")):
        num_cpus = num_gpus = 0.0
        for group in CLUSTER_SPEC["workerGroupSpecs"]:
            limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
            num_cpus += group[number] * amount(limits["cpu"])
            num_gpus += group[number] * amount(limits.get("nvidia.com/gpu", 0))
        kinds = (settings.ingress, settings.encoder, settings.narrator)
        assert sum(getattr(kind, replicas) * kind.num_cpus for kind in kinds) <= num_cpus
        assert sum(getattr(kind, replicas) * kind.num_gpus for kind in kinds) <= num_gpus


def test_machines_are_those_of_the_jobs():
    """Image, account, variables, sizes; but for ports and the job's settings."""
    names = {(one["kind"], one["metadata"]["name"]) for one in base()}
    for ours, jobs in zip(pods(CLUSTER_SPEC), pods(cluster_specs(base())["RayCluster"]), strict=True):
        assert ("ServiceAccount", ours["serviceAccountName"]) in names
        assert ours["securityContext"] == jobs["securityContext"]
        mine, theirs = ours["containers"][0], jobs["containers"][0]
        assert {key: mine[key] for key in ("image", "resources", "envFrom")} == {
            key: theirs[key] for key in ("image", "resources", "envFrom")
        }
        assert all(variable in theirs["env"] for variable in mine["env"])
    assert CLUSTER_SPEC["rayVersion"] == load(BASE / "raycluster.yaml")[0]["spec"]["rayVersion"]
