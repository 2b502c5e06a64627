"""All sections together, and how they are read from YAML, presets and ``--set section.key=value``."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from narrator_ray.config.judging import JudgeSettings
from narrator_ray.config.narrations import DecodingSettings, LengthSettings, ModelSettings
from narrator_ray.config.places import DEFAULT_STORAGE, SourceSettings, StorageSettings
from narrator_ray.config.runs import ReportSettings, RunSettings
from narrator_ray.config.section import Section
from narrator_ray.config.training import TrainingSettings
from narrator_ray.config.videos import ClipSettings, DecodeSettings, FrameSettings
from narrator_ray.errors import ConfigError


class Config(Section):
    """Everything a run can be told."""

    sources: SourceSettings = SourceSettings()
    storage: StorageSettings = DEFAULT_STORAGE
    clips: ClipSettings = ClipSettings()
    frames: FrameSettings = FrameSettings()
    decode: DecodeSettings = DecodeSettings()
    model: ModelSettings = ModelSettings()
    length: LengthSettings = LengthSettings()
    decoding: DecodingSettings = DecodingSettings()
    run: RunSettings = RunSettings()
    report: ReportSettings = ReportSettings()
    training: TrainingSettings = TrainingSettings()
    judge: JudgeSettings = JudgeSettings()

    def to_yaml(self) -> str:
        """The resolved settings as YAML, readable by :func:`load_config`."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


S = TypeVar("S", bound=Section)


def load_config(path: Path | None = None, preset: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read the settings of a run: defaults, then the file, then the preset's name, then ``section.key=value`` pairs.

    Raises:
        ConfigError: A file that cannot be read, an unknown key, or a value of the wrong type or range; all listed.
    """
    named = [] if preset is None else [("model.preset", preset)]
    return load_section(Config, path, named, overrides)


def load_section(
    kind: type[S], path: Path | None, values: Sequence[tuple[str, Any]] = (), overrides: Sequence[str] = ()
) -> S:
    """Read sections of any kind: defaults, then the file, then values by dotted key, then ``section.key=value`` pairs.

    Raises:
        ConfigError: A file that cannot be read, an unknown key, or a value of the wrong type or range; all listed.
    """
    data = _read_yaml(path) if path is not None else {}
    source = str(path) if path is not None else "settings"
    for key, value in values:
        _set(data, key, value, source)
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(f"--set {override}: expected section.key=value, such as --set frames.fps=2")
        try:
            parsed = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {override}: the value is not YAML: {error}") from error
        _set(data, key.strip(), parsed, f"--set {override}")
    return _validate(kind, data, source)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected sections such as `model:`, got {type(data).__name__}")
    return data


def _set(data: dict[str, Any], dotted: str, value: Any, source: str) -> None:
    *sections, key = dotted.split(".")
    for section in sections:
        inner = data.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{source}: `{section}` is a value, not a section")
        data = inner
    data[key] = value


def _validate(kind: type[S], data: Mapping[str, Any], source: str) -> S:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = [_explain(kind, tuple(item["loc"]), item["type"], item["msg"]) for item in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(problems)) from error


def _explain(section: type[Section], location: tuple[str | int, ...], kind: str, message: str) -> str:
    dotted = ".".join(str(part) for part in location)
    if kind != "extra_forbidden":
        return f"{dotted}: {message}"
    nearest = difflib.get_close_matches(dotted, _known_keys(section), n=1, cutoff=0.0)
    return f"{dotted}: no such setting; nearest is `{nearest[0]}`"


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, info in model.model_fields.items():
        kind = info.annotation
        is_section = isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, BaseModel)
        keys += (
            _known_keys(typing.cast(type[BaseModel], kind), f"{prefix}{name}.") if is_section else [f"{prefix}{name}"]
        )
    return keys
