"""Every metric that there is: what it measures in, which way is better, what it needs, how it is defined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Definition = Literal["released", "standard"]
DEFINITIONS: Final[tuple[Definition, ...]] = ("released", "standard")
"""``released`` repeats what the paper's authors published; ``standard`` is what the metric means. The released ones
know Chinese only."""

Unit = Literal["percent", "points", "facts/100 s", "of 3"]
_BOTH: Final = frozenset(DEFINITIONS)
_ONE: Final[frozenset[Definition]] = frozenset({"standard"})


class Need(StrEnum):
    """What a metric cannot do without."""

    REFERENCES = "references"
    REFERENCE_LABELS = "reference labels"
    CLIPS = "clip times"
    WINDOWS = "length windows"
    PRODUCT = "product knowledge"
    FRAMES = "frames"
    CLIP_MODEL = "CLIP model"
    SENTENCE_MODEL = "sentence model"
    TOKENIZER = "tokenizer of the language model, if released"
    PYCOCOEVALCAP = "pycocoevalcap"
    JAVA = "Java"
    TRUTH = "truth of the storefront"
    JUDGE = "judge"
    SHOWN = "frame captions or frames"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Identifier, as on the command line.
        title: As in the paper's tables, or in our words.
        unit: ``percent`` of a share; ``points``, a score times ``scale``; ``facts/100 s``, likewise; ``of 3``, marks.
        is_higher_better: Which way is better.
        scale: By what a value is multiplied to be in the unit, as in the paper's tables.
        per: What one value stands for.
        needs: What it cannot do without.
        definitions: Which definitions there are; one where both would be the same or nothing was released.
    """

    name: str
    title: str
    unit: Unit
    is_higher_better: bool
    scale: float
    per: Literal["clip", "story"]
    needs: frozenset[Need]
    definitions: frozenset[Definition] = _BOTH


_TEXTS = frozenset({Need.REFERENCES, Need.TOKENIZER})
_SCORED = frozenset({Need.PRODUCT, Need.SENTENCE_MODEL})
_SEEN = frozenset({Need.FRAMES, Need.CLIP_MODEL})
_TRUE = frozenset({Need.TRUTH})
_ASKED = frozenset({Need.JUDGE, Need.SHOWN})
_ASKED_OF_LABELS = frozenset({Need.JUDGE, Need.REFERENCE_LABELS})
_ALL: Final = (
    *(Metric(f"bleu_{n}", f"BLEU-{n}", "points", True, 100, "clip", _TEXTS) for n in range(1, 5)),
    Metric("cider_d", "CIDEr-D", "points", True, 100, "clip", _TEXTS),
    Metric("meteor", "METEOR 1.5", "points", True, 100, "clip", _TEXTS | {Need.PYCOCOEVALCAP, Need.JAVA}),
    Metric("emscore", "EMScore", "points", True, 100, "clip", _SEEN),
    Metric("emscore_ref", "EMScore with reference", "points", True, 100, "clip", _SEEN | {Need.REFERENCES}),
    Metric("info_sim", "InfoSim", "points", True, 100, "clip", _SCORED),
    Metric("info_diverse", "InfoDiverse", "facts/100 s", True, 100, "story", _SCORED | {Need.CLIPS}),
    Metric("word_length", "word-length accuracy", "percent", True, 100, "clip", frozenset({Need.WINDOWS}), _ONE),
    Metric("spoken_fit", "spoken-duration fit", "percent", True, 100, "clip", frozenset({Need.CLIPS}), _ONE),
    Metric(
        "label_exact", "script-label accuracy", "percent", True, 100, "clip", frozenset({Need.REFERENCE_LABELS}), _ONE
    ),
    Metric("label_f1", "script-label F1, mean", "percent", True, 100, "clip", frozenset({Need.REFERENCE_LABELS}), _ONE),
    Metric("repetition", "intra-story repetition", "percent", False, 100, "story", frozenset()),
    *(
        Metric(f"truth_{name}", f"{name} named rightly", "percent", True, 100, "clip", _TRUE, _ONE)
        for name in ("product", "colour", "scene", "motion")
    ),
    Metric("truth_coverage", "facts told", "percent", True, 100, "story", _TRUE, _ONE),
    Metric("truth_untrue", "clips with untrue facts", "percent", False, 100, "clip", _TRUE, _ONE),
    Metric("truth_order", "plausible order of labels", "percent", True, 100, "story", _TRUE, _ONE),
    Metric("judge_label", "label followed, judge", "percent", True, 100, "clip", _ASKED_OF_LABELS, _ONE),
    Metric("judge_relevance", "visual relevance, judge", "of 3", True, 1, "story", _ASKED, _ONE),
    Metric("judge_attractiveness", "attractiveness, judge", "of 3", True, 1, "story", _ASKED, _ONE),
    Metric("judge_coherence", "coherence, judge", "of 3", True, 1, "story", _ASKED, _ONE),
    Metric("judge_gm", "geometric mean, judge", "of 3", True, 1, "story", _ASKED, _ONE),
)
METRICS: Final[dict[str, Metric]] = {metric.name: metric for metric in _ALL}
"""By name, in the order of the paper's tables."""
