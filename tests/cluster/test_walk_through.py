"""The operator's way from an empty cluster to an endpoint: what it names is there, and what ran is said truly."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from narrator_ray.cli import app
from narrator_ray.config import load_section
from tests.test_jobs import settings_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "cluster" / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## From nothing to a published catalogue and a live endpoint")[1].split("\n## ")[0]
STEPS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in SECTION.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NOWHERE = "not run here"


def commands() -> list[str]:
    """What stands between backticks in the steps."""
    return [command for step in STEPS for command in re.findall(r"`([^`]+)`", step[1])]


def test_steps_are_counted_and_each_says_who_ran_it():
    """A test that is there, or that nobody did."""
    assert [int(number) for number, *_ in STEPS] == list(range(1, len(STEPS) + 1))
    for _, _, _, run_by in STEPS:
        tests = re.findall(r"tests/[\w/]+\.py", run_by)
        assert run_by == NOWHERE or tests or run_by == "every test", run_by
        assert all((ROOT / test).is_file() for test in tests), run_by


def test_what_needs_a_cloud_was_not_run():
    """No step that begins with docker, helm or kubectl claims more than a look at files."""
    for _, command, _, run_by in STEPS:
        if re.match(r"`(docker|helm|kubectl) ", command):
            assert run_by == NOWHERE or re.match(r"(patches|tests/cluster/test_run_rayjob|the application)", run_by), (
                command
            )


def test_files_that_are_named_are_there():
    """Paths below cluster/ and jobs/, in commands and beside them."""
    named = {path for step in STEPS for path in re.findall(r"(?:cluster|jobs)/[\w./-]+", step[1])}
    assert len(named) > 8
    assert all((ROOT / path).exists() for path in named), named


def test_verbs_and_their_options_are_those_of_the_program():
    """Of narrator-ray."""
    verbs = get_command(app).commands
    found = [command.split() for command in commands() if command.startswith("narrator-ray ")]
    assert len(found) > 4
    for _, verb, *rest in found:
        options = {option for parameter in verbs[verb].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, (verb, rest)


@pytest.mark.parametrize("command", [command for command in commands() if "python jobs/" in command])
def test_settings_of_a_submitted_job_are_settings(command):
    """Its file and every --set."""
    name = re.search(r"python jobs/(\w+)\.py", command)[1]
    config = ROOT / re.search(r"--config (\S+)", command)[1]
    overrides = re.findall(r"--set (\S+)", command)
    assert overrides
    load_section(settings_of(name), config, overrides=overrides)
