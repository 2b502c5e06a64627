"""Several nodes: the head holds no work, the others share it, and one that comes in the middle gets some."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.spread_ground import NUM_NODES
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(400)]

NUM_VIDEOS = 12
"""More than twice as many as the CPUs of all nodes."""


def test_work_spreads_over_nodes_and_not_to_the_head(tmp_path: Path, write_manifest):
    """Decoding goes to every node, to the late one too; models lie where there are CPUs; the head only drives."""
    video, notes = str(write_video(tmp_path / "video.mp4")), tmp_path / "notes"
    rows = [{"video_id": f"v{n}", "video": video, "product": {"name": f"Mug {n}"}} for n in range(NUM_VIDEOS)]
    notes.mkdir()
    command = [sys.executable, "-m", "tests.integration.spread_ground", write_manifest(rows), str(tmp_path / "out")]
    ended = subprocess.run([*command, str(notes)], capture_output=True, text=True, timeout=380, check=False)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["num_narrated"] == NUM_VIDEOS
    at_work = {}
    for note in notes.iterdir():
        stage, _, node = note.name.partition("@")
        at_work.setdefault(stage, set()).add(node)
    assert set(at_work) == {"Decoder", "Encoder", "Narrator"}
    assert at_work["Decoder"] == set(told["nodes"]) and len(told["nodes"]) == NUM_NODES
    assert told["head"] not in set().union(*at_work.values())
