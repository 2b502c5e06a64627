"""Panels and alerts ask for metrics that there are."""

import importlib.util
import json
import re
from functools import cache
from pathlib import Path

import pytest

from narrator_ray.stages.metrics import METRICS, Metric
from tests.cluster.manifests import CLUSTER, base, load

DASHBOARD = json.loads((CLUSTER / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
[RULES] = load(CLUSTER / "monitoring" / "rules.yaml")
FOREIGN = {
    "kube_cronjob_status_last_successful_time": {"namespace", "cronjob"},
    "kube_pod_container_status_restarts_total": {"namespace", "pod"},
}
"""Of kube-state-metrics, which is not here to be asked; with the labels that are used."""
FUNCTIONS = {
    "sum", "max", "by", "rate", "increase", "deriv", "max_over_time", "histogram_quantile", "time", "hour", "minute",
    "vector", "on", "group_left", "and", "or",
}  # fmt: skip
RULES_OF_GROUPS = [rule for group in RULES["groups"] for rule in group["rules"]]
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS += [rule["expr"] for rule in RULES_OF_GROUPS]


def series_of(metric: Metric) -> set[str]:
    """What Prometheus knows a metric's series by."""
    endings = ("_bucket", "_count") if metric.kind == "histogram" else ("",)
    return {f"{metric.exported_name}{ending}" for ending in endings}


OURS = {name: {*metric.tag_keys, "le"} for metric in METRICS for name in series_of(metric)}
RECORDED = {rule["record"] for rule in RULES_OF_GROUPS if "record" in rule}


def names_in(expression: str) -> set[str]:
    """Metrics that an expression asks for."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[\w+\]', "", expression)
    bare = re.sub(r"\b(?:by|on|group_left) *\([^)]*\)", "", bare)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - FUNCTIONS


def labels_in(expression: str) -> set[str]:
    """Labels that an expression selects or groups by."""
    selected = re.findall(r'(\w+) *(?:=~|!=|=) *"', expression)
    grouped = [name for names in re.findall(r"\bby *\(([^)]*)\)", expression) for name in names.split(",")]
    return {name.strip() for name in (*selected, *grouped)} - {""}


@cache
def serves_metrics() -> str:
    """Sources of Ray Serve, which name its metrics."""
    [place] = importlib.util.find_spec("ray.serve").submodule_search_locations
    return "".join(path.read_text(encoding="utf-8") for path in (Path(place) / "_private").glob("*.py"))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_is_exported(expression):
    """By this project's table, by Ray Serve, by a rule here, or by kube-state-metrics; with the labels it has."""
    names, labels, serve = names_in(expression), set(), serves_metrics()
    assert names
    for name in names:
        if name.startswith("ray_serve_"):
            bare = name.removeprefix("ray_").removesuffix("_total")
            assert f'"{bare}"' in serve, name
            labels |= {"deployment"}
        else:
            assert name in OURS or name in RECORDED or name in FOREIGN, name
            labels |= OURS.get(name, set()) | FOREIGN.get(name, set())
    assert labels_in(expression) <= labels


def test_counters_are_known_as_prometheus_knows_them():
    """The check can fail: without its ending a counter is unknown."""
    assert "ray_narrator_videos_total" in OURS
    assert "ray_narrator_videos" not in OURS
    assert names_in('sum by (le) (rate(ray_x{a="b"}[5m])) > on () group_left () hour()') == {"ray_x"}
    assert labels_in('sum by (le, stage) (ray_x{a!="b"})') == {"le", "stage", "a"}


def test_every_metric_of_the_pipeline_has_a_panel():
    """But for busy time's twin of a histogram, nothing is exported that nobody looks at."""
    shown = {name for panel in DASHBOARD["panels"] for target in panel["targets"] for name in names_in(target["expr"])}
    shown |= {name for rule in RULES_OF_GROUPS for name in names_in(rule["expr"])}
    assert [metric.name for metric in METRICS if not series_of(metric) & shown] == []


def test_alerts_say_what_to_do():
    """Each has a severity, a summary, a runbook; documents and commands that a runbook names exist."""
    alerts = [rule for rule in RULES_OF_GROUPS if "alert" in rule]
    assert {rule["alert"] for rule in alerts} >= {
        "NarratorRejectedShareHigh", "NarratorNothingPublished", "NarratorQueueNotShrinking",
        "NarratorReplicasRestarting", "NarratorCacheHitRateDown",
    }  # fmt: skip
    readme = (CLUSTER / "README.md").read_text(encoding="utf-8")
    for rule in alerts:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "runbook"}
        for heading in re.findall(r'README "([^"]+)"', rule["annotations"]["runbook"]):
            assert f"## {heading}\n" in readme or f"**{heading}.**" in readme, heading


def test_the_alert_of_the_morning_names_the_cronjob():
    """And both are in UTC, as Prometheus' hours are."""
    [cron] = [one for one in base() if one["kind"] == "CronJob"]
    [rule] = [rule for rule in RULES_OF_GROUPS if rule.get("alert") == "NarratorNothingPublished"]
    assert f'cronjob="{cron["metadata"]["name"]}"' in rule["expr"]
    kustomization = load(CLUSTER / "kuberay" / "overlays" / "prod" / "kustomization.yaml")[0]
    assert f'namespace="{kustomization["namespace"]}"' in rule["expr"]
    assert cron["spec"]["timeZone"] == "Etc/UTC"
    assert int(cron["spec"]["schedule"].split()[1]) < 6


def test_panels_lie_side_by_side():
    """Every panel has an id, a title and a place of its own within the width of a page."""
    places = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        columns, rows = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & places and grid["x"] + grid["w"] <= 24
        places |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["title"] for panel in DASHBOARD["panels"])
