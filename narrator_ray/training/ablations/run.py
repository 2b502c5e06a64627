"""All variants, one after the other; what is done is left alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

from narrator_ray.evaluation.paper import paper_row
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.records import JsonDict
from narrator_ray.training.ablations.films import SeenFilm, seen_films
from narrator_ray.training.ablations.judge import judge_variant, spoken_loss
from narrator_ray.training.ablations.settings import AblationSettings
from narrator_ray.training.ablations.start import aligned_start
from narrator_ray.training.ablations.table import markdown
from narrator_ray.training.ablations.train import train_variant
from narrator_ray.training.ablations.variants import VARIANTS, Variant
from narrator_ray.training.nano.draw import draw_films
from narrator_ray.training.nano.work import replace_bytes, tell

FIGURES = "figures.json"
TABLE, RECORD = "ablations.md", "ablations.json"


def run_ablations(settings: AblationSettings) -> Path:
    """Train and judge what is not done yet, and write the table of all that is.

    Returns:
        The folder of this budget: ``ablations.md``, ``ablations.json``, and a folder for every variant.
    """
    base = prepare_model(find_preset(settings.preset))
    folder = settings.work / settings.budget_key(base.spec.fingerprints)
    draw_films(settings, base, ("train", "test"))
    learnt, unseen = seen_films(settings, "train", base), seen_films(settings, "test", base)
    start = aligned_start(base, learnt, folder / "start")
    for name in settings.variants:
        place = folder / name
        place.mkdir(exist_ok=True)
        if not (place / FIGURES).is_file():
            began_s = time.monotonic()
            figures = _finish(settings, VARIANTS[name], start, learnt, unseen, place)
            replace_bytes(place / FIGURES, json.dumps(figures, indent=1).encode())
            tell(f"{VARIANTS[name].title}: {time.monotonic() - began_s:.0f} s")
        _write_table(settings, folder)
    return folder


def _finish(
    settings: AblationSettings,
    variant: Variant,
    start: ModelDirectory,
    learnt: tuple[SeenFilm, ...],
    unseen: tuple[SeenFilm, ...],
    place: Path,
) -> dict[str, float]:
    learner, loop = train_variant(settings, variant, start, learnt, place)
    loss = spoken_loss(settings, variant, unseen, learner, loop)
    return {"loss": round(loss, 4)} | judge_variant(variant, unseen, learner, place)


def _write_table(settings: AblationSettings, folder: Path) -> None:
    done: dict[str, dict[str, float]] = {
        name: json.loads((folder / name / FIGURES).read_text(encoding="utf-8"))
        for name in VARIANTS
        if (folder / name / FIGURES).is_file()
    }
    record: JsonDict = {
        "budget": settings.model_dump(mode="json", include={"preset", "films", "training"}),
        "variants": done,
        "paper": {name: paper_row(variant.paper_row) for name, variant in VARIANTS.items() if name in done},
    }
    replace_bytes(folder / RECORD, json.dumps(record, indent=1).encode())
    replace_bytes(folder / TABLE, markdown(done).encode())
