"""The storefront's catalogue: films on disk, the manifest that sells them, and the truth about every clip.

Half of the films come with clips, references and, every other time, a storyline; of the others nothing is given but the
product, as in a shop that has never annotated a film.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Literal

from narrator_ray.demo.film import draw_video
from narrator_ray.demo.films import Film, make_film
from narrator_ray.demo.splits import Split
from narrator_ray.demo.storyboard import Storyboard
from narrator_ray.records import JsonDict

STOREFRONT_VERSION = "4"
"""Changes when the same seed would give other pictures or other texts."""

GiveClips = Literal["all", "none", "alternate"]
_STAMP = ".storefront.json"
_SEEDS_PER_CATALOG = 1_000_003


def write_catalog(
    directory: Path | str,
    num_videos: int = 8,
    seed: int = 0,
    *,
    split: Split | None = None,
    give_clips: GiveClips = "alternate",
    draw_films: bool = True,
) -> Path:
    """Draw a catalogue: ``directory/videos/*.mp4`` and ``directory/catalog.jsonl``.

    Films that are there already with the same content are left untouched; a catalogue that is there already is not
    drawn again. A film is there whole or not at all.

    Args:
        directory: Where; made if it is not there.
        num_videos: How many films.
        seed: Which storefront.
        split: Only names, sets of facts and pairs of form and colour of this split.
        give_clips: Whether the manifest holds clips, storylines and references.
        draw_films: False: write the manifest only.

    Returns:
        Path of the manifest.
    """
    folder = Path(directory)
    manifest = folder / "catalog.jsonl"
    films = [make_film(seed * _SEEDS_PER_CATALOG + index, split=split) for index in range(num_videos)]
    rows = [_row(index, film, _is_given(index, give_clips)) for index, film in enumerate(films)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    stamp = json.dumps({"version": STOREFRONT_VERSION, "manifest": text})
    folder.mkdir(parents=True, exist_ok=True)
    if draw_films:
        is_known = _read(folder / _STAMP) == stamp.encode()
        (folder / "videos").mkdir(exist_ok=True)
        for row, film in zip(rows, films, strict=True):
            path = folder / row["video"]
            if not (is_known and path.is_file()):
                _draw(path, film.storyboard)
        _replace(folder / _STAMP, stamp.encode())
    _replace(manifest, text.encode())
    return manifest


def _is_given(index: int, give_clips: GiveClips) -> bool:
    return give_clips == "all" or (give_clips == "alternate" and index % 2 == 0)


def _row(index: int, film: Film, is_given: bool) -> JsonDict:
    board = film.storyboard
    video_id = f"{board.form}-{board.colour}-{index:04d}"
    video = film.to_video(video_id, f"videos/{video_id}.mp4").to_json()
    given = ["clips", "narrations", *(["storyline"] if index % 4 == 0 else [])] if is_given else []
    return {name: video[name] for name in ("video_id", "video", "product", "language", *given, "extra")}


def _draw(path: Path, film: Storyboard) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".drawing-") as private:
        drawn = Path(private) / path.name
        draw_video(drawn, film)
        if _read(path) != drawn.read_bytes():
            drawn.replace(path)


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; the same content is left untouched."""
    if _read(path) == data:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as stream:
        stream.write(data)
    Path(stream.name).chmod(0o644)
    Path(stream.name).replace(path)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
