"""Locations of weights: how they are written, and what is said about those that are not there."""

from pathlib import Path

import pytest

from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.weights import PartsSource, absolute_location, resolve, why_missing
from tests.model.tiny_parts import write_base_llm, write_projection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/models/llm", "s3://bucket/models/llm"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ("Qwen/Qwen2.5-7B-Instruct@main", "Qwen/Qwen2.5-7B-Instruct@main"),
        ("open_clip:ViT-L-14/openai", "open_clip:ViT-L-14/openai"),
        ("./llm", "/presets/llm"),
        (".", "/presets"),
        ("/models/llm", "/models/llm"),
        ("~/llm", "/home/me/llm"),
    ],
)
def test_locations_are_told_apart(monkeypatch, text, expected):
    """Only directories change: they become absolute."""
    monkeypatch.setenv("HOME", "/home/me")
    assert absolute_location(text, Path("/presets")) == expected


@pytest.mark.parametrize("text", ["", "llm", "models/a/llm", "gs://bucket/llm", "open_clip:ViT-L-14", "a b/c"])
def test_other_texts_are_refused(text):
    """The error shows every form."""
    with pytest.raises(ConfigError, match=r"not a place for weights: give a directory .* or an s3://bucket/prefix"):
        absolute_location(text, Path("/presets"))


def test_vit_l_14_is_the_default_tower():
    """What the paper extracts features with."""
    assert dict(PartsSource("a/b").locations()) == {"llm": "a/b", "vision": "open_clip:ViT-L-14/openai"}


def test_a_complete_directory_is_taken_as_it_is(tmp_path):
    """Nothing is copied."""
    folder = write_base_llm(tmp_path / "llm")
    assert resolve("llm", str(folder)) == folder
    assert why_missing("llm", str(folder)) is None


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    """So is the key of the preset that can point elsewhere."""
    folder = write_base_llm(tmp_path / "llm")
    (folder / name).unlink()
    expected = rf"{folder}: not complete, missing: {name}; put the files there, or set source\.llm"
    with pytest.raises(ModelLoadError, match=expected):
        resolve("llm", str(folder))
    assert name in why_missing("llm", str(folder))


def test_a_missing_shard_is_named(tmp_path):
    """An index promises shards; each must be there."""
    folder = write_base_llm(tmp_path / "llm")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )
    with pytest.raises(ModelLoadError, match=r"missing: model-00002-of-00002\.safetensors;"):
        resolve("llm", str(folder))


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_must_be_complete(tmp_path, name):
    """Configuration and weights."""
    for file in {"adapter_config.json", "adapter_model.safetensors"} - {name}:
        (tmp_path / file).touch()
    with pytest.raises(ModelLoadError, match=f"missing: {name};"):
        resolve("adapter", str(tmp_path))


def test_a_projection_is_a_directory_that_holds_one(tmp_path):
    """What convert-checkpoint writes can be named as it is."""
    assert resolve("projection", str(write_projection(tmp_path / "out"))) == tmp_path / "out"
    with pytest.raises(ModelLoadError, match=r"missing: projection\.safetensors"):
        resolve("projection", str(tmp_path))


def test_unknown_weights_of_open_clip_are_refused_with_those_it_knows():
    """A misspelt tag is answered with the tags of that model."""
    with pytest.raises(ModelLoadError, match=r"knows no such weights \(of ViT-L-14 it knows: openai"):
        resolve("vision", "open_clip:ViT-L-14/opemai")
