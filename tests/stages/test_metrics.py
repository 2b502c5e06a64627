"""The table of metrics keeps to the customs of Prometheus."""

import re

import pytest

from narrator_ray.stages.metrics import METRICS


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_by_its_unit(metric):
    """Lower case, the unit at its end, described by a sentence; only histograms have buckets, in order."""
    assert re.fullmatch(r"narrator_[a-z_]+", metric.name)
    assert metric.name.endswith(metric.unit) or metric.name == "narrator_cache_hits"
    assert metric.description.endswith(".")
    assert (metric.kind == "histogram") == bool(metric.boundaries)
    assert list(metric.boundaries) == sorted(metric.boundaries)
    assert metric.exported_name.endswith("_total") == (metric.kind == "counter")


def test_names_are_unique():
    """No two metrics of one name."""
    assert len({metric.exported_name for metric in METRICS}) == len(METRICS)
