"""Where the data set's files lie, if they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared"


def shared_file(path: str) -> str:
    """The path of a file beside the repository; skips the test where it is absent."""
    file = SHARED / path
    if not file.exists():
        pytest.skip(f"{file} is absent: the data set's files are not part of the project")
    return str(file)
