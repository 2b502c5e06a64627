"""The settings of a run: one pydantic model per section, read from YAML, presets and ``--set section.key=value``.

Says nothing about how a setting is used. Units are in the names; a misspelt key is an error that names the nearest one.
"""

from narrator_ray.config.judging import JudgeSettings
from narrator_ray.config.load import Config, load_config, load_section
from narrator_ray.config.narrations import DecodingSettings, LengthSettings, ModelSettings
from narrator_ray.config.places import DEFAULT_STORAGE, SourceSettings, StorageSettings
from narrator_ray.config.runs import ReportSettings, RunSettings
from narrator_ray.config.section import Section
from narrator_ray.config.training import TrainingSettings
from narrator_ray.config.videos import ClipSettings, DecodeSettings, FrameSettings

__all__ = [
    "DEFAULT_STORAGE",
    "ClipSettings",
    "Config",
    "DecodeSettings",
    "DecodingSettings",
    "FrameSettings",
    "JudgeSettings",
    "LengthSettings",
    "ModelSettings",
    "ReportSettings",
    "RunSettings",
    "Section",
    "SourceSettings",
    "StorageSettings",
    "TrainingSettings",
    "load_config",
    "load_section",
]
