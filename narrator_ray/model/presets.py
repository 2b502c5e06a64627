"""The models there are, by name: what each can write, how large it is, where its weights come from.

A preset is a YAML file: those of ``narrator_ray/presets``, or one given by its path or S3 URI. Reading presets is cheap
and loads no torch; only :func:`prepare_model` may fetch or build something.
"""

from __future__ import annotations

import difflib
import hashlib
import posixpath
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from narrator_ray.config import DEFAULT_STORAGE, Config, DecodingSettings, StorageSettings
from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.load_options import LoadOptions
from narrator_ray.model.model_dir import ModelDirectory, open_model_directory
from narrator_ray.model.weights import PartsSource, absolute_directory, why_missing
from narrator_ray.model.weights_mirror import mirror
from narrator_ray.records import Language
from narrator_ray.storage.filesystems import scheme_of
from narrator_ray.storage.storage import Storage

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
        directory: Where it lies; a relative path in a preset file is relative to that file, also where that is on S3.
    """

    directory: Path


@dataclass(frozen=True, config=_STRICT)
class RemoteSource:
    """A complete model directory that lies elsewhere.

    Attributes:
        remote: An s3:// prefix, copied once to each machine.
    """

    remote: Annotated[str, Field(pattern=r"^s3://.")]


Source = EmbeddedSource | DirectorySource | RemoteSource | PartsSource


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
        source: Where the model directory comes from, or the parts it is put together from.
        requires: Packages it needs.
        load: How its language model is put into memory.
        decoding: Decoding settings that suit it, where they are not the usual ones; settings of a run come before them.
    """

    name: str
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    description: str
    parameters: str
    weights: str
    license: str
    is_trained: bool
    source: Source
    requires: tuple[Requirement, ...] = ()
    load: LoadOptions = LoadOptions()
    decoding: DecodingSettings = Field(default_factory=DecodingSettings)

    def completed(self, config: Config) -> Config:
        """The settings of a run with this preset's own where the run says nothing."""
        own = {name: getattr(self.decoding, name) for name in self.decoding.model_fields_set}
        given = {name: getattr(config.decoding, name) for name in config.decoding.model_fields_set}
        return config.model_copy(update={"decoding": DecodingSettings(**own | given)})


def list_presets() -> list[Preset]:
    """The presets that come with the project, in alphabetical order."""
    folder = Path(str(files("narrator_ray") / "presets"))
    return [_read_preset(file) for file in sorted(folder.glob("*.yaml"))]


def find_preset(name_or_path: str, storage: StorageSettings = DEFAULT_STORAGE) -> Preset:
    """The preset of that name, or the one in that YAML file.

    Args:
        name_or_path: Which; a file may lie on S3.
        storage: How S3 is spoken.

    Raises:
        ConfigError: There is none, naming those there are; or the file is not a preset.
        StorageError: The file on S3 cannot be read.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        if scheme_of(name_or_path) != "s3":
            return _read_preset(Path(name_or_path))
        place, key = Storage.of_file(name_or_path, storage)
        text = place.read(key).decode("utf-8-sig", errors="replace")
        return _located(_parsed(name_or_path, text), name_or_path, posixpath.dirname(name_or_path))
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
    """What a preset misses on this machine and what to do, or None.

    Cheap: imports and builds nothing, and asks no network. Weights that a machine with a network would fetch by itself
    are missing until they are fetched.
    """
    if reason := _missing_packages(preset):
        return reason
    try:
        if isinstance(preset.source, DirectorySource):
            open_model_directory(preset.source.directory)
        if isinstance(preset.source, PartsSource):
            reasons = (why_missing(part, location) for part, location in preset.source.locations())
            return "; ".join(dict.fromkeys(reason for reason in reasons if reason)) or None
    except ModelLoadError as error:
        return str(error)
    return None


def prepare_model(preset: Preset, storage: StorageSettings = DEFAULT_STORAGE) -> ModelDirectory:
    """The model directory of a preset, fetched, built and cached first where needed.

    Args:
        preset: Which model.
        storage: How S3 is spoken.

    Raises:
        ModelLoadError: It is not available here, or does not hold what the preset says.
    """
    if reason := _missing_packages(preset):
        raise ModelLoadError(f"preset {preset.name!r}: {reason}")
    try:
        directory = _open_source(preset, storage)
    except ModelLoadError as error:
        raise ModelLoadError(f"preset {preset.name!r}: {error}") from error
    unable = set(preset.languages) - set(directory.spec.languages)
    if unable:
        raise ModelLoadError(
            f"preset {preset.name!r} says it writes {', '.join(sorted(unable))}, but {directory.path} cannot"
        )
    return _as_loaded(directory, preset.load)


def _missing_packages(preset: Preset) -> str | None:
    missing = [requirement for requirement in preset.requires if find_spec(requirement.module) is None]
    if not missing:
        return None
    names = ", ".join(requirement.module for requirement in missing)
    commands = " && ".join(dict.fromkeys(requirement.install for requirement in missing))
    return f"package {names} is not installed; run: {commands}"


def _open_source(preset: Preset, storage: StorageSettings) -> ModelDirectory:
    source = preset.source
    if isinstance(source, DirectorySource):
        return open_model_directory(source.directory)
    if isinstance(source, RemoteSource):
        return open_model_directory(mirror(source.remote, storage))
    if isinstance(source, PartsSource):
        from narrator_ray.model.weights_assembly import assemble

        return assemble(preset.name, preset.languages, preset.is_trained, source, storage)
    if source.embedded == "nano":
        from narrator_ray.model.nano import build_nano

        return build_nano()
    from narrator_ray.model.tiny_random import build_tiny_random

    return build_tiny_random()


def _as_loaded(directory: ModelDirectory, load: LoadOptions) -> ModelDirectory:
    """The directory with a fingerprint of its own where it is loaded in a way that gives other numbers."""
    changes = {"dtype": load.dtype, "quantisation": load.quantisation}
    if load.dtype == "float32" and load.quantisation is None:
        return directory
    spec = directory.spec
    text = f"{spec.fingerprints.narrator} {sorted(changes.items())}"
    narrator = hashlib.sha256(text.encode()).hexdigest()
    fingerprints = spec.fingerprints.model_copy(update={"narrator": narrator})
    return replace(directory, spec=spec.model_copy(update={"fingerprints": fingerprints}))


def _read_preset(file: Path) -> Preset:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read as a preset: {error}") from error
    return _located(_parsed(str(file), text), str(file), file.parent)


def _parsed(place: str, text: str) -> Preset:
    try:
        data: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{place}: cannot be read as a preset: {error}") from error
    try:
        return TypeAdapter(Preset).validate_python(data)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"{place}: not a preset: {problems}") from error


def _located(preset: Preset, file: str, folder: Path | str) -> Preset:
    """The preset with the directories of its source made absolute, which count from its file's folder."""
    try:
        if isinstance(preset.source, PartsSource):
            return replace(preset, source=preset.source.absolute(folder))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    if not isinstance(preset.source, DirectorySource):
        return preset
    place = absolute_directory(str(preset.source.directory), folder)
    is_remote = scheme_of(place) == "s3"
    return replace(preset, source=RemoteSource(place) if is_remote else DirectorySource(Path(place)))
