"""A family of metrics that is computed together, in steps that can be taken by many processes.

survey   of some stories: what must be known of all before any item can be marked
merge    what was surveyed, in the file's order
mark     some stories, item by item
finish   all marks together -> scores

Whoever takes these steps, in whatever parts: the numbers are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from narrator_ray.errors import MetricError
from narrator_ray.evaluation.scores import Marks, Score, ValueOf, mean_value
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import Definition
from narrator_ray.records import JsonDict

Stories = Sequence[JudgedStory]
Place = Literal["task", "actor", "driver"]


class Scorer(ABC):
    """Base of all families: metrics whose value is the mean of their items, which can be marked one by one.

    Attributes:
        names: Metrics, of ``METRICS``.
        place: Where it marks on Ray: a task, an actor that keeps models, or the driver, for what only waits.
        lacks: What is said where there is no item to mark.
    """

    names: ClassVar[tuple[str, ...]]
    place: ClassVar[Place] = "task"
    lacks: ClassVar[str] = "there is nothing to score"

    def survey(self, stories: Stories, definition: Definition, tools: Tools) -> Any:
        """What these stories add to what must be known of all; None if nothing must."""
        return None

    def merge(self, surveys: Sequence[Any]) -> Any:
        """What is known of all stories; surveys in the file's order.

        Raises:
            MetricError: There is no value.
        """
        return None

    @abstractmethod
    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """What each item of these stories is given, by metric and variant.

        Raises:
            MetricError: There is no value.
            ConfigError: Something is not installed or was not given.
        """

    def finish(self, marks: Sequence[Marks]) -> list[Score]:
        """Scores from the marks of all stories, one for each metric and variant.

        Raises:
            MetricError: There is no value.
        """
        return [self._finished(item) for item in marks]

    def value_of(self, metric: str) -> ValueOf:
        """How the metric's values follow from sums of statistics."""
        return mean_value

    def details(self, marks: Marks) -> JsonDict:
        """What a reader may want beside the value."""
        return {}

    def _finished(self, marks: Marks) -> Score:
        if not marks.sums_of_items:
            raise MetricError(self.lacks)
        value_of = self.value_of(marks.metric)
        return Score(
            marks.metric,
            marks.definition,
            float(value_of(marks.sums())[0]),
            marks.items,
            marks.num_left_out,
            marks.variant,
            marks.details | self.details(marks),
            marks.statistics,
            value_of,
            marks.chance,
        )


def put_together(parts: Sequence[Sequence[Marks]]) -> list[Marks]:
    """Marks of parts of the stories, in the file's order, as marks of all, in the order of the first part."""
    of_name: dict[tuple[str, str], list[Marks]] = {}
    for marks in (marks for part in parts for marks in part):
        of_name.setdefault((marks.metric, marks.variant), []).append(marks)
    return [Marks.together(same) for same in of_name.values()]
