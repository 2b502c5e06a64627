"""The paper's results, to lay beside one's own: tables 2 and 3, test split of E-SyncVidStory, generated storyline.

They were computed by the released definitions, with the paper's models and its authors' references and frames. A value
of ours is comparable under the same definition only, on the same split, with the same tokenizer and embedding models.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from narrator_ray.errors import ConfigError
from narrator_ray.evaluation.scores import Score

_COLUMNS: Final = (
    *("cider_d", "meteor", "bleu_1", "bleu_2", "bleu_3", "bleu_4"),
    *("emscore", "emscore_ref", "info_sim", "info_diverse", "word_length", "repetition"),
)
_ROWS: Final = {
    "llava-gpt-zero-shot": (15.0, 8.5, 18.4, 7.6, 4.3, 2.7, 52.3, 84.0, 88.0, 42.6, 37.3, 34.3),
    "llava-gpt-few-shot": (18.6, 8.3, 20.0, 8.5, 4.9, 3.2, 52.6, 84.3, 88.4, 46.9, 50.7, 23.2),
    "video-chatgpt": (4.1, 8.6, 13.8, 5.5, 2.9, 1.7, 52.1, 72.7, 87.7, 39.2, 17.4, 44.2),
    "video-llava": (6.1, 8.3, 15.1, 6.0, 3.3, 1.8, 52.3, 73.0, 87.6, 32.3, 28.6, 34.6),
    "vtimellm": (8.4, 8.6, 14.9, 6.5, 3.9, 2.6, 52.1, 82.9, 87.4, 40.2, 15.3, 41.6),
    "vtimellm-fine-tuned": (28.0, 8.6, 19.8, 9.3, 5.6, 3.8, 52.4, 84.1, 88.0, 46.8, 70.2, 25.7),
    "videonarrator": (33.3, 9.1, 21.0, 9.9, 6.3, 4.4, 52.8, 85.1, 88.6, 50.2, 98.1, 10.8),
    "without-lora": (10.5, 6.9, 16.5, 5.4, 2.8, 1.7, 52.0, 83.6, 86.1, 42.7, 42.3, 7.1),
    "without-storyline": (26.2, 8.2, 19.4, 9.4, 5.9, 3.6, 52.3, 84.2, 88.3, 49.2, 96.3, 8.6),
    "without-position": (29.5, 8.7, 20.1, 9.1, 5.6, 3.9, 52.6, 84.5, 88.2, 48.4, 96.0, 11.7),
    "without-compression": (29.6, 8.7, 20.4, 9.2, 5.7, 3.8, 52.9, 84.8, 87.9, 50.0, 98.0, 11.3),
    "without-memory": (22.3, 8.2, 19.2, 8.1, 4.7, 3.1, 52.3, 84.4, 87.0, 43.8, 92.3, 11.8),
}
PAPER_ROWS: Final = tuple(_ROWS)
"""Names of the paper's rows, in its order."""
_LENGTH_POLICY: Final = "reference"


def checked_rows(names: Iterable[str]) -> tuple[str, ...]:
    """The names of rows; ``all`` stands for every one.

    Raises:
        ConfigError: There is no such row.
    """
    asked = [row for name in names for row in (PAPER_ROWS if name == "all" else (name,))]
    for name in asked:
        if name not in _ROWS:
            near = get_close_matches(name, PAPER_ROWS, 1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise ConfigError(f"the paper has no row {name!r}{hint}; all, {', '.join(PAPER_ROWS)}")
    return tuple(dict.fromkeys(asked))


def paper_row(row: str) -> dict[str, float]:
    """What the paper has in a row, by metric."""
    return dict(zip(_COLUMNS, _ROWS[row], strict=True))


def paper_value(row: str, score: Score) -> float | None:
    """What the paper has for a score, in its tables' scale; None where it has nothing that means the same."""
    if score.metric not in _COLUMNS:
        return None
    is_the_papers = score.variant == _LENGTH_POLICY if score.metric == "word_length" else score.definition == "released"
    return paper_row(row)[score.metric] if is_the_papers else None
