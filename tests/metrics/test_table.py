"""The table names every metric once, with what it needs."""

from pathlib import Path

import pytest

import narrator_ray.metrics
from narrator_ray.metrics.table import DEFINITIONS, METRICS, Need


def test_the_metrics_of_the_paper_are_there():
    """In the order of its tables."""
    assert list(METRICS) == [
        *(f"bleu_{n}" for n in range(1, 5)),
        *("cider_d", "meteor", "emscore", "emscore_ref", "info_sim", "info_diverse"),
        *("word_length", "spoken_fit", "label_exact", "label_f1", "repetition"),
        *(f"truth_{name}" for name in ("product", "colour", "scene", "motion", "coverage", "untrue", "order")),
        "judge_label",
        *(f"judge_{scale}" for scale in ("relevance", "attractiveness", "coherence", "gm")),
    ]
    assert [name for name, metric in METRICS.items() if not metric.is_higher_better] == ["repetition", "truth_untrue"]


def test_needs_say_what_can_be_absent():
    """METEOR alone runs on Java; only EMScore looks at frames."""
    assert [name for name, metric in METRICS.items() if Need.JAVA in metric.needs] == ["meteor"]
    assert [name for name, metric in METRICS.items() if Need.FRAMES in metric.needs] == ["emscore", "emscore_ref"]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_the_documentation_has_every_metric_and_definition(metric):
    """A row of the table for each; where there is one definition, it is the standard one."""
    document = Path(narrator_ray.metrics.__file__).parents[2] / "docs" / "metrics.md"
    assert f"| `{metric.name}` |" in document.read_text(encoding="utf-8")
    assert metric.definitions in (frozenset(DEFINITIONS), frozenset({"standard"}))
