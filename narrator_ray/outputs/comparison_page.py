"""The page of a comparison: charts, tables and examples, without a script."""

from __future__ import annotations

from narrator_ray.outputs.comparison_charts import NUM_COLOURS, interval_chart, label_chart, position_chart
from narrator_ray.outputs.comparison_content import Comparison
from narrator_ray.outputs.comparison_tables import difference_text, p_text, value_text
from narrator_ray.outputs.page import render_page


def render_comparison(comparison: Comparison) -> str:
    """The page as the text of an HTML file, to be written as UTF-8."""
    return render_page(
        "comparison.html.j2",
        ["report.css", "comparison.css"],
        [],
        comparison=comparison,
        num_colours=NUM_COLOURS,
        charts=[interval_chart(comparison.systems, metric) for metric in comparison.metrics],
        breakdowns=[
            (
                metric,
                label_chart(comparison.systems, metric.labels, metric.title),
                position_chart(comparison.systems, metric.positions, metric.title),
            )
            for metric in comparison.metrics
            if metric.positions
        ],
        value_text=value_text,
        difference_text=difference_text,
        p_text=p_text,
    )
