"""What is trained, what is not, and what is saved of it."""

import pytest
import torch

from narrator_ray.config import TrainingSettings
from narrator_ray.errors import ConfigError
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.training.batches import TensorBatch, summed_loss
from narrator_ray.training.learner import Learner, chosen_precision
from narrator_ray.training.packing import pack
from tests.training.videos import make_example, make_video


@pytest.fixture(scope="module")
def base() -> ModelDirectory:
    """The tiny random model."""
    return prepare_model(find_preset("tiny-random"))


def one_loss(narrator: VideoNarrator) -> torch.Tensor:
    """Of one packed video."""
    sample = pack(make_example(narrator.tokenizer, make_video(1)))
    return summed_loss(narrator, TensorBatch.of([sample], narrator.tokenizer.pad_token_id))


def test_projection_is_trained_in_full_and_every_linear_layer_through_lora(base):
    """But for the output layer; nothing of the language model itself."""
    trained = Learner(base, TrainingSettings(lora_rank=4)).trained
    whole = {"projector.weight", "projector.bias", "position_embedding.weight"}
    factors = trained.keys() - whole
    assert whole < trained.keys()
    assert all(".lora_" in name for name in factors)
    assert len(factors) == 2 * 7 * 2  # two layers of seven, A and B
    assert all(weight.dtype == torch.float32 for weight in trained.values())


def test_targets_can_be_chosen_and_lora_left_out(base):
    """By name; rank 0 is the paper's ablation a; a name that no layer has is refused."""
    chosen = Learner(base, TrainingSettings(lora_rank=4, lora_targets=("q_proj",))).trained
    assert sum(".lora_" in name for name in chosen) == 2 * 2
    assert len(Learner(base, TrainingSettings(lora_rank=0)).trained) == 3
    with pytest.raises(ConfigError, match="lora_targets"):
        Learner(base, TrainingSettings(lora_targets=("W_pack",)))


def test_the_saved_model_is_the_trained_one(base, tmp_path):
    """Changed weights, saved and loaded: the same loss; what was not trained is linked; the same bytes twice."""
    learner = changed(Learner(base, TrainingSettings(lora_rank=4, lora_dropout=0.0)))
    saved = learner.save(tmp_path / "saved", "learnt")
    assert open_model_directory(saved.path).spec.is_trained
    assert (saved.path / "llm").is_symlink()
    expected, before = one_loss(learner.narrator.eval()), one_loss(VideoNarrator.load(base.path))
    assert abs(expected - before) > 1
    torch.testing.assert_close(one_loss(VideoNarrator.load(saved.path)), expected, rtol=1e-4, atol=1e-3)
    again = learner.save(tmp_path / "again", "learnt")
    assert again.spec.fingerprints == saved.spec.fingerprints


def changed(learner: Learner) -> Learner:
    """With other weights than it began with."""
    with torch.no_grad():
        for weight in learner.trained.values():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
    return learner


def test_a_model_with_an_adapter_goes_on_with_it(base, tmp_path):
    """The same factors, rank and layers, whatever the settings say; saved untouched they are the same model."""
    first = changed(Learner(base, TrainingSettings(lora_rank=4, lora_alpha=8, lora_targets=("q_proj", "v_proj"))))
    saved = first.save(tmp_path / "saved", "learnt")
    learner = Learner(saved, TrainingSettings(lora_rank=64, lora_targets=("up_proj",)))
    expected, state = first.state(), learner.state()
    assert state.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(state[name], weight)
    torch.testing.assert_close(one_loss(learner.narrator.eval()), one_loss(first.narrator.eval()))
    assert learner.save(tmp_path / "again", "learnt").spec.fingerprints == saved.spec.fingerprints
    one_loss(learner.narrator.train()).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in learner.trained.values())


def test_a_model_with_an_adapter_can_be_trained_without_it(base, tmp_path):
    """A new adapter on the bare language model; its projection is kept. What cannot be meant is refused."""
    saved = changed(Learner(base, TrainingSettings(lora_rank=4))).save(tmp_path / "saved", "learnt")
    learner = Learner(saved, TrainingSettings(lora_rank=2), use_adapter=False)
    expected = VideoNarrator.load(saved.path, use_adapter=False)
    torch.testing.assert_close(one_loss(learner.narrator.eval()), one_loss(expected))
    bare = Learner(saved, TrainingSettings(lora_rank=0), use_adapter=False)
    assert bare.save(tmp_path / "bare", "bare").adapter_path is None
    with pytest.raises(ConfigError, match="use_adapter=false"):
        Learner(saved, TrainingSettings(lora_rank=0))
    settings = saved.adapter_path / "adapter_config.json"
    settings.write_text(settings.read_text().replace('"LORA"', '"IA3"'))
    with pytest.raises(ConfigError, match="IA3"):
        Learner(saved, TrainingSettings())


def test_a_model_without_lora_is_saved_without_adapter(base, tmp_path):
    """Only the projection is written."""
    saved = Learner(base, TrainingSettings(lora_rank=0)).save(tmp_path / "saved", "ablation a")
    assert saved.adapter_path is None
    assert one_loss(VideoNarrator.load(saved.path)).isfinite()


def test_checkpointing_changes_no_gradient(base):
    """It only computes layers twice."""
    gradients = []
    for is_on in (True, False):
        learner = Learner(base, TrainingSettings(gradient_checkpointing=is_on, lora_dropout=0.0))
        one_loss(learner.narrator.train()).backward()
        gradients.append({name: weight.grad for name, weight in learner.trained.items()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name])


def test_half_precision_trains_what_is_kept_in_single(base):
    """bfloat16 on a CPU: finite gradients of float32 weights."""
    learner = Learner(base, TrainingSettings(precision="bf16", lora_rank=4))
    one_loss(learner.narrator.train()).backward()
    assert learner.narrator.token_embedding.weight.dtype == torch.bfloat16
    assert all(weight.grad.dtype == torch.float32 for weight in learner.trained.values())
    assert all(weight.grad.isfinite().all() for weight in learner.trained.values())


def test_precision_follows_the_device():
    """fp16 has no place on a CPU."""
    assert chosen_precision(TrainingSettings(), "cpu") == "fp32"
    assert chosen_precision(TrainingSettings(precision="bf16"), "cpu") == "bf16"
    with pytest.raises(ConfigError, match="precision"):
        chosen_precision(TrainingSettings(precision="fp16"), "cpu")


def test_a_state_of_other_settings_is_refused(base):
    """Another rank, other targets."""
    state = Learner(base, TrainingSettings(lora_rank=4)).state()
    with pytest.raises(ConfigError, match="checkpoint"):
        Learner(base, TrainingSettings(lora_rank=8)).restore(state)
