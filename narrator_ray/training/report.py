"""The page of a training: its curves and figures in one self-contained HTML file that requests nothing."""

from __future__ import annotations

from collections.abc import Sequence

from narrator_ray.outputs.charts import Curve, curve_chart
from narrator_ray.outputs.training_page import Fact, render_training_page
from narrator_ray.training.curves import Curves
from narrator_ray.training.training_set import TrainingSet

_MILLION = 1e6
_FREE_RUNNING = {
    "labels_right": "labels right",
    "in_window": "in window",
    "truth_product_right": "product right",
    "truth_colour_right": "colour right",
    "truth_scene_right": "scene right",
    "truth_motion_right": "motion right",
    "truth_untrue_facts": "untrue facts",
}
"""Figures of free running that are drawn, in the colours' order, where there are any."""


def render_training_report(name: str, curves: Curves, chosen: TrainingSet, num_steps: int) -> str:
    """The page.

    Args:
        name: Of the training.
        curves: How it went so far.
        chosen: What is learnt, held out and left out.
        num_steps: Of the whole training.
    """
    losses = {"learnt": curves.figure("step", "loss"), "held out": curves.figure("validation", "loss")}
    rates = [(step, rate * _MILLION) for step, rate in curves.figure("step", "learning_rate")]
    charts = [
        ("Loss", curve_chart([Curve(title, values) for title, values in losses.items()], "cross entropy")),
        ("Learning rate", curve_chart([Curve("millionths", rates)], "millionths")),
        ("Length of the gradient", curve_chart([Curve("norm", curves.figure("step", "gradient_norm"))], "norm")),
    ]
    figures = {title: curves.figure("validation", key) for key, title in _FREE_RUNNING.items()}
    narrated = [Curve(title, values) for title, values in figures.items() if values]
    if narrated:
        charts.append(("Held-out videos as narrated", curve_chart(narrated, "share of clips")))
    return render_training_page(name, _facts(curves, chosen, num_steps), charts, chosen.reasons.most_common())


def _facts(curves: Curves, chosen: TrainingSet, num_steps: int) -> Sequence[Fact]:
    steps = curves.of_kind("step")
    seconds, tokens = (sum(row[name] for row in steps) for name in ("took_s", "num_tokens"))
    waited = sum(row["waited_s"] for row in steps)
    loss = f"{steps[-1]['loss']:.3f}" if steps else "–"
    held_out = "–" if curves.validation_loss is None else f"{curves.validation_loss:.3f}"
    return (
        Fact("Steps", f"{len(steps):,}", f"of {num_steps:,}"),
        Fact("Loss", loss, f"held out {held_out}"),
        Fact("Tokens a second", f"{tokens / seconds:,.0f}" if seconds else "–", f"{tokens:,} in {seconds:,.0f} s"),
        Fact("Waited for samples", f"{waited / seconds:.1%}" if seconds else "–", "of the time"),
        Fact("Videos learnt", f"{len(chosen.learnt):,}", f"{len(chosen.held_out):,} held out"),
        Fact("Rejected", f"{len(chosen.rejections):,}", f"of {chosen.num_videos:,}"),
    )
