"""How a training went, step by step: rows that are kept in every checkpoint, so that none is lost or told twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Self

from narrator_ray.records import JsonDict
from narrator_ray.training.step_report import StepReport


class Curves:
    """Rows of two kinds, ``step`` and ``validation``, in the order in which they fell.

    Args:
        rows: Those of an earlier part of the training.
    """

    def __init__(self, rows: Iterable[JsonDict] = ()) -> None:
        self.rows = list(rows)

    def add_step(self, report: StepReport, took_s: float) -> None:
        """A step was taken, in so many seconds."""
        self.rows.append({"kind": "step", **asdict(report), "took_s": round(took_s, 4)})

    def add_validation(self, step: int, figures: Mapping[str, float]) -> None:
        """Held-out videos were looked at after so many steps."""
        self.rows.append({"kind": "validation", "step": step, **figures})

    def of_kind(self, kind: str) -> list[JsonDict]:
        """Rows of one kind."""
        return [row for row in self.rows if row["kind"] == kind]

    def figure(self, kind: str, name: str) -> list[tuple[float, float]]:
        """A figure over steps, where it was taken."""
        return [(row["step"], row[name]) for row in self.of_kind(kind) if name in row]

    @property
    def validation_loss(self) -> float | None:
        """The last one, where there was any."""
        losses = self.figure("validation", "loss")
        return losses[-1][1] if losses else None

    def to_jsonl(self) -> str:
        """A line of JSON for every row."""
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)

    @classmethod
    def from_jsonl(cls, text: str) -> Self:
        """Inverse of :meth:`to_jsonl`."""
        return cls(map(json.loads, text.splitlines()))
