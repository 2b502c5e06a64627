"""``narrator-ray import``: catalogues from published data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from narrator_ray.catalog.importers.imported import ImportedCatalog

commands = typer.Typer(no_args_is_help=True, help="Make a catalogue from a published data set.")

VideosOption = Annotated[str, typer.Option("--videos", help="Folder or s3:// prefix with the video files.")]
CatalogOption = Annotated[str, typer.Option("--out", help="Manifest to write: .jsonl, .csv or .parquet.")]


@commands.command(epilog="Example: narrator-ray import esyncvidstory test.json --videos films --out catalog.parquet")
def esyncvidstory(
    file: Annotated[str, typer.Argument(metavar="FILE", help="all_video_data.json, test.json or train.json.")],
    videos: VideosOption,
    out: CatalogOption,
) -> None:
    """E-SyncVidStory: Chinese product videos with clips, script labels and narrations."""
    from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory

    _write_imported(import_esyncvidstory(file, videos), out)


@commands.command(
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
