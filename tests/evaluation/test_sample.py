"""A sample is judged before a run is published."""

from dataclasses import replace

import pyarrow as pa
import pytest
from pydantic import ValidationError

from narrator_ray.config import Config
from narrator_ray.evaluation.sample import SampleSettings, judge_sample, sample_of
from narrator_ray.evaluation.scores import Score
from narrator_ray.outputs.tables import narration_rows
from narrator_ray.records import Clip, Video
from narrator_ray.schema import NARRATIONS
from tests.outputs.samples import BOTTLE, narrated_video, row_of

TEXTS = ("It keeps your drinks cold all day.", "Buy the Aurora bottle today.")
NAMES = [f"shop-{number}" for number in range(6)]


def with_references(name: str) -> Video:
    """A row whose references are what the sample's results say."""
    row = row_of(narrated_video(name, TEXTS))
    return replace(row, clips=(Clip(0.0, 4.0), Clip(4.0, 8.0)), narrations=TEXTS)


def table_of(*names: str, texts: tuple[str, str] = TEXTS) -> pa.Table:
    """A run's narrations."""
    rows = [row for name in names for row in narration_rows(with_references(name), narrated_video(name, texts), "m")]
    return pa.Table.from_pylist(rows, schema=NARRATIONS)


def judged(settings: SampleSettings, texts: tuple[str, str] = TEXTS):
    """The verdict on all videos."""
    return judge_sample(map(with_references, NAMES), table_of(*NAMES, texts=texts), settings, Config())


def test_a_sample_is_the_same_every_night():
    """Whatever the order; videos without references are no part of it; a larger catalogue changes little."""
    videos = [with_references(name) for name in NAMES]
    bare = Video("bare", "/v.mp4", BOTTLE, "en")
    sample = sample_of([bare, *videos], 3)
    assert len(sample) == 3
    assert sample_of(reversed([*videos, bare]), 3) == sample
    assert sample_of(videos, 9)[:3] == sample


def test_good_narrations_pass():
    """Equal to the references: the best score there is."""
    verdict = judged(SampleSettings(videos=4, metrics=("bleu_1",), least={"bleu_1": 50}))
    assert (verdict.num_videos, verdict.shortfalls) == (4, ())
    assert verdict.to_json()["videos"] == 4
    assert any(isinstance(outcome, Score) and outcome.value > 0 for outcome in verdict.outcomes)


def test_bad_narrations_fall_short():
    """Too low and too high, both said."""
    settings = SampleSettings(videos=4, metrics=("bleu_1", "repetition"), least={"bleu_1": 50}, most={"repetition": -1})
    verdict = judged(settings, ("Nothing at all.", "Nothing at all."))
    assert [line.partition(":")[0] for line in verdict.shortfalls] == ["bleu_1", "repetition"]
    assert "at least 50 is asked for" in verdict.shortfalls[0]


def test_a_limit_that_cannot_be_checked_is_not_kept():
    """No video with references: nothing is scored, and a limit is not met in silence."""
    narrations = table_of(*NAMES)
    bare = [row_of(narrated_video(name, TEXTS)) for name in NAMES]
    free = judge_sample(bare, narrations, SampleSettings(), Config())
    assert (free.num_videos, free.outcomes, free.shortfalls) == (0, (), ())
    strict = judge_sample(bare, narrations, SampleSettings(metrics=("bleu_1",), least={"bleu_1": 1}), Config())
    assert strict.shortfalls == ("bleu_1: no value, at least 1 is asked for",)


def test_limits_are_of_metrics_that_are_computed():
    """A limit that would never be looked at is a mistake."""
    with pytest.raises(ValidationError, match="not in metrics"):
        SampleSettings(metrics=("repetition",), least={"bleu_1": 1})
