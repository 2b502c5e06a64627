"""Picks a token by scores: greedy, or sampled with temperature and nucleus, from a stream that belongs to one video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from narrator_ray.config import DecodingSettings

FloatArray = npt.NDArray[np.float32]

_REPEATED_PHRASE_PENALTY = 30.0


class Sampler:
    """Choices for one video.

    Args:
        settings: Temperature, nucleus, penalties.
        seed: Of the video's own random stream, so that its text does not depend on its neighbours.
    """

    def __init__(self, settings: DecodingSettings, seed: int) -> None:
        self._settings = settings
        self._random = np.random.default_rng([settings.seed, seed])

    @property
    def no_repeat_tokens(self) -> int:
        """Length of the phrases a story avoids to repeat."""
        return self._settings.no_repeat_tokens

    def penalised(self, logits_V: FloatArray, used: Iterable[int], repeated: Iterable[int] = ()) -> FloatArray:
        """Logits with those of used tokens made smaller: divided by the penalty if positive, else multiplied.

        Tokens that would repeat a phrase come after all others, but stay possible: the length window decides.

        Source: Keskar et al. 2019 (CTRL), section 4.1; the released decoding settings use 1.1.
        """
        ids, phrase_ends = np.fromiter(set(used), np.intp), np.fromiter(repeated, np.intp)
        if not len(phrase_ends) and (not len(ids) or self._settings.repetition_penalty == 1):
            return logits_V
        penalised = logits_V.copy()
        penalised[phrase_ends] -= _REPEATED_PHRASE_PENALTY
        of_used, penalty = penalised[ids], self._settings.repetition_penalty
        penalised[ids] = np.where(of_used > 0, of_used / penalty, of_used * penalty)
        return penalised

    def varied(self, logits_V: FloatArray, openings: Mapping[int, int]) -> FloatArray:
        """Logits of the token that begins a narration or sentence, with those that began others made smaller.

        A model that takes the likeliest token begins as most of what it learnt from begins, and so nearly always alike.

        Args:
            logits_V: What the model says.
            openings: How many began with each token.
        """
        if not openings or self._settings.opening_penalty == 0:
            return logits_V
        varied, times = logits_V.copy(), np.fromiter(openings.values(), np.float32)
        varied[list(openings)] -= np.float32(self._settings.opening_penalty) * times
        return varied

    def choose(self, scores_V: FloatArray) -> int:
        """One token; those with a score of minus infinity are never chosen."""
        if self._settings.temperature == 0:
            return int(scores_V.argmax())
        scaled = (scores_V - scores_V.max()).astype(np.float64) / self._settings.temperature
        probability = np.exp(scaled)
        probability /= probability.sum()
        order = np.argsort(-probability, kind="stable")
        before = np.cumsum(probability[order]) - probability[order]
        nucleus = order[before < self._settings.top_p]
        nucleus = np.sort(nucleus[probability[nucleus] > 0])  # by id: near ties may swap places, ids do not
        return int(self._random.choice(nucleus, p=probability[nucleus] / probability[nucleus].sum()))
