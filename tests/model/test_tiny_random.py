"""tiny-random: complete, small, the same everywhere, and what it sees changes what it writes."""

import hashlib
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from narrator_ray.model.vision_encoder import load_vision_encoder


def digests(path) -> dict[str, str]:
    """SHA-256 of every file of a directory."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def tokenizer(tiny_directory):
    """Its tokenizer, loaded as the narrator loads it."""
    return AutoTokenizer.from_pretrained(tiny_directory.llm_path, local_files_only=True)


def test_another_process_writes_the_same_bytes(tiny_directory, tmp_path):
    """Features and narrations keyed by its fingerprint are shared between machines."""
    code = (
        "import sys; from pathlib import Path; from narrator_ray.model.tiny_random import write_tiny_random;"
        "write_tiny_random(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    assert digests(tmp_path) == digests(tiny_directory.path)


def test_it_is_small(tiny_directory):
    """A few hundred thousand parameters in all."""
    files = tiny_directory.path.rglob("*.safetensors")
    num_parameters = sum(tensor.numel() for file in files for tensor in load_file(file).values())
    assert 100_000 < num_parameters < 500_000


def test_the_special_tokens_come_last_and_in_order(tokenizer, tiny_directory):
    """The order in which the released checkpoints add them, a pad token first where there was none."""
    last = tokenizer.convert_ids_to_tokens(range(len(tokenizer) - 4, len(tokenizer)))
    assert last == ["[PAD]", "<vid_patch>", "<vid_start>", "<vid_end>"]
    assert tokenizer.pad_token == "[PAD]"
    assert tokenizer("<vid_start><vid_patch><vid_end>", add_special_tokens=False).input_ids == [
        tokenizer.convert_tokens_to_ids(token) for token in ("<vid_start>", "<vid_patch>", "<vid_end>")
    ]


@pytest.mark.parametrize(
    "text", ["A lamp, 2 for $19.99!\nNew line.", "这款台灯3个颜色，很好看。\n场景：", "  two  spaces "]
)
def test_text_survives_the_tokenizer(tokenizer, text):
    """Any text comes back, in either language; every text starts with <bos>."""
    ids = tokenizer(text).input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_new_tokens_are_never_the_likeliest(tokenizer, tiny_directory):
    """Their logit is the mean of all others."""
    model = AutoModelForCausalLM.from_pretrained(tiny_directory.llm_path, local_files_only=True)
    with torch.inference_mode():
        logits = model(**tokenizer("This lamp is", return_tensors="pt")).logits[0, -1]
    torch.testing.assert_close(logits[-4:], logits[:-4].mean().expand(4), atol=1e-4, rtol=1e-4)
    assert model.config.pad_token_id == tokenizer.pad_token_id


def test_what_is_seen_reaches_the_language_model(tokenizer, tiny_directory):
    """Two different frames give different likeliest continuations through the projector."""
    model = AutoModelForCausalLM.from_pretrained(tiny_directory.llm_path, local_files_only=True)
    projection = load_file(tiny_directory.projection_path)
    frames_TCHW = torch.zeros(2, 3, 48, 48, dtype=torch.uint8)
    frames_TCHW[1, 0] = 255
    tokens_TQD = torch.from_numpy(load_vision_encoder(tiny_directory).encode(frames_TCHW.numpy())).float()
    embeds = tokens_TQD @ projection["projector.weight"].T + projection["projector.bias"]
    with torch.inference_mode():
        black, red = model(inputs_embeds=embeds).logits[:, -1].softmax(-1)
    assert (black - red).abs().sum() > 0.2
