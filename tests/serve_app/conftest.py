"""What the endpoint's tests share: a film and an endpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve_app.ground import Ground, endpoint
from tests.video_files import write_video


@pytest.fixture(scope="session")
def film_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of three scenes."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="session")
def film(film_path: Path) -> bytes:
    """The same as bytes."""
    return film_path.read_bytes()


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """An endpoint with its usual settings."""
    with endpoint() as usual:
        yield usual
