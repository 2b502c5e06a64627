"""A child process for work that may crash, hang or eat memory: it costs what it was doing, and nothing else.

The parent keeps the time and the memory, kills what goes beyond them, and starts another child for the next call. A
child that has served long enough is replaced, so that what its libraries leak does not grow. Requests and answers are
JSON and plain bytes over a socket: nothing that a child sends is executed. Knows nothing of videos.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

_POLL_S = 0.05
_GOODBYE_S = 2.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may take.

    Attributes:
        timeout_s: Seconds of one call.
        memory_bytes: Resident memory, looked at while a call runs (on Linux).
        calls: Calls after which the child is replaced.
    """

    timeout_s: float
    memory_bytes: int
    calls: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child answers.

    Attributes:
        values: By name.
        blobs: Bytes that came beside them.
    """

    values: Mapping[str, Any]
    blobs: tuple[bytes, ...]


class ChildCrashed(Exception):
    """The child ended in the middle of a call; the text says by which signal or with which exit code."""


class ChildTimedOut(Exception):
    """A call took longer than it may."""


class ChildTooLarge(Exception):
    """A call took more memory than it may."""


class ChildProcess:
    """Runs a module in another Python process and calls its operations (see ``video.child_service``).

    Args:
        module: Name of the module, which is run with ``python -m``.
        limits: What a call may take.
    """

    def __init__(self, module: str, limits: ChildLimits) -> None:
        self._module = module
        self._limits = limits
        self._running: tuple[subprocess.Popen[bytes], Connection] | None = None
        self._num_calls = 0
        self._past_cpu_s = self._present_cpu_s = 0.0

    @property
    def cpu_s(self) -> float:
        """CPU time that this child and those before it have taken, in seconds."""
        self._read_cpu()
        return self._past_cpu_s + self._present_cpu_s

    @property
    def pid(self) -> int | None:
        """Process id of the child, if one is running."""
        return None if self._running is None else self._running[0].pid

    def call(self, operation: str, **arguments: Any) -> Answer:
        """Run an operation.

        Args:
            operation: Its name.
            arguments: JSON values.

        Raises:
            ChildCrashed, ChildTimedOut, ChildTooLarge: The child is gone; the next call starts another.
        """
        process, connection = self._ready()
        deadline = time.monotonic() + self._limits.timeout_s
        try:
            connection.send_bytes(json.dumps([operation, arguments]).encode())
            values = json.loads(self._receive(process, connection, deadline))
            blobs = tuple(self._receive(process, connection, deadline) for _ in range(values.pop("num_blobs")))
        except (EOFError, OSError) as error:  # it hung up, or sends more than it may
            raise ChildCrashed(self._cause_of_death(process)) from error
        self._num_calls += 1
        if self._num_calls >= self._limits.calls:
            self.close()
        return Answer(values, blobs)

    def close(self) -> None:
        """End the child; the next call starts another."""
        if self._running is None:
            return
        process, connection = self._running
        self._past_cpu_s, self._present_cpu_s = self.cpu_s, 0.0
        self._running = None
        connection.close()  # which the child takes as goodbye
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GOODBYE_S)
        process.kill()
        process.wait()

    def _read_cpu(self) -> None:
        if self.pid is not None:
            self._present_cpu_s = max(self._present_cpu_s, cpu_seconds(self.pid))

    def _ready(self) -> tuple[subprocess.Popen[bytes], Connection]:
        if self._running is not None and self._running[1].poll():  # between calls, only its end can be heard
            self.close()
        if self._running is None:
            self._running = self._start()
            self._num_calls = 0
        return self._running

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", self._module, str(theirs.fileno()), str(self._limits.memory_bytes)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        return process, Connection(ours.detach())

    def _receive(self, process: subprocess.Popen[bytes], connection: Connection, deadline: float) -> bytes:
        while not connection.poll(_POLL_S):
            if time.monotonic() > deadline:
                self._kill()
                raise ChildTimedOut(f"it took longer than {self._limits.timeout_s:g} s")
            if resident_bytes(process.pid) > self._limits.memory_bytes:
                self._kill()
                raise ChildTooLarge(f"it took more than {self._limits.memory_bytes >> 20} MiB of memory")
        return connection.recv_bytes(self._limits.memory_bytes)

    def _cause_of_death(self, process: subprocess.Popen[bytes]) -> str:
        self._read_cpu()  # which nobody can tell any more once it has been waited for
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GOODBYE_S)
        code = process.poll()
        self._kill()
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}" if code is not None else "ended for what it sent"

    def _kill(self) -> None:
        if self._running is not None:
            self._running[0].kill()
        self.close()


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far; 0 where there is none or the system does not tell."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
