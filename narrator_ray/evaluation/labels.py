"""Script labels of stories: those that the model chose beside the annotators'."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from narrator_ray.evaluation.scorer import Scorer, Stories
from narrator_ray.evaluation.scores import Marks, Sums, ValueOf, mean_value
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.script_labels import LabelCounts, confusion_table, label_scores, macro_f1
from narrator_ray.metrics.table import Definition
from narrator_ray.records import JsonDict, ScriptLabel


class LabelScorer(Scorer):
    """Exact accuracy, and mean F1 with scores of every label and the confusion table."""

    names: ClassVar = ("label_exact", "label_f1")
    lacks: ClassVar = "no clip has labels both in the references and in the narrations"

    def mark(self, stories: Stories, definition: Definition, tools: Tools, known: Any) -> list[Marks]:
        """Of each clip whether its set of labels is right, and what was told for what."""
        counts = {
            clip.key: LabelCounts.count(clip.reference_labels, clip.labels)
            for story in stories
            for clip in story.clips
            if clip.reference_labels is not None and clip.labels is not None
        }
        num_left_out = sum(len(story.clips) for story in stories) - len(counts)
        vectors = {key: count.vector for key, count in counts.items()}
        exact = {key: float(count.num_exact) for key, count in counts.items()}
        return [
            Marks("label_exact", definition, exact, num_left_out),
            Marks("label_f1", definition, {}, num_left_out, statistics=vectors),
        ]

    def value_of(self, metric: str) -> ValueOf:
        """Shares, and mean F1 of counts."""
        return macro_f1_of_sums if metric == "label_f1" else mean_value

    def details(self, marks: Marks) -> JsonDict:
        """Of every label, and the confusion table."""
        return _details(LabelCounts.of_vector(marks.sums()[0].tolist())) if marks.metric == "label_f1" else {}


def macro_f1_of_sums(sums_RS: Sums) -> npt.NDArray[np.float64]:
    """Mean F1 [R] of summed counts."""
    return np.array([macro_f1(LabelCounts.of_vector(row)) for row in sums_RS.tolist()], np.float64)


def _details(counts: LabelCounts) -> JsonDict:
    labels = {
        str(label): {"clips": score.num_clips, "precision": score.precision, "recall": score.recall, "f1": score.f1}
        for label, score in label_scores(counts).items()
    }
    return {"labels": labels, "confusion_order": [*map(str, ScriptLabel), None], "confusion": confusion_table(counts)}
