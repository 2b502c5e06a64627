"""A comparison as Markdown, for people, and as JSON, for programs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from narrator_ray.outputs.comparison_content import ComparedMetric, ComparedValue, Comparison, Group
from narrator_ray.records import JsonDict


def to_markdown(comparison: Comparison) -> str:
    """Values with intervals, differences with significance, by label and by place."""
    parts = [
        f"# {' and '.join(comparison.systems)}\n",
        f"{' '.join(_remarks(comparison))}\n",
        _table(_header(comparison), (_row(comparison, metric) for metric in comparison.metrics)),
    ]
    for title, groups in (("script label", "labels"), ("clip of the story", "positions")):
        rows = [_group_row(metric, group) for metric in comparison.metrics for group in getattr(metric, groups)]
        if rows:
            parts += [f"## By {title}\n", _table(("metric", "definition", title, "clips", *comparison.systems), rows)]
    return "\n".join(parts)


def to_json(comparison: Comparison) -> JsonDict:
    """Everything; a value that is no number is null."""
    plain: JsonDict = _without_nan(asdict(comparison))
    return plain


def _remarks(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.num_stories} stories, {comparison.num_clips} clips."
    if comparison.num_left_out:
        yield f"{comparison.num_left_out} stories that some system does not tell are left out."
    yield f"In brackets: {comparison.confidence:.0%} bootstrap interval over stories,"
    yield f"{comparison.num_resamples} resamples. p: two-sided randomisation test against {comparison.systems[0]},"
    yield "adjusted (Holm) for all comparisons of the table."


def _header(comparison: Comparison) -> tuple[str, ...]:
    first, *others = comparison.systems
    paper = dict.fromkeys(row for metric in comparison.metrics for row, _ in metric.paper)
    columns = [column for name in others for column in (name, "difference", "p")]
    return ("metric", "definition", "unit", first, *columns, *(f"paper: {row}" for row in paper))


def _row(comparison: Comparison, metric: ComparedMetric) -> tuple[str, ...]:
    first, *others = metric.values
    cells = [cell for value in others for cell in (value_text(value), difference_text(value), p_text(metric, value))]
    paper = dict.fromkeys(row for other in comparison.metrics for row, _ in other.paper)
    values = dict(metric.paper)
    papers = (f"{values[row]:.1f}" if row in values else "" for row in paper)
    return (metric.name, metric.definition, metric.unit, value_text(first), *cells, *papers)


def value_text(value: ComparedValue | None) -> str:
    """A value with its interval."""
    if value is None:
        return "–"
    chance = "" if value.chance is None else f", chance {value.chance:.1f}"
    return f"{value.value:.1f} [{value.low:.1f}, {value.high:.1f}{chance}]"


def difference_text(value: ComparedValue | None) -> str:
    """A difference with its interval."""
    if value is None or value.difference is None:
        return ""
    return f"{value.difference:+.1f} [{value.difference_low:+.1f}, {value.difference_high:+.1f}]"


def p_text(metric: ComparedMetric, value: ComparedValue | None) -> str:
    """A p value, and which way the difference goes where it is significant."""
    if value is None or value.p_value is None:
        return ""
    verdict = f" {'better' if metric.is_better(value) else 'worse'}" if value.is_significant else ""
    return f"{value.p_value:.3f}{verdict}"


def _group_row(metric: ComparedMetric, group: Group) -> tuple[str, ...]:
    values = ("–" if value is None else f"{value:.1f}" for value in group.values)
    return (metric.name, metric.definition, group.name, str(group.num_clips), *values)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
