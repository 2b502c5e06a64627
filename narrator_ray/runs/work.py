"""What is known of one video before any work: its keys, and which of its results exist already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from narrator_ray.records import JsonDict, Rejection, Video
from narrator_ray.runs.reasons import WorkReason


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

    def to_json(self) -> JsonDict:
        """Plain JSON form."""
        return {"encoder": self.encoder, "narrator": self.narrator, "prompt": self.prompt}


@dataclass(frozen=True, slots=True)
class PlannedVideo:
    """One video of a catalogue and what a run makes of it.

    Attributes:
        item: The video and its keys; version and keys are empty where its file was not found.
        reason: What is to be done with it, and why.
        row_fingerprint: Hash of what its row says, besides names and places.
        rejection: Why there is nothing to do and no result, if so.
    """

    item: WorkItem
    reason: WorkReason
    row_fingerprint: str
    rejection: Rejection | None = None

    def to_json(self) -> str:
        """One line: what is planned and, after a tab, the item, both as JSON, which holds no tab of its own."""
        rejection = None if self.rejection is None else self.rejection.to_json()
        head = json.dumps([str(self.reason), self.row_fingerprint, rejection], ensure_ascii=False)
        return f"{head}\t{self.item.to_json()}"

    @classmethod
    def from_json(cls, line: str) -> PlannedVideo:
        """Inverse of :meth:`to_json`."""
        head, _, item = line.partition("\t")
        reason, row_fingerprint, rejection = json.loads(head)
        past = None if rejection is None else Rejection.from_json(rejection)
        return cls(WorkItem.from_json(item), WorkReason(reason), row_fingerprint, past)
