"""The models there are, by name: what each can write, how large it is, where its weights come from.

A preset is a YAML file: those of ``narrator_ray/presets``, or a user's own, given by its path. Reading presets is cheap
and loads no torch; only :func:`prepare_model` may build something.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.records import Language

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Requirement:
    """A package that a preset needs beyond those this project always installs.

    Attributes:
        module: Name under which it is imported.
        install: The command that installs it.
    """

    module: str
    install: str


@dataclass(frozen=True, config=_STRICT)
class EmbeddedSource:
    """A model that is built on this machine from what installed packages contain.

    Attributes:
        embedded: Which one.
    """

    embedded: Literal["nano", "tiny-random"]


@dataclass(frozen=True, config=_STRICT)
class DirectorySource:
    """A complete model directory (see ``model.model_dir``).

    Attributes:
        directory: Where it lies; a relative path in a preset file is relative to that file.
    """

    directory: Path


@dataclass(frozen=True, config=_STRICT)
class Preset:
    """A model that can be asked for by name.

    Attributes:
        name: What it is asked for by.
        languages: Languages it can write.
        description: What it is good for, in a sentence or two.
        parameters: Its size, for people ("135M + 6M": language model + vision).
        weights: Where its weights come from, for people.
        license: License of the weights.
        is_trained: False while what joins vision and language is not trained.
        source: Where the model directory comes from.
        requires: Packages it needs.
    """

    name: str
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    description: str
    parameters: str
    weights: str
    license: str
    is_trained: bool
    source: EmbeddedSource | DirectorySource
    requires: tuple[Requirement, ...] = ()


def list_presets() -> list[Preset]:
    """The presets that come with the project, in alphabetical order."""
    folder = Path(str(files("narrator_ray") / "presets"))
    return [_read_preset(file) for file in sorted(folder.glob("*.yaml"))]


def find_preset(name_or_path: str) -> Preset:
    """The preset of that name, or the one in that YAML file.

    Raises:
        ConfigError: There is none, naming those there are; or the file is not a preset.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return _read_preset(Path(name_or_path))
    presets = {preset.name: preset for preset in list_presets()}
    if name_or_path in presets:
        return presets[name_or_path]
    nearest = difflib.get_close_matches(name_or_path, presets, n=1, cutoff=0.0)
    raise ConfigError(
        f"preset {name_or_path!r}: no such preset; nearest is {nearest[0]!r}; there are {', '.join(presets)}, "
        "or give the path of a preset's YAML file"
    )


def check_language(preset: Preset, languages: Iterable[Language]) -> None:
    """Make sure that a preset can write every language that is asked for.

    Raises:
        ConfigError: It cannot; names the presets that can.
    """
    for language in sorted(set(languages) - set(preset.languages)):
        able = [other.name for other in list_presets() if language in other.languages]
        raise ConfigError(
            f"preset {preset.name!r} writes {', '.join(preset.languages)}, but the catalogue asks for {language}; "
            f"presets that write {language}: {', '.join(able) or 'none'} (--preset NAME)"
        )


def why_unavailable(preset: Preset) -> str | None:
    """What a preset misses on this machine and what to do, or None. Cheap: imports and builds nothing."""
    missing = [requirement for requirement in preset.requires if find_spec(requirement.module) is None]
    if missing:
        names = ", ".join(requirement.module for requirement in missing)
        commands = " && ".join(dict.fromkeys(requirement.install for requirement in missing))
        return f"package {names} is not installed; run: {commands}"
    if isinstance(preset.source, DirectorySource):
        try:
            open_model_directory(preset.source.directory)
        except ModelLoadError as error:
            return str(error)
    return None


def prepare_model(preset: Preset) -> ModelDirectory:
    """The model directory of a preset, built and cached first where needed.

    Raises:
        ModelLoadError: It is not available here, or does not hold what the preset says.
    """
    if reason := why_unavailable(preset):
        raise ModelLoadError(f"preset {preset.name!r}: {reason}")
    directory = _open_source(preset.source)
    unable = set(preset.languages) - set(directory.spec.languages)
    if unable:
        raise ModelLoadError(
            f"preset {preset.name!r} says it writes {', '.join(sorted(unable))}, but {directory.path} cannot"
        )
    return directory


def _open_source(source: EmbeddedSource | DirectorySource) -> ModelDirectory:
    if isinstance(source, DirectorySource):
        return open_model_directory(source.directory)
    if source.embedded == "nano":
        from narrator_ray.model.nano import build_nano

        return build_nano()
    from narrator_ray.model.tiny_random import build_tiny_random

    return build_tiny_random()


def _read_preset(file: Path) -> Preset:
    try:
        data: Any = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read as a preset: {error}") from error
    try:
        preset = TypeAdapter(Preset).validate_python(data)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"{file}: not a preset: {problems}") from error
    return _resolved(preset, file.parent)


def _resolved(preset: Preset, folder: Path) -> Preset:
    """The preset with its directory, if it has one, made absolute."""
    if not isinstance(preset.source, DirectorySource):
        return preset
    directory = (folder / preset.source.directory.expanduser()).absolute()
    return replace(preset, source=DirectorySource(directory))
