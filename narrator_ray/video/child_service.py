"""The inside of a child process: answers calls until its parent hangs up or dies.

Knows nothing of what its operations do. See ``video.child_process`` for the parent's side.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from narrator_ray.errors import ItemError

Operation = Callable[..., tuple[Mapping[str, Any], list[bytes]]]
"""Takes JSON values by name; gives JSON values by name, and bytes to send beside them."""

_LIMIT_FACTOR = 2
"""Data may be reserved up to so many times the memory that may be resident: beyond it, allocating fails at once."""


def serve(operations: Mapping[str, Operation]) -> None:
    """Answer calls. The command line holds the number of the socket and the bytes of memory that a call may take."""
    connection, memory_bytes = Connection(int(sys.argv[1])), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_data(_LIMIT_FACTOR * memory_bytes)
    _end_with_parent()
    while True:
        try:
            name, arguments = json.loads(connection.recv_bytes())
        except (EOFError, ConnectionError):
            return
        values, blobs = _answer(operations[name], arguments)
        connection.send_bytes(json.dumps({**values, "num_blobs": len(blobs)}).encode())
        for blob in blobs:
            connection.send_bytes(blob)


def _answer(operation: Operation, arguments: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[bytes]]:
    """What an operation gives, or what went wrong with it."""
    try:
        return operation(**arguments)
    except ItemError as error:
        return {"rejected": [error.reason, error.detail]}, []
    except MemoryError:
        return {"out_of_memory": True}, []
    except Exception as error:  # noqa: BLE001 - handed to the parent, whose per-item boundary it meets
        return {"failed": f"{type(error).__name__}: {error}"}, []


def _limit_data(num_bytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = num_bytes if hard == resource.RLIM_INFINITY else min(num_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def _end_with_parent() -> None:
    """A hung call does not outlive a parent that was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
