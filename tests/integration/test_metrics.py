"""Two runs on a local Ray, as Prometheus sees them, as run.json sums them up, and as the log tells of every video."""

import json
import logging
import time
import urllib.request
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from narrator_ray.config import load_config
from narrator_ray.cost import NO_COST
from narrator_ray.pipeline import Listeners, narrate_catalog
from narrator_ray.runs.video_log import VIDEO_LOG
from narrator_ray.stages import metrics
from narrator_ray.stages.metrics import METRICS, Metric
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TIMEOUT_S = 30


def scrape() -> dict[tuple[str, ...], float]:
    """What the agents of all nodes export of ours, by series and our own tags, summed over processes."""
    import ray
    from prometheus_client.parser import text_string_to_metric_families

    values: dict[tuple[str, ...], float] = defaultdict(float)
    for node in ray.nodes():
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as page:
            text = page.read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                metric = metric_of(sample.name)
                if metric is not None:
                    values[sample.name, *(sample.labels[key] for key in metric.tag_keys)] += sample.value
    return values


def metric_of(series: str) -> Metric | None:
    """The metric that a series belongs to; of a histogram only the number of observations."""
    names = {metric.exported_name + ("_count" if metric.kind == "histogram" else ""): metric for metric in METRICS}
    return names.get(series)


def run(manifest: Path, rows: list[dict], out: str, snapshots: list):
    """Narrate those rows."""
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    listeners = Listeners(on_progress=snapshots.append)
    config = load_config(preset="tiny-random", overrides=["run.max_rejected_fraction=1"])
    return narrate_catalog(str(manifest), out, config, listeners=listeners)


@pytest.fixture(scope="module")
def nights(local_ray, tmp_path_factory) -> SimpleNamespace:
    """Two good videos and one without bytes; then one of the products is told anew."""
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "empty.mp4").touch()
    rows = [
        {"video_id": name, "video": str(write_video(folder / f"{name}.mp4")), "product": {"name": f"Mug {name}"}}
        for name in ("red", "blue")
    ]
    rows.append({"video_id": "empty", "video": str(folder / "empty.mp4"), "product": {"name": "No mug"}})
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger(VIDEO_LOG)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    before, snapshots = scrape(), []
    first = run(folder / "catalog.jsonl", rows, str(folder / "out"), snapshots)
    rows[0]["product"] = {"name": "Another mug"}
    second = run(folder / "catalog.jsonl", rows, str(folder / "out"), snapshots)
    logger.removeHandler(handler)
    record = json.loads((folder / "out" / "runs" / first.run_id / "run.json").read_text())
    return SimpleNamespace(
        before=before,
        runs=(first, second),
        lines=[json.loads(line) for line in lines],
        record=record,
        last=snapshots[-1],
    )


def expected(runs) -> dict[tuple[str, ...], float]:
    """What the metrics must be, from what the runs say of themselves."""
    values: dict[tuple[str, ...], float] = defaultdict(float)
    for stage in (stage for summary in runs for stage in summary.stages):
        for metric, value in (
            (metrics.VIDEOS, stage.num_in),
            (metrics.FRAMES, stage.cost.num_frames),
            (metrics.CLIPS, stage.cost.num_clips),
            (metrics.BUSY_SECONDS, stage.cost.busy_s),
            (metrics.CPU_SECONDS, stage.cost.cpu_s),
        ):
            values[metric.exported_name, stage.stage] += value
        values[f"{metrics.VIDEO_SECONDS.exported_name}_count", stage.stage] += stage.num_in
        for kind in ("written", "read", "shared"):
            values[metrics.TOKENS.exported_name, kind] += getattr(stage.cost, f"tokens_{kind}")
    values[metrics.REJECTED_VIDEOS.exported_name, "split_clips", "video_empty"] = 1
    values[metrics.CACHE_HITS.exported_name, "features"] = sum(summary.num_features_reused for summary in runs)
    values[metrics.CACHE_HITS.exported_name, "narrations"] = sum(summary.num_reused for summary in runs)
    return {key: value for key, value in values.items() if value}


def test_prometheus_sees_what_the_runs_say_of_themselves(nights):
    """Every metric of the table but GPU seconds, each equal to the sum of both runs: no count is lost at their end."""
    wanted, deadline, seen = expected(nights.runs), time.monotonic() + TIMEOUT_S, set()
    while True:
        now = scrape()
        seen |= {metric_of(key[0]) for key in now}
        grown = {key: now[key] - nights.before.get(key, 0.0) for key in wanted if key in now}
        if grown == pytest.approx(wanted, abs=1e-3) or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert grown == pytest.approx(wanted, abs=1e-3)
    assert set(METRICS) - seen <= {metrics.GPU_SECONDS}
    assert now.get((metrics.REMAINING_VIDEOS.exported_name,), 0) == 0


def test_hits_and_rejections_are_those_of_the_second_night(nights):
    """One video unchanged, one with features; the first night narrated two of three."""
    first, second = nights.runs
    assert (first.num_narrated, first.num_rejected) == (2, 1)
    assert (second.num_reused, second.num_features_reused) == (1, 1)


def test_the_record_has_cost_figures(nights):
    """Seconds and tokens of a real run are more than none, and a stage's sum up to the run's."""
    cost, stages = nights.record["cost"], nights.record["stages"]
    assert cost["cpu_s"] == pytest.approx(sum(stage["cpu_s"] for stage in stages), abs=0.01)
    assert cost["num_videos"] == 3
    assert cost["cluster_core_s"] == pytest.approx(2 * nights.record["graph_s"], abs=0.01)
    assert cost["tokens_read_per_s"] > cost["tokens_written_per_s"] > 0
    assert all(stage["cpu_s"] > 0 for stage in stages if stage["stage"] in ("split_clips", "narrate_clips"))
    clips = {stage["stage"]: stage["clips"] for stage in stages}
    assert clips["split_clips"] == clips["prepare_context"] == clips["narrate_clips"] == nights.record["num_clips"]


def test_every_video_that_was_worked_on_has_a_line(nights):
    """Three on the first night, one on the second; the lines add up to the table of stages."""
    ids = [(line["run_id"], line["video_id"]) for line in nights.lines]
    first, second = (summary.run_id for summary in nights.runs)
    assert sorted(ids) == sorted([(first, "red"), (first, "blue"), (first, "empty"), (second, "red")])
    rejected = {line["video_id"]: line["reason"] for line in nights.lines if line["outcome"] == "rejected"}
    assert rejected == {"empty": "video_empty"}
    cost = sum((stage.cost for summary in nights.runs for stage in summary.stages), NO_COST)
    assert sum(line["tokens_written"] for line in nights.lines) == cost.tokens_written > 0
    assert sum(sum(line["busy_s"].values()) for line in nights.lines) == pytest.approx(cost.busy_s, abs=0.05)
    assert "mug" not in json.dumps(nights.lines).lower()


def test_the_board_has_heard_of_every_video_in_the_end(nights):
    """The last that the display is told is all there was."""
    assert (nights.last.num_finished, nights.last.videos["narrate_clips"]) == (1, 1)
