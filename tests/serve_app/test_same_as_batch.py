"""The endpoint and the batch job give the same result for the same input, in float32 and with random choices."""

import hashlib
from dataclasses import replace
from pathlib import Path

from narrator_ray.config import Config
from narrator_ray.model.presets import prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import NarratedVideo
from narrator_ray.runs.work import WorkItem
from narrator_ray.schema import PLANNED
from narrator_ray.stages.decode_video import DecodeVideo
from narrator_ray.stages.encode_features import EncodeFeatures
from narrator_ray.stages.item import planned_row, rows_of, table_of
from narrator_ray.stages.narrate_clips import NarrateClips
from narrator_ray.stages.prepare_context import PrepareContext
from serve_app.asked import Abilities, read_asked
from serve_app.events import result_json
from serve_app.way import Model, work_item
from tests.serve_app.ground import PRODUCT, TINY, endpoint, tiny_settings
from tests.stages.fakes import FakeBoard

SETTINGS = {"settings": {"length": {"policy": "speech"}, "model": {"memory_frames": 2}}}


def narrated_in_batch(item: WorkItem, config: Config, out: Path) -> NarratedVideo:
    """The batch job's stages, one after another."""
    store, board, spec = ResultStore.open(str(out)), FakeBoard(), prepare_model(TINY).spec
    batch = table_of([planned_row(item)], PLANNED)
    for stage in (
        DecodeVideo(config, spec.vision.image_size_px, board),
        EncodeFeatures(TINY, store, config, "cpu", board),
        PrepareContext(store, config, spec.fingerprints.encoder, board),
        NarrateClips(TINY, store, config, "cpu", board),
    ):
        batch = stage(batch)
    (row,) = rows_of(batch)
    assert row.rejection is None
    return store.get_narration(item.narration_key)


def test_equal_input_gives_equal_results(film: bytes, film_path: Path, tmp_path: Path) -> None:
    """Every field: texts, labels with probabilities, lengths, frames kept, notes, key."""
    fields = {"product": PRODUCT, "seed": "5"}
    with endpoint(**SETTINGS) as ground:
        served = ground.narrate(film, seed="5").json()
    model = Model(TINY.name, prepare_model(TINY).spec, {})
    asked = read_asked("film", fields, Abilities(model.spec.languages, (), 60))
    config = asked.config(tiny_settings(**SETTINGS).config)
    item = work_item(asked, f"upload-{hashlib.sha256(film).hexdigest()}", config, model.fingerprints)
    item = replace(item, video=replace(item.video, uri=str(film_path)))
    batch = result_json(narrated_in_batch(item, config, tmp_path))
    assert served | {"id": ""} == batch | {"id": ""}
    assert len(served["narrations"]) == 3
    assert served["narrations"][0]["max_spoken_s"] > 0
