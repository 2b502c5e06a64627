"""Script labels: chosen by the model among those there are, one to three joined by "+". Knows scores, no model.

Source: paper, section 4 (the label is generated before the narration); released code, which samples it as free text.
Deviation: only the twelve labels can be chosen, by the probability of their whole names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from narrator_ray.records import Language, ScriptLabel

FloatArray = npt.NDArray[np.float32]

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


class LabelChoice:
    """Which label comes next, decided by its whole name and not by its first token.

    Names that begin alike ("product trial", "product effect") are told apart only where they part, so scores are
    needed after every beginning at which names part; elsewhere the next token is certain. A label's probability is the
    product of its shares at those places, each among the names that are still possible.

    Args:
        vocabulary: How labels are written.
        chosen: Labels that the set has already; the next one begins with the joint.

    Attributes:
        partings: Beginnings after which scores are needed, the shortest first.
    """

    def __init__(self, vocabulary: LabelVocabulary, chosen: Sequence[ScriptLabel] = ()) -> None:
        joint = vocabulary.joint if chosen else ()
        self._paths = {label: joint + ids for label, ids in vocabulary.spelled.items() if label not in chosen}
        beginnings = {path[:length] for path in self._paths.values() for length in range(len(path))}
        self.partings = sorted((ids for ids in beginnings if len(self._next(ids)) > 1), key=lambda ids: (len(ids), ids))
        self._shares: dict[tuple[int, ...], float] = {}

    @property
    def unknown(self) -> list[tuple[int, ...]]:
        """Partings without scores."""
        return [parting for parting in self.partings if not self._next(parting) <= self._shares.keys()]

    @property
    def fullest_parting(self) -> tuple[int, ...]:
        """The parting inside names that most of them go through; empty if there is none."""
        inside = [parting for parting in self.partings if parting]
        return max(inside, key=lambda ids: sum(path[: len(ids)] == ids for path in self._paths.values()), default=())

    def note(self, parting: tuple[int, ...], logits_V: FloatArray) -> None:
        """Remember the scores after a parting."""
        options = sorted(self._next(parting))
        scores = np.array([logits_V[option[-1]] for option in options], np.float64)
        shares = np.exp(scores - scores.max())
        self._shares.update(zip(options, (shares / shares.sum()).tolist(), strict=True))

    def probabilities(self) -> dict[ScriptLabel, float]:
        """Of every label, the likeliest first; all partings must have been noted."""
        shares = {
            label: math.prod(self._shares.get(path[: length + 1], 1.0) for length in range(len(path)))
            for label, path in self._paths.items()
        }
        return dict(sorted(shares.items(), key=lambda item: -item[1]))

    def path(self, label: ScriptLabel) -> tuple[int, ...]:
        """Tokens that write a label here."""
        return self._paths[label]

    def _next(self, beginning: tuple[int, ...]) -> set[tuple[int, ...]]:
        """The beginning and each token that may follow it."""
        size = len(beginning)
        return {path[: size + 1] for path in self._paths.values() if path[:size] == beginning and len(path) > size}


def prefers_another(logits_V: FloatArray, stop_ids: npt.NDArray[np.intp], vocabulary: LabelVocabulary) -> bool:
    """Whether, by the scores after a label, a further one is likelier than the end of the set."""
    return bool(logits_V[vocabulary.joint[0]] > logits_V[stop_ids].max())
