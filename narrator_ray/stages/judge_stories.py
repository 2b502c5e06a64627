"""Stages of an evaluation: what must be known of all stories, pictures of their clips, and marks.

One row is a part of the stories. Survey and marks of texts are tasks; what keeps a model or a program is an actor;
videos are decoded by tasks, in a process of their own. What travels between them are our own values, pickled.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from narrator_ray.errors import ItemError
from narrator_ray.evaluation.clip_frames import decode_clips
from narrator_ray.evaluation.run import Assessment
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.stages.cpu_threads import use_cpu_threads

PARTS: Final = pa.schema(
    [
        ("part", pa.int32()),
        ("stories", pa.large_binary()),
        ("frames", pa.large_binary()),
        ("results", pa.large_binary()),
    ]
)
"""Number of the part, its stories, pictures of their clips if any, and what each assessment gave, by its place."""

Results = dict[int, Any]


class SurveyStories:
    """What each part adds to what must be known of all.

    Args:
        assessments: By their places.
        tools: What to judge with.
    """

    def __init__(self, assessments: dict[int, Assessment], tools: Tools) -> None:
        self._assessments, self._tools = assessments, replace(tools)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Parts without results to parts with surveys."""
        return _with_results(batch, self._survey)

    def _survey(self, stories: Sequence[JudgedStory], frames: Any) -> Results:
        return {place: item.survey(stories, self._tools) for place, item in self._assessments.items()}


class DecodeStories:
    """Pictures of the clips of each part.

    Args:
        tools: How videos are fetched and decoded.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = replace(tools)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Parts without frames to parts with them."""
        return pa.Table.from_pylist([row | {"frames": self._frames(row)} for row in batch.to_pylist()], PARTS)

    def _frames(self, row: dict[str, Any]) -> bytes:
        return pickle.dumps([self._decoded(story) for story in pickle.loads(row["stories"])])  # noqa: S301 - our own

    def _decoded(self, story: JudgedStory) -> Any:
        try:
            return decode_clips(story, self._tools.config)
        except ItemError as error:
            return str(error)


class MarkStories:
    """Marks of the stories of each part.

    Args:
        assessments: By their places.
        known: What is known of all stories, likewise.
        tools: What to judge with.
    """

    def __init__(self, assessments: dict[int, Assessment], known: Results, tools: Tools) -> None:
        self._assessments, self._known, self._tools = assessments, known, replace(tools)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Parts to parts with marks."""
        return _with_results(batch, self._mark)

    def _mark(self, stories: Sequence[JudgedStory], frames: Sequence[Any] | None) -> Results:
        for story, pictures in zip(stories, frames or (), strict=False):
            self._tools.sight.take(story, pictures)
        marks = {
            place: item.mark(stories, self._tools, self._known.get(place)) for place, item in self._assessments.items()
        }
        if frames is not None:
            self._tools.sight.forget()
        return marks


class MarkWithModels(MarkStories):
    """The same as an actor, which keeps models and programs; arguments as of :class:`MarkStories`."""

    def __init__(self, assessments: dict[int, Assessment], known: Results, tools: Tools) -> None:
        use_cpu_threads(tools.config.run.cpu_threads)
        super().__init__(assessments, known, tools)


def parts_of(stories: Sequence[JudgedStory], stories_per_part: int) -> Iterable[pa.Table]:
    """The stories in parts, a table each."""
    for part, start in enumerate(range(0, len(stories), stories_per_part)):
        some = pickle.dumps(list(stories[start : start + stories_per_part]))
        row = {"part": part, "stories": some, "frames": None, "results": pickle.dumps({})}
        yield pa.Table.from_pylist([row], PARTS)


def results_of(table: pa.Table) -> list[tuple[int, Results]]:
    """Number and results of each part."""
    rows = table.select(["part", "results"]).to_pylist()
    return [(row["part"], pickle.loads(row["results"])) for row in rows]  # noqa: S301 - our own


def _with_results(batch: pa.Table, judge: Any) -> pa.Table:
    rows = []
    for row in batch.to_pylist():
        frames = None if row["frames"] is None else pickle.loads(row["frames"])  # noqa: S301 - our own
        found = judge(pickle.loads(row["stories"]), frames)  # noqa: S301 - our own
        results = pickle.loads(row["results"]) | found  # noqa: S301 - our own
        rows.append(row | {"frames": None, "results": pickle.dumps(results)})
    return pa.Table.from_pylist(rows, PARTS)
