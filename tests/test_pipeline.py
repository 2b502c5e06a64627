"""The main job before it touches a cluster: what it refuses, and what its graph consists of."""

from dataclasses import replace
from pathlib import Path

import pytest

import narrator_ray
from narrator_ray.catalog.manifest import open_catalog
from narrator_ray.config import load_config
from narrator_ray.errors import ConfigError, ManifestError, StorageError
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.pipeline import Listeners, Resolved, narrate_catalog, narration_graph, resolve
from narrator_ray.stages.stage import Machine

TINY = load_config(preset="tiny-random")
ROW = {"video_id": "mug", "video": "mug.mp4", "product": {"name": "Sunny mug"}}


@pytest.fixture
def resolved(tmp_path) -> Resolved:
    """What the stages of a run share."""
    preset = find_preset("tiny-random")
    return Resolved(TINY, preset, prepare_model(preset), ResultStore.open(str(tmp_path)))


def test_an_adapter_without_a_place_is_refused(write_manifest, tmp_path):
    """A row is not narrated with another voice than it asks for."""
    with pytest.raises(ConfigError, match="brand-a"):
        narrate_catalog(write_manifest([{**ROW, "adapter": "brand-a"}]), str(tmp_path / "out"), TINY)


def test_a_bad_catalogue_creates_no_output(write_manifest, tmp_path):
    """Nothing is started and nothing is written."""
    with pytest.raises(ManifestError):
        narrate_catalog(write_manifest([{"video_id": "mug"}]), str(tmp_path / "out"), TINY)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_refused_at_once(write_manifest, tmp_path):
    """A file where the output should be."""
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(StorageError):
        narrate_catalog(write_manifest([ROW]), str(tmp_path / "out"), TINY)


def test_a_graph_without_decoding_has_no_vision_side(resolved):
    """Rows whose features are there need the language side only."""
    graph = narration_graph(resolved, Machine(2, 0), None, needs_decoding=False)
    assert [stage.name for stage in graph] == ["prepare_context", "narrate_clips"]


@pytest.mark.parametrize("num_cpus", [1, 2, 16])
def test_every_stage_fits_beside_the_others(resolved, num_cpus):
    """Replicas hold their CPUs for the whole run; a task must find room beside them, or nothing ever starts."""
    graph = narration_graph(resolved, Machine(num_cpus, 0), None, needs_decoding=True)
    held = sum(stage.num_cpus for stage in graph if stage.num_actors is not None)
    largest_task = max(stage.num_cpus for stage in graph if stage.num_actors is None)
    assert held + largest_task <= num_cpus
    assert all(stage.num_gpus == 0 for stage in graph)


@pytest.mark.parametrize(("lanes", "videos_per_task"), [(32, 4), (1, 4), (8, 3)])
def test_a_narrator_has_videos_for_all_its_lanes_and_more(resolved, lanes, videos_per_task):
    """However few a batch holds: as many wait as are narrated, so no lane stays empty."""
    run = {"narrate_lanes": lanes, "videos_per_task": videos_per_task}
    config = TINY.model_copy(update={"run": TINY.run.model_copy(update=run)})
    narrator = narration_graph(replace(resolved, config=config), Machine(2, 0), None, needs_decoding=False)[-1]
    assert narrator.batch_videos == videos_per_task
    assert narrator.calls_per_actor * narrator.batch_videos >= 2 * lanes


def test_gpus_are_taken_where_there_are_any(resolved):
    """One GPU holds an encoder and a narrator."""
    graph = narration_graph(resolved, Machine(16, 1), None, needs_decoding=True)
    assert 0 < sum(stage.num_gpus for stage in graph) <= 1
    assert {stage.arguments["device"] for stage in graph if "device" in stage.arguments} == {"cuda"}


def test_a_presets_decoding_settings_are_those_of_the_run(write_manifest, tmp_path):
    """Results are named by them; what the run says itself comes first."""
    tiny = Path(narrator_ray.__file__).parent / "presets" / "tiny-random.yaml"
    preset = tmp_path / "mine.yaml"
    preset.write_text(tiny.read_text() + "decoding:\n  repetition_penalty: 1.3\n")
    catalog = open_catalog(write_manifest([ROW]))

    def penalty(*overrides: str) -> float:
        config = load_config(preset=str(preset), overrides=overrides)
        resolved = resolve(str(tmp_path / "out"), config, catalog, Listeners(), is_to_write=False)
        return resolved.config.decoding.repetition_penalty

    assert penalty() == penalty("decoding.seed=1") == 1.3
    assert penalty("decoding.repetition_penalty=1.1") == 1.1
