"""A child whose operations do what broken videos make decoders do. Run as a module by tests."""

import os
import signal
import time
from pathlib import Path

from narrator_ray.errors import RejectReason, UnreadableVideo
from narrator_ray.video.child_service import serve


def echo(text: str, num_blobs: int = 0) -> tuple[dict, list[bytes]]:
    """The text, the process that says it, and some bytes."""
    return {"text": text, "pid": os.getpid()}, [text.encode() * 100_000] * num_blobs


def crash(path: str, times: int = 99, **_: object) -> tuple[dict, list[bytes]]:
    """Dies like a decoder that reads where it may not, so many times; a file counts."""
    tries = Path(path)
    num_before = len(tries.read_text()) if tries.exists() else 0
    if num_before < times:
        tries.write_text("x" * (num_before + 1))
        os.kill(os.getpid(), signal.SIGSEGV)
    return {"pid": os.getpid()}, []


def flood(mib: int, **_: object) -> tuple[dict, list[bytes]]:
    """Answers with more than anybody asked for."""
    return {}, [bytes(mib << 20)]


def leave(**_: object) -> tuple[dict, list[bytes]]:
    """Ends without a word."""
    os._exit(7)


def hang(**_: object) -> tuple[dict, list[bytes]]:
    """Never answers."""
    while True:
        time.sleep(60)


def eat(mib: int, **_: object) -> tuple[dict, list[bytes]]:
    """Takes memory and keeps it for a while."""
    eaten = [os.urandom(1 << 20) for _ in range(mib)]
    time.sleep(1)
    return {"eaten": len(eaten)}, []


def reserve(mib: int, **_: object) -> tuple[dict, list[bytes]]:
    """Asks for more than there is, at once."""
    return {"eaten": len(bytearray(mib << 20))}, []


def reject(**_: object) -> tuple[dict, list[bytes]]:
    """What a decoder does with a broken file."""
    raise UnreadableVideo(RejectReason.VIDEO_EMPTY, "nothing in it")


def stumble(**_: object) -> tuple[dict, list[bytes]]:
    """A bug."""
    raise KeyError("pts")


if __name__ == "__main__":
    answering = {"echo": echo, "eat": eat, "reserve": reserve, "reject": reject, "stumble": stumble, "flood": flood}
    serve(answering | {"crash": crash, "leave": leave, "hang": hang, "split": crash, "sample": hang})
