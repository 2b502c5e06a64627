"""Held-out videos narrated by what was learnt so far, nothing given but the product: does it do what it is for.

Figures: clips whose labels are the reference's, clips inside their length window, and of storefront films what the
texts say of the pictures and of the product (see ``evaluation.storefront``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from narrator_ray.config import Config
from narrator_ray.evaluation.storefront import read_story, summary
from narrator_ray.model.context import prepare_context
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import windows_for
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Video
from narrator_ray.runs.work import WorkItem

_TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class HeldOutVideo:
    """A video as the engine is asked for it, and what is known of it."""

    video: Video
    job: NarrationJob


def held_out_videos(
    works: Sequence[WorkItem], store: ResultStore, config: Config, encoder: str
) -> tuple[HeldOutVideo, ...]:
    """The videos with what is seen of them.

    Args:
        works: Which.
        store: Where their features are.
        config: The settings they are narrated with.
        encoder: Fingerprint of the encoder.

    Raises:
        StorageError: Features are gone; the next run makes them again.
    """
    return tuple(_held_out(work, store, config, encoder) for work in works)


def free_running(
    narrator: VideoNarrator, held_out: Sequence[HeldOutVideo], config: Config, prompt: str | None
) -> dict[str, float]:
    """Figures of narrating these videos.

    Args:
        narrator: What was learnt so far.
        held_out: The videos.
        config: How narrations are decoded.
        prompt: Name of the prompt form; None for the default of each language.
    """
    lanes = min(len(held_out), config.run.narrate_lanes)
    engine = NarrationEngine(narrator.eval(), config.decoding, lanes, prompt, config.model.use_storyline)
    told: dict[str, list[ClipResult]] = {one.job.job_id: [] for one in held_out}
    num_failed = 0
    for result in engine.narrate([one.job for one in held_out]):
        if isinstance(result, ClipResult):
            told[result.job_id].append(result)
        else:
            num_failed += 1
    figures = {"narrated": float(len(held_out)), "failed": float(num_failed), **_label_figures(held_out, told)}
    return figures | _truth_figures(held_out, told)


def _held_out(work: WorkItem, store: ResultStore, config: Config, encoder: str) -> HeldOutVideo:
    features = store.get_features(encoder, work.features_key)
    video = work.video.with_first_clips(len(features.clips))
    contexts = tuple(prepare_context(features, config.model))
    windows = tuple(windows_for(video, features.clips, config.length))
    job_id, seed = work.narration_key, int(work.narration_key[:8], 16)
    return HeldOutVideo(
        video, NarrationJob(job_id, video.product, video.language, features.clips, contexts, None, windows, seed)
    )


def _label_figures(held_out: Sequence[HeldOutVideo], told: Mapping[str, Sequence[ClipResult]]) -> dict[str, float]:
    results = [
        (one.job.windows[result.clip_index], storyline[result.clip_index], result)
        for one in held_out
        if (storyline := one.video.storyline) is not None
        for result in told[one.job.job_id]
    ]
    if not results:
        return {}
    is_right = [set(labels or ()) == set(result.script_labels) for _, labels, result in results]
    is_within = [window[0] <= result.num_words <= window[1] for window, _, result in results]
    return {"labels_right": sum(is_right) / len(results), "in_window": sum(is_within) / len(results)}


def _truth_figures(held_out: Sequence[HeldOutVideo], told: Mapping[str, Sequence[ClipResult]]) -> dict[str, float]:
    readings = [
        reading
        for one in held_out
        if _TRUTH in one.video.extra and len(told[one.job.job_id]) == len(one.video.extra[_TRUTH]["clips"])
        for reading in read_story(
            [result.text for result in told[one.job.job_id]], one.video.extra[_TRUTH], one.video.product
        )
    ]
    return {f"truth_{name}": value for name, value in summary(readings).items()} if readings else {}
