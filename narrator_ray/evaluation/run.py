"""All metrics asked for, one after another; one that has no value says why, and the others go on.

evaluate(stories, ["cider_d", "repetition"], Tools())
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from narrator_ray.errors import ConfigError, MetricError
from narrator_ray.evaluation.captions import score_bleu, score_cider, score_meteor
from narrator_ray.evaluation.knowledge import score_info_diverse, score_info_sim
from narrator_ray.evaluation.labels import score_labels
from narrator_ray.evaluation.lengths import score_spoken_fit, score_word_length
from narrator_ray.evaluation.repetition import score_repetition
from narrator_ray.evaluation.scores import NoScore, Score, Scorer
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import DEFINITIONS, METRICS, Definition

_SCORERS: Final[tuple[tuple[tuple[str, ...], Scorer], ...]] = (
    (("bleu_1", "bleu_2", "bleu_3", "bleu_4"), score_bleu),
    (("cider_d",), score_cider),
    (("meteor",), score_meteor),
    (("info_sim",), score_info_sim),
    (("info_diverse",), score_info_diverse),
    (("word_length",), score_word_length),
    (("spoken_fit",), score_spoken_fit),
    (("label_exact", "label_f1"), score_labels),
    (("repetition",), score_repetition),
)
TEXT_METRICS: Final = tuple(name for names, _ in _SCORERS for name in names)
"""Metrics that look at texts only; EMScore looks at frames."""


def checked_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """The metrics asked for, in the order of the table; all that look at texts if none are named.

    Raises:
        ConfigError: There is no such metric, or it looks at frames.
    """
    asked = list(names) or list(TEXT_METRICS)
    for name in asked:
        if name not in METRICS:
            near = get_close_matches(name, METRICS, 1)
            raise ConfigError(f"no metric {name!r}{f': did you mean {near[0]}?' if near else ''}; {', '.join(METRICS)}")
        if name not in TEXT_METRICS:
            raise ConfigError(f"metric {name!r} looks at frames, which this command does not decode")
    return tuple(name for name in METRICS if name in asked)


def evaluate(stories: Sequence[JudgedStory], metrics: Sequence[str], tools: Tools) -> list[Score | NoScore]:
    """Scores in the order of the table, under every definition that there is for the stories' language.

    Args:
        stories: What to judge.
        metrics: Names, of :func:`checked_metrics`.
        tools: What to judge with.
    """
    outcomes = [
        outcome
        for names, scorer in _SCORERS
        for definition in DEFINITIONS
        if set(names) & set(metrics)
        for outcome in _outcomes(names, scorer, stories, definition, tools)
        if outcome.metric in metrics
    ]
    order = list(METRICS)
    return sorted(outcomes, key=lambda outcome: order.index(outcome.metric))


def _outcomes(
    names: tuple[str, ...], scorer: Scorer, stories: Sequence[JudgedStory], definition: Definition, tools: Tools
) -> Sequence[Score | NoScore]:
    if definition not in METRICS[names[0]].definitions:
        return ()
    if definition == "released" and any(story.video.language != "zh" for story in stories):
        return [NoScore(name, definition, "the released code knows Chinese only") for name in names]
    try:
        scores = scorer(stories, definition, tools)
    except (ConfigError, MetricError) as error:
        return [NoScore(name, definition, str(error)) for name in names]
    return scores or [NoScore(name, definition, "the catalogue gives no length windows") for name in names]
