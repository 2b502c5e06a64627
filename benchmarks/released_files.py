"""How the paper's released scripts prepare videos, for benchmarks: a step for all videos at a time, files in between.

ffmpeg writes one JPEG a second; a torch DataLoader reads them; every frame's features become a file; the files of each
clip are merged into one. Written anew after the schedule of those scripts; the encoder is ours.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from torch.utils.data import DataLoader, Dataset

from narrator_ray.model.vision_encoder import VisionEncoder
from narrator_ray.records import Clip

BATCH_FRAMES, LOADER_WORKERS = 32, 2


@dataclass(frozen=True, slots=True)
class Film:
    """A video file and its clips."""

    path: Path
    clips: tuple[Clip, ...]


class Jpegs(Dataset[npt.NDArray[np.uint8]]):
    """Pictures of a list of files, their middle squares, [3, S, S]."""

    def __init__(self, paths: Sequence[Path], side_px: int) -> None:
        self._paths = paths
        self._side_px = side_px

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> npt.NDArray[np.uint8]:
        with Image.open(self._paths[index]) as picture:
            square = ImageOps.fit(picture.convert("RGB"), (self._side_px, self._side_px))
        return np.asarray(square).transpose(2, 0, 1)


def has_ffmpeg() -> bool:
    """Whether ffmpeg is installed."""
    return shutil.which("ffmpeg") is not None


def prepare_released(films: Sequence[Film], encoder: VisionEncoder, folder: Path) -> dict[str, float]:
    """Seconds of each step, for all films."""
    steps: dict[str, Callable[[], None]] = {
        "ffmpeg to JPEGs": lambda: _extract(films, folder),
        "DataLoader, one .npy a frame": lambda: _encode(encoder, folder),
        "merge per clip": lambda: _merge(films, folder),
    }
    seconds = {}
    for name, step in steps.items():
        started = time.perf_counter()
        step()
        seconds[name] = time.perf_counter() - started
    return seconds


def _extract(films: Sequence[Film], folder: Path) -> None:
    for film in films:
        frames = folder / film.path.stem
        frames.mkdir(parents=True)
        command = ["ffmpeg", "-loglevel", "error", "-i", str(film.path), "-vf", "fps=1", "-q:v", "2"]
        subprocess.run([*command, str(frames / "%05d.jpg")], check=True)  # noqa: S603


def _encode(encoder: VisionEncoder, folder: Path) -> None:
    paths = sorted(folder.glob("*/*.jpg"))
    loader = DataLoader(Jpegs(paths, encoder.image_size_px), BATCH_FRAMES, num_workers=LOADER_WORKERS)
    places = iter(paths)
    for frames_TCHW in loader:
        for tokens_QD, path in zip(encoder.encode(frames_TCHW.numpy()), places, strict=False):
            np.save(path.with_suffix(".npy"), tokens_QD)


def _merge(films: Sequence[Film], folder: Path) -> None:
    for film in films:
        files = sorted((folder / film.path.stem).glob("*.npy"))
        for index, clip in enumerate(film.clips):
            first = min(int(clip.start_s), len(files) - 1)
            own = files[first : max(first + 1, int(clip.end_s))]
            np.save(folder / film.path.stem / f"clip-{index}.npy", np.stack([np.load(path) for path in own]))
