"""The authors' checkpoints become plain LLaMA ones, and VideoNarrator computes with them what the released code did."""

import json
import shutil
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.upstream import convert_checkpoint, unpack_attention
from tests.model.golden import GOLDEN

RECORDED = GOLDEN / "model" / "baichuan"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded checkpoint is not here")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """base/ and checkpoint-7/ as the released code wrote them, with a tokenizer of the right size."""
    pytest.importorskip("sentencepiece")
    path = tmp_path_factory.mktemp("released")
    with tarfile.open(RECORDED / "weights.tar.xz") as archive:
        archive.extractall(path, filter="data")
    shutil.copytree(GOLDEN / "tokenizer_tiny300", path / "base", dirs_exist_ok=True, copy_function=shutil.copyfile)
    return path


@pytest.fixture(scope="module")
def converted(released, tmp_path_factory) -> Path:
    """The converted checkpoint."""
    target = tmp_path_factory.mktemp("converted")
    convert_checkpoint(released / "base", released / "checkpoint-7", target)
    return target


@pytest.fixture(scope="module")
def merged(converted) -> VideoNarrator:
    """With its adapter merged, as it is used."""
    return VideoNarrator.load(converted)


@pytest.fixture(scope="module")
def unmerged(converted, merged) -> VideoNarrator:
    """With its adapter beside the weights, as it is trained."""
    from peft import PeftModel

    llm = AutoModelForCausalLM.from_pretrained(converted / "llm")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        llm = PeftModel.from_pretrained(llm, converted / "adapter")
    return VideoNarrator(llm, merged.tokenizer, merged.projector, merged.position_embedding).eval()


@pytest.fixture(scope="module")
def io() -> dict:
    """Recorded inputs and outputs."""
    return dict(np.load(RECORDED / "io.npz"))


def tensor(array: np.ndarray) -> torch.Tensor:
    """Ids as PyTorch wants them, anything else as it is."""
    return torch.from_numpy(array.astype(np.int64) if array.dtype == np.int32 else array)


def visual_of(narrator: VideoNarrator, io: dict, sample: str) -> torch.Tensor:
    """Visual tokens of a recorded sample as the language model reads them."""
    return narrator.embed_visual(tensor(io[f"{sample}.features"]), int(io[f"{sample}.position"]))


@torch.inference_mode()
def logits_of(narrator: VideoNarrator, ids: np.ndarray, visual: list[torch.Tensor]) -> np.ndarray:
    """Logits of one sequence, [L, V]."""
    return narrator(narrator.embed(tensor(ids), visual)[None]).logits[0].numpy()


@pytest.mark.parametrize("sample", ["s0", "s1", "s2"])
def test_inputs_of_the_first_layer_are_reproduced(merged, io, sample):
    """Projector with its folded LoRA update, position and placeholders."""
    embedded = merged.embed(tensor(io[f"{sample}.input_ids"]), [visual_of(merged, io, sample)])
    np.testing.assert_allclose(embedded, io[f"{sample}.inputs_embeds_lora"], atol=1e-5)


@pytest.mark.parametrize("sample", ["s0", "s1", "s2"])
def test_logits_are_reproduced_before_and_after_merging(merged, unmerged, io, sample):
    """Both with the adapter beside the weights and folded into them."""
    ids = io[f"{sample}.input_ids"]
    beside = logits_of(unmerged, ids, [visual_of(unmerged, io, sample)])
    np.testing.assert_allclose(beside, io[f"{sample}.logits_lora"], atol=TOLERANCE)
    inside = logits_of(merged, ids, [visual_of(merged, io, sample)])
    np.testing.assert_allclose(inside[::4], io[f"{sample}.logits_merged_every4"], atol=TOLERANCE)


@pytest.mark.parametrize("sample", ["s0", "s1", "s2"])
def test_logits_without_the_adapter_are_reproduced(released, unmerged, io, sample):
    """The unpacked base alone, with the projector it started from."""
    start = load_file(released / "base" / "model.safetensors")
    projector = torch.nn.Linear(768, 64)
    projector.load_state_dict({part: start[f"model.mm_projector.{part}"] for part in ("weight", "bias")})
    with unmerged.llm.disable_adapter():
        plain = VideoNarrator(unmerged.llm, unmerged.tokenizer, projector, unmerged.position_embedding)
        logits = logits_of(plain, io[f"{sample}.input_ids"], [visual_of(plain, io, sample)])
    np.testing.assert_allclose(logits[::4], io[f"{sample}.logits_noadapter_every4"], atol=TOLERANCE)


def test_text_alone_and_no_position_are_reproduced(merged, io):
    """A prompt without a scene, and a scene without P(e)."""
    text = logits_of(merged, io["textonly.input_ids"], [])
    np.testing.assert_allclose(text, io["textonly.logits_lora"], atol=TOLERANCE)
    without = logits_of(merged, io["s0.input_ids"], [merged.embed_visual(tensor(io["s0.features"]), None)])
    np.testing.assert_allclose(without, io["nopos.logits_lora"], atol=TOLERANCE)


@torch.inference_mode()
def test_a_padded_batch_is_reproduced_with_its_loss(merged, io):
    """Two samples of different length side by side; the loss is taken on the labels only."""
    visual = [visual_of(merged, io, sample) for sample in ("s0", "s1")]
    mask = tensor(io["batch.attention_mask"])
    output = merged(merged.embed(tensor(io["batch.input_ids"]), visual), mask, labels=tensor(io["batch.labels"]))
    is_text = io["batch.attention_mask"][:, ::4]
    logits = output.logits[:, ::4].numpy()
    np.testing.assert_allclose(logits[is_text], io["batch.logits_lora_every4"][is_text], atol=TOLERANCE)
    assert float(output.loss) == pytest.approx(float(io["batch.loss_lora"]), abs=TOLERANCE)


def test_greedy_continuation_is_reproduced(merged, io):
    """Sixteen tokens, as the released code's generate wrote them."""
    expected = json.loads((GOLDEN / "model" / "summary.json").read_text())["baichuan"]["generate_greedy_sample1"]["1.0"]
    ids = io["s1.input_ids"]
    for _ in expected:
        logits = logits_of(merged, ids, [visual_of(merged, io, "s1")])
        ids = np.append(ids, np.int32(logits[-1].argmax()))
    assert ids[-len(expected) :].tolist() == expected


def test_the_directory_is_plain_llama(converted):
    """Nothing packed is left, and the added tokens have the ids they were trained with."""
    config = json.loads((converted / "llm" / "config.json").read_text())
    adapter = json.loads((converted / "adapter" / "adapter_config.json").read_text())
    assert (config["model_type"], config["vocab_size"]) == ("llama", 304)
    assert adapter["target_modules"] == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    names = [
        *load_file(converted / "llm" / "model.safetensors"),
        *load_file(converted / "adapter/adapter_model.safetensors"),
    ]
    assert not [name for name in names if "W_pack" in name or "mm_projector" in name]
    narrator = VideoNarrator.load(converted)
    assert (narrator.patch_id, narrator.start_id, narrator.end_id) == (301, 302, 303)


def test_unpacking_shares_a_and_cuts_b():
    """The three updates are the thirds of the packed one."""
    factors = {"x.W_pack.lora_A.weight": torch.randn(2, 4), "x.W_pack.lora_B.weight": torch.randn(12, 2)}
    whole = factors["x.W_pack.lora_B.weight"] @ factors["x.W_pack.lora_A.weight"]
    unpacked = unpack_attention(factors)
    thirds = [unpacked[f"x.{n}_proj.lora_B.weight"] @ unpacked[f"x.{n}_proj.lora_A.weight"] for n in "qkv"]
    torch.testing.assert_close(torch.cat(thirds), whole)


@pytest.fixture
def base_without_projector(released, tmp_path) -> Path:
    """What a user has who downloads the base model anew."""
    base = shutil.copytree(released / "base", tmp_path / "base")
    weights = {k: v for k, v in load_file(base / "model.safetensors").items() if "mm_projector" not in k}
    save_file(weights, base / "model.safetensors")
    return base


def test_a_checkpoint_whose_projector_is_lost_is_refused(released, base_without_projector, tmp_path):
    """The message explains the defect of the released training."""
    with pytest.raises(ModelLoadError, match="puts LoRA on the projector and saves the update only"):
        convert_checkpoint(base_without_projector, released / "checkpoint-7", tmp_path / "out")


def test_the_lost_projector_can_be_handed_in(released, converted, base_without_projector, tmp_path):
    """A file with its weights makes the same conversion."""
    weights = load_file(released / "base" / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "mm_projector" in k}, tmp_path / "projector.safetensors")
    convert_checkpoint(
        base_without_projector, released / "checkpoint-7", tmp_path / "out", tmp_path / "projector.safetensors"
    )
    for name, expected in load_file(converted / "projection.safetensors").items():
        torch.testing.assert_close(load_file(tmp_path / "out" / "projection.safetensors")[name], expected)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("checkpoint-7/non_lora_trainables.bin", "cannot be read as tensors"),
        ("checkpoint-7/adapter_config.json", "cannot be read"),
        ("base/tokenizer.model", "tokenizer"),
    ],
)
def test_a_broken_file_is_named(released, tmp_path, broken, complaint):
    """Whichever it is."""
    copy = shutil.copytree(released, tmp_path / "released")
    (copy / broken).write_bytes(b"not this")
    with pytest.raises(ModelLoadError, match=complaint):
        convert_checkpoint(copy / "base", copy / "checkpoint-7", tmp_path / "out")


def test_a_file_of_something_else_than_tensors_is_refused(released, tmp_path):
    """A pickle may be harmless and still not be weights."""
    copy = shutil.copytree(released, tmp_path / "released")
    torch.save([1, 2], copy / "checkpoint-7" / "non_lora_trainables.bin")
    with pytest.raises(ModelLoadError, match="expected tensors by name, found list"):
        convert_checkpoint(copy / "base", copy / "checkpoint-7", tmp_path / "out")


def test_pickled_code_is_never_run(released, tmp_path):
    """A checkpoint that would execute something is refused."""
    copy = shutil.copytree(released, tmp_path / "released")

    class Harmful:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"x": Harmful()}, copy / "checkpoint-7" / "non_lora_trainables.bin")
    with pytest.raises(ModelLoadError, match="cannot be read as tensors"):
        convert_checkpoint(copy / "base", copy / "checkpoint-7", tmp_path / "out")
    assert not (tmp_path / "executed").exists()


def test_another_tokenizer_is_refused(released, tmp_path):
    """Token ids would mean other words."""
    copy = shutil.copytree(released, tmp_path / "released")
    shutil.copytree(GOLDEN / "tokenizer_en", copy / "base", dirs_exist_ok=True, copy_function=shutil.copyfile)
    with pytest.raises(ModelLoadError, match="has 444 tokens"):
        convert_checkpoint(copy / "base", copy / "checkpoint-7", tmp_path / "out")
