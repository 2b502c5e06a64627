"""Loading language models: base models get the video tokens in memory, options do what they say or are refused."""

import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.embedded import VISUAL_TOKENS
from narrator_ray.model.language_model import load_language_model
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.mixed_precision import is_worthwhile
from narrator_ray.model.narrator import VideoNarrator
from tests.model.tiny_parts import write_base_llm, write_projection


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A base model without video tokens, with spare rows in its matrices as Qwen's have."""
    return write_base_llm(tmp_path_factory.mktemp("base") / "llm", "qwen2", spare_rows=40)


@pytest.fixture(scope="module")
def directory(base, tmp_path_factory):
    """The language side of a model directory."""
    folder = write_projection(tmp_path_factory.mktemp("directory"))
    (folder / "llm").symlink_to(base)
    return folder


@pytest.mark.parametrize("spare_rows", [0, 40])
def test_a_base_model_gets_the_video_tokens_in_memory(tmp_path, spare_rows):
    """Known tokens keep their rows, new ones have the mean; the disk is not touched and no row is lost."""
    path = write_base_llm(tmp_path / "llm", spare_rows=spare_rows)
    size = (path / "model.safetensors").stat().st_size
    known = len(AutoTokenizer.from_pretrained(path))
    before = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    model, tokenizer = load_language_model(path, "cpu", torch.float32)
    new = tokenizer.convert_tokens_to_ids(["[PAD]", *VISUAL_TOKENS])
    assert new == [known, known + 1, known + 2, known + 3]
    rows = model.get_input_embeddings().weight
    assert len(rows) == max(known + 4, known + spare_rows) == model.config.vocab_size
    torch.testing.assert_close(rows[:known], before.get_input_embeddings().weight[:known], rtol=0, atol=0)
    for layer, old in ((rows, before.get_input_embeddings()), (model.lm_head.weight, before.lm_head)):
        torch.testing.assert_close(layer[new[1]], old.weight[:known].mean(dim=0))
    assert (path / "model.safetensors").stat().st_size == size
    assert not set(VISUAL_TOKENS) & AutoTokenizer.from_pretrained(path).get_vocab().keys()


def test_eager_attention_computes_what_sdpa_does(directory):
    """With the boolean mask per lane that the engine gives, which eager attention alone would misread."""
    ids = torch.arange(8)
    is_seen = torch.ones(8, 8, dtype=torch.bool).tril()[None, None].clone()
    is_seen[..., 6:, :3] = False
    logits = []
    for attention in ("sdpa", "eager"):
        narrator = VideoNarrator.load(directory, attention=attention)
        assert narrator.llm.config._attn_implementation == attention
        logits.append(narrator(narrator.embed(ids)[None], is_seen).logits)
    torch.testing.assert_close(logits[0], logits[1], atol=1e-5, rtol=1e-5)


def test_flash_attention_is_refused(directory):
    """It takes no mask per lane."""
    with pytest.raises(ModelLoadError, match=r"flash attention does not: set load\.attention to sdpa"):
        VideoNarrator.load(directory, attention="flash_attention_2")


def test_the_precision_is_that_asked_for(directory):
    """Language model, projector and position embedding alike."""
    narrator = VideoNarrator.load(directory, **LoadOptions(dtype="bfloat16").keywords("cpu"))
    assert {weight.dtype for weight in narrator.parameters()} == {torch.bfloat16}


def test_auto_precision_is_float32_on_a_cpu():
    """A CPU is no faster with less."""
    automatic, mixed = LoadOptions(dtype="auto").keywords("cpu"), LoadOptions(dtype="mixed").keywords("cpu")
    assert automatic["dtype"] == mixed["dtype"] == torch.float32
    assert automatic["has_half_products"] == is_worthwhile()
    assert mixed["has_half_products"]
    assert LoadOptions().keywords("cuda")["dtype"] == torch.float32


def test_a_device_map_changes_no_numbers(directory):
    """Projector and position embedding go where the token embedding is; the logits are the same."""
    ids = torch.arange(8)
    plain = VideoNarrator.load(directory)
    mapped = VideoNarrator.load(directory, device_map="auto")
    assert mapped.device == mapped.token_embedding.weight.device
    torch.testing.assert_close(
        mapped(mapped.embed(ids)[None]).logits.cpu(), plain(plain.embed(ids)[None]).logits, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("option", "package"), [({"quantisation": "4bit"}, "bitsandbytes"), ({"device_map": "auto"}, "accelerate")]
)
def test_an_option_whose_package_is_missing_is_refused(directory, monkeypatch, option, package):
    """The package and the way without it are named."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("narrator_ray.model.language_model.find_spec", lambda name: None)
    with pytest.raises(ModelLoadError, match=rf"run `pip install {package}`, or drop load\.{next(iter(option))}"):
        VideoNarrator.load(directory, **option)
