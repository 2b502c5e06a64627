"""BLEU-1 to 4: the share of a candidate's n-grams that its reference has, short candidates penalised.

Counts of single clips add up to the corpus's. One definition over two kinds of tokens (``metrics.captions``). Computed
by pycocoevalcap, as every paper of the field does.

Source: paper, table 2; released code, evaluate_ads.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from narrator_ray.metrics.captions import Tokens
from narrator_ray.metrics.extras import require_pycocoevalcap

LONGEST: Final = 4


@dataclass(frozen=True, slots=True)
class BleuCounts:
    """What BLEU needs to know of one clip.

    Attributes:
        num_tokens: Of the candidate.
        num_reference_tokens: Of the reference.
        ngrams: The candidate's n-grams, n from 1 to 4.
        matches: How many of them the reference has, each as often as it has it.
    """

    num_tokens: int
    num_reference_tokens: int
    ngrams: tuple[int, ...]
    matches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BleuScores:
    """BLEU of every clip and of all.

    Attributes:
        clips_BN: float64 [4, N], BLEU-1 to 4 of each clip.
        corpus_B: float64 [4], BLEU-1 to 4 over all n-grams together: not the mean of the clips'.
    """

    clips_BN: npt.NDArray[np.float64]
    corpus_B: npt.NDArray[np.float64]


def bleu_counts(candidate: Tokens, reference: Tokens) -> BleuCounts:
    """The counts of one clip.

    Raises:
        ConfigError: pycocoevalcap is not installed.
    """
    scorer = _scorer()
    counts = scorer.cook_test(" ".join(candidate), scorer.cook_refs([" ".join(reference)]))
    return BleuCounts(counts["testlen"], counts["reflen"][0], tuple(counts["guess"]), tuple(counts["correct"]))


def bleu_scores(clips: Sequence[BleuCounts]) -> BleuScores:
    """Scores from the counts of all clips; a candidate without tokens scores 0."""
    corpus = _scorer().BleuScorer(n=LONGEST)
    corpus.ctest = [
        {
            "testlen": clip.num_tokens,
            "reflen": [clip.num_reference_tokens],
            "guess": clip.ngrams,
            "correct": clip.matches,
        }
        for clip in clips
    ]
    total, single = corpus.compute_score(option="closest", verbose=0)
    return BleuScores(np.array(single, np.float64), np.array(total, np.float64))


def _scorer() -> Any:
    require_pycocoevalcap()
    from pycocoevalcap.bleu import bleu_scorer

    return bleu_scorer
