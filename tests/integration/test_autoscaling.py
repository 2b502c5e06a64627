"""Machines that come when a run needs them and go afterwards, by Ray's own autoscaler."""

from pathlib import Path

import pytest

from tests.integration.autoscaled_ground import GROUPS
from tests.integration.ground import mugs, told_by
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(400)]

NUM_VIDEOS = 6


def test_groups_scale_from_zero_and_back(tmp_path: Path, write_manifest):
    """With `model.device: cuda` said, the GPU group comes for the models; without work, every group goes."""
    notes = tmp_path / "notes"
    notes.mkdir()
    manifest = write_manifest(mugs(str(write_video(tmp_path / "video.mp4")), NUM_VIDEOS))
    told = told_by("autoscaled_ground", manifest, str(tmp_path / "out"), str(notes))
    assert told == {"before": 0, "most": len(GROUPS), "after": 0, "num_narrated": NUM_VIDEOS}
    at_work = {note.name for note in notes.iterdir()}
    assert {"Encoder@1", "Narrator@1"} <= at_work
    assert not {"Encoder@0", "Narrator@0"} & at_work
