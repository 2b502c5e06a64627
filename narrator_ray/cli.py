"""The command line. The only file that prints or exits.

Exit codes: 0 done, 1 crash, 2 bad settings or input, 3 finished, but more was rejected than run.max_rejected_fraction.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.console import Console
from rich.live import Live

from narrator_ray import __version__
from narrator_ray.errors import NarratorError

if TYPE_CHECKING:
    from narrator_ray.catalog.importers.imported import ImportedCatalog
    from narrator_ray.config import Config
    from narrator_ray.console import RunProgress
    from narrator_ray.runs.work import RunPlan
    from narrator_ray.stages.progress import ProgressSnapshot

EXIT_BAD_INPUT = 2
EXIT_TOO_MANY_REJECTED = 3
LOG_EVERY_S = 5.0

app = typer.Typer(
    name="narrator-ray",
    help="Narrates a whole product catalogue: a voice-over script for every clip of every product video.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
import_app = typer.Typer(no_args_is_help=True, help="Make a catalogue from a published data set.")
app.add_typer(import_app, name="import")
_LOG = logging.getLogger("narrator_ray")


class ExportFormat(StrEnum):
    """What a run can be exported as."""

    SRT = "srt"
    VTT = "vtt"
    JSONL = "jsonl"
    CSV = "csv"
    HTML = "html"


CatalogArgument = Annotated[
    str, typer.Argument(metavar="CATALOG", help="Manifest: .jsonl, .csv or .parquet, a local path or s3://.")
]
OutArgument = Annotated[str, typer.Argument(metavar="OUT", help="Where runs were published: a directory or s3://.")]

VideosOption = Annotated[str, typer.Option("--videos", help="Folder or s3:// prefix with the video files.")]
CatalogOption = Annotated[str, typer.Option("--out", help="Manifest to write: .jsonl, .csv or .parquet.")]


def main() -> None:
    """Run the command line; errors raised on purpose become one clear message and exit code 2."""
    try:
        app()
    except NarratorError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(EXIT_BAD_INPUT)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"narrator-ray {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside, also on workers.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    _LOG.setLevel(logging.DEBUG if verbose else logging.INFO)


@app.command(epilog="Example: narrator-ray check catalog.jsonl")
def check(catalog: CatalogArgument) -> None:
    """Validate a manifest without touching a cluster: counts, and every problem with row and field."""
    from narrator_ray.catalog.manifest import read_manifest, summarize
    from narrator_ray.console import catalog_lines

    for line in catalog_lines(summarize(read_manifest(catalog)), catalog):
        typer.echo(line)
    typer.echo("no problems")


@app.command(epilog="Example: narrator-ray narrate catalog.jsonl --out results --preset nano --set decoding.seed=7")
def narrate(
    catalog: CatalogArgument,
    out: Annotated[str, typer.Option("--out", help="Directory or s3:// prefix for features, results and runs.")],
    config: Annotated[Path | None, typer.Option("--config", help="YAML file with settings.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting; repeat for more.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="Model preset; see `narrator-ray presets`.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows of the manifest.")] = None,
) -> None:
    """Narrate every video of a catalogue on Ray and publish the run. Run it again: only what changed is done."""
    from narrator_ray.config import load_config

    _narrate(catalog, out, load_config(config, preset, overrides or ()), limit)


@app.command(epilog="Example: narrator-ray show results cup-0001")
def show(
    out: OutArgument,
    video_id: Annotated[str | None, typer.Argument(metavar="[VIDEO_ID]", help="Show this video's clips.")] = None,
) -> None:
    """Show the newest published run as a table, or one video's clips."""
    from narrator_ray.console import clip_table, rejected_table, video_table
    from narrator_ray.runs.published import open_latest

    run = open_latest(out)
    if video_id is not None:
        _console().print(clip_table(run.narrations_of(video_id)))
        return
    _console().print(video_table(run.narrations))
    if run.rejected.num_rows:
        _console().print(rejected_table(run.rejected))
    typer.echo(f"run {run.run_id}: {run.path('')}")


@app.command(epilog="Example: narrator-ray export results --format srt --to subtitles")
def export(
    out: OutArgument,
    to: Annotated[Path, typer.Option("--to", help="Directory to write to; made if it is not there.")],
    export_format: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.SRT,
) -> None:
    """Export the newest published run: subtitles per video, one table, or the report."""
    from narrator_ray.runs.published import open_latest

    written = open_latest(out).export(export_format.value, to)
    typer.echo(f"{len(written)} file{'s' if len(written) != 1 else ''} in {to}")


@app.command(
    "convert-checkpoint",
    epilog="Example: narrator-ray convert-checkpoint --upstream checkpoint-7 --base baichuan-7b --out videonarrator",
)
def convert_checkpoint(
    upstream: Annotated[
        Path, typer.Option("--upstream", help="The authors' checkpoint: non_lora_trainables.bin and LoRA.")
    ],
    base: Annotated[Path, typer.Option("--base", help="The base model it was trained on: Baichuan or LLaMA.")],
    out: Annotated[
        Path, typer.Option("--out", help="Directory to write llm/, adapter/ and projection.safetensors to.")
    ],
    projector: Annotated[
        Path | None, typer.Option("--projector", help="The projector's base weights, where the checkpoint lacks them.")
    ] = None,
) -> None:
    """Turn one of the authors' checkpoints into a plain LLaMA directory, a PEFT adapter and a projection."""
    from narrator_ray.model.upstream import convert_checkpoint as convert

    convert(base, upstream, out, projector)
    typer.echo(f"{out}: llm, adapter and projection.safetensors")


@import_app.command(epilog="Example: narrator-ray import esyncvidstory test.json --videos films --out catalog.parquet")
def esyncvidstory(
    file: Annotated[str, typer.Argument(metavar="FILE", help="all_video_data.json, test.json or train.json.")],
    videos: VideosOption,
    out: CatalogOption,
) -> None:
    """E-SyncVidStory: Chinese product videos with clips, script labels and narrations."""
    from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory

    _write_imported(import_esyncvidstory(file, videos), out)


@import_app.command(
    "video-storytelling",
    epilog="Example: narrator-ray import video-storytelling Text --videos films --out catalog.jsonl",
)
def video_storytelling(
    directory: Annotated[str, typer.Argument(metavar="DIRECTORY", help="Folder of the data set's text files.")],
    videos: VideosOption,
    out: CatalogOption,
) -> None:
    """Video Storytelling: English videos of events with a story each."""
    from narrator_ray.catalog.importers.video_storytelling import import_video_storytelling

    _write_imported(import_video_storytelling(directory, videos), out)


def _write_imported(imported: ImportedCatalog, out: str) -> None:
    from narrator_ray.catalog.manifest_writer import write_manifest

    write_manifest(imported.videos, out)
    typer.echo(f"{len(imported.videos)} videos in {out}; {len(imported.missing)} without a video file")
    if imported.adjusted:
        typer.echo(f"{len(imported.adjusted)} had clips that overlapped or had no length; the times given are in extra")


@app.command()
def presets() -> None:
    """List the models: language, size, where their weights come from, whether they are available here."""
    from narrator_ray.console import preset_table
    from narrator_ray.model.presets import list_presets, why_unavailable

    _console().print(preset_table([(preset, why_unavailable(preset)) for preset in list_presets()]))


@app.command(epilog="Example: narrator-ray demo --videos 4 --seed 7")
def demo(
    out: Annotated[Path, typer.Option("--out", help="Directory for the catalogue and the results.")] = Path("demo-out"),
    videos: Annotated[int, typer.Option("--videos", min=1, help="How many videos to draw.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which storefront.")] = 0,
) -> None:
    """Draw a small storefront of product videos and narrate it with the embedded model."""
    from narrator_ray.config import load_config
    from narrator_ray.console import video_table
    from narrator_ray.demo import write_catalog
    from narrator_ray.runs.published import open_latest

    with _console(stderr=True).status(f"drawing {videos} product videos"):
        catalog = write_catalog(out / "catalog", videos, seed)
    results = out / "results"
    _narrate(str(catalog), str(results), load_config(preset="nano"), None)
    run = open_latest(str(results))
    _console().print(video_table(run.narrations))
    typer.echo(f"\nreport      {run.path('report.html')}\nnarrations  {run.path('narrations.parquet')}")
    typer.echo(f"catalogue   {catalog}\n\nTry next:")
    first, command = run.narrations["video_id"][0].as_py(), _command()
    typer.echo(f"  {command} show {results} {first}")
    typer.echo(f"  {command} export {results} --format srt --to {out / 'subtitles'}")
    typer.echo(f"  {command} narrate {catalog} --out {results} --set length.rate_en=3.0")


def _command() -> str:
    """How this program can be called again from here."""
    if shutil.which(app.info.name or "") is not None:
        return str(app.info.name)
    called = Path(sys.argv[0])
    return str(called) if called.name == app.info.name else "python -m narrator_ray"


def _narrate(catalog: str, out: str, config: Config, limit: int | None) -> None:
    """Run, show what was done, and end with exit code 3 when too much was rejected."""
    from narrator_ray.console import run_lines, stage_table
    from narrator_ray.pipeline import narrate_catalog

    with _RunDisplay() as display:
        summary = narrate_catalog(catalog, out, config, limit, display.listeners)
    if summary.stages:
        _console().print(stage_table(summary.stages))
    for line in run_lines(summary):
        typer.echo(line)
    if summary.has_too_many_rejected:
        typer.echo(
            f"more than {summary.max_rejected_fraction:.0%} was rejected; see `narrator-ray show {out}`", err=True
        )
        raise typer.Exit(EXIT_TOO_MANY_REJECTED)


class _RunDisplay:
    """How a run goes: a live display on a terminal, a log line every few seconds elsewhere."""

    def __init__(self) -> None:
        from narrator_ray.pipeline import STAGES, Listeners

        self._stages = STAGES
        self._native = _NativeStderr() if sys.stderr.isatty() else None
        self._console = self._native.console if self._native is not None else _console(stderr=True)
        self._live: Live | None = None
        self._progress: RunProgress | None = None
        self._started = self._last_line = time.monotonic()
        self.listeners = Listeners(self._on_model, self._on_plan, self._on_progress, self._on_publish)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop()
        if self._native is not None:
            self._native.give_back(show=kind is not None)

    def _on_model(self, name: str) -> None:
        self._say(f"model {name}: making weights ready (once per machine)")

    def _on_plan(self, plan: RunPlan) -> None:
        self._say(
            f"{len(plan.to_do)} videos to narrate, {plan.num_reused} unchanged, {len(plan.rejected)} not found"
            + ("; starting Ray" if plan.to_do else "")
        )
        if plan.to_do and self._console.is_terminal:
            from narrator_ray.console import RunProgress

            self._progress = RunProgress(len(plan.to_do), self._stages)
            self._live = Live(self._progress, console=self._console, transient=True, refresh_per_second=4)
            self._live.start()

    def _on_progress(self, snapshot: ProgressSnapshot) -> None:
        if self._progress is not None:
            self._progress.update(snapshot)
        elif time.monotonic() - self._last_line > LOG_EVERY_S:
            from narrator_ray.console import progress_line

            self._last_line = time.monotonic()
            self._say(progress_line(snapshot, self._stages, snapshot.clips / (self._last_line - self._started)))

    def _on_publish(self) -> None:
        self._stop()
        self._say("publishing")

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _say(self, line: str) -> None:
        if self._console.is_terminal:
            self._console.print(line, style="dim", markup=False, highlight=False)
        else:
            _LOG.info(line)


class _NativeStderr:
    """Keeps what native libraries write to stderr off a live display; it is shown when the run has failed.

    Attributes:
        console: Writes to the terminal all the same.
    """

    def __init__(self) -> None:
        self._terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed when stderr is given back
        os.dup2(self._kept.fileno(), sys.stderr.fileno())
        self.console = Console(file=self._terminal)

    def give_back(self, show: bool) -> None:
        """Put stderr back as it was."""
        sys.stderr.flush()
        os.dup2(self._terminal.fileno(), sys.stderr.fileno())
        self._terminal.close()
        self._kept.seek(0)
        if show:
            sys.stderr.write(self._kept.read().decode(errors="replace"))
        self._kept.close()


def _console(stderr: bool = False) -> Console:
    """A console that does not fold tables when nobody watches."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=200)
