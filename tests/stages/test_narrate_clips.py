"""The narrating stage: results are stored as they fall, and a crash of the engine costs one video, not the batch."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from narrator_ray.config import Config, load_config
from narrator_ray.errors import GenerationFailed, RejectReason
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.job import ClipResult, JobFailure
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import ScriptLabel
from narrator_ray.schema import PREPARED
from narrator_ray.stages.item import StageRow, planned_row, rows_of, table_of
from narrator_ray.stages.narrate_clips import NarrateClips
from tests.stages.fakes import FakeBoard, work_item

DIM = 4


CHANCES = ((ScriptLabel.OTHERS, 0.75), (ScriptLabel.SORE_POINT, 0.25))


class FragileEngine:
    """Narrates two words a clip; dies of a product that is called crash, and reports one that is called fail."""

    def __init__(self, *_: object) -> None:
        pass

    def narrate(self, jobs):
        """Every job in turn."""
        for job in jobs:
            if job.product.name.startswith("crash"):
                raise RuntimeError("out of lanes")
            if job.product.name.startswith("fail"):
                yield JobFailure(job.job_id, GenerationFailed(RejectReason.GENERATION_FAILED, "no text"))
                continue
            for index in range(len(job.clips)):
                yield ClipResult(job.job_id, index, (ScriptLabel.OTHERS,), "generated", "A mug.", 2, 50, (), CHANCES)


def prepared_row(name: str, adapter: str | None = None, dim: int = DIM) -> dict:
    """A two-clip video."""
    tokens = np.ones((3, dim), np.float16).tobytes()
    return planned_row(work_item(name, adapter=adapter)) | {
        "clips": [[0.0, 2.0], [2.0, 4.0]],
        "tokens": [tokens, tokens],
        "token_dim": dim,
        "position": [0, 99],
        "kept_frames_s": [[0.5], [2.5]],
        "num_frames": [2, 2],
        "duration_s": 4.0,
        "decoder": "decord",
        "notes": ["a note"],
    }


@pytest.fixture
def store(tmp_path) -> ResultStore:
    """An empty output."""
    return ResultStore.open(str(tmp_path))


@pytest.fixture
def stage(store, monkeypatch) -> NarrateClips:
    """The stage over a fragile engine."""
    monkeypatch.setattr("narrator_ray.narration.engine.NarrationEngine", FragileEngine)
    return NarrateClips(find_preset("tiny-random"), store, load_config(), "cpu", FakeBoard())


def test_results_are_stored_with_their_windows(stage, store):
    """What the engine says and what the catalogue and the features know come together."""
    (row,) = rows_of(stage(table_of([prepared_row("red")], PREPARED)))
    result = store.get_narration(row.work.narration_key)
    assert row.rejection is None
    assert [narration.text for narration in result.narrations] == ["A mug.", "A mug."]
    assert [(n.min_words, n.max_words, n.num_frames, n.kept_frames_s) for n in result.narrations] == [
        (2, 8, 2, (0.5,)),
        (2, 8, 2, (2.5,)),
    ]
    assert all(narration.label_probabilities == CHANCES for narration in result.narrations)
    assert (result.notes, result.decoder, result.duration_s) == (("a note",), "decord", 4.0)


def test_spoken_windows_are_stored_in_seconds_of_the_voice(store, monkeypatch):
    """Ticks at pace 1 become seconds at the pace that was set; words stay what the prompt asked for."""
    monkeypatch.setattr("narrator_ray.narration.engine.NarrationEngine", FragileEngine)
    length = {"policy": "speech", "pace_en": 2.0, "speech_least": 0.1, "speech_most": 0.5}
    config = Config.model_validate({"length": length})
    stage = NarrateClips(find_preset("tiny-random"), store, config, "cpu", FakeBoard())
    (row,) = rows_of(stage(table_of([prepared_row("red")], PREPARED)))
    first, _ = store.get_narration(row.work.narration_key).narrations
    assert (first.spoken_s, first.spoken_window_s, first.is_in_window) == (0.25, (0.2, 1.0), True)
    assert (first.min_words, first.max_words) == (1, 7)


def test_a_row_is_narrated_with_the_adapter_it_names(store, monkeypatch):
    """The name reaches the engine, and the weights the model."""
    seen = {"asked": []}

    class Engine(FragileEngine):
        def __init__(self, narrator, *args):
            seen["loaded"] = narrator

        def narrate(self, jobs):
            for job in jobs:
                seen["asked"].append(job.adapter)
                yield from super().narrate([job])

    monkeypatch.setattr("narrator_ray.narration.engine.NarrationEngine", Engine)
    monkeypatch.setattr("narrator_ray.model.narrator.VideoNarrator.load", lambda *_, **options: options["adapters"])
    monkeypatch.setattr("narrator_ray.stages.narrate_clips.prepare_adapters", lambda *given: given[:2])
    config = Config.model_validate({"model": {"adapters": {"north": "/north"}}})
    stage = NarrateClips(find_preset("tiny-random"), store, config, "cpu", FakeBoard(), ("north",))
    row = prepared_row("red", adapter="north")
    stage(table_of([row, prepared_row("blue")], PREPARED))
    assert seen == {"loaded": ({"north": "/north"}, ("north",)), "asked": ["north", None]}


def test_a_crash_costs_the_video_that_caused_it(stage, store):
    """The others of its batch are narrated, before and after it; the failure of a fourth is its own."""
    names = ("red", "crash", "blue", "fail")
    rows = rows_of(stage(table_of(map(prepared_row, names), PREPARED)))
    rejected = {row.work.video.video_id: row.rejection for row in rows if row.rejection is not None}
    assert {name: rejection.reason for name, rejection in rejected.items()} == {
        "crash": RejectReason.UNEXPECTED,
        "fail": RejectReason.GENERATION_FAILED,
    }
    assert "out of lanes" in rejected["crash"].detail
    assert len(store.known_narrations()) == 2


def test_a_result_does_not_depend_on_the_calls_beside_it(tmp_path):
    """Called by many threads at once or by one, with one lane or many: the same labels and the same words."""
    preset = find_preset("tiny-random")
    dim = prepare_model(preset).spec.vision.dim
    rows = [prepared_row(f"{colour} mug", dim=dim) for colour in ("red", "blue", "green", "yellow", "black", "white")]
    told = []
    for lanes, threads in ((1, 1), (4, 3)):
        config = Config.model_validate({"run": {"narrate_lanes": lanes}, "decoding": {"temperature": 1.0}})
        store = ResultStore.open(str(tmp_path / f"{lanes}"))
        stage = NarrateClips(preset, store, config, "cpu", FakeBoard())
        batches = [table_of(rows[start : start + 2], PREPARED) for start in range(0, len(rows), 2)]
        with ThreadPoolExecutor(threads) as pool:
            given = [row for table in pool.map(stage, batches) for row in rows_of(table)]
        assert [row.work.video.video_id for row in given] == [row.work.video.video_id for row in map(StageRow, rows)]
        results = [store.get_narration(row.work.narration_key) for row in given]
        told.append([[(clip.script_labels, clip.text) for clip in result.narrations] for result in results])
    assert told[0] == told[1]
