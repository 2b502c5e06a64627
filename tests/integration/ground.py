"""The near side of ``chaos_ground`` and ``job_ground``: commands, what a run has left, what may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

PATIENCE_S = 120.0


class Ground:
    """A cluster in another process.

    Args:
        log: Where the program's stderr goes.
        program: Module that owns the cluster.

    Attributes:
        address: Of the cluster.
        head: Process id of the raylet of its first node.
    """

    def __init__(self, log: Path, program: str = "tests.integration.chaos_ground") -> None:
        with log.open("wb") as errors:
            self._program = subprocess.Popen(
                [sys.executable, "-m", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._log = log
        ready = self.answer()
        self.address, self.head = str(ready["address"]), int(ready["raylet"])

    def tell(self, do: str, **command: Any) -> None:
        """Send a command."""
        print(json.dumps({"do": do, **command}), file=self._program.stdin, flush=True)

    def answer(self) -> dict[str, Any]:
        """Wait for what came of it."""
        line = self._program.stdout.readline()
        assert line, self._log.read_text()
        return json.loads(line)

    def close(self) -> None:
        """End the program and its cluster."""
        self._program.communicate(timeout=PATIENCE_S)


def wait_for(look: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first thing seen that is true."""
    deadline = time.monotonic() + patience_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
    return seen


def workers(raylet: int, title: str) -> list[psutil.Process]:
    """Workers of a node that are at what the title says just now."""
    found = []
    for process in psutil.Process(raylet).children():
        try:
            if title in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def kill_node(raylet: int) -> None:
    """All at once, as when a machine loses its power."""
    processes = [psutil.Process(raylet), *psutil.Process(raylet).children(recursive=True)]
    for process in processes:
        if process.is_running():
            os.kill(process.pid, signal.SIGKILL)


def objects_in(out: Path, folder: str) -> dict[str, bytes]:
    """Complete objects by name."""
    files = (path for path in (out / folder).rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def count_in(out: Path, folder: str) -> int:
    """How many complete objects there are."""
    return sum(not name.startswith(".") for _, _, names in os.walk(out / folder) for name in names)


def mugs(video: str, number: int) -> list[dict[str, Any]]:
    """Rows of a manifest: so many products, all with the same film."""
    return [{"video_id": f"v{n}", "video": video, "product": {"name": f"Mug {n}"}} for n in range(number)]


def told_by(program: str, *arguments: str, patience_s: float = 380.0) -> Any:
    """What a module of this package that owns a cluster prints of its run."""
    command = [sys.executable, "-m", f"tests.integration.{program}", *arguments]
    environment = os.environ | {"RAY_AUTH_MODE": "disabled"}  # or what a Ray in this process set there is inherited
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=patience_s, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
