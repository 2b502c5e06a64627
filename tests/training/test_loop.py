"""Training: what was learnt is narrated by a model that is loaded from disk, and can be stopped and taken up."""

from collections.abc import Sequence

import pytest
import torch

from narrator_ray.config import DecodingSettings, ModelSettings, TrainingSettings
from narrator_ray.errors import TrainingFailed
from narrator_ray.model.context import prepare_context
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import NarrationJob
from narrator_ray.narration.length import windows_for
from narrator_ray.records import Product, Video
from narrator_ray.training.examples import Sample, sample_of
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import StepReport, TrainingLoop
from narrator_ray.training.packing import pack
from tests.training.videos import REFERENCE, make_example, make_features, make_video

RECIPE = TrainingSettings(learning_rate=1e-2, lora_rank=16, lora_alpha=32)
VIDEOS = [make_video(number, product=Product("Mug")) for number in range(2)]
"""The same product: only what is seen tells their stories apart."""


@pytest.fixture(scope="module")
def base() -> ModelDirectory:
    """The tiny random model."""
    return prepare_model(find_preset("tiny-random"))


def samples_of(learner: Learner, is_packed: bool = True) -> list[Sample]:
    """Of both videos."""
    examples = [make_example(learner.narrator.tokenizer, video) for video in VIDEOS]
    if is_packed:
        return [pack(example) for example in examples]
    return [sample_of(example, index) for example in examples for index in range(len(example.clips))]


def run_steps(loop: TrainingLoop, number: int) -> list[StepReport]:
    """The next steps."""
    return [report for _, report in zip(range(number), loop.run(), strict=False)]


def job_of(video: Video) -> NarrationJob:
    """What is narrated of a video whose labels and texts are not given."""
    contexts = prepare_context(make_features(video), ModelSettings())
    windows = windows_for(video, video.clips, REFERENCE)
    return NarrationJob(video.video_id, video.product, "en", video.clips, contexts, None, windows, seed=0)


def stories(narrator: VideoNarrator, videos: Sequence[Video]) -> dict[str, list[tuple]]:
    """Labels and text of every clip as the engine writes them."""
    engine = NarrationEngine(narrator, DecodingSettings(repetition_penalty=1.0, no_repeat_tokens=0))
    told: dict[str, list[tuple]] = {video.video_id: [] for video in videos}
    for result in engine.narrate([job_of(video) for video in videos]):
        told[result.job_id].append((result.script_labels, result.text))
    return told


def test_two_videos_learnt_by_heart_are_narrated_from_disk(base, tmp_path):
    """Loss below a bound, then the saved model writes labels and words of both, told apart by their pictures alone."""
    settings = RECIPE.model_copy(update={"epochs": 90, "lora_dropout": 0.0, "gradient_checkpointing": False})
    learner = Learner(base, settings)
    reports = list(TrainingLoop(learner, samples_of(learner), settings).run())
    assert reports[0].loss > 5
    assert reports[-1].loss < 0.6
    assert [report.step for report in reports] == list(range(90))
    saved = learner.save(tmp_path / "learnt", "learnt")
    expected = {video.video_id: list(zip(video.storyline, video.narrations, strict=True)) for video in VIDEOS}
    assert stories(VideoNarrator.load(saved.path), VIDEOS) == expected
    assert stories(learner.narrator.eval(), VIDEOS) == expected


def test_training_goes_on_where_it_stopped(base, tmp_path):
    """Step by step the same as without a stop, through a file that holds tensors and numbers only."""
    settings = RECIPE.model_copy(update={"epochs": 2, "batch_tokens": 500, "max_tokens": 500})
    whole, first, second = (Learner(base, settings) for _ in range(3))
    expected = list(TrainingLoop(whole, samples_of(whole, is_packed=False), settings).run())
    stopped = TrainingLoop(first, samples_of(first, is_packed=False), settings)
    done = run_steps(stopped, 4)
    torch.save(stopped.state(), tmp_path / "state.pt")
    resumed = TrainingLoop(second, samples_of(second, is_packed=False), settings)
    resumed.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [*done, *resumed.run()] == expected
    for name, weight in whole.state().items():
        torch.testing.assert_close(second.state()[name], weight, rtol=0, atol=0)


def test_packed_and_separate_samples_take_the_same_step(base):
    """One step over both videos in either form, without dropout."""
    settings = RECIPE.model_copy(update={"lora_dropout": 0.0, "warmup_fraction": 0.0, "epochs": 1})
    reports = []
    for is_packed in (True, False):
        learner = Learner(base, settings)
        reports += run_steps(TrainingLoop(learner, samples_of(learner, is_packed), settings), 1)
    packed, separate = reports
    assert packed.num_supervised == separate.num_supervised
    assert packed.num_tokens < separate.num_tokens
    assert (packed.loss, packed.gradient_norm) == pytest.approx((separate.loss, separate.gradient_norm), rel=1e-4)


def test_accumulated_batches_are_one_step(base):
    """Several small batches make the step that one large batch makes."""
    whole = RECIPE.model_copy(update={"lora_dropout": 0.0, "epochs": 1})
    parts = whole.model_copy(update={"batch_tokens": 500, "max_tokens": 500, "accumulate_batches": 20})
    reports = []
    for settings in (whole, parts):
        learner = Learner(base, settings)
        reports += list(TrainingLoop(learner, samples_of(learner, is_packed=False), settings).run())
    assert len(reports) == 2
    assert reports[0].loss == pytest.approx(reports[1].loss, rel=1e-5)
    assert reports[0].gradient_norm == pytest.approx(reports[1].gradient_norm, rel=1e-4)


def test_a_loss_that_is_no_number_stops_training(base):
    """Before it spoils what was learnt."""
    learner = Learner(base, RECIPE)
    before = learner.state()
    with torch.no_grad():
        learner.narrator.llm.lm_head.weight[0, 0] = float("nan")
    with pytest.raises(TrainingFailed, match="learning_rate"):
        run_steps(TrainingLoop(learner, samples_of(learner), RECIPE), 1)
    for name, weight in learner.state().items():
        torch.testing.assert_close(weight, before[name])
