"""METEOR 1.5: a candidate aligned with its reference word by word, order and fragments penalised.

Aligned by the authors' Java program, which pycocoevalcap ships; it takes its time to start, as it reads tables of
paraphrases. What it counts for a clip is a row of numbers that add up to the corpus's, and scores follow from them
here: the score of a corpus is that of all its rows together and not the mean of the clips'. The program is told that
the language is English, as in every published figure: its stems, synonyms and paraphrases do nothing for Chinese,
where only equal tokens match. One definition over two kinds of tokens (``metrics.captions``).

Source: Denkowski and Lavie 2014; paper, table 2; released code, evaluate_ads.py.
"""

from __future__ import annotations

import subprocess
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import MetricError
from narrator_ray.metrics.captions import Tokens
from narrator_ray.metrics.extras import meteor_jar

_SEPARATOR = " ||| "
_JAVA = ("java", "-Xmx2G", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Duser.language=en", "-jar")
_METEOR = ("-", "-", "-stdio", "-l", "en", "-norm")
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_MODULES = (1.0, 0.6, 0.8, 0.6)
"""What a match counts: of equal words, of stems, of synonyms, of paraphrases."""


def meteor_values(counts_NS: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """METEOR [N], 0 to 1, of N rows of counts, of one clip or summed over many.

    Equation numbers are those of Denkowski and Lavie 2014, section 2: (1) weighed precision and recall, in which words
    that only tie others together count less; (2) their mean, mostly recall; (3) the penalty for many chunks.

    Args:
        counts_NS: Rows of :meth:`Meteor.counts`.
    """
    (tokens_N, own_tokens_N), (function_N, own_function_N) = counts_NS[:, :2].T, counts_NS[:, 2:4].T
    matches_NMK = counts_NS[:, 4 : 4 + 4 * len(_MODULES)].reshape(len(counts_NS), len(_MODULES), 4)
    found_NK = np.tensordot(matches_NMK, np.array(_MODULES), axes=(1, 0))
    chunks_N, words_N, own_words_N = counts_NS[:, -3:].T
    with np.errstate(divide="ignore", invalid="ignore"):
        precision_N = _weighed(found_NK[:, 0], found_NK[:, 2]) / _weighed(tokens_N - function_N, function_N)
        recall_N = _weighed(found_NK[:, 1], found_NK[:, 3]) / _weighed(own_tokens_N - own_function_N, own_function_N)
        mean_N = precision_N * recall_N / (_ALPHA * precision_N + (1 - _ALPHA) * recall_N)
        fragments_N = 2 * chunks_N / (words_N + own_words_N)
        scores_N = mean_N * (1 - _GAMMA * fragments_N**_BETA)
    values_N: npt.NDArray[np.float64] = np.nan_to_num(scores_N, nan=0.0)
    return values_N


def _weighed(content_N: npt.NDArray[np.float64], function_N: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return _DELTA * content_N + (1 - _DELTA) * function_N


class Meteor:
    """The Java program, running; start it once and close it, as a context.

    Raises:
        ConfigError: pycocoevalcap or Java is not installed.
    """

    def __init__(self) -> None:
        jar = meteor_jar()
        self._process = subprocess.Popen(  # noqa: S603 -- a fixed command
            [*_JAVA, jar.name, *_METEOR],
            cwd=jar.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.communicate()

    def counts(self, candidate: Tokens, reference: Tokens) -> tuple[float, ...]:
        """What the program counts for one clip: 23 numbers, of which ``meteor_values`` knows the meaning.

        A candidate that is its reference has no chunks: it is not in pieces, alone or in a corpus.

        Raises:
            MetricError: The program ended.
        """
        texts = (" ".join(tokens).replace("|||", "") for tokens in (reference, candidate))
        self._send(_SEPARATOR.join(("SCORE", *texts)))
        counts = tuple(map(float, self._receive().split()))
        num_tokens, num_own_tokens, *_, num_chunks, num_words, num_own_words = counts
        is_whole = (num_words, num_own_words, num_chunks) == (num_tokens, num_own_tokens, 1)
        return (*counts[:-3], 0.0, *counts[-2:]) if is_whole else counts

    def _send(self, line: str) -> None:
        stream = _opened(self._process.stdin)
        try:
            stream.write(line.replace("\n", " ") + "\n")
            stream.flush()
        except (OSError, ValueError) as error:  # a broken pipe, a closed one
            raise MetricError(f"METEOR: the Java program ended with code {self._process.poll()}") from error

    def _receive(self) -> str:
        line = _opened(self._process.stdout).readline()
        if not line:
            raise MetricError(f"METEOR: the Java program ended with code {self._process.wait()}")
        return line.strip()


def _opened(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
