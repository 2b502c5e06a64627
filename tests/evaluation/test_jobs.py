"""The job's file becomes the command's options."""

import runpy
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from narrator_ray.cli import app

JOB = Path(__file__).parents[2] / "jobs" / "evaluate.py"


def test_the_job_gives_the_command_what_its_file_says():
    """Lists with commas, settings by section."""
    arguments = runpy.run_path(str(JOB))["arguments"]
    settings = {"run": {"cpu_threads": 2}}
    options = {"narrations": "run", "metrics": ["bleu", "truth"], "clip_model": "/clip", "set": settings}
    assert arguments(options) == [
        *("evaluate", "run", "--ray", "--metrics=bleu,truth", "--clip-model=/clip", "--set=run.cpu_threads=2")
    ]


def test_the_file_beside_the_job_holds_options_that_exist(monkeypatch):
    """The command takes every one of them: what it misses is the catalogue on S3, not an option."""
    options = yaml.safe_load(JOB.with_suffix(".yaml").read_text())
    options |= {"narrations": "nowhere.json", "references": "nowhere.jsonl"}
    result = CliRunner().invoke(app, runpy.run_path(str(JOB))["arguments"](options))
    assert "No such option" not in result.output
    assert "nowhere" in str(result.exception)
    with pytest.raises(SystemExit):
        monkeypatch.setattr("sys.argv", [str(JOB)])
        runpy.run_path(str(JOB), run_name="__main__")
