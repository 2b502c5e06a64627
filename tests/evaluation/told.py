"""Stories with films, told almost as their references, and tiny networks to judge them with."""

from pathlib import Path

import pytest

from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.run import TEXT_METRICS
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.stories import JudgedStory, join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video
from tests.metrics.tiny_models import save_bert, save_chinese_clip
from tests.video_files import write_video

METRICS = (*(name for name in TEXT_METRICS if name != "meteor"), "emscore", "emscore_ref")
WORDS = ("红色的杯子", "保温两个小时", "现在就买", "好看", "陶瓷的杯子不怕烫", "送给爱喝茶的人")
ROUNDED = ("emscore", "emscore_ref", "info_sim", "info_diverse")
"""Metrics that networks have a part in: rounding depends on what is computed together."""


def text(video: int, place: int) -> str:
    """Two or three phrases."""
    return "，".join(WORDS[(video * 3 + place * 2 + n) % len(WORDS)] for n in range(2 + (video + place) % 2)) + "。"


def seven_stories(directory: Path) -> tuple[JudgedStory, ...]:
    """Of one to three clips; the video of one of them is broken."""
    film = write_video(directory / "film.mp4", times_s=[place / 4 for place in range(24)])
    (directory / "broken.mp4").write_bytes(b"no film")
    videos = [_video(number, directory / "broken.mp4" if number == 4 else film) for number in range(7)]
    narrated = [
        NarratedClip(video.video_id, place, text(number, place + 1), (list(ScriptLabel)[place],))
        for number, video in enumerate(videos)
        for place in range(len(video.clips))
    ]
    return join(narrated, videos).stories


def _video(number: int, film: Path) -> Video:
    clips = tuple(Clip(2.0 * place, 2.0 * place + 2) for place in range(1 + number % 3))
    knowledge = (KnowledgePoint("功效", "保温两个小时"), KnowledgePoint("材质", "陶瓷"))
    return Video(
        f"v{number}",
        str(film),
        Product(f"杯子{number}", knowledge),
        "zh",
        clips,
        storyline=tuple((list(ScriptLabel)[(number + place) % 4],) for place in range(len(clips))),
        narrations=tuple(text(number, place) for place in range(len(clips))),
    )


def tiny_tools(directory: Path) -> Tools:
    """Random networks."""
    bert, clip = directory / "bert", directory / "clip"
    bert.mkdir()
    clip.mkdir()
    save_bert(bert)
    save_chinese_clip(clip)
    return Tools(bert, bert, clip_model=clip)


def assert_same(ours: list[Score | NoScore], theirs: list[Score | NoScore]) -> None:
    """Values, items, statistics, what was left out, and reasons."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, NoScore) or other.metric not in ROUNDED:
            assert one == other
            continue
        assert one.name == other.name
        assert list(one.items) == list(other.items)
        assert one.items == _near(other.items)
        assert one.value == _near(other.value)
        assert (one.num_left_out, one.details) == (other.num_left_out, other.details)


def _near(value: object) -> object:
    return pytest.approx(value, abs=1e-5)
