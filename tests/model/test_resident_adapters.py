"""Adapters beside one model: each row goes through its own, exactly as if it were merged."""

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.resident_adapters import ResidentAdapters, read_adapter
from narrator_ray.model.weights_files import read_json

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def write_adapter(llm: Path, target: Path, seed: int = 0, **settings: object) -> Path:
    """A PEFT adapter of random factors for a language model on disk."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(llm)
    config = LoraConfig(**{"r": 2, "target_modules": ALL_LINEAR, "init_lora_weights": False, **settings})
    get_peft_model(model, config).save_pretrained(target)
    return target


def scores(narrator: VideoNarrator, adapter: str | None, text: str = "a warm red mug") -> torch.Tensor:
    """Logits of a text, [L, V], all of whose rows go through one adapter."""
    ids = torch.tensor(narrator.tokenizer.encode(text))
    rows = {} if adapter is None else {adapter: torch.arange(len(ids))}
    with narrator.adapters.select(rows):
        logits: torch.Tensor = narrator(narrator.embed(ids)[None]).logits[0]
        return logits


@pytest.mark.parametrize("settings", [{}, {"use_rslora": True, "lora_alpha": 3}, {"target_modules": ["v_proj"]}])
def test_a_row_through_an_adapter_is_a_row_of_the_merged_model(
    tiny_directory: ModelDirectory, tmp_path: Path, settings: dict[str, object]
) -> None:
    """PEFT's own merge is the measure; without an adapter the model is the base."""
    path, other = (
        write_adapter(tiny_directory.path / "llm", tmp_path / str(seed), seed, **settings) for seed in range(2)
    )
    together = VideoNarrator.load(tiny_directory.path, adapters={"one": path, "two": other})
    base = scores(VideoNarrator.load(tiny_directory.path), None)
    for name, directory in {"one": path, "two": other}.items():
        merged = scores(VideoNarrator.load(tiny_directory.path, adapter=directory), None)
        assert (merged - base).abs().max() > 1e-3
        torch.testing.assert_close(scores(together, name), merged, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scores(together, None), base)


def test_half_precision_products_keep_what_adapters_change(tiny_directory: ModelDirectory, tmp_path: Path) -> None:
    """A feed-forward block is not melted into one where an adapter needs its parts."""
    path = write_adapter(tiny_directory.path / "llm", tmp_path / "one", target_modules=["gate_proj", "q_proj"])
    exact = VideoNarrator.load(tiny_directory.path, adapters={"one": path})
    mixed = VideoNarrator.load(tiny_directory.path, adapters={"one": path}, has_half_products=True)
    difference = (scores(exact, "one") - scores(exact, None)).abs().max()
    assert (scores(mixed, "one") - scores(exact, "one")).abs().max() < 0.1 * difference


def test_pickled_factors_are_read_as_tensors(tiny_directory: ModelDirectory, tmp_path: Path) -> None:
    """Older adapters are .bin files."""
    path = write_adapter(tiny_directory.path / "llm", tmp_path / "one")
    expected = read_adapter(path)
    from safetensors.torch import load_file

    torch.save(load_file(path / "adapter_model.safetensors"), path / "adapter_model.bin")
    (path / "adapter_model.safetensors").unlink()
    found = read_adapter(path)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[layer].up_OR, expected[layer].up_OR) for layer in found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"peft_type": "IA3"}, "not a LoRA adapter"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["embed_tokens"]}, "modules saved in full"),
        ({"bias": "all"}, "biases"),
    ],
)
def test_what_cannot_differ_between_rows_is_refused(
    tiny_directory: ModelDirectory, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    """The error says what to do instead."""
    path = write_adapter(tiny_directory.path / "llm", tmp_path / "one")
    file = path / "adapter_config.json"
    file.write_text(json.dumps({**read_json(file), **change}))
    with pytest.raises(ModelLoadError, match=words):
        read_adapter(path)


def test_a_damaged_file_is_refused(tiny_directory: ModelDirectory, tmp_path: Path) -> None:
    """With its name."""
    path = write_adapter(tiny_directory.path / "llm", tmp_path / "one")
    (path / "adapter_model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ModelLoadError, match=r"adapter_model\.safetensors: cannot be read"):
        read_adapter(path)


def test_an_adapter_of_another_model_is_refused(tiny_directory: ModelDirectory, tmp_path: Path) -> None:
    """By its layers or by their shapes; one that changes the output layer by its name."""
    factors = read_adapter(write_adapter(tiny_directory.path / "llm", tmp_path / "one", target_modules=["q_proj"]))
    layer, own = next(iter(factors.items()))
    narrator = VideoNarrator.load(tiny_directory.path)
    for changed, words in [
        ({layer.replace("layers.0", "layers.99"): own}, "no layer"),
        ({layer.replace("q_proj", "k_proj"): own}, "another model's"),
        ({"lm_head": own}, "lm_head"),
    ]:
        with pytest.raises(ModelLoadError, match=f"adapter brand: .*{words}"):
            ResidentAdapters({"brand": changed}).attach(narrator.llm, torch.float32)
