"""The charts: well-formed, truthful, and safe with odd input."""

import xml.etree.ElementTree as ET

from narrator_ray.outputs.charts import (
    Curve,
    LengthPoint,
    curve_chart,
    label_chart,
    length_chart,
    pace_chart,
    stage_chart,
)
from narrator_ray.records import ScriptLabel


def bars_of(svg):
    """Widths of the bars of a chart, by CSS class."""
    return {node.get("class"): float(node.get("width")) for node in ET.fromstring(svg).iter("rect")}


def test_label_bars_are_in_proportion():
    """The bar of a label that is twice as frequent is twice as long, and absent labels have none."""
    counts = {ScriptLabel.SORE_POINT: 2, ScriptLabel.PRODUCT_EFFECT: 4, ScriptLabel.OTHERS: 0}
    bars = bars_of(label_chart(counts))
    assert list(bars) == ["label-product_effect", "label-sore_point"]
    assert abs(bars["label-product_effect"] - 2 * bars["label-sore_point"]) < 0.2


def test_chart_has_a_text_alternative():
    """A screen reader hears the numbers."""
    assert 'aria-label="Clips by script label: sore point 2"' in label_chart({ScriptLabel.SORE_POINT: 2})


def test_length_chart_tells_inside_from_outside():
    """Each different narration is one dot, by whether it lies inside its window."""
    points = [LengthPoint(4, 10, 7, 13), LengthPoint(4, 10, 7, 13), LengthPoint(4, 20, 7, 13)]
    svg = length_chart(points, "words")
    assert [node.get("class") for node in ET.fromstring(svg).iter("circle")] == ["in", "out"]
    assert "Length of 3 narrations in words over clip seconds: 2 inside their window" in svg


def test_pace_chart_counts_every_rate():
    """Equal rates share a bar; the median is named."""
    svg = pace_chart([2.0, 2.0, 3.9], "words")
    assert len(list(ET.fromstring(svg).iter("rect"))) == 2
    assert "median 2.0 words a second" in svg


def test_stage_names_are_escaped():
    """A stage's name is text, whatever it is."""
    svg = stage_chart({'<b a="1">&': 1.0})
    assert ET.fromstring(svg).find("text").text == '<b a="1">&'


def test_nothing_to_draw():
    """Empty input is a sentence instead of empty axes, and zeros do not divide by zero."""
    for chart in (label_chart({}), stage_chart({}), length_chart([], "words"), pace_chart([], "words")):
        assert "Nothing to show" in chart
    assert bars_of(stage_chart({"narrate": 0.0})) == {"bar": 2.0}
    assert ET.fromstring(length_chart([LengthPoint(0.1, 0, 0, 0)], "words")).find("circle") is not None


def test_curves_are_lines_with_a_legend():
    """A line each, its last value beside its name; long ones are thinned, small values have ticks of their own."""
    falling = Curve("<loss>", [(step, 2 - step / 1000) for step in range(1000)])
    chart = curve_chart([falling, Curve("empty", [])], "cross entropy")
    assert chart.count("<polyline") == 1
    assert "&lt;loss&gt; 1" in chart
    assert len(chart.split('points="')[1].split('"')[0].split()) <= 300
    small = curve_chart([Curve("rate", [(0, 0.0), (5, 1e-4)])], "rate")
    assert ">0.0001<" in small or ">8e-05<" in small
    assert "Nothing to show" in curve_chart([Curve("empty", [])], "loss")
