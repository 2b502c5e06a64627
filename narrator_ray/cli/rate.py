"""``narrator-ray rate``: a blind rating sheet for people, and what they gave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from narrator_ray.cli.arguments import ConfigOption, SetOption, console, storage_settings

if TYPE_CHECKING:
    from narrator_ray.config import StorageSettings
    from narrator_ray.evaluation.narrated_clips import NarratedClip
    from narrator_ray.records import Video

commands = typer.Typer()


@commands.command(
    epilog="Examples: narrator-ray rate ours=results theirs=other --out sheet.html; "
    "narrator-ray rate --collect ratings-*.json --key sheet.key.json"
)
def rate(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]RUN_OR_FILE ...", help="Whose stories are rated; with --collect, the files of the raters."
        ),
    ],
    references: Annotated[
        str | None,
        typer.Option("--references", help="Catalogue with the videos; not needed where the first source is a run."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="The sheet; its key is written beside it. With --collect: a .json to write.")
    ] = Path("sheet.html"),
    videos: Annotated[int | None, typer.Option("--videos", min=1, help="How many are drawn. Default: all.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw and the order.")] = 0,
    embed_mb: Annotated[
        float, typer.Option("--embed-mb", min=0, help="Videos are carried in the page up to so much; the rest linked.")
    ] = 200.0,
    config: ConfigOption = None,
    overrides: SetOption = None,
    is_collecting: Annotated[bool, typer.Option("--collect", help="Put together what raters saved.")] = False,
    key: Annotated[
        Path | None, typer.Option("--key", help="With --collect: the key that was written with the sheet.")
    ] = None,
) -> None:
    """Make a blind rating sheet of one or several systems, or collect what raters gave."""
    if is_collecting:
        _collect([Path(source) for source in sources], key, out)
    else:
        found = _sources(sources, references, storage_settings(config, overrides))
        _make(*found, out, videos, seed, embed_mb)


def _sources(
    sources: list[str], references: str | None, storage: StorageSettings
) -> tuple[dict[str, list[NarratedClip]], Sequence[Video]]:
    """What each system narrated, and the videos."""
    from narrator_ray.catalog.manifest import read_manifest
    from narrator_ray.evaluation.narrated_clips import read_named, read_videos

    narrated = read_named(sources, storage)
    if references is None:
        return narrated, read_videos(sources[0], storage)
    return narrated, read_manifest(references, storage=storage)


def _make(
    narrated: dict[str, list[NarratedClip]],
    videos: Sequence[Video],
    out: Path,
    num_videos: int | None,
    seed: int,
    embed_mb: float,
) -> None:
    from narrator_ray.evaluation.rating_sheet import make_sheet
    from narrator_ray.outputs.rating_page import render_sheet

    sheet, key = make_sheet(narrated, videos, num_videos, seed, embed_mb * 1e6)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render_sheet(sheet), encoding="utf-8")
    key_file = out.with_suffix(".key.json")
    key_file.write_text(json.dumps(key, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{len(sheet.stories)} stories of {len(sheet.videos)} videos in {out}: give it to the raters")
    typer.echo(f"who wrote which in {key_file}: keep it from them")


def _collect(files: list[Path], key: Path | None, out: Path) -> None:
    from narrator_ray.console import agreement_table, rating_table
    from narrator_ray.errors import ConfigError
    from narrator_ray.evaluation.ratings import agreements, rate_systems, read_ratings
    from narrator_ray.evaluation.resampling import Resampling

    if key is None:
        raise ConfigError("--collect needs --key: the file that was written beside the sheet, *.key.json")
    ratings, items = read_ratings(files, key)
    systems, agreed = rate_systems(ratings, items, Resampling()), agreements(ratings)
    console().print(rating_table(systems))
    console().print(agreement_table(agreed))
    typer.echo(f"{len(ratings)} raters, {len(items)} stories")
    if out.suffix == ".json":
        content = {"systems": [asdict(system) for system in systems], "agreement": [asdict(one) for one in agreed]}
        out.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        typer.echo(out)
