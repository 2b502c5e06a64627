"""Script labels of stories: those that the model chose beside the annotators'."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from narrator_ray.evaluation.scores import Score
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.script_labels import LabelCounts, confusion_table, exact_accuracy, label_scores, macro_f1
from narrator_ray.metrics.table import Definition
from narrator_ray.records import JsonDict, ScriptLabel


def score_labels(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """Exact accuracy, and mean F1 with scores of every label and the confusion table."""
    counts = {
        clip.key: LabelCounts.count(clip.reference_labels, clip.labels)
        for story in stories
        for clip in story.clips
        if clip.reference_labels is not None and clip.labels is not None
    }
    num_left_out = sum(len(story.clips) for story in stories) - len(counts)
    total = reduce(add, counts.values(), LabelCounts())
    items = {key: float(count.num_exact) for key, count in counts.items()}
    return [
        Score("label_exact", definition, exact_accuracy(total), items, num_left_out),
        Score("label_f1", definition, macro_f1(total), {}, num_left_out, details=_details(total)),
    ]


def _details(counts: LabelCounts) -> JsonDict:
    labels = {
        str(label): {"clips": score.num_clips, "precision": score.precision, "recall": score.recall, "f1": score.f1}
        for label, score in label_scores(counts).items()
    }
    return {"labels": labels, "confusion_order": [*map(str, ScriptLabel), None], "confusion": confusion_table(counts)}
