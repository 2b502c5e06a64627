"""Every command the README shows runs, in the order it shows them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands() -> list[str]:
    """Lines of console blocks that begin with a prompt."""
    blocks = CONSOLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def run(command: str, directory: Path, ray_address: str) -> subprocess.CompletedProcess:
    """Run a command of the README with the installed package; ``make demo`` with fewer films and a Ray of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    if command != "make demo":
        environment["RAY_ADDRESS"] = ray_address
    words = shlex.split(command)
    words = ["narrator-ray", "demo", "--videos", "2"] if words == ["make", "demo"] else words
    assert words[0] == "narrator-ray"
    return subprocess.run(
        [sys.executable, "-m", "narrator_ray", *words[1:]],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=environment,
    )


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_the_commands_of_the_readme_run(local_ray, tmp_path):
    """From the demo to the training, each ends with exit code 0 and leaves what it promises."""
    import ray

    ray_address = ray.get_runtime_context().gcs_address
    shown = commands()
    assert len(shown) >= 7
    for command in shown:
        result = run(command, tmp_path, ray_address)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        if command == "make demo":
            tried_next = [
                line for line in result.stdout.splitlines() if re.match(r"  \S+.* (show|export|narrate) ", line)
            ]
            assert len(tried_next) == 3
            assert "100%" in result.stdout
    assert list((tmp_path / "subtitles").glob("*.srt"))
    assert (tmp_path / "page" / "report.html").stat().st_size > 10_000


def test_every_path_of_the_file_map_exists():
    """The map of the house is the house."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = re.findall(
        r"^      ([a-z_./, ]+?)(?:   |$)", text.split("## The house")[1].split("## Develop")[0], re.MULTILINE
    )
    names = [name for room in rooms for name in re.split(r"[, ]+", room.strip())]
    assert len(names) > 12
    assert all((ROOT / "narrator_ray" / name).exists() for name in names)
