"""Jobs: short programs, files without a misspelt key, exit codes, what is uploaded with them."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest
import yaml

from narrator_ray.cli.arguments import EXIT_BAD_INPUT, EXIT_TOO_MANY_REJECTED
from narrator_ray.config import Section, load_section
from narrator_ray.errors import ConfigError, ManifestError

ROOT = Path(__file__).parents[1]
JOBS = ("extract_features", "narrate_catalog", "nightly")
MAX_LINES = 60
MAX_UPLOAD_MB = 18


def module_of(name: str) -> ModuleType:
    """A job's program, imported as the file that it is."""
    spec = importlib.util.spec_from_file_location(f"jobs_{name}", ROOT / "jobs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks there for what annotations name
    spec.loader.exec_module(module)
    return module


def settings_of(name: str) -> type[Section]:
    """What the file of a job holds."""
    module = module_of(name)
    [found] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Section) and value.__module__ == module.__name__
    ]
    return found


def run(name: str, config: Path, *options: str) -> subprocess.CompletedProcess:
    """The job as ``ray job submit`` starts it, but for the cluster."""
    command = [sys.executable, str(ROOT / "jobs" / f"{name}.py"), "--config", str(config), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


def work(config: Path, *overrides: str) -> int:
    """The exit code of the nightly job, run in this process."""
    return module_of("nightly").work(load_section(settings_of("nightly"), config, overrides=overrides))


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_short_and_its_file_is_read(name):
    """Thin over the library; every key of the file beside it exists; every setting says what it means."""
    assert len((ROOT / "jobs" / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    kind, path = settings_of(name), ROOT / "jobs" / f"{name}.yaml"
    assert load_section(kind, path).catalog == "s3://shop/catalog.parquet"
    assert all(setting.description for key, setting in kind.model_fields.items())
    assert path.read_text(encoding="utf-8").count("# ") > len(yaml.safe_load(path.read_text(encoding="utf-8")))


def write_night(folder: Path, write_manifest, **more: object) -> Path:
    """A night whose only video is not there."""
    row = {"video_id": "mug", "video": "no.mp4", "product": {"name": "Mug"}}
    path = folder / "night.yaml"
    job = {
        "catalog": write_manifest([row]),
        "out": str(folder / "out"),
        "settings": {"model": {"preset": "tiny-random"}},
    }
    path.write_text(json.dumps(job | more), encoding="utf-8")
    return path


def test_a_night_with_too_many_rejected_exits_3_and_says_so(write_manifest, tmp_path):
    """Published all the same; the summary file has the figures. Nothing had to be started for it."""
    assert work(write_night(tmp_path, write_manifest)) == EXIT_TOO_MANY_REJECTED
    record = json.loads((tmp_path / "out" / "nightly.json").read_text())
    assert (record["exit_code"], record["is_published"], record["num_rejected"]) == (EXIT_TOO_MANY_REJECTED, True, 1)
    assert record["plan"] == {"not_found": 1}
    assert (tmp_path / "out" / "latest.json").exists()


def test_a_night_whose_sample_falls_short_is_not_published(write_manifest, tmp_path, capsys, caplog):
    """Readers stay where they were, the exit code is 3, the summary file says which limit."""
    sample = {"metrics": ["word_length"], "least": {"word_length": 95}}
    path = write_night(tmp_path, write_manifest, sample=sample)
    assert work(path, "settings.run.max_rejected_fraction=1") == EXIT_TOO_MANY_REJECTED
    record = json.loads((tmp_path / "out" / "nightly.json").read_text())
    assert record["is_published"] is False
    assert "is complete but not published" in capsys.readouterr().err
    assert "falls short: word_length" in caplog.text
    assert record["sample"]["shortfalls"] == ["word_length: no value, at least 95 is asked for"]
    assert not (tmp_path / "out" / "latest.json").exists()
    assert (tmp_path / "out" / "runs" / record["run_id"] / "run.json").exists()


def test_a_night_of_shards_is_judged_and_published_by_its_last(write_manifest, tmp_path):
    """Each shard has a summary file of its own; no two jobs write the same one."""
    path = write_night(tmp_path, write_manifest, settings={"model": {"preset": "tiny-random"}})
    allowed = "settings.run.max_rejected_fraction=1"
    assert work(path, "shard=2/2", allowed) == work(path, "shard=1/2", allowed) == 0
    waiting, last = (json.loads((tmp_path / "out" / f"nightly-{n}-of-2.json").read_text()) for n in (2, 1))
    assert (waiting["is_published"], last["is_published"], last["num_videos"]) == (False, True, 1)
    assert "sample" in last and "sample" not in waiting
    assert not (tmp_path / "out" / "nightly.json").exists()
    with pytest.raises(ConfigError, match="3/2"):
        work(path, "shard=3/2")


def test_the_record_of_a_night_that_fails_says_why(write_manifest, tmp_path):
    """A catalogue that is not there: the exit code is 2."""
    path = write_night(tmp_path, write_manifest, catalog=str(tmp_path / "none.jsonl"))
    with pytest.raises(ManifestError):
        work(path)
    record = json.loads((tmp_path / "out" / "nightly.json").read_text())
    assert record["exit_code"] == EXIT_BAD_INPUT and "none.jsonl" in record["error"]


def test_a_misspelt_key_names_the_nearest(write_manifest, tmp_path):
    """In the job's own keys and in the sections of the settings."""
    path = write_night(tmp_path, write_manifest, sampel={"videos": 1}, settings={"model": {"presset": "nano"}})
    ended = run("nightly", path)
    assert ended.returncode == EXIT_BAD_INPUT
    assert "nearest is `settings.model.preset`" in ended.stderr
    assert "nearest is `sample." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_is_uploaded_with_a_job_is_small(tmp_path):
    """The package and the jobs, not the tests, films and figures that lie beside them; packed by Ray's own function."""
    from ray._private.ray_constants import get_runtime_env_default_excludes
    from ray._private.runtime_env.packaging import create_package

    package = tmp_path / "package.zip"
    create_package(str(ROOT), package, include_gitignore=True, excludes=get_runtime_env_default_excludes())
    with ZipFile(package) as packed:
        names = set(packed.namelist())
    needed = {"jobs/nightly.py", "jobs/nightly.yaml", "narrator_ray/pipeline.py", "serve_app/page/index.html"}
    assert needed <= names
    assert not [
        name for name in names if name.startswith(("tests/", "docs/", ".venv/", ".git/", "cluster/", "benchmarks/"))
    ]
    assert package.stat().st_size < MAX_UPLOAD_MB * 1_000_000
