"""Where the adapters lie that a catalogue names. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import ConfigError
from narrator_ray.model.weights import absolute_location, resolve


def prepare_adapters(
    locations: Mapping[str, str], wanted: Iterable[str], storage: StorageSettings = DEFAULT_STORAGE
) -> dict[str, Path]:
    """Local folders of the adapters that are wanted, fetched first where needed; the others are left alone.

    Args:
        locations: By name: a directory (relative ones count from where the command runs), a hub repository or an s3://
            prefix.
        wanted: Names.
        storage: How S3 is spoken.

    Raises:
        ConfigError: A name without a place, or a place that is not written as one.
        ModelLoadError: An adapter is not there or not complete.
    """
    names = sorted(wanted)
    if unknown := [name for name in names if name not in locations]:
        known = ", ".join(sorted(locations)) or "none"
        raise ConfigError(
            f"the catalogue asks for the adapters {', '.join(unknown)}, but model.adapters knows {known}: add them to "
            "model.adapters with their places, or take `adapter` out of those rows"
        )
    return {name: resolve("adapter", absolute_location(locations[name], Path.cwd()), storage) for name in names}
