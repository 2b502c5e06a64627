"""How the page of a training looks; what is on it is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from narrator_ray.outputs.page import render_page


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with its name and what it is a part of."""

    name: str
    value: str
    remark: str


def render_training_page(
    name: str, facts: Sequence[Fact], charts: Sequence[tuple[str, Markup]], reasons: Sequence[tuple[str, int]]
) -> str:
    """The text of an HTML file.

    Args:
        name: Of the training.
        facts: Figures at the top.
        charts: With their titles.
        reasons: Why videos were rejected, and how many.
    """
    return render_page("training.html.j2", ["report.css"], [], name=name, facts=facts, charts=charts, reasons=reasons)
