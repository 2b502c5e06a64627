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
from narrator_ray.demo.products import make_product
from narrator_ray.demo.script import write_script
from narrator_ray.demo.storyboard import Split, Storyboard, make_storyboard, split_of
from narrator_ray.records import JsonDict

STOREFRONT_VERSION = "2"
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
) -> Path:
    """Draw a catalogue: ``directory/videos/*.mp4`` and ``directory/catalog.jsonl``.

    Films that are there already with the same content are left untouched; a catalogue that is there already is not
    drawn again. A film is there whole or not at all.

    Args:
        directory: Where; made if it is not there.
        num_videos: How many films.
        seed: Which storefront.
        split: Only pairs of product kind and colour of this split.
        give_clips: Whether the manifest holds clips, storylines and references.

    Returns:
        Path of the manifest.
    """
    folder = Path(directory)
    manifest = folder / "catalog.jsonl"
    films = [make_storyboard(seed * _SEEDS_PER_CATALOG + index, split=split) for index in range(num_videos)]
    rows = [_row(index, film, _is_given(index, give_clips)) for index, film in enumerate(films)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    stamp = json.dumps({"version": STOREFRONT_VERSION, "manifest": text})
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    is_known = _read(folder / _STAMP) == stamp.encode()
    for row, film in zip(rows, films, strict=True):
        path = folder / row["video"]
        if not (is_known and path.is_file()):
            _draw(path, film)
    _replace(manifest, text.encode())
    _replace(folder / _STAMP, stamp.encode())
    return manifest


def _is_given(index: int, give_clips: GiveClips) -> bool:
    return give_clips == "all" or (give_clips == "alternate" and index % 2 == 0)


def _row(index: int, film: Storyboard, is_given: bool) -> JsonDict:
    product = make_product(film.seed, film.kind)
    script = write_script(film, product)
    video_id = f"{film.kind}-{film.colour}-{index:04d}"
    row: JsonDict = {
        "video_id": video_id,
        "video": f"videos/{video_id}.mp4",
        "product": product.to_product().to_json(),
        "language": "en",
    }
    if is_given:
        row["clips"] = [{"start_s": start_s, "end_s": end_s} for start_s, end_s in film.spans_s]
        row["narrations"] = [shot.narration for shot in script]
        if index % 4 == 0:
            row["storyline"] = [[str(shot.label)] for shot in script]
    truth = [
        {
            "start_s": start_s,
            "end_s": end_s,
            "product": shot.kind,
            "colour": shot.colour,
            "scene": shot.scene,
            "motion": shot.motion,
            "script_labels": [str(scripted.label)],
            "narration": scripted.narration,
            "mentions": list(scripted.mentions),
        }
        for (start_s, end_s), shot, scripted in zip(film.spans_s, film.shots, script, strict=True)
    ]
    row["extra"] = {"truth": {"seed": film.seed, "split": split_of(film.kind, film.colour), "clips": truth}}
    return row


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
