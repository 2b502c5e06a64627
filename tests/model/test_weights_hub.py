"""Weights of the hub: from its cache without a network, only what a part needs with one."""

import json
import shutil
from fnmatch import fnmatch
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.weights import resolve, why_missing
from tests.model.tiny_parts import write_base_llm, write_blip2, write_vit


@pytest.fixture
def hub_cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub on a machine without a network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def put(cache: Path, repository: str, source: Path) -> Path:
    """Store a directory as a downloaded repository."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("c0ffee")
    return shutil.copytree(source, folder / "snapshots" / "c0ffee")


class FakeHub:
    """A hub that holds one repository and notes which files it gave away."""

    def __init__(self, repository: Path, cache: Path) -> None:
        self.repository = repository
        self.folder = cache / "models--me--model" / "snapshots" / "c0ffee"
        self.given: set[str] = set()

    def snapshot_download(self, name, revision=None, allow_patterns=None, local_files_only=False) -> str:
        """As huggingface_hub's."""
        assert name == "me/model"
        if local_files_only:
            if not self.folder.is_dir():
                raise huggingface_hub.errors.LocalEntryNotFoundError("not there")
            return str(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in self.repository.iterdir():
            if any(fnmatch(file.name, pattern) for pattern in allow_patterns):
                self.given.add(file.name)
                shutil.copy(file, self.folder)
        return str(self.folder)


@pytest.fixture
def open_hub(hub_cache, monkeypatch):
    """Puts a hub with one repository, ``me/model``, within reach."""

    def start(repository: Path) -> FakeHub:
        hub = FakeHub(repository, hub_cache)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        return hub

    return start


def test_a_downloaded_repository_is_used_offline(hub_cache, tmp_path):
    """As `hf download` leaves it."""
    folder = put(hub_cache, "me/model", write_base_llm(tmp_path / "llm"))
    assert why_missing("llm", "me/model") is None
    assert resolve("llm", "me/model") == folder
    assert resolve("llm", "me/model@main") == folder


def test_a_missing_download_says_what_to_do(hub_cache):
    """The command, and the key of the preset that can point elsewhere."""
    with pytest.raises(ModelLoadError) as caught:
        resolve("llm", "me/model@v2")
    assert "HF_HUB_OFFLINE is set" in str(caught.value)
    assert "run `hf download me/model --revision v2`" in str(caught.value)
    assert "set source.llm of the preset to a directory" in str(caught.value)
    assert why_missing("llm", "me/model") == "me/model is not downloaded yet: `hf download me/model`"


def test_an_interrupted_download_is_not_taken_for_a_model(hub_cache, tmp_path):
    """Configurations arrive first; without the weights the model is not there."""
    folder = put(hub_cache, "me/model", write_base_llm(tmp_path / "llm"))
    (folder / "model.safetensors").unlink()
    assert "not downloaded" in why_missing("llm", "me/model")
    with pytest.raises(ModelLoadError, match="hf download me/model"):
        resolve("llm", "me/model")


def test_no_network_is_no_crash(hub_cache, monkeypatch):
    """A hub that does not answer is told apart from nothing else: the error says what to do."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelLoadError, match=r"cannot be downloaded .*hf download me/model"):
        resolve("llm", "me/model")


def test_open_clip_names_lead_to_their_repository(hub_cache, tmp_path):
    """A model of open_clip is found where the hub's cache has it."""
    folder = put(hub_cache, "timm/vit_large_patch14_clip_224.openai", write_vit(tmp_path / "vit"))
    assert resolve("vision", "open_clip:ViT-L-14/openai") == folder


def test_of_a_blip2_model_only_what_sees_is_downloaded(open_hub, tmp_path):
    """Shards that hold the language model alone stay where they are; the second time nothing is asked for."""
    repository = write_blip2(tmp_path / "blip2", max_shard_size="20KB")
    shards = json.loads((repository / "model.safetensors.index.json").read_text())["weight_map"]
    seeing = {file for name, file in shards.items() if not name.startswith("language_")}
    hub = open_hub(repository)
    folder = resolve("vision", "me/model")
    weights = {name for name in hub.given if name.endswith(".safetensors")}
    assert weights == seeing < set(shards.values())
    hub.given.clear()
    assert resolve("vision", "me/model") == folder
    assert not hub.given


def test_old_formats_are_downloaded_where_there_is_no_other(open_hub, tmp_path):
    """Some repositories hold pickled weights only."""
    repository = write_base_llm(tmp_path / "llm")
    (repository / "model.safetensors").rename(repository / "pytorch_model.bin")
    hub = open_hub(repository)
    resolve("llm", "me/model")
    assert "pytorch_model.bin" in hub.given


def test_a_repository_of_another_kind_is_refused(open_hub, tmp_path):
    """What is missing is named."""
    open_hub(write_vit(tmp_path / "vit"))
    with pytest.raises(ModelLoadError, match=r"me/model.*has no config\.json"):
        resolve("llm", "me/model")


def test_an_impossible_name_is_refused(hub_cache):
    """Before anything is asked for."""
    with pytest.raises(ModelLoadError, match=r"me/-model\.: not a name that a repository"):
        resolve("llm", "me/-model.")
