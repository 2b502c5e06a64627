"""All metrics asked for, one after another; one that has no value says why, and the others go on.

evaluate(stories, ["cider_d", "repetition"], Tools())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from narrator_ray.errors import ConfigError, MetricError
from narrator_ray.evaluation.captions import BleuScorer, CiderScorer, MeteorScorer
from narrator_ray.evaluation.judge import JudgeLabelScorer, JudgeStoryScorer
from narrator_ray.evaluation.knowledge import InfoDiverseScorer, InfoSimScorer
from narrator_ray.evaluation.labels import LabelScorer
from narrator_ray.evaluation.lengths import SpokenFitScorer, WordLengthScorer
from narrator_ray.evaluation.pictures import EmScorer
from narrator_ray.evaluation.repetition import RepetitionScorer
from narrator_ray.evaluation.scorer import Scorer, Stories, put_together
from narrator_ray.evaluation.scores import Marks, NoScore, Score
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.evaluation.truth import OrderScorer, TruthScorer
from narrator_ray.metrics.table import DEFINITIONS, METRICS, Definition

_TEXT_SCORERS: Final[tuple[Scorer, ...]] = (
    BleuScorer(),
    CiderScorer(),
    MeteorScorer(),
    InfoSimScorer(),
    InfoDiverseScorer(),
    WordLengthScorer(),
    SpokenFitScorer(),
    LabelScorer(),
    RepetitionScorer(),
)
_SCORERS: Final = (
    *_TEXT_SCORERS,
    EmScorer(),
    TruthScorer(),
    OrderScorer(),
    JudgeLabelScorer(),
    JudgeStoryScorer(),
)
TEXT_METRICS: Final = tuple(name for scorer in _TEXT_SCORERS for name in scorer.names)
"""Metrics that look at texts only: those that are computed if none is asked for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step could not be taken.

    Attributes:
        reason: For people.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """One family of metrics under one definition: what is computed together, step by step.

    A step that fails hands its reason on to the next, and the others go on.

    Attributes:
        scorer: The family.
        definition: Which one.
    """

    scorer: Scorer
    definition: Definition

    @property
    def is_surveyed(self) -> bool:
        """Whether anything must be known of all stories before one is marked."""
        return type(self.scorer).survey is not Scorer.survey

    def survey(self, stories: Stories, tools: Tools) -> Any:
        """What these stories add to what must be known of all."""
        return _tried(lambda: self.scorer.survey(stories, self.definition, tools))

    def merge(self, surveys: Sequence[Any]) -> Any:
        """What is known of all stories, from surveys in the file's order."""
        failures = [survey for survey in surveys if isinstance(survey, Failure)]
        return failures[0] if failures else _tried(lambda: self.scorer.merge(surveys))

    def mark(self, stories: Stories, tools: Tools, known: Any) -> list[Marks] | Failure:
        """What each item of these stories is given."""
        if isinstance(known, Failure):
            return known
        marks: list[Marks] | Failure = _tried(lambda: self.scorer.mark(stories, self.definition, tools, known))
        return marks

    def outcomes(self, stories: Stories, tools: Tools) -> list[Score | NoScore]:
        """All steps, here and one after another."""
        known = self.merge([self.survey(stories, tools)])
        return self.finish([self.mark(stories, tools, known)])

    def finish(self, parts: Sequence[list[Marks] | Failure]) -> list[Score | NoScore]:
        """Scores from the marks of all parts, in the file's order, or why there are none."""
        failures = [part for part in parts if isinstance(part, Failure)]
        marks = [part for part in parts if not isinstance(part, Failure)]
        found = failures[0] if failures else _tried(lambda: self.scorer.finish(put_together(marks)))
        if isinstance(found, Failure):
            return [NoScore(name, self.definition, found.reason) for name in self.scorer.names]
        return list(found)


def checked_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """The metrics asked for, in the order of the table; all that look at texts if none are named.

    What stands before the first underscore names all that begin so: ``truth``, ``judge``, ``bleu``.

    Raises:
        ConfigError: There is no such metric.
    """
    given = list(names) or TEXT_METRICS
    asked = [metric for name in given for metric in _families().get(name, (name,))]
    for name in asked:
        if name not in METRICS:
            near = get_close_matches(name, METRICS, 1)
            raise ConfigError(f"no metric {name!r}{f': did you mean {near[0]}?' if near else ''}; {', '.join(METRICS)}")
    return tuple(name for name in METRICS if name in asked)


def evaluate(stories: Sequence[JudgedStory], metrics: Sequence[str], tools: Tools) -> list[Score | NoScore]:
    """Scores in the order of the table, under every definition that there is for the stories' language.

    Args:
        stories: What to judge.
        metrics: Names, of :func:`checked_metrics`.
        tools: What to judge with.
    """
    outcomes = not_for(stories, metrics)
    try:
        for assessment in assessments(stories, metrics):
            outcomes += assessment.outcomes(stories, tools)
    finally:
        tools.close()
    return in_order(outcomes, metrics)


def assessments(stories: Stories, metrics: Sequence[str]) -> list[Assessment]:
    """What there is to compute for these metrics and the stories' languages."""
    return [
        Assessment(scorer, definition)
        for scorer, definition in _asked(metrics)
        if definition == "standard" or _is_chinese(stories)
    ]


def not_for(stories: Stories, metrics: Sequence[str]) -> list[Score | NoScore]:
    """What there is not for the stories' languages."""
    return [
        NoScore(name, definition, "the released code knows Chinese only")
        for scorer, definition in _asked(metrics)
        if definition == "released" and not _is_chinese(stories)
        for name in scorer.names
    ]


def in_order(outcomes: Iterable[Score | NoScore], metrics: Sequence[str]) -> list[Score | NoScore]:
    """Outcomes of the metrics asked for, in the order of the table."""
    order = list(METRICS)
    asked = [outcome for outcome in outcomes if outcome.metric in metrics]
    return sorted(asked, key=lambda outcome: (order.index(outcome.metric), DEFINITIONS.index(outcome.definition)))


def _families() -> dict[str, list[str]]:
    """Metrics by what stands before their first underscore."""
    families: dict[str, list[str]] = {}
    for name in METRICS:
        families.setdefault(name.partition("_")[0], []).append(name)
    return families


def _asked(metrics: Sequence[str]) -> list[tuple[Scorer, Definition]]:
    return [
        (scorer, definition)
        for scorer in _SCORERS
        for definition in DEFINITIONS
        if set(scorer.names) & set(metrics) and definition in METRICS[scorer.names[0]].definitions
    ]


def _is_chinese(stories: Stories) -> bool:
    return all(story.video.language == "zh" for story in stories)


def _tried(step: Callable[[], Any]) -> Any:
    """What a step gives, or why it could not be taken."""
    try:
        return step()
    except (ConfigError, MetricError) as error:
        return Failure(str(error))
