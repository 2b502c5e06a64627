"""What keeping to a length window costs in fluency, beside no control and beside cutting off.

Run: python benchmarks/length.py [--films 8]  (or make bench-length)

Every clip of some storefront films is narrated by preset nano in three ways from the very same prompt, the story so far
as the engine tells it: by the engine; freely, until the model stops by itself or has written 100 tokens; and the free
text cut off after the highest number of words. Each text is then read by the model without any constraint: perplexity
over its tokens and the line break after it, so that a text which breaks off where the model would go on pays for it.

The last table is what the ban of told phrases does: words of a clip that earlier clips have, and the same perplexity.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from storefront_jobs import storefront_jobs
from torch.nn.functional import cross_entropy

from narrator_ray.config import DecodingSettings
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.narrator import VideoNarrator, as_tensor
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.model.vision_encoder import load_vision_encoder
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import count_words
from narrator_ray.narration.prompt import CLOSING, prompt_form
from narrator_ray.narration.prompt_tokens import tokenize_prompt

MOST_NEW_TOKENS = 100
LANES = 16
FORM = prompt_form("en", True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a narration is written: a clip of a story with the prompt before it.

    Attributes:
        result: What the engine wrote there.
        window: Lowest and highest number of words.
        embedded: [L, H], the prompt.
    """

    result: ClipResult
    window: tuple[int, int]
    embedded: torch.Tensor


class Reader:
    """The model without any constraint.

    Args:
        narrator: It.
    """

    def __init__(self, narrator: VideoNarrator) -> None:
        self._narrator = narrator

    def places(self, job: NarrationJob, results: Sequence[ClipResult]) -> Iterator[Place]:
        """Every clip of a video, the story so far as it was told."""
        document = self.encode(FORM.head(job.product), is_start=True)
        for index, (context, told) in enumerate(zip(job.contexts, results, strict=True)):
            document += self.encode(FORM.opening(index, len(job.clips)))
            scene = self.encode(FORM.scene(len(context.tokens_ND)))
            plan = self.encode(FORM.requirement(job.windows[index]))
            plan += self.encode("+".join(" " + label.name_in("en") for label in told.script_labels))
            plan += self.encode(FORM.narration_lead(index))
            visual = self._narrator.embed_visual(as_tensor(context.tokens_ND), context.position)
            embedded = self._narrator.embed(torch.tensor([*document, *scene, *plan]), [visual])
            yield Place(told, job.windows[index], embedded)
            document += [*plan, *self.encode(f" {told.text}{CLOSING}")]

    def write_freely(self, place: Place) -> str:
        """What the model writes until it stops."""
        written = self._narrator.llm.generate(
            inputs_embeds=place.embedded[None],
            attention_mask=torch.ones(1, len(place.embedded), dtype=torch.long),
            max_new_tokens=MOST_NEW_TOKENS,
            repetition_penalty=DecodingSettings().repetition_penalty,
            stop_strings=[CLOSING],
            tokenizer=self._narrator.tokenizer,
            do_sample=False,
            pad_token_id=0,
        )
        return str(self._narrator.tokenizer.decode(written[0], skip_special_tokens=True)).split(CLOSING)[0].strip()

    def surprise(self, place: Place, text: str) -> tuple[float, int]:
        """Negative log-likelihood of a text and the line break after it, in nats, and the number of its tokens."""
        ids = torch.tensor(self.encode(f" {text}{CLOSING}"))
        inputs = torch.cat([place.embedded, self._narrator.embed(ids)])
        logits = self._narrator(inputs[None]).logits[0, -len(ids) - 1 : -1].float()
        return float(cross_entropy(logits, ids, reduction="sum")), len(ids)

    def encode(self, text: str, is_start: bool = False) -> list[int]:
        """Token ids of a part of the prompt."""
        return tokenize_prompt(self._narrator.tokenizer, text, is_start)


def cut_off(text: str, most_words: int) -> str:
    """The first words of a text."""
    return " ".join(text.split()[:most_words])


def repetition(stories: Iterable[Sequence[str]]) -> float:
    """Share of a clip's words that an earlier clip has, once for every clip that has them; mean over stories."""
    shares = []
    for story in stories:
        clips = [[word for word in re.findall(r"[\w'-]+", text.lower()) if len(word) > 1] for text in story]
        told = [
            sum(word in earlier for word in words for earlier in clips[:index]) / max(1, len(words))
            for index, words in enumerate(clips)
        ]
        shares.append(sum(told[1:]) / (len(told) - 1))
    return sum(shares) / len(shares)


def told_by(engine: NarrationEngine, jobs: Sequence[NarrationJob]) -> list[list[ClipResult]]:
    """The stories of all jobs."""
    events = [event for event in engine.narrate(jobs) if isinstance(event, ClipResult)]
    return [[event for event in events if event.job_id == job.job_id] for job in jobs]


def print_row(name: str, reader: Reader, places: Sequence[Place], texts: Sequence[str], free: float | None) -> float:
    """One way of writing; gives its perplexity."""
    is_inside = [low <= count_words(text, "en") <= high for text, (low, high) in _windows(texts, places)]
    is_ended = [text.endswith((".", "!", "?")) for text in texts]
    surprises = [reader.surprise(place, text) for place, text in zip(places, texts, strict=True)]
    perplexity = math.exp(sum(nats for nats, _ in surprises) / sum(count for _, count in surprises))
    relative = perplexity / (free or perplexity)
    shares = f"{sum(is_inside) / len(texts):>10.0%}{sum(is_ended) / len(texts):>14.0%}"
    print(f"{name:<12}{len(texts):>6}{shares}{perplexity:>12.2f}{relative:>10.2f}", flush=True)
    return perplexity


def _windows(texts: Sequence[str], places: Sequence[Place]) -> list[tuple[str, tuple[int, int]]]:
    return [(text, place.window) for text, place in zip(texts, places, strict=True)]


@torch.inference_mode()
def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(2)
    model = prepare_model(find_preset("nano"))
    jobs = storefront_jobs(load_vision_encoder(model), [5 + number % 5 for number in range(options.films)])
    narrator = VideoNarrator.load(model.path, **LoadOptions("auto").keywords("cpu"))
    reader = Reader(narrator)
    repeating = DecodingSettings(no_repeat_tokens=0)  # what is forbidden for other reasons is no price of the length
    stories = told_by(NarrationEngine(narrator, repeating, LANES), jobs)
    places = [place for job, story in zip(jobs, stories, strict=True) for place in reader.places(job, story)]
    print(f"{'way':<12}{'texts':>6}{'in window':>10}{'ends cleanly':>14}{'perplexity':>12}{'relative':>10}", flush=True)
    free_texts = [reader.write_freely(place) for place in places]
    free = print_row("no control", reader, places, free_texts, None)
    cut = [cut_off(text, place.window[1]) for text, place in zip(free_texts, places, strict=True)]
    print_row("cut off", reader, places, cut, free)
    print_row("engine", reader, places, [place.result.text for place in places], free)

    print(f"\n{'phrases':<12}{'repetition':>11}{'perplexity':>12}")
    for name, size in (("may repeat", 0), ("told once", DecodingSettings().no_repeat_tokens)):
        told = told_by(NarrationEngine(narrator, DecodingSettings(no_repeat_tokens=size), LANES), jobs)
        own = [place for job, story in zip(jobs, told, strict=True) for place in reader.places(job, story)]
        surprises = [reader.surprise(place, place.result.text) for place in own]
        perplexity = math.exp(sum(nats for nats, _ in surprises) / sum(count for _, count in surprises))
        print(f"{name:<12}{repetition([r.text for r in story] for story in told):>11.1%}{perplexity:>12.2f}")
    for text, (written, _) in zip(free_texts[:5], _windows([p.result.text for p in places], places), strict=False):
        print(f"\nfree:   {text}\nengine: {written}")


if __name__ == "__main__":
    main()
