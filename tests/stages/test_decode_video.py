"""The decoding stage: a video that its decoder does not survive is rejected, the ones beside it are decoded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from narrator_ray.config import DecodeSettings, load_config
from narrator_ray.errors import RejectReason
from narrator_ray.schema import PLANNED
from narrator_ray.stages import decode_video
from narrator_ray.stages.decode_video import DecodeVideo
from narrator_ray.stages.item import StageRow, planned_row, rows_of, table_of
from narrator_ray.video.guarded_decoder import GuardedDecoder
from tests.stages.fakes import FakeBoard, work_item
from tests.video_files import write_video

SIDE_PX = 32


@pytest.fixture
def decoders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[GuardedDecoder]]:
    """Decoders to be used one after another, the last of them for the rest; ended with the test."""
    waiting = [GuardedDecoder(DecodeSettings(timeout_s=30))]
    used: list[GuardedDecoder] = []

    def next_decoder(_: DecodeSettings) -> GuardedDecoder:
        used.append(waiting[0] if len(waiting) == 1 else waiting.pop(0))
        return used[-1]

    monkeypatch.setattr(decode_video, "_decoder", next_decoder)
    yield waiting
    for decoder in {*waiting, *used}:
        decoder.close()


def decode(*paths: Path) -> list[StageRow]:
    """What becomes of some videos."""
    stage = DecodeVideo(load_config(), SIDE_PX, FakeBoard())
    rows = [planned_row(work_item(path.stem, str(path))) for path in paths]
    return rows_of(stage(table_of(rows, PLANNED)))


def test_a_decoder_that_dies_costs_its_video(decoders: list[GuardedDecoder], tmp_path: Path) -> None:
    """The signal is the reason; the next video finds a decoder."""
    decoders.insert(0, GuardedDecoder(DecodeSettings(), "tests.video.faulty_child"))
    killer = tmp_path / "killer.mp4"
    killer.touch()
    first, second = decode(killer, write_video(tmp_path / "good.mp4"))
    assert first.rejection is not None
    assert (first.rejection.reason, first.rejection.stage) == (RejectReason.DECODER_CRASHED, "split_clips")
    assert "SIGSEGV" in first.rejection.detail
    assert second.rejection is None
    assert len(second.columns["frames"]) == len(second.columns["time_s"]) * 3 * SIDE_PX**2


def test_a_video_that_breaks_off_is_decoded_as_far_as_it_goes(decoders: list[GuardedDecoder], tmp_path: Path) -> None:
    """With the clips that are there, and a note."""
    whole = write_video(tmp_path / "whole.mkv")
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    (row,) = decode(part)
    assert row.rejection is None
    assert row.columns["clips"][-1][1] < 6.0
    assert max(row.columns["clip_index"]) == len(row.columns["clips"]) - 1
    assert "narrated up to" in row.columns["notes"][-1]
