"""Script-label accuracy: sets of labels, exact and label by label, and what was taken for what."""

import functools
import operator
import random

import pytest

from narrator_ray.errors import MetricError
from narrator_ray.metrics.script_labels import (
    LabelCounts,
    LabelScore,
    confusion_table,
    exact_accuracy,
    label_scores,
    macro_f1,
)
from narrator_ray.records import ScriptLabel

EFFECT, TRIAL = ScriptLabel.PRODUCT_EFFECT, ScriptLabel.PRODUCT_TRIAL
PAIN, DESIGN = ScriptLabel.SORE_POINT, ScriptLabel.APPEARANCE_DESIGN
CLIPS = [
    ([EFFECT], [EFFECT]),
    ([EFFECT, TRIAL], [TRIAL, EFFECT]),
    ([EFFECT], [TRIAL]),
    ([TRIAL], [TRIAL, PAIN]),
    ([EFFECT, DESIGN], [EFFECT]),
]


def counted(clips) -> LabelCounts:
    """The counts of several clips."""
    return functools.reduce(operator.add, [LabelCounts.count(*clip) for clip in clips], LabelCounts())


def test_a_set_is_right_whatever_its_order():
    """Of five, the first two."""
    assert exact_accuracy(counted(CLIPS)) == 2 / 5


def test_scores_of_labels_are_those_of_the_hand():
    """Effect: expected four times, told three, always right; trial: expected twice, told three times."""
    scores = label_scores(counted(CLIPS))
    assert scores == {
        PAIN: LabelScore(0, 0.0, 0.0),
        DESIGN: LabelScore(1, 0.0, 0.0),
        TRIAL: LabelScore(2, pytest.approx(2 / 3), 1.0),
        EFFECT: LabelScore(4, 1.0, 0.75),
    }
    assert scores[TRIAL].f1 == pytest.approx(0.8)
    assert macro_f1(counted(CLIPS)) == pytest.approx((0 + 0.8 + 6 / 7) / 3)


def test_the_confusion_table_says_what_was_told_instead():
    """Effect taken for trial once; design forgotten; pain told for nothing."""
    table = confusion_table(counted(CLIPS))
    order = [*ScriptLabel, None]
    filled = {(order[r], order[c]): n for r, row in enumerate(table) for c, n in enumerate(row) if n}
    assert filled == {
        (EFFECT, EFFECT): 3,
        (EFFECT, TRIAL): 1,
        (TRIAL, TRIAL): 2,
        (DESIGN, None): 1,
        (None, PAIN): 1,
    }


def test_a_missing_label_is_shared_among_those_told_instead():
    """In equal parts."""
    pairs = LabelCounts.count([EFFECT], [TRIAL, PAIN]).pairs
    assert pairs == {(EFFECT, TRIAL): 0.5, (EFFECT, PAIN): 0.5}


@pytest.mark.parametrize("seed", range(3))
def test_rows_add_up_whatever_the_clips_and_their_grouping(seed):
    """To how often a label was expected; parts of a corpus add up to the whole."""
    rng = random.Random(seed)
    labels = list(ScriptLabel)
    clips = [tuple(rng.sample(labels, rng.randint(1, 3)) for _ in range(2)) for _ in range(40)]
    whole = counted(clips)
    for row, label in zip(confusion_table(whole), labels, strict=False):
        assert sum(row) == pytest.approx(sum(label in expected for expected, _ in clips))
    parts = counted(clips[:11]) + counted(clips[11:])
    assert parts.expected == whole.expected
    assert parts.pairs == pytest.approx(whole.pairs)


def test_nothing_has_no_accuracy():
    """Not zero."""
    for score in (exact_accuracy, macro_f1):
        with pytest.raises(MetricError, match="no clip"):
            score(LabelCounts())
