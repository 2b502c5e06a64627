"""Script-label accuracy: are the labels of a clip those that the annotators gave.

A clip's label is a set. Exact: the whole set is right. Per label: precision, recall and F1 over clips. The confusion
table says what was told instead: a missing label counts in equal parts for the labels that are there too many, or for
none; the row of a label adds up to its clips. Labels too many where nothing is missing stand in the row of none.

Source: paper, table 2; not in the released code, so there is one definition. Whether a narration FOLLOWS its label is
another question, that of the paper's judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from narrator_ray.errors import MetricError
from narrator_ray.records import ScriptLabel

Labels = Collection[ScriptLabel]
Pair = tuple[ScriptLabel | None, ScriptLabel | None]
"""A label expected and a label told; None is no label."""
_ORDER: Final = (*ScriptLabel, None)
_NUM_LABELS: Final = len(ScriptLabel)


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """What was expected and told, over clips. Counts of parts of a corpus add up.

    Attributes:
        num_clips: Clips with labels on both sides.
        num_exact: Clips whose set is right.
        expected: How often each label was expected.
        told: How often each label was told.
        pairs: The confusion table.
    """

    num_clips: int = 0
    num_exact: int = 0
    expected: Mapping[ScriptLabel, int] = field(default_factory=dict)
    told: Mapping[ScriptLabel, int] = field(default_factory=dict)
    pairs: Mapping[Pair, float] = field(default_factory=dict)

    @classmethod
    def count(cls, expected: Labels, told: Labels) -> LabelCounts:
        """The counts of one clip."""
        is_exact = set(expected) == set(told)
        return cls(1, int(is_exact), Counter(set(expected)), Counter(set(told)), _pairs(set(expected), set(told)))

    @property
    def vector(self) -> tuple[float, ...]:
        """All counts as numbers that add up."""
        pairs = [self.pairs.get((expected, told), 0.0) for expected in _ORDER for told in _ORDER]
        labels = [count.get(label, 0) for count in (self.expected, self.told) for label in ScriptLabel]
        return (float(self.num_clips), float(self.num_exact), *map(float, labels), *pairs)

    @classmethod
    def of_vector(cls, vector: Sequence[float]) -> LabelCounts:
        """Inverse of :attr:`vector`, of one clip or summed over many."""
        num_clips, num_exact, *rest = vector
        expected, told, pairs = rest[:_NUM_LABELS], rest[_NUM_LABELS : 2 * _NUM_LABELS], rest[2 * _NUM_LABELS :]
        places = ((row, column) for row in _ORDER for column in _ORDER)
        return cls(
            round(num_clips),
            round(num_exact),
            {label: round(count) for label, count in zip(ScriptLabel, expected, strict=True) if count},
            {label: round(count) for label, count in zip(ScriptLabel, told, strict=True) if count},
            {place: count for place, count in zip(places, pairs, strict=True) if count},
        )

    def __add__(self, other: LabelCounts) -> LabelCounts:
        pairs = {pair: self.pairs.get(pair, 0.0) + other.pairs.get(pair, 0.0) for pair in {**self.pairs, **other.pairs}}
        return LabelCounts(
            self.num_clips + other.num_clips,
            self.num_exact + other.num_exact,
            Counter(self.expected) + Counter(other.expected),
            Counter(self.told) + Counter(other.told),
            pairs,
        )


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label is told.

    Attributes:
        num_clips: Clips that should have it.
        precision: Share of the clips told to have it that should; 0 if there are none.
        recall: Share of the clips that should have it that are told to; 0 if there are none.
    """

    num_clips: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Both together."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def exact_accuracy(counts: LabelCounts) -> float:
    """Share of clips whose label set is right.

    Raises:
        MetricError: No clip has labels on both sides.
    """
    if not counts.num_clips:
        raise MetricError("script-label accuracy: no clip has labels both in the references and in the narrations")
    return counts.num_exact / counts.num_clips


def label_scores(counts: LabelCounts) -> dict[ScriptLabel, LabelScore]:
    """Scores of every label that was expected or told, in the order of the labels."""
    labels = [label for label in ScriptLabel if counts.expected.get(label) or counts.told.get(label)]
    return {label: _score(label, counts) for label in labels}


def macro_f1(counts: LabelCounts) -> float:
    """Mean F1 of the labels that were expected: rare labels count as much as common ones.

    Raises:
        MetricError: None was expected.
    """
    scores = [score.f1 for score in label_scores(counts).values() if score.num_clips]
    if not scores:
        raise MetricError("script-label F1: no clip has labels both in the references and in the narrations")
    return sum(scores) / len(scores)


def confusion_table(counts: LabelCounts) -> list[list[float]]:
    """Rows are labels expected, columns labels told, in the order of the labels; the last of both is no label."""
    return [[counts.pairs.get((row, column), 0.0) for column in _ORDER] for row in _ORDER]


def _pairs(expected: set[ScriptLabel], told: set[ScriptLabel]) -> dict[Pair, float]:
    missing, extra = expected - told, told - expected
    right: dict[Pair, float] = {(label, label): 1.0 for label in expected & told}
    if not missing:
        return right | {(None, label): 1.0 for label in extra}
    if not extra:
        return right | {(label, None): 1.0 for label in missing}
    return right | {(label, other): 1 / len(extra) for label in missing for other in extra}


def _score(label: ScriptLabel, counts: LabelCounts) -> LabelScore:
    right = counts.pairs.get((label, label), 0.0)
    expected, told = counts.expected.get(label, 0), counts.told.get(label, 0)
    return LabelScore(expected, right / told if told else 0.0, right / expected if expected else 0.0)
