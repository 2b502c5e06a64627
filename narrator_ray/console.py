"""What the command line shows, as rich renderables. Prints nothing itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import pyarrow as pa
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from narrator_ray.catalog.manifest import CatalogSummary
from narrator_ray.evaluation.ratings import Agreement, SystemRating
from narrator_ray.model.presets import Preset
from narrator_ray.outputs.comparison_content import Comparison
from narrator_ray.outputs.comparison_tables import p_text, value_text
from narrator_ray.outputs.rating_page import SCALES
from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import ScriptLabel
from narrator_ray.runs.estimate import Estimate
from narrator_ray.runs.extraction import ExtractionSummary
from narrator_ray.runs.garbage import Garbage
from narrator_ray.runs.plan import RunPlan
from narrator_ray.runs.reasons import WorkReason
from narrator_ray.runs.summary import RunSummary
from narrator_ray.stages.eta import Eta
from narrator_ray.stages.progress import ProgressSnapshot
from narrator_ray.training.board import TrainingSnapshot

SECONDS_PER_HOUR = 3600
_BYTES_PER_MB = 1_000_000


def plain_table(*columns: str, title: str | None = None) -> Table:
    """A table without frame; columns whose name ends with ">" are right-aligned."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    return table


def stage_table(stages: Sequence[StageSummary]) -> Table:
    """Stage, in, out, rejected, seconds, items/s."""
    table = plain_table("stage", "in>", "out>", "rejected>", "busy s>", "videos/s>")
    for stage in stages:
        rate = "" if stage.items_per_s is None else f"{stage.items_per_s:.2f}"
        counts = (str(stage.num_in), str(stage.num_out), str(stage.num_rejected))
        table.add_row(stage.stage, *counts, f"{stage.seconds:.1f}", rate)
    return table


def video_table(narrations: pa.Table) -> Table:
    """Video, product, clips, in-window share, seconds: one line per video of a narrations table."""
    table = plain_table("video", "product", "clips>", "in window>", "seconds>")
    columns = narrations.select(["video_id", "product_name", "is_in_window", "end_s"]).to_pylist()
    for video_id, clips in groupby(columns, key=itemgetter("video_id")):
        rows = list(clips)
        share = sum(row["is_in_window"] for row in rows) / len(rows)
        length_s = max(row["end_s"] for row in rows)
        table.add_row(
            escape(video_id), escape(rows[0]["product_name"]), str(len(rows)), f"{share:.0%}", f"{length_s:.1f}"
        )
    return table


def clip_table(narrations: pa.Table) -> Table:
    """The clips of one video: time, script labels, words and window, narration."""
    table = plain_table("clip>", "time", "script labels", "length>", "window>", "narration")
    for row in narrations.to_pylist():
        labels = " + ".join(ScriptLabel(label).name_in(row["language"]) for label in row["script_labels"])
        table.add_row(
            str(row["clip_index"] + 1),
            f"{row['start_s']:.1f}-{row['end_s']:.1f}",
            escape(labels),
            *_length_and_window(row),
            escape(row["narration"]),
        )
    return table


def _length_and_window(row: dict[str, Any]) -> tuple[str, str]:
    """In words or characters, or in spoken seconds where the window is in those."""
    if row["max_spoken_s"] is None:
        return str(row["num_words"]), f"{row['min_words']}-{row['max_words']}"
    return f"{row['spoken_s']:.1f} s", f"{row['min_spoken_s']:.1f}-{row['max_spoken_s']:.1f} s"


def preset_table(presets: Sequence[tuple[Preset, str | None]]) -> Table:
    """Presets with what is missing to use them here, if anything."""
    table = plain_table("preset", "languages", "size", "weights", "trained", "available here")
    for preset, missing in presets:
        available = Text("yes", "green") if missing is None else Text(f"no: {missing}", "yellow")
        trained = "yes" if preset.is_trained else "not yet: writes from product data alone"
        table.add_row(
            preset.name, ", ".join(preset.languages), preset.parameters, escape(preset.weights), trained, available
        )
    return table


def rejected_table(rejected: pa.Table) -> Table:
    """Rejected videos with stage, reason, how often and since when, and detail."""
    table = plain_table("rejected video", "stage", "reason", "tries>", "first seen", "last seen", "detail")
    for row in rejected.to_pylist():
        seen = (str(row.get("attempts", "")), row.get("first_seen_at", ""), row.get("last_seen_at", ""))
        table.add_row(escape(row["video_id"]), row["stage"], row["reason"], *seen, escape(row["detail"]))
    return table


def catalog_lines(summary: CatalogSummary, source: str) -> list[str]:
    """What a catalogue holds, line by line."""
    languages = ", ".join(f"{count} {language}" for language, count in sorted(summary.num_per_language.items()))
    hours = "not known before decoding" if summary.known_s is None else f"{summary.known_s / SECONDS_PER_HOUR:.2f} h"
    return [
        f"{source}: {summary.num_videos} videos ({languages})",
        f"clips given for {summary.num_with_clips} videos ({summary.num_clips} clips, {hours})",
        f"{summary.num_knowledge_points} knowledge points",
    ]


def run_lines(summary: RunSummary) -> list[str]:
    """What a run came to, line by line."""
    made = summary.num_narrated - summary.num_reused
    lines = [
        f"{summary.num_videos} videos: {made} narrated now, {summary.num_reused} unchanged since an earlier run, "
        f"{summary.num_rejected} rejected",
        f"{summary.num_clips_in_window} of {summary.num_clips} clips inside their length window",
    ]
    if not summary.stages:
        lines.append("nothing was left to do: no decoding, no encoding, no generation")
    elif summary.num_features_reused:
        lines.append(f"features of {summary.num_features_reused} videos were reused: no decoding, no encoding for them")
    return lines


def shard_lines(summary: RunSummary) -> list[str]:
    """What the run of a shard meant for its night; nothing for a run of a whole catalogue."""
    if summary.merged is not None:
        return [f"all {summary.shard.count} shards are complete", *run_lines(summary.merged)]
    if summary.waits_for:
        missing = ", ".join(map(str, summary.waits_for))
        return [f"shard {summary.shard} is complete; readers see nothing of it before {missing} are"]
    return []


def extraction_lines(summary: ExtractionSummary, most: int) -> list[str]:
    """What making features came to, and why some videos have none; no more of those than asked for."""
    lines = [
        f"{summary.num_videos} videos: features of {summary.num_extracted} made now, {summary.num_reused} there "
        f"before, {summary.num_rejected} rejected",
    ]
    lines += [f"  {one.video_id}: {one.stage}: {one.reason}: {one.detail}" for one in summary.rejections[:most]]
    return lines


class RunProgress:
    """How far a run is: one bar for videos, one line for what the stages have done; or all of it in one line."""

    def __init__(self, total: int, stages: Sequence[str], doing: str = "narrating") -> None:
        self._stages = stages
        self._progress = Progress(
            TextColumn(f"[bold]{doing}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("videos"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
        )
        self._task = self._progress.add_task("", total=total, eta=eta_text(None))
        self._eta = Eta(total, stages)
        self._snapshot = ProgressSnapshot()

    def update(self, snapshot: ProgressSnapshot) -> None:
        """Show newer counts."""
        self._snapshot = snapshot
        self._eta.update(snapshot, time.monotonic())
        self._progress.update(self._task, completed=snapshot.num_finished, eta=eta_text(self._eta.remaining_s))

    @property
    def line(self) -> str:
        """For a log: finished videos, time left, counts of every stage."""
        task = self._progress.tasks[0]
        finished = f"{self._snapshot.num_finished} of {task.total:.0f} videos, {eta_text(self._eta.remaining_s)}"
        return f"{finished}; {self._counts}"

    @property
    def _counts(self) -> str:
        elapsed_s = self._progress.tasks[0].elapsed
        return progress_line(self._snapshot, self._stages, self._snapshot.clips / elapsed_s if elapsed_s else 0.0)

    def __rich__(self) -> RenderableType:
        return Group(self._progress, Text(self._counts, "dim"))


def progress_line(snapshot: ProgressSnapshot, stages: Sequence[str], clips_per_s: float) -> str:
    """Counts of every stage in one line."""
    done = ", ".join(f"{stage.replace('_', ' ')} {snapshot.videos.get(stage, 0)}" for stage in stages)
    told = f"{snapshot.clips} clips ({clips_per_s:.2f}/s), " if "narrate_clips" in stages else ""
    return f"{done}; {told}{snapshot.rejected} rejected"


def training_line(snapshot: TrainingSnapshot) -> str:
    """Step, losses, speed and time left in one line."""
    done = snapshot.done
    if done is None:
        return f"0 of {snapshot.num_steps} steps"
    validation = f", on held-out videos {snapshot.validation_loss:.3f}" if snapshot.validation_loss is not None else ""
    times = f"; workers began {snapshot.num_starts} times, last at step {snapshot.began_at + 1}"
    began = times if snapshot.num_starts > 1 else ""
    workers = f" by {done.num_workers} workers" if done.num_workers > 1 else ""
    return (
        f"{done.step + 1} of {snapshot.num_steps} steps, epoch {done.epoch + 1}; loss {done.loss:.3f}{validation}; "
        f"{snapshot.tokens_per_s:,.0f} tokens/s{workers}, {eta_text(snapshot.remaining_s)}{began}"
    )


def eta_text(remaining_s: float | None) -> str:
    """How long a run still takes, to the second; a dash while nobody can tell."""
    return "ETA " + ("-" if remaining_s is None else str(timedelta(seconds=round(remaining_s))))


def comparison_table(comparison: Comparison) -> Table:
    """A line per metric: each system's value with its interval, and how it differs from the first."""
    first, *others = comparison.systems
    table = plain_table(
        "metric", "definition", f"{first}>", *(f"{column}>" for name in others for column in (name, "p"))
    )
    for metric in comparison.metrics:
        cells = [cell for value in metric.values[1:] for cell in (value_text(value), p_text(metric, value))]
        table.add_row(metric.name, metric.definition, *map(escape, (value_text(metric.values[0]), *cells)))
    return table


def rating_table(systems: Sequence[SystemRating]) -> Table:
    """A line per system: means of the scales and their geometric mean."""
    table = plain_table("system", *(f"{scale}>" for scale in SCALES), "GM>", "95 %>", "marks>")
    for rated in systems:
        means = (f"{rated.means[scale]:.2f}" for scale in SCALES)
        span = f"{rated.low:.2f} to {rated.high:.2f}"
        table.add_row(escape(rated.system), *means, f"{rated.geometric_mean:.2f}", span, str(rated.num_marks))
    return table


def agreement_table(agreed: Sequence[Agreement]) -> Table:
    """A line per scale: how far raters agree."""
    table = plain_table("agreement", "Pearson>", "alpha, ordinal>", "alpha, interval>")
    for one in agreed:
        found = (one.pearson, one.alpha_ordinal, one.alpha_interval)
        table.add_row(one.scale, *("–" if value is None else f"{value:.2f}" for value in found))
    return table


def plan_table(plan: RunPlan) -> Table:
    """Videos by what a run would make of them, and why."""
    table = plain_table("videos>", "what", "why")
    for reason in WorkReason:
        if plan.counts[reason]:
            table.add_row(str(plan.counts[reason]), reason.replace("_", " "), reason.explanation)
    return table


def plan_lines(plan: RunPlan, estimate: Estimate | None) -> list[str]:
    """What a run would do in sum, and how long it would take."""
    if not plan.num_to_do:
        return ["nothing to do"]
    work = f"{plan.num_to_do} to narrate, {plan.num_to_decode} of them to decode and encode first"
    if estimate is None:
        return [work, "no estimate of time: no published run with this model did such work"]
    took = f"about {timedelta(seconds=round(estimate.seconds))} (h:mm:ss), going by {estimate.num_runs} past run"
    return [work, took + ("s" if estimate.num_runs != 1 else "")]


def work_lines(plan: RunPlan, most: int | None) -> Iterator[str]:
    """The videos that a run would do, with the reason; no more than asked for."""
    work = (planned for planned in plan.videos if planned.reason.is_work)
    for planned in islice(work, most):
        yield f"  {planned.item.video.video_id}: {planned.reason.replace('_', ' ')}"
    left = next(work, None)
    if left is not None:
        yield "  ... (--all lists every video)"


def garbage_lines(found: Garbage, is_deleted: bool) -> list[str]:
    """What is, or would be, removed."""
    size = f"{found.num_objects} objects, {found.num_bytes / _BYTES_PER_MB:.1f} MB"
    size += f", and {found.num_uploads} uploads that were never completed" if found.num_uploads else ""
    runs = f"the newest {found.num_runs} published runs" if found.num_runs != 1 else "the only published run"
    return [
        f"{found.num_kept} objects are needed by {runs}, {found.num_young} are too young to be removed",
        f"removed {size}" if is_deleted else f"would remove {size}; --delete does it",
    ]
