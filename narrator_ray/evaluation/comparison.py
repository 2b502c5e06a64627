"""Several systems on the same stories: values with intervals and significance, by label and by place, and examples.

compare({"ours": clips, "theirs": clips}, videos, metrics, tools, Resampling())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from narrator_ray.errors import ConfigError, MetricError
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.paper import paper_value
from narrator_ray.evaluation.resampling import CONFIDENCE, Resampling, holm, interval, p_value
from narrator_ray.evaluation.run import evaluate
from narrator_ray.evaluation.scores import NoScore, Score, Sums
from narrator_ray.evaluation.stories import JudgedStory, join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.table import METRICS
from narrator_ray.outputs.comparison_content import ComparedMetric, ComparedValue, Comparison, Example, Group
from narrator_ray.records import ScriptLabel, Video

Outcomes = Sequence[Score | NoScore]
Place = tuple[str, int, int]
"""Key of a clip, place of its story and its place in that."""

LAST_POSITION: Final = 10
"""Clips from this number on are one group."""
_NUM_EXAMPLES: Final = 6
_TELLING: Final = "cider_d"
"""The metric that examples are chosen by if none is asked for: single clips differ in it most."""


_ExampleList = tuple[str, tuple[Example, ...]]


@dataclass(frozen=True, slots=True)
class _System:
    name: str
    stories: tuple[JudgedStory, ...]
    outcomes: Outcomes


def compare(
    narrated: Mapping[str, Iterable[NarratedClip]],
    videos: Sequence[Video],
    metrics: Sequence[str],
    tools: Tools,
    resampling: Resampling,
    paper_rows: Sequence[str] = (),
    examples_by: str = "",
) -> Comparison:
    """Judge what several systems narrated, on the stories that all of them tell.

    Args:
        narrated: What each system narrated, by its name; the first is what the others are compared with.
        videos: The catalogue with references.
        metrics: Names, of ``run.checked_metrics``.
        tools: What to judge with.
        resampling: Of intervals and tests.
        paper_rows: Rows of the paper to show beside, of ``paper.checked_rows``.
        examples_by: Metric that examples are chosen by; empty takes the first with a value for each clip.

    Raises:
        ConfigError: There is one system only.
        MetricError: The systems and the catalogue have no story in common.
    """
    if len(narrated) < 2:
        raise ConfigError("one system cannot be compared: give two or more, as NAME=RUN_OR_FILE")
    joined = {name: join(clips, videos).stories for name, clips in narrated.items()}
    common = _common_ids(list(joined.values()))
    told = {story.video.video_id for stories in joined.values() for story in stories}
    if not common:
        raise MetricError("the systems have no video in common: compare their video ids")
    systems = [_system(name, stories, common, metrics, tools) for name, stories in joined.items()]
    compared = _adjusted([_metric(name, systems, resampling, paper_rows) for name in _names(systems)])
    chosen = _examples_metric(systems, examples_by)
    stories = systems[0].stories
    return Comparison(
        systems=tuple(narrated),
        num_stories=len(stories),
        num_clips=sum(len(story.clips) for story in stories),
        num_left_out=len(told) - len(common),
        metrics=compared,
        examples_by="" if chosen is None else _title(chosen),
        examples=() if chosen is None else _examples(systems, chosen),
        num_resamples=resampling.num_resamples,
        confidence=CONFIDENCE,
    )


def _common_ids(told: Sequence[Sequence[JudgedStory]]) -> list[str]:
    """Videos that all systems narrated, with the same clips, in the first system's order."""
    clips = [{story.video.video_id: [clip.key for clip in story.clips] for story in stories} for stories in told]
    return [video_id for video_id, keys in clips[0].items() if all(other.get(video_id) == keys for other in clips[1:])]


def _system(
    name: str, stories: Sequence[JudgedStory], ids: Sequence[str], metrics: Sequence[str], tools: Tools
) -> _System:
    of_id = {story.video.video_id: story for story in stories}
    common = tuple(of_id[video_id] for video_id in ids)
    return _System(name, common, evaluate(common, metrics, tools))


def _names(systems: Sequence[_System]) -> list[tuple[str, str, str]]:
    """Metric, definition and variant of everything that some system has a value for."""
    scores = [outcome for system in systems for outcome in system.outcomes if isinstance(outcome, Score)]
    found = dict.fromkeys(score.name for score in scores)
    order = list(METRICS)
    return sorted(found, key=lambda name: order.index(name[0]))


def _score(system: _System, name: tuple[str, str, str]) -> Score | None:
    scores = (outcome for outcome in system.outcomes if isinstance(outcome, Score))
    return next((score for score in scores if score.name == name and not np.isnan(score.value)), None)


def _metric(
    name: tuple[str, str, str], systems: Sequence[_System], resampling: Resampling, paper_rows: Sequence[str]
) -> ComparedMetric:
    scores = [_score(system, name) for system in systems]
    metric = METRICS[name[0]]
    sums = [_by_story(score, system.stories) for score, system in zip(scores, systems, strict=True)]
    values = _values(scores, sums, resampling, metric.scale)
    known = [score for score in scores if score is not None]
    is_of_clips = metric.per == "clip" and bool(known)
    return ComparedMetric(
        name=f"{name[0]} ({name[2]})" if name[2] else name[0],
        title=f"{metric.title}, {name[2]}" if name[2] else metric.title,
        definition=name[1],
        unit=metric.unit,
        is_higher_better=metric.is_higher_better,
        values=values,
        reason=_reason(name, systems),
        paper=tuple((row, value) for row in paper_rows if known and (value := paper_value(row, known[0])) is not None),
        labels=_groups(scores, systems, _label_groups, metric.scale) if is_of_clips else (),
        positions=_groups(scores, systems, _position_groups, metric.scale) if is_of_clips else (),
    )


def _reason(name: tuple[str, str, str], systems: Sequence[_System]) -> str:
    reasons = [
        f"{system.name}: {outcome.reason}"
        for system in systems
        for outcome in system.outcomes
        if isinstance(outcome, NoScore) and (outcome.metric, outcome.definition) == name[:2]
    ]
    return "; ".join(reasons)


def _by_story(score: Score | None, stories: Sequence[JudgedStory]) -> Sums | None:
    """Statistics [V, S] of every story; of one without items they are zero."""
    if score is None:
        return None
    place = {story.video.video_id: row for row, story in enumerate(stories)}
    place |= {clip.key: row for row, story in enumerate(stories) for clip in story.clips}
    items = score.sums_of_items
    sums_VS = np.zeros((len(stories), len(next(iter(items.values())))))
    np.add.at(sums_VS, [place[key] for key in items], np.array(list(items.values()), np.float64))
    return sums_VS


def _values(
    scores: Sequence[Score | None], sums: Sequence[Sums | None], resampling: Resampling, scale: float
) -> tuple[ComparedValue | None, ...]:
    first, first_VS = scores[0], sums[0]
    first_R = None if first is None or first_VS is None else resampling.bootstrap(first_VS, first.value_of)
    values: list[ComparedValue | None] = []
    for place, (score, sums_VS) in enumerate(zip(scores, sums, strict=True)):
        if score is None or sums_VS is None:
            values.append(None)
            continue
        values_R = first_R if place == 0 and first_R is not None else resampling.bootstrap(sums_VS, score.value_of)
        low, high = interval(values_R)
        chance = None if score.chance is None else score.chance * scale
        value = ComparedValue(score.value * scale, low * scale, high * scale, chance=chance)
        if place and first is not None and first_VS is not None and first_R is not None:
            difference = score.value - first.value
            low, high = interval(values_R - first_R)
            swapped_R = resampling.swapped(sums_VS, first_VS, score.value_of)
            p = p_value(difference, swapped_R)
            value = replace(
                value,
                difference=difference * scale,
                difference_low=low * scale,
                difference_high=high * scale,
                p_value=p,
            )
        values.append(value)
    return tuple(values)


def _adjusted(metrics: Sequence[ComparedMetric]) -> tuple[ComparedMetric, ...]:
    """P values for there being as many comparisons as the table has."""
    found = [value.p_value for metric in metrics for value in metric.values if value is not None]
    adjusted = iter(holm([p for p in found if p is not None]))
    return tuple(
        replace(
            metric,
            values=tuple(
                value if value is None or value.p_value is None else replace(value, p_value=next(adjusted))
                for value in metric.values
            ),
        )
        for metric in metrics
    )


def _groups(
    scores: Sequence[Score | None],
    systems: Sequence[_System],
    grouped: Callable[[Sequence[JudgedStory]], dict[str, list[str]]],
    scale: float,
) -> tuple[Group, ...]:
    groups = grouped(systems[0].stories)
    return tuple(
        Group(name, len(keys), tuple(_value_over(score, keys, scale) for score in scores))
        for name, keys in groups.items()
    )


def _value_over(score: Score | None, keys: Sequence[str], scale: float) -> float | None:
    """The metric over some of the clips."""
    if score is None:
        return None
    items = score.sums_of_items
    some = [items[key] for key in keys if key in items]
    if not some:
        return None
    value = float(score.value_of(np.array(some, np.float64).sum(axis=0, keepdims=True))[0])
    return None if np.isnan(value) else value * scale


def _label_groups(stories: Sequence[JudgedStory]) -> dict[str, list[str]]:
    """Keys of clips by script label: the annotators', or else the first system's. One with two is in both."""
    groups: dict[str, list[str]] = {label.name_in("en"): [] for label in ScriptLabel}
    for story in stories:
        for clip in story.clips:
            for label in clip.reference_labels or clip.labels or ():
                groups[label.name_in("en")].append(clip.key)
    return {name: keys for name, keys in groups.items() if keys}


def _position_groups(stories: Sequence[JudgedStory]) -> dict[str, list[str]]:
    """Keys of clips by their number in the story."""
    groups: dict[str, list[str]] = {}
    longest = max(len(story.clips) for story in stories)
    for place in range(min(longest, LAST_POSITION)):
        is_last = place == LAST_POSITION - 1 and longest > LAST_POSITION
        keys = [clip.key for story in stories for clip in story.clips[place : None if is_last else place + 1]]
        groups[f"{place + 1}+" if is_last else str(place + 1)] = keys
    return groups


def _examples_metric(systems: Sequence[_System], asked: str) -> Score | None:
    """The score that examples are chosen by: of the metric asked for or the best known, a value a clip from each."""
    scores = [
        outcome
        for outcome in systems[0].outcomes
        if isinstance(outcome, Score)
        and METRICS[outcome.metric].per == "clip"
        and outcome.items
        and all(_score(system, outcome.name) for system in systems)
    ]
    preferred = (asked,) if asked else (_TELLING, *METRICS)
    return next((score for metric in preferred for score in scores if score.metric == metric), None)


def _title(score: Score) -> str:
    return f"{METRICS[score.metric].title}, {score.definition}"


def _examples(systems: Sequence[_System], chosen: Score) -> tuple[_ExampleList, ...]:
    scores = [score for system in systems if (score := _score(system, chosen.name)) is not None]
    metric = METRICS[chosen.metric]
    places = [
        (clip.key, story_place, clip_place)
        for story_place, story in enumerate(systems[0].stories)
        for clip_place, clip in enumerate(story.clips)
        if all(clip.key in score.items for score in scores)
    ]
    sign = 1 if metric.is_higher_better else -1
    values = {place[0]: [sign * score.items[place[0]] for score in scores] for place in places}

    def shown(title: str, rank: Callable[[list[float]], float], is_wanted: Callable[[float], bool]) -> _ExampleList:
        """The clips that a rank puts first."""
        ranks = {place: rank(values[place[0]]) for place in places}
        first = sorted((place for place in places if is_wanted(ranks[place])), key=ranks.__getitem__)[:_NUM_EXAMPLES]
        return title, tuple(_example(systems, scores, place, metric.scale) for place in first)

    lists = [
        shown("Worst over all systems", sum, lambda rank: True),
        shown("Best over all systems", lambda found: -sum(found), lambda rank: True),
    ]
    for index, system in enumerate(systems[1:], start=1):
        lists += [
            shown(f"{system.name} loses most to {systems[0].name}", partial(_gain, index), lambda rank: rank < 0),
            shown(f"{system.name} gains most on {systems[0].name}", partial(_loss, index), lambda rank: rank < 0),
        ]
    return tuple(lists)


def _gain(index: int, values: list[float]) -> float:
    return values[index] - values[0]


def _loss(index: int, values: list[float]) -> float:
    return values[0] - values[index]


def _example(systems: Sequence[_System], scores: Sequence[Score], place: Place, scale: float) -> Example:
    key, story_place, clip_place = place
    story = systems[0].stories[story_place]
    clip = story.clips[clip_place]
    return Example(
        video_id=story.video.video_id,
        clip_number=clip_place + 1,
        product=story.video.product.name,
        labels=" + ".join(label.name_in("en") for label in clip.reference_labels or ()),
        reference=clip.reference,
        texts=tuple(system.stories[story_place].clips[clip_place].narration for system in systems),
        scores=tuple(score.items[key] * scale for score in scores),
    )
