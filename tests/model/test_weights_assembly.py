"""Models put together from parts: linked, not copied; complete, working, and told apart by what they are made of."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from narrator_ray.config import DecodingSettings
from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.context import ClipContext
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import Preset, RemoteSource, find_preset, prepare_model, why_unavailable
from narrator_ray.model.vision_encoder import load_vision_encoder
from narrator_ray.model.weights import PartsSource
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.records import Clip, Product
from narrator_ray.storage import Storage
from tests.model.tiny_parts import (
    DIM,
    NUM_QUERIES,
    SIDE_PX,
    pack_attention,
    write_base_llm,
    write_blip2,
    write_projection,
    write_qformer,
    write_vit,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path) -> PartsSource:
    """A base language model and a Blip2Model in local directories."""
    return PartsSource(str(write_base_llm(tmp_path / "llm")), str(write_blip2(tmp_path / "blip2")))


def preset_of(source, **changes) -> Preset:
    """A preset with that source."""
    return replace(find_preset("tiny-random"), name="mine", source=source, **changes)


def narrate(directory) -> list[ClipResult]:
    """What a model says of one made-up clip it has encoded itself."""
    encoder = load_vision_encoder(directory)
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, SIDE_PX, SIDE_PX), dtype=np.uint8)
    tokens = encoder.encode(frames).reshape(-1, DIM)
    narrator = VideoNarrator.load(directory.path)
    job = NarrationJob(
        "1", Product("Mug"), "en", (Clip(0, 2),), (ClipContext(tokens, 99, ()),), None, ((3, 6),), seed=1
    )
    return list(NarrationEngine(narrator, DecodingSettings(), 1, directory.spec.prompt).narrate([job]))


def test_parts_become_a_model_that_narrates(source):
    """Encoder and narrator load from the directory as from any other, and work together."""
    directory = prepare_model(preset_of(source))
    assert directory.spec.vision.kind == "blip2"
    assert (directory.spec.vision.num_queries, directory.spec.vision.dim) == (NUM_QUERIES, DIM)
    (result,) = narrate(directory)
    assert isinstance(result, ClipResult)
    assert 3 <= result.num_words <= 6


def test_nothing_is_copied(source, tmp_path, cache):
    """Weights of many gigabytes stay where they are, with the permissions they have."""
    weights = tmp_path / "llm" / "model.safetensors"
    weights.chmod(0o600)
    (tmp_path / "llm").chmod(0o700)
    directory = prepare_model(preset_of(source))
    assert directory.llm_path.resolve() == tmp_path / "llm"
    assert (directory.llm_path / "model.safetensors").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "llm").stat().st_mode & 0o777 == 0o700
    written = [path for path in directory.path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in written) < 20_000
    assert prepare_model(preset_of(source)) == directory


def test_an_open_clip_tower_with_a_qformer(tmp_path):
    """Size and normalisation are those of the tower, query tokens those of the Q-Former."""
    llm, vit = write_base_llm(tmp_path / "llm"), write_vit(tmp_path / "vit")
    directory = prepare_model(preset_of(PartsSource(str(llm), str(vit), str(write_qformer(tmp_path / "qf")))))
    vision = directory.spec.vision
    assert (vision.kind, vision.image_size_px, vision.feature_layers) == ("open_clip_patches", SIDE_PX, (-2,))
    assert (vision.mean, vision.std) == ((0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    assert isinstance(narrate(directory)[0], ClipResult)


def test_a_qformer_with_grids_reads_feature_maps(tiny_directory):
    """The Q-Former that this project trains can be a part too, and computes as in its own model."""
    path = tiny_directory.path
    source = PartsSource(str(path / "llm"), str(path / "vision"), str(path / "qformer"), str(path), None, (-1,))
    directory = prepare_model(preset_of(source))
    assert directory.spec.vision == tiny_directory.spec.vision
    assert directory.spec.fingerprints == tiny_directory.spec.fingerprints


def test_an_untrained_model_does_not_see(source):
    """Without a projection visual tokens say nothing, and the directory says so."""
    directory = prepare_model(preset_of(source, is_trained=False))
    narrator = VideoNarrator.load(directory.path)
    assert not directory.spec.is_trained
    assert not narrator.embed_visual(torch.randn(3, DIM), 7).any()


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_a_projection_and_an_adapter_are_taken(source, tmp_path):
    """Both change what the narrator computes, and so its fingerprint; the encoder stays as it is."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    llm = AutoModelForCausalLM.from_pretrained(source.llm)
    config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    get_peft_model(llm, config).save_pretrained(tmp_path / "adapter")
    projection = str(write_projection(tmp_path / "trained"))
    plain = prepare_model(preset_of(source))
    trained = prepare_model(preset_of(replace(source, projection=projection, adapter=str(tmp_path / "adapter"))))
    assert VideoNarrator.load(trained.path).embed_visual(torch.randn(3, DIM), 7).any()
    assert trained.adapter_path is not None
    assert trained.spec.fingerprints.narrator != plain.spec.fingerprints.narrator
    assert trained.spec.fingerprints.encoder == plain.spec.fingerprints.encoder


def test_changed_weights_make_another_model(source, tmp_path):
    """Trained further in the same place: the old directory is not taken for it."""
    before = prepare_model(preset_of(source))
    file = tmp_path / "llm" / "model.safetensors"
    tensors = load_file(file)
    tensors["lm_head.weight"] = tensors["lm_head.weight"] * 2
    save_file(tensors, file, metadata={"format": "pt"})
    os.utime(file, ns=(1, 1))
    after = prepare_model(preset_of(source))
    assert after.path != before.path
    assert after.spec.fingerprints.narrator != before.spec.fingerprints.narrator


def test_files_beside_the_weights_do_not_count(source, tmp_path):
    """One machine downloaded more of a repository than another: the same model all the same."""
    before = prepare_model(preset_of(source)).spec.fingerprints
    (tmp_path / "llm" / "pytorch_model.bin").write_bytes(b"the same in another format")
    (tmp_path / "llm" / "README.md").write_text("read me")
    assert prepare_model(preset_of(source)).spec.fingerprints == before


def test_packed_attention_is_unpacked(source, tmp_path):
    """Baichuan's language model computes as the LLaMA model it was packed from."""
    packed = pack_attention(write_base_llm(tmp_path / "baichuan"))
    directory = prepare_model(preset_of(replace(source, llm=str(packed))))
    plain = prepare_model(preset_of(source))
    assert not directory.llm_path.is_symlink()
    assert json.loads((directory.llm_path / "config.json").read_text())["model_type"] == "llama"
    assert narrate(directory) == narrate(plain)


def test_parts_may_lie_on_s3(source, s3_root, tmp_path, cache):
    """The same fingerprints as from local directories: a cluster may mix them."""
    storage = Storage.open(s3_root)
    for file in (tmp_path / "llm").iterdir():
        storage.write(f"llm/{file.name}", file.read_bytes())
    directory = prepare_model(preset_of(replace(source, llm=f"{s3_root}/llm")))
    assert cache / "mirrors" in directory.llm_path.resolve().parents
    assert directory.spec.fingerprints == prepare_model(preset_of(source)).spec.fingerprints


def test_a_whole_model_may_lie_on_s3(tiny_directory, s3_root):
    """A model directory under a prefix is as good as a local one."""
    storage = Storage.open(s3_root)
    for file in tiny_directory.path.rglob("*"):
        if file.is_file():
            storage.write(str(file.relative_to(tiny_directory.path)), file.read_bytes())
    preset = preset_of(RemoteSource(s3_root))
    assert why_unavailable(preset) is None
    assert prepare_model(preset).spec == tiny_directory.spec


def test_parts_that_do_not_go_together_are_refused(source, tmp_path):
    """A tower without a Q-Former, a Blip2Model with a second one, two layers for one reader."""
    qformer, vit = str(write_qformer(tmp_path / "qf")), str(write_vit(tmp_path / "vit"))
    with pytest.raises(ModelLoadError, match=r"preset 'mine': .*set source\.qformer"):
        prepare_model(preset_of(replace(source, vision=vit)))
    with pytest.raises(ModelLoadError, match=r"is its own Q-Former: drop source\.qformer"):
        prepare_model(preset_of(replace(source, qformer=qformer)))
    with pytest.raises(ModelLoadError, match=r"reads one layer: set source\.feature_layers"):
        prepare_model(preset_of(replace(source, vision=vit, qformer=qformer, feature_layers=(-3, -2))))


def test_a_preset_file_names_parts_relative_to_itself(source, tmp_path):
    """The way users write it, load options included; what is missing is said without building anything."""
    text = """
name: mine
languages: [en]
description: Ours.
parameters: tiny
weights: ours
license: ours
is_trained: false
source: {llm: ./llm, vision: ./blip2, prompt: en}
load: {dtype: bfloat16, attention: eager}
"""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    preset = find_preset(str(file))
    assert preset.source == replace(source, prompt="en")
    assert why_unavailable(preset) is None
    assert prepare_model(preset).spec.prompt == "en"
    file.write_text(text.replace("./blip2", "./elsewhere"))
    assert f"{tmp_path}/elsewhere: not complete" in why_unavailable(find_preset(str(file)))
    file.write_text(text.replace("./llm", "llm"))
    with pytest.raises(ConfigError, match=r"mine\.yaml: 'llm': not a place for weights"):
        find_preset(str(file))
    file.write_text(text.replace("eager", "flash_attention_2"))
    with pytest.raises(ConfigError, match=r"load\.attention: Input should be 'sdpa' or 'eager'"):
        find_preset(str(file))
