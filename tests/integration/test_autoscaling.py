"""Machines that come when a run needs them and go afterwards, by Ray's own autoscaler."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.autoscaled_ground import GROUPS
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(400)]

NUM_VIDEOS = 6


def test_groups_scale_from_zero_and_back(tmp_path: Path, write_manifest):
    """With `model.device: cuda` said, the GPU group comes for the models; without work, every group goes."""
    video, notes = str(write_video(tmp_path / "video.mp4")), tmp_path / "notes"
    rows = [{"video_id": f"v{n}", "video": video, "product": {"name": f"Mug {n}"}} for n in range(NUM_VIDEOS)]
    notes.mkdir()
    command = [sys.executable, "-m", "tests.integration.autoscaled_ground", write_manifest(rows), str(tmp_path / "out")]
    ended = subprocess.run([*command, str(notes)], capture_output=True, text=True, timeout=380, check=False)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told == {"before": 0, "most": len(GROUPS), "after": 0, "num_narrated": NUM_VIDEOS}
    at_work = {note.name for note in notes.iterdir()}
    assert {"Encoder@1", "Narrator@1"} <= at_work
    assert not {"Encoder@0", "Narrator@0"} & at_work
