"""How far the released and the standard definition of every metric lie apart, on texts without a model's.

    python benchmarks/metric_definitions.py SHARED        a folder with data/esyncvidstory, data/words.txt and golden/

Two sets of narrations are made of the references of the data set's first 300 test videos:
  edited  a clip's own reference without every sixth character; of 50 clips one is empty and one has three characters
  other   what the next video's reference says in a clip with the same script labels, or else in the clip of that place
InfoSim and InfoDiverse take counts of characters and pairs for vectors, so that only texts nearly equal are close.
EMScore is measured on the 40 recorded videos with their narrations, frames and tiny random network.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.evaluation.narrated_clips import NarratedClip, read_narrated_clips
from narrator_ray.evaluation.run import TEXT_METRICS, evaluate
from narrator_ray.evaluation.scores import Score
from narrator_ray.evaluation.stories import JudgedStory, join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics import emscore
from narrator_ray.metrics.clip_model import ClipModel
from narrator_ray.metrics.table import METRICS
from narrator_ray.metrics.words import word_tagger
from narrator_ray.records import Video

DIM = 4096
EDITED_EVERY, SPECIAL_EVERY, SHORT = 6, 50, 3


class CharacterCounts:
    """Vectors of texts: how often each character and each pair of neighbours occurs."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [N, D], of length 1; the empty text has the vector of a blank."""
        counts = np.zeros((len(texts), DIM), np.float32)
        for row, text in enumerate(texts):
            np.add.at(counts[row], _pieces(text or " "), 1)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@cache
def _pieces(text: str) -> list[int]:
    pieces = (*text, *(text[place : place + 2] for place in range(len(text) - 1)))
    return [zlib.crc32(piece.encode()) % DIM for piece in pieces]


def edited(videos: Sequence[Video]) -> Iterator[NarratedClip]:
    """Every clip's own reference, changed."""
    number = 0
    special = {SPECIAL_EVERY // 4: 0, SPECIAL_EVERY // 2: SHORT}
    for video in videos:
        for place, text in enumerate(video.narrations or ()):
            changed = "".join(character for at, character in enumerate(text, 1) if at % EDITED_EVERY)
            kept = special.get(number % SPECIAL_EVERY)
            yield NarratedClip(video.video_id, place, changed if kept is None else text[:kept], None)
            number += 1


def other(videos: Sequence[Video]) -> Iterator[NarratedClip]:
    """What the next video says where it does the same."""
    for video, following in zip(videos, [*videos[1:], videos[0]], strict=True):
        texts = following.narrations or ()
        of_labels = dict(zip(following.storyline or (), texts, strict=True))
        for place, labels in enumerate(video.storyline or ()):
            yield NarratedClip(video.video_id, place, of_labels.get(labels, texts[place % len(texts)]), labels)


def text_rows(name: str, stories: Sequence[JudgedStory], tools: Tools) -> Iterator[str]:
    """A line of the table for every metric with two definitions."""
    metrics = [metric for metric in TEXT_METRICS if len(METRICS[metric].definitions) == 2]
    outcomes = evaluate(stories, metrics, tools)
    values = {(item.metric, item.definition): item for item in outcomes if isinstance(item, Score)}
    for outcome in outcomes:
        if not isinstance(outcome, Score):
            yield f"| {outcome.metric} | {name} | {outcome.definition}: {outcome.reason} |"
    for metric in metrics:
        pair = [values.get((metric, definition)) for definition in ("released", "standard")]
        if None not in pair:
            yield row(metric, name, *(item for item in pair if item is not None))


def row(metric: str, name: str, released: Score, standard: Score) -> str:
    """Both values in the metric's scale, their difference, and what was left out."""
    scale = METRICS[metric].scale
    ours, theirs = standard.value * scale, released.value * scale
    left_out = f"{released.num_left_out} / {standard.num_left_out}"
    return f"| {metric} | {name} | {theirs:.1f} | {ours:.1f} | {ours - theirs:+.1f} | {left_out} |"


def emscore_rows(recorded: Path) -> Iterator[str]:
    """Lines of EMScore for the recorded videos, and of it with references."""
    videos = import_esyncvidstory(str(recorded / "all_video_data.json"), "films", on_missing="unchecked").videos
    stories = join(read_narrated_clips(str(recorded / "output.json")), videos).stories
    with np.load(recorded / "frame_features.npz") as stored:
        clips = [(clip, emscore.sampled_frames(stored[clip.key])) for story in stories for clip in story.clips]
    told = [(clip, frames) for clip, frames in clips if len(clip.narration or "") >= emscore.SHORTEST_RELEASED]
    model, tagger = ClipModel.load(recorded / "chinese_clip_tiny"), word_tagger("zh")

    def embedded(text: str) -> emscore.EmbeddedText:
        vectors = model.embed_texts([text, *emscore.content_words(tagger.tag(text))])
        return emscore.EmbeddedText(vectors[0], vectors[1:])

    texts = [embedded(clip.narration or "") for clip, _ in told]
    references = [embedded((clip.reference or "")[: emscore.RELEASED_REFERENCE_CHARACTERS]) for clip, _ in told]
    frames = [(some, emscore.mean_frame(some)) for _, some in told]
    words = [(text.words_WD, text.whole_D) for text in references]
    seen, read = (_both(texts, others) for others in (frames, words))
    with_reference = [
        [emscore.with_reference(*pair) for pair in zip(*both, strict=True)] for both in zip(seen, read, strict=True)
    ]
    for name, (released, standard) in (("emscore", seen), ("emscore_ref", with_reference)):
        scores = [[item.score for item in some] for some in (released, standard)]
        left_out = len(clips) - len(told)
        ours = Score(name, "standard", sum(scores[1]) / len(clips), {})
        yield row(name, "recorded", Score(name, "released", float(np.mean(scores[0])), {}, left_out), ours)


def _both(
    texts: Sequence[emscore.EmbeddedText], others: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[list[emscore.EmScore], list[emscore.EmScore]]:
    sizes = [len(text.words_WD) for text in texts], [len(some) for some, _ in others]
    padding = emscore.released_padding(*sizes)
    released = [
        emscore.released_emscore(text, *other, pad) for text, other, pad in zip(texts, others, padding, strict=True)
    ]
    return released, [emscore.standard_emscore(text, *other) for text, other in zip(texts, others, strict=True)]


def main(shared: Path) -> None:
    """Print the table."""
    from sentencepiece import SentencePieceProcessor

    encode: Callable[[str], list[int]] = SentencePieceProcessor(
        model_file=str(shared / "golden" / "tokenizer_ch" / "tokenizer.model")
    ).encode
    tools = Tools(encode, CharacterCounts(), str(shared / "data" / "words.txt"))
    file = shared / "data" / "esyncvidstory" / "test_first300.json"
    videos = import_esyncvidstory(str(file), "films", on_missing="unchecked").videos
    print("| metric | narrations | released | standard | difference | left out |\n|---|---|---|---|---|---|")
    for name, made in (("edited", edited), ("other", other)):
        for line in text_rows(name, join(made(videos), videos).stories, tools):
            print(line, flush=True)
    for line in emscore_rows(shared / "golden" / "metrics"):
        print(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
