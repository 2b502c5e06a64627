"""Is what a metric computes with installed? Asked before a metric starts, so that the others can go on without it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from narrator_ray.errors import ConfigError

JAVA_MISSING = "METEOR runs on Java and there is no `java` on the PATH: install a Java runtime, 8 or newer"
PYCOCOEVALCAP_MISSING = "pycocoevalcap is not installed: pip install 'narrator-ray[evaluate]'"


def has_java() -> bool:
    """Whether a Java program can be started."""
    return shutil.which("java") is not None


def has_pycocoevalcap() -> bool:
    """Whether METEOR's package is there."""
    return importlib.util.find_spec("pycocoevalcap") is not None


def require_pycocoevalcap() -> None:
    """Say what to install if it is not there.

    Raises:
        ConfigError: pycocoevalcap is not installed.
    """
    if not has_pycocoevalcap():
        raise ConfigError(PYCOCOEVALCAP_MISSING)


def meteor_jar() -> Path:
    """The METEOR program that comes with pycocoevalcap.

    Raises:
        ConfigError: pycocoevalcap or Java is not installed.
    """
    require_pycocoevalcap()
    if not has_java():
        raise ConfigError(JAVA_MISSING)
    spec = importlib.util.find_spec("pycocoevalcap.meteor.meteor")
    if spec is None or spec.origin is None:
        raise ConfigError(PYCOCOEVALCAP_MISSING)
    return Path(spec.origin).with_name("meteor-1.5.jar")
