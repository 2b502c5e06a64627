"""METEOR 1.5: a candidate aligned with its reference word by word, order and fragments penalised.

Computed by the authors' Java program, which pycocoevalcap ships. A clip's statistics are one line of numbers; the score
of a corpus comes from the lines of all its clips together and is not the mean of the clips'. The program is told that
the language is English, as in every published figure: its stems, synonyms and paraphrases do nothing for Chinese,
where only equal tokens match. One definition over two kinds of tokens (``metrics.captions``).

Source: Denkowski and Lavie 2014; paper, table 2; released code, evaluate_ads.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from narrator_ray.errors import MetricError
from narrator_ray.metrics.captions import Tokens
from narrator_ray.metrics.extras import meteor_jar

_SEPARATOR = " ||| "
_JAVA = ("java", "-Xmx2G", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Duser.language=en", "-jar")
_METEOR = ("-", "-", "-stdio", "-l", "en", "-norm")


@dataclass(frozen=True, slots=True)
class MeteorScores:
    """METEOR of every clip and of all.

    Attributes:
        clips: One a clip, 0 to 1.
        corpus: Over all statistics together.
    """

    clips: tuple[float, ...]
    corpus: float


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

    def statistics(self, candidate: Tokens, reference: Tokens) -> str:
        """The statistics of one clip, a line of numbers."""
        texts = (" ".join(tokens).replace("|||", "") for tokens in (reference, candidate))
        self._send(_SEPARATOR.join(("SCORE", *texts)))
        return self._receive()

    def scores(self, statistics: Sequence[str]) -> MeteorScores:
        """Scores from the statistics of all clips.

        Raises:
            MetricError: There are none, or the program ended.
        """
        if not statistics:
            raise MetricError("METEOR: no clip has both a narration and a reference")
        self._send(_SEPARATOR.join(("EVAL", *statistics)))
        clips = tuple(float(self._receive()) for _ in statistics)
        return MeteorScores(clips, float(self._receive()))

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
