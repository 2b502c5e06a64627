"""An evaluation as Ray Data graphs: survey, put together, mark; the numbers of ``evaluation.run``, by many processes.

Imported only when there is something to run: importing Ray takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import ray
import ray.data
from ray.data import ActorPoolStrategy, Dataset, TaskPoolStrategy

from narrator_ray.evaluation.run import Assessment, assessments, in_order, not_for
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.stages.execute import find_ours
from narrator_ray.stages.judge_stories import (
    DecodeStories,
    MarkStories,
    MarkWithModels,
    Results,
    SurveyStories,
    parts_of,
    results_of,
)
from narrator_ray.stages.session import ray_session
from narrator_ray.stages.stage import Machine

_TASK_CPUS = 0.75
_ACTOR_CPUS = 0.25
"""Unlike a task's, or Ray would run tasks inside the actors, one after another."""
FRAME_METRICS = frozenset({"emscore", "emscore_ref"})


@dataclass(frozen=True, slots=True)
class Parallelism:
    """How an evaluation is spread out. Changes no number.

    Attributes:
        stories_per_part: Stories that a task holds.
        num_actors: Most replicas that hold models.
        actor_gpus: Share of a GPU that each of them holds, where there are GPUs.
    """

    stories_per_part: int = 8
    num_actors: int = 1
    actor_gpus: float = 1.0


def evaluate_on_ray(
    stories: Sequence[JudgedStory],
    metrics: Sequence[str],
    tools: Tools,
    spread: Parallelism = Parallelism(),
    on_progress: Callable[[int], None] = lambda num_stories: None,
) -> list[Score | NoScore]:
    """What ``evaluation.run.evaluate`` gives, computed on Ray.

    Args:
        stories: What to judge.
        metrics: Names, of ``checked_metrics``.
        tools: What to judge with; directories must be there on every machine.
        spread: How it is spread out.
        on_progress: Called with the number of stories done.

    Raises:
        NarratorError: A model cannot be loaded.
    """
    asked = dict(enumerate(assessments(stories, metrics)))
    elsewhere = {place: item for place, item in asked.items() if item.scorer.place != "driver"}
    outcomes = not_for(stories, metrics)
    if elsewhere:
        with ray_session():
            resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            machine = Machine(resources.get("CPU", 1.0), resources.get("GPU", 0.0))
            tools = replace(tools, device=machine.device(tools.device))
            try:
                marks = _marks(stories, elsewhere, tools, spread, on_progress)
            except Exception as error:
                ours = find_ours(error)
                if ours is None:
                    raise
                raise ours from error
        outcomes += [outcome for place, item in elsewhere.items() for outcome in item.finish(marks[place])]
    for place, item in asked.items():
        if place not in elsewhere:
            outcomes += item.outcomes(stories, tools)
    return in_order(outcomes, metrics)


def _marks(
    stories: Sequence[JudgedStory],
    asked: dict[int, Assessment],
    tools: Tools,
    spread: Parallelism,
    on_progress: Callable[[int], None],
) -> dict[int, list[Any]]:
    """The marks of every assessment, part by part in the file's order."""
    blocks: list[Any] = [ray.put(part) for part in parts_of(stories, spread.stories_per_part)]
    surveyed = {place: item for place, item in asked.items() if item.is_surveyed}
    known: Results = {}
    if surveyed:
        data = _tasks(ray.data.from_arrow_refs(blocks), SurveyStories(surveyed, tools))
        surveys = _collected(data, lambda num_parts: None)
        known = {place: item.merge([survey[place] for survey in surveys]) for place, item in surveyed.items()}
    data = ray.data.from_arrow_refs(blocks)
    texts = {place: item for place, item in asked.items() if item.scorer.place == "task"}
    modelled = {place: item for place, item in asked.items() if item.scorer.place == "actor"}
    if texts:
        data = _tasks(data, MarkStories(texts, {place: known.get(place) for place in texts}, tools))
    if any(FRAME_METRICS & set(item.scorer.names) for item in modelled.values()) and tools.clip_model is not None:
        data = _tasks(data, DecodeStories(tools))
    if modelled:
        arguments = {"assessments": modelled, "known": {place: known.get(place) for place in modelled}, "tools": tools}
        data = data.map_batches(
            MarkWithModels,
            fn_constructor_kwargs=arguments,
            compute=ActorPoolStrategy(min_size=1, max_size=spread.num_actors),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=_ACTOR_CPUS,
            num_gpus=spread.actor_gpus if tools.device == "cuda" else None,
        )
    parts = _collected(data, lambda num_parts: on_progress(min(len(stories), num_parts * spread.stories_per_part)))
    return {place: [part[place] for part in parts] for place in asked}


def _tasks(data: Dataset, step: Any) -> Dataset:
    return data.map_batches(step, compute=TaskPoolStrategy(), batch_size=1, batch_format="pyarrow", num_cpus=_TASK_CPUS)


def _collected(data: Dataset, on_progress: Callable[[int], None]) -> list[Results]:
    """Results of all parts in their order."""
    found: dict[int, Results] = {}
    tables: Any = iter(data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
    with closing(tables):
        for table in tables:
            found |= dict(results_of(table))
            on_progress(len(found))
    return [found[part] for part in sorted(found)]
