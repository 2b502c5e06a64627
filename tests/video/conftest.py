"""Video files that all tests of this package share; written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from narrator_ray.errors import RejectReason
from tests.video_files import write_broken_videos, write_good_videos


@pytest.fixture(scope="session")
def good_videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One video of every kind that is read."""
    return write_good_videos(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def broken_videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, RejectReason]]:
    """One file of every kind that is rejected, with the reason."""
    return write_broken_videos(tmp_path_factory.mktemp("broken"))
