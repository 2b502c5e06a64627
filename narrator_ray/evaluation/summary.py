"""Scores as rows for people, as JSON, as Markdown, and their items as a table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from textwrap import indent
from typing import Final

import pyarrow as pa

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.metrics.table import METRICS
from narrator_ray.outputs.tables import to_parquet_bytes
from narrator_ray.records import JsonDict
from narrator_ray.storage import Storage

ITEMS: Final = pa.schema(
    [
        ("metric", pa.string()),
        ("definition", pa.string()),
        ("variant", pa.string()),
        ("item", pa.string()),
        ("value", pa.float64()),
    ]
)
"""One row per clip or story and score, before the metric's scale."""
COLUMNS: Final = ("metric", "definition", "value", "chance", "unit", "scored", "left out")
NUMBERS: Final = ("value", "chance", "scored", "left out")
"""Columns that hold numbers."""


def summary_rows(outcomes: Sequence[Score | NoScore]) -> list[tuple[str, ...]]:
    """One row per score, by ``COLUMNS``; a value that is none says why."""
    return [_row(outcome) for outcome in outcomes]


def to_markdown(outcomes: Sequence[Score | NoScore]) -> str:
    """The rows as a Markdown table, and what judges were asked."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *summary_rows(outcomes)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    prompts = dict.fromkeys(
        (outcome.details["model"], outcome.details["prompt"])
        for outcome in outcomes
        if isinstance(outcome, Score) and "prompt" in outcome.details
    )
    return table + "".join(f"\nAsked of {model}:\n\n{indent(prompt, ' ' * 4)}\n" for model, prompt in prompts)


def to_json(outcomes: Sequence[Score | NoScore]) -> JsonDict:
    """Everything but the items; a value that is no number is null."""
    return {
        "scores": [_score_json(outcome) for outcome in outcomes if isinstance(outcome, Score)],
        "not_scored": [
            {"metric": outcome.metric, "definition": outcome.definition, "reason": outcome.reason}
            for outcome in outcomes
            if isinstance(outcome, NoScore)
        ],
    }


def items_table(outcomes: Sequence[Score | NoScore]) -> pa.Table:
    """What every clip and story scored, with the schema ``ITEMS``."""
    rows = [
        {
            "metric": outcome.metric,
            "definition": outcome.definition,
            "variant": outcome.variant,
            "item": item,
            "value": value,
        }
        for outcome in outcomes
        if isinstance(outcome, Score)
        for item, value in outcome.items.items()
    ]
    return pa.Table.from_pylist(rows, schema=ITEMS)


def write(outcomes: Sequence[Score | NoScore], place: str, settings: StorageSettings = DEFAULT_STORAGE) -> list[str]:
    """Write evaluation.json, evaluation.md and items.parquet to a directory or s3:// prefix; says where they lie."""
    storage = Storage.open(place, settings)
    contents = {
        "evaluation.json": (json.dumps(to_json(outcomes), ensure_ascii=False, indent=2) + "\n").encode(),
        "evaluation.md": to_markdown(outcomes).encode(),
        "items.parquet": to_parquet_bytes(items_table(outcomes)),
    }
    for name, data in contents.items():
        storage.write(name, data)
    return [storage.path_of(name) for name in contents]


def _row(outcome: Score | NoScore) -> tuple[str, ...]:
    metric = METRICS[outcome.metric]
    if isinstance(outcome, NoScore):
        return metric.name, outcome.definition, "–", "", outcome.reason, "", ""
    name = f"{metric.name} ({outcome.variant})" if outcome.variant else metric.name
    digits = 2 if metric.unit == "of 3" else 1
    return (
        name,
        outcome.definition,
        f"{outcome.value * metric.scale:.{digits}f}",
        "" if outcome.chance is None else f"{outcome.chance * metric.scale:.{digits}f}",
        metric.unit,
        str(len(outcome.sums_of_items)),
        str(outcome.num_left_out),
    )


def _score_json(score: Score) -> JsonDict:
    metric = METRICS[score.metric]
    return {
        "metric": score.metric,
        "definition": score.definition,
        "variant": score.variant,
        "value": None if math.isnan(score.value) else score.value * metric.scale,
        "chance": None if score.chance is None else score.chance * metric.scale,
        "unit": metric.unit,
        "is_higher_better": metric.is_higher_better,
        "num_scored": len(score.sums_of_items),
        "num_left_out": score.num_left_out,
        "details": score.details,
    }
