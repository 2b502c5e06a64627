"""Training: what was learnt is narrated by a model that is loaded from disk, and can be stopped and taken up."""

import json
from collections.abc import Sequence

import pytest
import torch

from narrator_ray.config import DecodingSettings, ModelSettings, TrainingSettings
from narrator_ray.errors import ConfigError, TrainingFailed
from narrator_ray.model.context import prepare_context
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import NarrationJob
from narrator_ray.narration.length import windows_for
from narrator_ray.records import Product, Video
from narrator_ray.training.engine import TorchEngine
from narrator_ray.training.examples import Sample, sample_of
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import StepReport, TrainingLoop
from narrator_ray.training.packing import pack
from narrator_ray.training.validation import Validation
from narrator_ray.training.workers import Alone
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


class Pair:
    """One of two workers, alone in this process: what the other would add is not there."""

    count = 2

    def __init__(self, index: int) -> None:
        self.index = index

    def summed(self, numbers: Sequence[float]) -> list[float]:
        """Its own numbers."""
        return list(numbers)

    def sum_gradients(self, weights: object) -> None:
        """Nothing to add."""


def test_two_workers_share_the_samples_of_every_step(base):
    """As many steps as one takes with twice the batches, and no sample twice; the last round is shared out."""
    settings = RECIPE.model_copy(update={"epochs": 2, "batch_tokens": 500, "max_tokens": 500, "num_workers": 2})
    learner = Learner(base, settings)
    samples = samples_of(learner, is_packed=False)
    halves = [list(TrainingLoop(learner, samples, settings, workers=Pair(index)).run()) for index in range(2)]
    by_one = settings.model_copy(update={"accumulate_batches": 2, "num_workers": 1})
    assert len(halves[0]) == len(halves[1]) == TrainingLoop(learner, samples, by_one).num_steps
    supervised = sum(sample.num_supervised for sample in samples)
    assert sum(report.num_supervised for half in halves for report in half) == 2 * supervised


def test_a_worker_that_is_left_alone_takes_the_steps_of_two(base, tmp_path):
    """What two began goes on by one, and with another number of workers in the settings: the same steps to the last."""
    together = RECIPE.model_copy(
        update={"epochs": 2, "batch_tokens": 500, "max_tokens": 500, "lora_dropout": 0.0, "num_workers": 2}
    )
    by_one = together.model_copy(update={"accumulate_batches": 2, "num_workers": 1})
    learners = [Learner(base, settings) for settings in (by_one, together, by_one)]
    samples = samples_of(learners[0], is_packed=False)
    expected = list(TrainingLoop(learners[0], samples, by_one).run())
    stopped = TrainingLoop(learners[1], samples, together)
    done = run_steps(stopped, 3)
    stopped.save(tmp_path)
    resumed = TrainingLoop(learners[2], samples, together.model_copy(update={"num_workers": 4}))
    assert resumed.num_steps < stopped.num_steps
    resumed.load(tmp_path)
    assert (resumed.step, resumed.num_steps) == (3, len(expected))
    assert [*done, *resumed.run()] == expected
    assert {report.num_workers for report in done} == {1}


def test_a_saved_loop_is_taken_up_by_other_workers(base, tmp_path):
    """From the same place in the order, with the same steps; another engine is refused."""
    settings = RECIPE.model_copy(update={"epochs": 2, "batch_tokens": 500, "max_tokens": 500})
    learner = Learner(base, settings)
    samples = samples_of(learner, is_packed=False)
    stopped = TrainingLoop(learner, samples, settings)
    run_steps(stopped, 3)
    stopped.save(tmp_path)
    resumed = TrainingLoop(learner, samples, settings.model_copy(update={"num_workers": 2}), workers=Pair(0))
    resumed.load(tmp_path)
    assert (resumed.step, resumed.num_steps) == (3, stopped.num_steps)
    place = json.loads((tmp_path / "place.json").read_text())
    (tmp_path / "place.json").write_text(json.dumps(place | {"engine": "deepspeed"}))
    with pytest.raises(ConfigError, match=r"training\.engine=deepspeed"):
        resumed.load(tmp_path)
    del place["batches_per_step"]
    (tmp_path / "place.json").write_text(json.dumps(place))
    with pytest.raises(ConfigError, match=r"place\.json: says nothing of batches_per_step"):
        resumed.load(tmp_path)


class SharedOut:
    """An engine that takes PyTorch's steps and is not PyTorch's: to the loop it is one that may share its state out."""

    def __init__(self, learner: Learner, settings: TrainingSettings) -> None:
        self._engine = TorchEngine(learner, settings)

    def __getattr__(self, name: str):
        return getattr(self._engine, name)


@pytest.mark.parametrize(("zero_stage", "is_refused"), [(0, False), (2, True)])
def test_other_numbers_of_workers_go_on_or_are_refused(base, tmp_path, zero_stage, is_refused):
    """With the settings to go on with."""
    settings = RECIPE.model_copy(update={"epochs": 2, "zero_stage": zero_stage})
    learner = Learner(base, settings)
    samples = samples_of(learner, is_packed=False)
    two = TrainingLoop(learner, samples, settings, SharedOut(learner, settings), Pair(0))
    run_steps(two, 1)
    two.save(tmp_path)
    one = TrainingLoop(learner, samples, settings, SharedOut(learner, settings))
    if is_refused:
        with pytest.raises(ConfigError, match=r"training\.num_workers=2 training\.zero_stage=2"):
            one.load(tmp_path)
    else:
        one.load(tmp_path)
        assert (one.step, one.num_steps) == (1, two.num_steps)


def test_held_out_samples_are_judged_as_training_judges_them(base):
    """The validation of a model that has taken no step is the loss of a first step over the same samples."""
    settings = RECIPE.model_copy(update={"lora_dropout": 0.0, "epochs": 1})
    learner = Learner(base, settings)
    samples = samples_of(learner)
    loop = TrainingLoop(learner, samples, settings)
    validation = Validation(samples, [len(sample.input_ids) for sample in samples], settings)
    before = validation.loss(learner, loop.engine, Alone())
    assert before == pytest.approx(run_steps(loop, 1)[0].loss, rel=1e-5)
