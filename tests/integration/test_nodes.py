"""Several nodes: the head holds no work, the others share it, and one that comes in the middle gets some."""

from pathlib import Path

import pytest

from narrator_ray.config import load_config
from narrator_ray.pipeline import narrate_catalog
from tests.integration.ground import mugs, told_by
from tests.integration.spread_ground import NUM_NODES
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(400)]

NUM_VIDEOS = 12
"""More than twice as many as the CPUs of all nodes."""


def test_work_spreads_over_nodes_and_not_to_the_head(tmp_path: Path, write_manifest):
    """Decoding goes to every node, to the late one too; models lie where there are CPUs; the head only drives."""
    notes = tmp_path / "notes"
    notes.mkdir()
    manifest = write_manifest(mugs(str(write_video(tmp_path / "video.mp4")), NUM_VIDEOS))
    told = told_by("spread_ground", manifest, str(tmp_path / "out"), str(notes))
    assert told["num_narrated"] == NUM_VIDEOS
    at_work = {}
    for note in notes.iterdir():
        stage, _, node = note.name.partition("@")
        at_work.setdefault(stage, set()).add(node)
    assert set(at_work) == {"Decoder", "Encoder", "Narrator"}
    assert at_work["Decoder"] == set(told["nodes"]) and len(told["nodes"]) == NUM_NODES
    assert told["head"] not in set().union(*at_work.values())


def test_the_board_is_beside_the_driver_though_a_node_has_just_joined():
    """Such a node knows no other, and keeps an actor that asks for nothing: the run would die with it."""
    assert all(told_by("beside_ground"))


def test_more_replicas_than_there_is_room_for_hold_nothing_up(local_ray, tmp_path: Path, write_manifest):
    """Begun all at once, they would take every CPU, and decoding would wait for ever."""
    settings = ["run.videos_per_task=1", "run.narrate_lanes=1", "run.narrator_actors=20", "run.encoder_actors=10"]
    manifest = write_manifest(mugs(str(write_video(tmp_path / "video.mp4")), NUM_VIDEOS))
    summary = narrate_catalog(manifest, str(tmp_path / "out"), load_config(None, "tiny-random", settings))
    assert summary.num_narrated == NUM_VIDEOS
