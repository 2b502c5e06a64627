"""Which adapters a run fetches, and from where."""

from pathlib import Path

import pytest

from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.adapter_places import prepare_adapters


@pytest.fixture
def brand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of an adapter, below where the command runs."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "brand"
    folder.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_text("{}")
    return folder


def test_only_what_is_wanted_is_fetched(brand: Path) -> None:
    """The other place does not exist and disturbs nobody."""
    assert prepare_adapters({"brand": "./brand", "other": "/nowhere"}, ["brand"]) == {"brand": brand}


def test_an_unknown_name_is_refused_with_those_that_are_known(brand: Path) -> None:
    """A row is not narrated with another voice than it asks for."""
    with pytest.raises(ConfigError, match=r"brnd, but model.adapters knows brand"):
        prepare_adapters({"brand": "./brand"}, ["brnd"])


def test_an_incomplete_adapter_is_refused(brand: Path) -> None:
    """With the file that is missing."""
    (brand / "adapter_config.json").unlink()
    with pytest.raises(ModelLoadError, match=r"adapter_config\.json"):
        prepare_adapters({"brand": "./brand"}, ["brand"])
