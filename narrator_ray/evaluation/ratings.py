"""What raters gave: means of every system, their geometric mean, and how far raters agree."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import SchemaError
from narrator_ray.evaluation.rating_sheet import KEY_FORMAT
from narrator_ray.evaluation.resampling import Resampling, interval
from narrator_ray.evaluation.scores import Sums
from narrator_ray.metrics.agreement import krippendorff_alpha, mean_pearson
from narrator_ray.outputs.rating_page import RATINGS_FORMAT, SCALES
from narrator_ray.records import JsonDict

HIGHEST_MARK: Final = 3


@dataclass(frozen=True, slots=True)
class Ratings:
    """What one rater gave.

    Attributes:
        rater: Who.
        marks: By scale and item; items that were not marked are not there.
    """

    rater: str
    marks: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class SystemRating:
    """How one system was rated.

    Attributes:
        system: Its name.
        num_marks: Stories times raters that marked all scales.
        means: Of each scale.
        geometric_mean: Of these means.
        low: Lower end of its 95 % interval over videos.
        high: Upper end.
    """

    system: str
    num_marks: int
    means: Mapping[str, float]
    geometric_mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far raters agree on one scale; None where that cannot be said.

    Attributes:
        scale: Which one.
        pearson: Mean correlation of pairs of raters, as in the paper.
        alpha_ordinal: Krippendorff's alpha of marks that have an order.
        alpha_interval: Likewise, of marks with equal steps.
    """

    scale: str
    pearson: float | None
    alpha_ordinal: float | None
    alpha_interval: float | None


def read_ratings(files: Sequence[Path], key: Path) -> tuple[list[Ratings], JsonDict]:
    """What raters saved, and the key's items.

    Raises:
        SchemaError: A file is none of a rating sheet, belongs to another sheet, or two are of one rater.
    """
    secret = _read(key, KEY_FORMAT)
    found: dict[str, Ratings] = {}
    for file in files:
        content = _read(file, RATINGS_FORMAT)
        if content["sheet"] != secret["sheet"]:
            raise SchemaError(f"{file}: belongs to sheet {content['sheet']}, the key to {secret['sheet']}")
        rater = content["rater"]
        if rater in found:
            raise SchemaError(f"{file}: {rater!r} has given another file already: keep the newer one")
        found[rater] = Ratings(rater, _marks(content["ratings"], secret["items"], file))
    return list(found.values()), secret["items"]


def rate_systems(ratings: Sequence[Ratings], items: JsonDict, resampling: Resampling) -> list[SystemRating]:
    """How every system was rated, in the order of their geometric means, best first.

    Only stories that a rater marked on all scales count. Intervals are over videos, raters as they are.
    """
    of_system: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for item, who in items.items():
        rows = of_system.setdefault(who["system"], {}).setdefault(who["video_id"], [])
        for rating in ratings:
            if all(item in rating.marks[scale] for scale in SCALES):
                rows.append((*(rating.marks[scale][item] for scale in SCALES), 1.0))
    rated = [_rated(system, videos, resampling) for system, videos in of_system.items() if any(videos.values())]
    return sorted(rated, key=lambda rating: -rating.geometric_mean)


def agreements(ratings: Sequence[Ratings]) -> list[Agreement]:
    """How far raters agree, scale by scale."""
    return [
        Agreement(
            scale,
            mean_pearson(marks),
            krippendorff_alpha(marks, "ordinal"),
            krippendorff_alpha(marks, "interval"),
        )
        for scale in SCALES
        for marks in [[rating.marks[scale] for rating in ratings]]
    ]


def geometric_mean_of_sums(sums_RS: Sums) -> npt.NDArray[np.float64]:
    """Geometric mean [R] of the scales' means, from sums of marks and their number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means_RC = sums_RS[:, :-1] / sums_RS[:, -1:]
        means_R: npt.NDArray[np.float64] = means_RC.prod(axis=1) ** (1 / means_RC.shape[1])
    return means_R


def _rated(system: str, videos: Mapping[str, list[tuple[float, ...]]], resampling: Resampling) -> SystemRating:
    statistics_VS = np.array([np.sum(rows, axis=0) for rows in videos.values() if rows], np.float64)
    total_S = statistics_VS.sum(axis=0)
    low, high = interval(resampling.bootstrap(statistics_VS, geometric_mean_of_sums))
    means = {scale: float(total / total_S[-1]) for scale, total in zip(SCALES, total_S[:-1].tolist(), strict=True)}
    geometric_mean = float(geometric_mean_of_sums(total_S[None])[0])
    return SystemRating(system, round(total_S[-1]), means, geometric_mean, low, high)


def _read(file: Path, content_format: str) -> JsonDict:
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SchemaError(f"{file}: cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("format") != content_format:
        raise SchemaError(f"{file}: expected a file of the format {content_format}")
    names = ("sheet", "items") if content_format == KEY_FORMAT else ("sheet", "rater", "ratings")
    missing = [name for name in names if name not in content]
    if missing:
        raise SchemaError(f"{file}: {', '.join(missing)} is missing")
    return content


def _marks(given: Any, items: JsonDict, file: Path) -> dict[str, dict[str, float]]:
    if not isinstance(given, dict) or not all(isinstance(marks, dict) for marks in given.values()):
        raise SchemaError(f"{file}: ratings: expected marks by item")
    unknown = [item for item in given if item not in items]
    if unknown:
        raise SchemaError(f"{file}: the key does not know the item {unknown[0]!r}")
    marks: dict[str, dict[str, float]] = {scale: {} for scale in SCALES}
    for item, of_item in given.items():
        for scale in SCALES:
            mark = of_item.get(scale)
            if mark is None:
                continue
            if isinstance(mark, bool) or mark not in range(HIGHEST_MARK + 1):
                raise SchemaError(f"{file}: {item}, {scale}: expected 0 to {HIGHEST_MARK}, got {mark!r}")
            marks[scale][item] = float(mark)
    return marks
