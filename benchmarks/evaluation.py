"""An evaluation of 600 videos in this process and on Ray with two CPUs: seconds, and whether the numbers are the same.

Run: python benchmarks/evaluation.py SHARED [--frames]

Texts are those of the data set's first 300 videos, twice, every clip's reference beside itself without every sixth or
fifth character. Models are tiny and random: what is timed is everything around them. With --frames EMScore decodes a
video of the storefront for every story, drawn anew from eight.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.catalog.manifest import read_manifest
from narrator_ray.demo import write_catalog
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.run import TEXT_METRICS, evaluate
from narrator_ray.evaluation.scores import Score
from narrator_ray.evaluation.stories import JudgedStory, join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.records import Clip, Video

TEXT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
DROPPED_EVERY = (6, 5)


def save_models(directory: Path, characters: Sequence[str]) -> tuple[Path, Path]:
    """A BERT and a Chinese-CLIP that know those characters."""
    from transformers import BertConfig, BertModel, ChineseCLIPConfig, ChineseCLIPModel

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    text = TEXT | {"vocab_size": len(words), "max_position_embeddings": 128}
    sides = dict.fromkeys(("hidden_size", "intermediate_size", "image_size"), 32)
    vision = {**sides, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 16}
    clip = ChineseCLIPConfig(text_config=text, vision_config=vision, projection_dim=32)
    places = directory / "bert", directory / "clip"
    for place, model in zip(places, (BertModel(BertConfig(**text)), ChineseCLIPModel(clip)), strict=True):
        model.save_pretrained(place)
        (place / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
        (place / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    size = {"height": 32, "width": 32}
    processor = {"image_processor_type": "ChineseCLIPImageProcessor", "size": size, "crop_size": size}
    (places[1] / "preprocessor_config.json").write_text(json.dumps(processor))
    return places


def rows(shared: Path, films: Sequence[Video]) -> Iterator[Video]:
    """Every video twice, its clips squeezed into the length of a film if there are films."""
    file = shared / "data" / "esyncvidstory" / "test_first300.json"
    videos = import_esyncvidstory(str(file), "films", on_missing="unchecked").videos
    for turn in range(len(DROPPED_EVERY)):
        for place, video in enumerate(videos):
            own = replace(video, video_id=f"{video.video_id}-{turn}", extra={})
            yield own if not films else _in_film(own, films[place % len(films)])


def _in_film(video: Video, film: Video) -> Video:
    clips = video.clips or ()
    scale = (film.clips or ())[-1].end_s / clips[-1].end_s
    squeezed = tuple(Clip(clip.start_s * scale, clip.end_s * scale) for clip in clips)
    return replace(video, uri=film.uri, clips=squeezed)


def edited(videos: Sequence[Video]) -> Iterator[NarratedClip]:
    """Every clip's reference without some of its characters."""
    for video in videos:
        every = DROPPED_EVERY[int(video.video_id[-1])]
        for place, text in enumerate(video.narrations or ()):
            kept = "".join(character for at, character in enumerate(text, 1) if at % every)
            labels = (video.storyline or ())[place]
            yield NarratedClip(video.video_id, place, kept, labels)


def timed(what: str, stories: Sequence[JudgedStory], run: Any) -> list[Any]:
    """Outcomes, and how long they took."""
    started_s = time.perf_counter()
    found: list[Any] = run()
    print(f"{what}: {time.perf_counter() - started_s:.1f} s for {len(stories)} stories", flush=True)
    return found


def main(shared: Path, has_frames: bool) -> None:
    """Print seconds of both, and the largest difference of a value."""
    from narrator_ray.stages.evaluate import evaluate_on_ray

    with tempfile.TemporaryDirectory() as folder:
        films = read_manifest(str(write_catalog(folder, 8, give_clips="all"))) if has_frames else ()
        videos = list(rows(shared, films))
        stories = join(edited(videos), videos).stories
        texts = (text for video in videos for text in (*(video.narrations or ()), video.product.name))
        bert, clip = save_models(Path(folder), sorted(set("".join(texts))))
        tools = Tools(bert, bert, str(shared / "data" / "words.txt"), clip)
        metrics = [name for name in TEXT_METRICS if name != "meteor"] + ["emscore", "emscore_ref"] * has_frames
        on_ray = timed("on Ray, its start included", stories, lambda: evaluate_on_ray(stories, metrics, tools))
        here = timed("in this process", stories, lambda: evaluate(stories, metrics, tools))
    values = [(a.value, b.value) for a, b in zip(on_ray, here, strict=True) if isinstance(a, Score)]
    print(f"{len(values)} values, largest difference {max(abs(a - b) for a, b in values):.1e}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--frames" in sys.argv[2:])
