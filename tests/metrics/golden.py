"""What the released code computed for 40 videos, when it is there."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.metrics.words import WordTagger, word_tagger
from narrator_ray.records import Video

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden" / "metrics"
TOLERANCE = 1e-4
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="recorded outputs of the released code are not here")


@cache
def recorded(name: str) -> Any:
    """A recorded JSON file; ``.gz`` is unpacked."""
    file = GOLDEN / name
    data = gzip.decompress(file.read_bytes()) if name.endswith(".gz") else file.read_bytes()
    return json.loads(data)


@cache
def videos() -> dict[str, Video]:
    """The videos as our importer reads them, by id."""
    imported = import_esyncvidstory(str(GOLDEN / "all_video_data.json"), "films", on_missing="unchecked")
    return {video.video_id: video for video in imported.videos}


@cache
def frames() -> dict[str, np.ndarray]:
    """Frame vectors of every clip, [T, 24], as the released code was given them."""
    with np.load(GOLDEN / "frame_features.npz") as stored:
        return dict(stored)


def narrations() -> dict[str, str | None]:
    """The narration of every clip of the recorded output, None where it has none, by ``<video>_<clip>``."""
    return {key: entry.get("0.1") for key, entry in recorded("output.json").items()}


def stories() -> dict[str, dict[int, str]]:
    """The narrations of every video, by clip, in the order of the released list of ids."""
    texts = narrations()
    ids = [line.removesuffix(".mp4") for line in (GOLDEN / "test_ids.txt").read_text().splitlines()]
    numbers = {video_id: range(len(recorded("all_video_data.json")[f"{video_id}.mp4"]["frames"])) for video_id in ids}
    return {
        video_id: {n: text for n in numbers[video_id] if (text := texts.get(f"{video_id}_{n}")) is not None}
        for video_id in ids
    }


def tagger(has_user_dictionary: bool) -> WordTagger:
    """jieba, with the released user dictionary if asked."""
    return word_tagger("zh", str(SHARED / "data" / "words.txt") if has_user_dictionary else None)
