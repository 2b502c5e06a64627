"""Script labels: written by the model under a constraint to their vocabulary, one to three joined by "+"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narrator_ray.records import Language, ScriptLabel

MOST_LABELS = 3
"""Labels of one clip at most; 99.9 % of the annotated clips have no more."""
JOINT = "+"


@dataclass(frozen=True, slots=True)
class LabelVocabulary:
    """How the labels of a language are written in tokens.

    Attributes:
        spelled: Token ids of each label's name.
        joint: Token ids of what joins labels.
    """

    spelled: Mapping[ScriptLabel, tuple[int, ...]]
    joint: tuple[int, ...]

    @classmethod
    def of(cls, encode: Callable[[str], Sequence[int]], language: Language, lead: str) -> LabelVocabulary:
        """The labels of a language.

        Args:
            encode: Text to token ids, without special tokens.
            language: Whose names.
            lead: What stands between the prompt and a label ("" or a space).
        """
        spelled = {label: tuple(encode(lead + label.name_in(language))) for label in ScriptLabel}
        return cls(spelled, tuple(encode(JOINT)))

    def encode(self, labels: Sequence[ScriptLabel]) -> list[int]:
        """Token ids of a label set."""
        ids: list[int] = []
        for label in labels:
            ids += [*(self.joint if ids else ()), *self.spelled[label]]
        return ids


class LabelWriter:
    """The label set of one clip in the making. Greedy: the story needs the likeliest plan, not a varied one."""

    def __init__(self, vocabulary: LabelVocabulary, stop_ids: npt.NDArray[np.intp]) -> None:
        self._vocabulary = vocabulary
        self._stop_ids = stop_ids
        self._written: list[int] = []
        self._labels: list[ScriptLabel] = []

    @property
    def labels(self) -> tuple[ScriptLabel, ...]:
        """Labels that are complete."""
        return tuple(self._labels)

    def next_token(self, logits_V: npt.NDArray[np.float32]) -> int | None:
        """The next token to write, or None when the set is complete."""
        is_between = bool(self._labels) and not self._written
        if is_between and (len(self._labels) == MOST_LABELS or self._prefers_to_stop(logits_V)):
            return None
        paths = self._open_paths(is_between)
        place = len(self._written)
        token = max({path[place] for path in paths}, key=lambda candidate: (float(logits_V[candidate]), -candidate))
        self._written.append(token)
        self._close_label()
        return token

    def _prefers_to_stop(self, logits_V: npt.NDArray[np.float32]) -> bool:
        return bool(logits_V[self._stop_ids].max() >= logits_V[self._vocabulary.joint[0]])

    def _open_paths(self, is_between: bool) -> list[tuple[int, ...]]:
        """Label spellings that agree with what is written; after the first label each begins with the joint."""
        joint = self._vocabulary.joint if self._labels else ()
        written = tuple(self._written)
        paths = (joint + ids for label, ids in self._vocabulary.spelled.items() if label not in self._labels)
        return [path for path in paths if path[: len(written)] == written]

    def _close_label(self) -> None:
        joint = self._vocabulary.joint if self._labels else ()
        for label, ids in self._vocabulary.spelled.items():
            if label not in self._labels and joint + ids == tuple(self._written):
                self._labels.append(label)
                self._written = []
                return
