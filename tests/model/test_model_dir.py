"""The on-disk layout: what is not ours is refused with the file's name, fingerprints follow what is computed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.model_dir import compute_fingerprints, open_model_directory


def edit_json(file: Path, **changes: object) -> None:
    """Change some keys of a JSON file."""
    data = json.loads(file.read_text())
    file.write_text(json.dumps(data | changes))


def scale(file: Path, name: str) -> None:
    """Double one tensor of a safetensors file."""
    tensors = load_file(file)
    tensors[name] = tensors[name] * 2
    save_file(tensors, file)


def test_a_complete_directory_opens(tiny_directory):
    """What was sealed is what is read, and every path leads to something."""
    opened = open_model_directory(tiny_directory.path)
    assert opened == tiny_directory
    assert opened.spec.languages == ("zh", "en")
    assert opened.adapter_path is None
    for path in (opened.llm_path, opened.vision_path, opened.qformer_path, opened.projection_path):
        assert path.exists()


def test_opening_loads_no_torch(tiny_directory):
    """A fingerprint can be read by a process that must stay small."""
    code = (
        "import sys; from pathlib import Path; from narrator_ray.model.model_dir import open_model_directory;"
        f"print(open_model_directory(Path({str(tiny_directory.path)!r})).spec.fingerprints.encoder);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == tiny_directory.spec.fingerprints.encoder


def test_a_directory_without_spec_is_not_a_model(tmp_path):
    """A half-built or unrelated directory is refused."""
    with pytest.raises(ModelLoadError, match=r"not a model directory, there is no narrator\.json"):
        open_model_directory(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "expected format 'narrator-ray.model/1', found 'list'"),
        ('{"format": "narrator-ray.model/9"}', "found 'narrator-ray.model/9'"),
        ('{"format": "narrator-ray.model/1"}', "languages: Field required"),
    ],
)
def test_a_foreign_spec_is_refused(tiny_copy, text, message):
    """A narrator.json of another kind or version says what was found."""
    (tiny_copy / "narrator.json").write_text(text)
    with pytest.raises(ModelLoadError, match=message):
        open_model_directory(tiny_copy)


def test_a_misspelt_key_is_refused(tiny_copy):
    """Unknown keys are errors, not silently ignored settings."""
    edit_json(tiny_copy / "narrator.json", is_trianed=True)
    with pytest.raises(ModelLoadError, match="is_trianed: Extra inputs"):
        open_model_directory(tiny_copy)


@pytest.mark.parametrize(
    "name",
    ["llm/tokenizer.json", "llm/model.safetensors", "qformer/query_tokens.safetensors", "projection.safetensors"],
)
def test_a_missing_file_is_named(tiny_copy, name):
    """Which file to restore is said."""
    (tiny_copy / name).unlink()
    with pytest.raises(ModelLoadError, match=f"missing: {name}"):
        open_model_directory(tiny_copy)


def test_an_adapter_needs_its_configuration(tiny_copy):
    """An adapter directory is part of the model and must be complete."""
    (tiny_copy / "adapter").mkdir()
    with pytest.raises(ModelLoadError, match=r"missing: adapter/adapter_config\.json"):
        open_model_directory(tiny_copy)
    (tiny_copy / "adapter" / "adapter_config.json").write_text("{}")
    (tiny_copy / "adapter" / "adapter_model.safetensors").touch()
    assert open_model_directory(tiny_copy).adapter_path == tiny_copy / "adapter"


def test_a_projection_of_other_shape_is_refused(tiny_copy):
    """A projection that joins other parts is found before any weights are loaded."""
    tensors = load_file(tiny_copy / "projection.safetensors")
    tensors["projector.bias"] = tensors["projector.bias"][:-1].copy()
    save_file(tensors, tiny_copy / "projection.safetensors")
    with pytest.raises(ModelLoadError, match="does not fit the model"):
        open_model_directory(tiny_copy)


def test_a_truncated_projection_is_refused(tiny_copy):
    """A broken file is an error that names it."""
    file = tiny_copy / "projection.safetensors"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ModelLoadError, match=r"projection\.safetensors: cannot be read"):
        open_model_directory(tiny_copy)


@pytest.mark.parametrize(
    ("file", "tensor", "changed"),
    [
        ("vision/open_clip_model.safetensors", "visual.conv1.weight", "encoder"),
        ("qformer/query_tokens.safetensors", "query_tokens_QD", "encoder"),
        ("llm/model.safetensors", "lm_head.weight", "narrator"),
        ("projection.safetensors", "projector.bias", "narrator"),
    ],
)
def test_fingerprints_follow_the_weights(tiny_directory, tiny_copy, file, tensor, changed):
    """A changed weight changes the fingerprint of its half of the model, and only that."""
    scale(tiny_copy / file, tensor)
    before = tiny_directory.spec.fingerprints
    after = compute_fingerprints(tiny_copy, tiny_directory.spec.vision)
    assert (after.encoder != before.encoder) == (changed == "encoder")
    assert (after.narrator != before.narrator) == (changed == "narrator")


def test_preprocessing_is_part_of_the_encoder(tiny_directory):
    """Other pixels give other features, so cached ones must not be taken."""
    vision = tiny_directory.spec.vision.model_copy(update={"std": (0.25, 0.25, 0.25)})
    assert compute_fingerprints(tiny_directory.path, vision).encoder != tiny_directory.spec.fingerprints.encoder


def test_an_adapter_is_part_of_the_narrator(tiny_directory, tiny_copy):
    """A trained adapter gives other texts."""
    (tiny_copy / "adapter").mkdir()
    (tiny_copy / "adapter" / "adapter_config.json").write_text("{}")
    after = compute_fingerprints(tiny_copy, tiny_directory.spec.vision)
    assert after.narrator != tiny_directory.spec.fingerprints.narrator
    assert after.encoder == tiny_directory.spec.fingerprints.encoder


def test_who_saved_a_model_does_not_matter(tiny_directory, tiny_copy):
    """The same weights saved by another version of a library compute the same."""
    for file in ("llm/config.json", "qformer/config.json"):
        edit_json(tiny_copy / file, transformers_version="0.0.0", _name_or_path="/elsewhere")
    assert compute_fingerprints(tiny_copy, tiny_directory.spec.vision) == tiny_directory.spec.fingerprints
