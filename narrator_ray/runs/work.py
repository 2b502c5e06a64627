"""What is known of one video before any work: its keys, and which of its results exist already.

Planning reads file metadata and lists the output; it decodes nothing, loads no model and needs no cluster. That is why
a run that has nothing to do ends without starting Ray.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from narrator_ray.catalog.source import source_version
from narrator_ray.config import Config, SourceSettings
from narrator_ray.errors import ItemError
from narrator_ray.outputs.keys import features_key, narration_key
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Rejection, Video

_T = TypeVar("_T")

FIND_SOURCE = "find_source"
_METADATA_THREADS = 32


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One video of a run and what it is made of.

    Attributes:
        video: The manifest row.
        source_version: Version of the video file.
        features_key: Name of its features in the store.
        narration_key: Name of its result in the store.
        has_features: Whether the features were there when the run was planned.
        has_narration: Whether the result was there when the run was planned.
    """

    video: Video
    source_version: str
    features_key: str
    narration_key: str
    has_features: bool
    has_narration: bool

    def to_json(self) -> str:
        """One line of JSON, the form in which it travels through the graph."""
        fields = (self.source_version, self.features_key, self.narration_key, self.has_features, self.has_narration)
        return json.dumps([self.video.to_json(), *fields], ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> WorkItem:
        """Inverse of :meth:`to_json`."""
        video, *fields = json.loads(line)
        return cls(Video.from_json(video), *fields)


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What results depend on besides the catalogue and the settings.

    Attributes:
        encoder: Fingerprint of the vision encoder's weights and preprocessing.
        narrator: Fingerprint of the language side's weights.
        prompt: Version of the prompt's wording and of the decoding rules.
        adapters: Fingerprint of each adapter that the catalogue names.
    """

    encoder: str
    narrator: str
    prompt: str
    adapters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Every video of a catalogue, sorted by what it needs. Catalogue order is kept inside each group.

    Attributes:
        items: Videos whose file was found.
        rejected: Videos whose file was not.
    """

    items: tuple[WorkItem, ...]
    rejected: tuple[Rejection, ...]

    @property
    def to_do(self) -> tuple[WorkItem, ...]:
        """Items without a result; of several that would make the very same result, the first."""
        first_of_key = {item.narration_key: item for item in reversed(self.items) if not item.has_narration}
        return tuple(item for item in self.items if first_of_key.get(item.narration_key) is item)

    @property
    def num_reused(self) -> int:
        """Videos whose result is in the store already."""
        return sum(item.has_narration for item in self.items)


def plan_run(
    videos: Sequence[Video],
    store: ResultStore,
    config: Config,
    fingerprints: Fingerprints,
    find_version: Callable[[str, SourceSettings], str] = source_version,
) -> RunPlan:
    """Look at every video file's metadata and list the store, and say what is left to do.

    Raises:
        StorageError: The output cannot be listed.
    """
    features = store.known_features(fingerprints.encoder)
    narrations = store.known_narrations()
    with ThreadPoolExecutor(_METADATA_THREADS) as threads:
        versions = threads.map(lambda video: _version_or_rejection(video, find_version, config.sources), videos)
        planned = [
            version
            if isinstance(version, Rejection)
            else _plan_item(video, version, features, narrations, config, fingerprints)
            for video, version in zip(videos, versions, strict=True)
        ]
    return RunPlan(tuple(_only(planned, WorkItem)), tuple(_only(planned, Rejection)))


def _only(values: Iterable[object], kind: type[_T]) -> list[_T]:
    return [value for value in values if isinstance(value, kind)]


def _version_or_rejection(
    video: Video, find_version: Callable[[str, SourceSettings], str], rules: SourceSettings
) -> str | Rejection:
    try:
        return find_version(video.uri, rules)
    except ItemError as error:
        return Rejection(video.video_id, video.uri, FIND_SOURCE, error.reason, error.detail)


def _plan_item(
    video: Video,
    version: str,
    features: set[str],
    narrations: set[str],
    config: Config,
    fingerprints: Fingerprints,
) -> WorkItem:
    its_features = features_key(video, version, config, fingerprints.encoder)
    its_narration = narration_key(
        video, its_features, config, fingerprints.narrator, fingerprints.prompt, fingerprints.adapters
    )
    return WorkItem(video, version, its_features, its_narration, its_features in features, its_narration in narrations)
