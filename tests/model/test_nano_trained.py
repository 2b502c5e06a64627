"""The trained parts of nano: one small file, out of a model directory and into one."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from narrator_ray.errors import ModelLoadError
from narrator_ray.model import nano
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory, seal_model_directory
from narrator_ray.model.nano_trained import save_trained_parts, shipped_file, write_trained_parts
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.qformer import load_qformer

MOST_BYTES = 15_000_000


@pytest.fixture
def trained(tiny_copy) -> ModelDirectory:
    """The tiny model with an adapter that changes it."""
    narrator = VideoNarrator.load(tiny_copy)
    adapted = get_peft_model(
        narrator.llm, LoraConfig(r=2, target_modules=["q_proj", "up_proj"], init_lora_weights=False)
    )
    adapted.save_pretrained(str(tiny_copy / "adapter"))
    (tiny_copy / "adapter" / "README.md").unlink(missing_ok=True)
    vision = open_model_directory(tiny_copy).spec.vision
    return seal_model_directory(tiny_copy, name="taught", languages=("en",), vision=vision, is_trained=True)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_parts_come_back_within_half_precision(trained, tmp_path):
    """Every tensor of every part, and the settings that they need; the narrator that loads them speaks as before."""
    save_trained_parts(trained, tmp_path / "parts.safetensors")
    target = shutil.copytree(trained.path, tmp_path / "other", ignore=shutil.ignore_patterns("adapter", "qformer"))
    write_trained_parts(tmp_path / "parts.safetensors", target)
    files = ("qformer/model.safetensors", "qformer/query_tokens.safetensors", "projection.safetensors")
    for name in (*files, "adapter/adapter_model.safetensors"):
        before, after = load_file(trained.path / name), load_file(target / name)
        assert before.keys() == after.keys()
        for tensor_name, tensor in before.items():
            torch.testing.assert_close(after[tensor_name], tensor, rtol=1e-3, atol=1e-4)
    ids = torch.tensor([[5, 9, 11]])
    one, other = (VideoNarrator.load(path) for path in (trained.path, target))
    torch.testing.assert_close(one(one.embed(ids)).logits, other(other.embed(ids)).logits, rtol=1e-2, atol=1e-2)
    plain = VideoNarrator.load(trained.path, use_adapter=False)
    assert (plain(plain.embed(ids)).logits - other(other.embed(ids)).logits).abs().max() > 0.1


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_a_broken_file_is_named(tmp_path, content):
    """Missing, empty, garbage."""
    file = tmp_path / "nano.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelLoadError, match=r"nano\.safetensors: cannot be read"):
        write_trained_parts(file, tmp_path)


def test_a_file_of_another_format_is_refused(tmp_path):
    """Safetensors of something else."""
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelLoadError, match=r"expected format 'narrator-ray\.nano/1', found None"):
        write_trained_parts(tmp_path / "other.safetensors", tmp_path)


def test_the_shipped_file_is_small_and_whole(tmp_path):
    """At most 15 MB of float16 numbers, all finite; a Q-Former and an adapter that fit nano."""
    assert shipped_file().stat().st_size <= MOST_BYTES
    with safe_open(shipped_file(), "pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    write_trained_parts(shipped_file(), tmp_path)
    queries = load_qformer(tmp_path / "qformer").query_tokens_QD
    assert tuple(queries.shape) == (nano.VISION.num_queries, nano.VISION.dim)
    assert load_file(tmp_path / "projection.safetensors")["projector.weight"].any()
    adapter = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert adapter["peft_type"] == "LORA"
    assert {name.split(".")[-2] for name in load_file(tmp_path / "adapter" / "adapter_model.safetensors")} == {
        "lora_A",
        "lora_B",
    }
