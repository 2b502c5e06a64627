"""A child process costs what it was doing, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrator_ray.video.child_process import (
    ChildCrashed,
    ChildLimits,
    ChildProcess,
    ChildTimedOut,
    ChildTooLarge,
    cpu_seconds,
    resident_bytes,
)

MODULE = "tests.video.faulty_child"
MIB = 1 << 20


@pytest.fixture
def child() -> Iterator[ChildProcess]:
    """A child that may take a second and 128 MiB a call."""
    process = ChildProcess(MODULE, ChildLimits(timeout_s=20, memory_bytes=128 * MIB, calls=100))
    yield process
    process.close()


def is_running(pid: int) -> bool:
    """Whether any thread of a process lives, zombies apart."""
    try:
        threads = [task.joinpath("stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        return False
    return any(stat.rsplit(")", 1)[1].split()[0] not in "ZX" for stat in threads)


def test_one_child_serves_many_calls(child: ChildProcess) -> None:
    """Text and bytes come back whole; the process is the same."""
    answers = [child.call("echo", text=text, num_blobs=2) for text in ("red", "蓝色")]
    assert [answer.values["text"] for answer in answers] == ["red", "蓝色"]
    assert answers[1].blobs == ("蓝色".encode() * 100_000,) * 2
    assert {answer.values["pid"] for answer in answers} == {child.pid}


@pytest.mark.parametrize(("operation", "words"), [("crash", "killed by SIGSEGV"), ("leave", "ended with exit code 7")])
def test_a_death_is_told_and_the_next_call_is_served(
    child: ChildProcess, tmp_path: Path, operation: str, words: str
) -> None:
    """By another child."""
    first = child.call("echo", text="a").values["pid"]
    with pytest.raises(ChildCrashed, match=words):
        child.call(operation, path=str(tmp_path / "tries"))
    assert child.call("echo", text="b").values["pid"] != first


def test_a_child_killed_between_calls_is_replaced(child: ChildProcess) -> None:
    """Nobody's call fails because of it."""
    first = child.call("echo", text="a").values["pid"]
    os.kill(first, signal.SIGKILL)
    while is_running(first):
        time.sleep(0.01)
    assert child.call("echo", text="b").values["text"] == "b"


def test_a_hung_call_is_stopped() -> None:
    """And its process is gone."""
    child = ChildProcess(MODULE, ChildLimits(timeout_s=3, memory_bytes=128 * MIB, calls=100))
    pid = child.call("echo", text="a").values["pid"]
    with pytest.raises(ChildTimedOut, match="longer than 3 s"):
        child.call("hang")
    assert not is_running(pid)
    assert child.pid is None


def test_a_call_that_eats_memory_is_stopped(child: ChildProcess) -> None:
    """At its limit; what fits is let through."""
    assert child.call("eat", mib=16).values == {"eaten": 16}
    with pytest.raises(ChildTooLarge, match="more than 128 MiB"):
        child.call("eat", mib=200)


def test_memory_that_can_never_be_had_is_refused_at_once(child: ChildProcess) -> None:
    """The child itself says so and lives on."""
    pid = child.call("echo", text="a").values["pid"]
    assert child.call("reserve", mib=1024).values == {"out_of_memory": True}
    assert child.call("echo", text="a").values["pid"] == pid


def test_an_answer_that_is_too_large_is_not_taken() -> None:
    """The parent's memory is not the child's to fill; the next call is served."""
    child = ChildProcess(MODULE, ChildLimits(timeout_s=20, memory_bytes=128 * MIB, calls=100))
    child.call("echo", text="a")
    with pytest.raises(ChildCrashed, match="for what it sent"):
        child.call("flood", mib=140)
    assert child.call("echo", text="b").values["text"] == "b"
    child.close()


def test_what_is_rejected_and_what_fails_comes_back_as_such(child: ChildProcess) -> None:
    """Errors are values; no object of the child's making is rebuilt here."""
    assert child.call("reject").values == {"rejected": ["video_empty", "nothing in it"]}
    assert child.call("stumble").values == {"failed": "KeyError: 'pts'"}


def test_a_child_is_replaced_after_its_calls() -> None:
    """Two calls each."""
    child = ChildProcess(MODULE, ChildLimits(timeout_s=20, memory_bytes=128 * MIB, calls=2))
    pids = [child.call("echo", text="a").values["pid"] for _ in range(4)]
    child.close()
    assert pids[0] == pids[1] != pids[2] == pids[3]
    assert not is_running(pids[0])
    assert not is_running(pids[3])


def test_a_hung_child_does_not_outlive_its_parent() -> None:
    """Even when the parent is killed without a chance to say goodbye."""
    script = (
        "from narrator_ray.video.child_process import *\n"
        f"child = ChildProcess({MODULE!r}, ChildLimits(60, 1 << 28, 100))\n"
        "print(child.call('echo', text='a').values['pid'], flush=True)\n"
        "child.call('hang')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)


def test_resident_memory_of_nobody_is_nothing() -> None:
    """A process that ended while it was looked at is no error."""
    assert resident_bytes(2**22 + 1) == 0
    assert resident_bytes(os.getpid()) > MIB


def burn(child: ChildProcess) -> float:
    """CPU time that a call with some work took."""
    before_s = child.cpu_s
    child.call("eat", mib=60)
    return child.cpu_s - before_s


def test_cpu_time_of_children_is_counted(child: ChildProcess, tmp_path: Path) -> None:
    """Starting, working and dying; nothing is forgotten when a child is gone."""
    assert child.cpu_s == 0
    assert burn(child) > 0
    seen_s = [child.cpu_s]
    with pytest.raises(ChildCrashed):
        child.call("crash", path=str(tmp_path / "tries"))
    seen_s.append(child.cpu_s)
    child.call("echo", text="another")
    child.close()
    seen_s.append(child.cpu_s)
    assert seen_s == sorted(seen_s)
    assert seen_s[2] > seen_s[1]
    assert cpu_seconds(2**22 + 1) == 0
