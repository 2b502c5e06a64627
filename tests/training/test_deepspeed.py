"""DeepSpeed's settings follow from a few of ours."""

import json

import pytest

from narrator_ray.config import TrainingSettings, load_config
from narrator_ray.errors import ConfigError
from narrator_ray.training import deepspeed
from narrator_ray.training.deepspeed import check_compiler, chosen_engine, deepspeed_settings


def test_the_papers_recipe():
    """ZeRO-2, half precision, gradients clipped, no scheduler that would compete with ours."""
    made = deepspeed_settings(TrainingSettings(), num_workers=4, precision="fp16")
    assert made["zero_optimization"]["stage"] == 2
    assert "offload_optimizer" not in made["zero_optimization"]
    assert (made["fp16"], made["bf16"]) == ({"enabled": True}, {"enabled": False})
    assert made["optimizer"]["params"] | {"lr": 1e-4, "weight_decay": 0.0} == made["optimizer"]["params"]
    assert "scheduler" not in made
    assert json.loads(json.dumps(made)) == made


def test_bf16_is_deepspeeds_only_where_weights_are_shared_out():
    """Elsewhere it is the model's own."""
    stages = {stage: deepspeed_settings(TrainingSettings(zero_stage=stage), 2, "bf16")["bf16"] for stage in (0, 2, 3)}
    assert stages == {0: {"enabled": False}, 2: {"enabled": False}, 3: {"enabled": True}}


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_batch_sizes_agree(stage):
    """DeepSpeed refuses settings whose product is not the whole."""
    settings = TrainingSettings(zero_stage=stage, accumulate_batches=3)
    made = deepspeed_settings(settings, num_workers=2, precision="fp32")
    parts = made["train_micro_batch_size_per_gpu"] * made["gradient_accumulation_steps"] * 2
    assert made["train_batch_size"] == parts == 6
    assert made["zero_optimization"]["stage"] == stage
    assert ("stage3_gather_16bit_weights_on_model_save" in made["zero_optimization"]) == (stage == 3)


def test_offloading_keeps_the_optimiser_on_the_host():
    """With DeepSpeed's own Adam, which computes there; never without sharing."""
    made = deepspeed_settings(TrainingSettings(offload_optimizer=True), num_workers=1, precision="bf16")
    assert made["zero_optimization"]["offload_optimizer"]["device"] == "cpu"
    assert not made["optimizer"]["params"]["torch_adam"]
    with pytest.raises(ConfigError, match="zero_stage"):
        load_config(overrides=["training.offload_optimizer=true", "training.zero_stage=0"])


def test_half_precision_needs_something_shared_out():
    """DeepSpeed's loss scaling is part of its ZeRO optimisers, as this project uses it."""
    with pytest.raises(ConfigError, match="zero_stage 1"):
        deepspeed_settings(TrainingSettings(zero_stage=0), num_workers=2, precision="fp16")


@pytest.mark.parametrize("asked", [{"engine": "torch"}, {"engine": "auto", "num_workers": 1}])
def test_offloading_without_deepspeed_is_refused(asked):
    """PyTorch alone would pass over it in silence."""
    with pytest.raises(ConfigError, match=r"training\.engine=deepspeed"):
        chosen_engine(TrainingSettings(offload_optimizer=True, **asked))


@pytest.mark.parametrize(
    ("asked", "is_refused"),
    [
        ({"engine": "deepspeed", "zero_stage": 1}, True),
        ({"engine": "deepspeed", "zero_stage": 3}, True),
        ({"engine": "auto"}, True),
        ({"engine": "deepspeed", "zero_stage": 0}, False),
        ({"engine": "auto", "zero_stage": 0}, False),
        ({"engine": "torch"}, False),
    ],
)
def test_workers_that_come_and_go_keep_all_of_the_optimiser_state(monkeypatch, asked, is_refused):
    """Where it is shared out they are refused before training begins, with what to set."""
    monkeypatch.setattr(deepspeed, "find_spec", lambda name: name)
    settings = TrainingSettings(num_workers=4, min_workers=2, **asked)
    if is_refused:
        with pytest.raises(ConfigError, match=r"training\.engine=torch or training\.zero_stage=0"):
            chosen_engine(settings)
    else:
        chosen_engine(settings)


def test_the_fewest_workers_are_no_more_than_the_most():
    """The other way round nothing could begin."""
    with pytest.raises(ConfigError, match="min_workers"):
        load_config(overrides=["training.num_workers=2", "training.min_workers=3"])


def test_offloading_needs_a_compiler(monkeypatch):
    """Which is said before DeepSpeed looks for it; nothing else needs one."""
    monkeypatch.setattr(deepspeed.shutil, "which", lambda name: None if name == "ninja" else name)
    with pytest.raises(ConfigError, match="ninja"):
        check_compiler(TrainingSettings(offload_optimizer=True))
    check_compiler(TrainingSettings())


def test_a_document_fits_a_batch():
    """Or nothing could be learnt from it."""
    with pytest.raises(ConfigError, match="batch_tokens"):
        load_config(overrides=["training.batch_tokens=100"])


@pytest.mark.parametrize(
    ("engine", "num_workers", "is_installed", "chosen"),
    [
        ("auto", 1, True, "torch"),
        ("auto", 2, True, "deepspeed"),
        ("auto", 2, False, "torch"),
        ("torch", 2, True, "torch"),
        ("deepspeed", 1, True, "deepspeed"),
    ],
)
def test_the_engine_follows_workers_and_what_is_installed(monkeypatch, engine, num_workers, is_installed, chosen):
    """DeepSpeed is for several."""
    monkeypatch.setattr(deepspeed, "find_spec", lambda name: name if is_installed else None)
    assert chosen_engine(TrainingSettings(engine=engine, num_workers=num_workers)) == chosen


def test_deepspeed_that_is_not_installed_is_said(monkeypatch):
    """With what to do."""
    monkeypatch.setattr(deepspeed, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"narrator-ray\[train\]"):
        chosen_engine(TrainingSettings(engine="deepspeed"))
