"""The store of a run: features and narrations as objects named by what they are made of.

    features/<encoder>/<kk>/<key>.arrow    one video's features, readable by any Arrow reader
    narrations/<kk>/<key>.json             one video's narrations

``<kk>`` is the key's first two characters. The first complete write of a key wins and is never changed, so retried
tasks and concurrent runs agree. Published runs lie beside these in the same storage; the store does not know them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import SchemaError
from narrator_ray.outputs.key_set import KeySet
from narrator_ray.outputs.keys import NARRATION_FORMAT
from narrator_ray.records import NarratedVideo
from narrator_ray.schema import VideoFeatures
from narrator_ray.storage.storage import Storage

_NOT_IN_FOLDER_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_MAX_FOLDER_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Features and narrations under one storage. Pickles, so that tasks on other machines can use it.

    Attributes:
        storage: Where the objects lie.
    """

    storage: Storage

    @classmethod
    def open(cls, uri: str, settings: StorageSettings = DEFAULT_STORAGE) -> ResultStore:
        """The store at a local path, ``file://`` or ``s3://`` URI.

        Args:
            uri: Its root.
            settings: How S3 is spoken.

        Raises:
            StorageError: The URI is none of these.
        """
        return cls(Storage.open(uri, settings))

    def features_path(self, encoder_fingerprint: str, key: str) -> str:
        """Key of a video's features within the storage."""
        return f"{_features_folder(encoder_fingerprint)}/{key[:2]}/{key}.arrow"

    def narration_path(self, key: str) -> str:
        """Key of a video's narrations within the storage."""
        return f"narrations/{key[:2]}/{key}.json"

    def put_features(self, key: str, features: VideoFeatures) -> bool:
        """Store a video's features unless they are there.

        Returns:
            Whether this call stored them.

        Raises:
            StorageError: They cannot be written.
        """
        return self.storage.write_if_absent(self.features_path(features.encoder_fingerprint, key), features.to_arrow())

    def get_features(self, encoder_fingerprint: str, key: str) -> VideoFeatures:
        """A video's features.

        Raises:
            StorageError: They are not there or cannot be read.
            SchemaError: The object is damaged.
        """
        path = self.features_path(encoder_fingerprint, key)
        data = self.storage.read(path)
        try:
            return VideoFeatures.from_arrow(data)
        except SchemaError as error:
            raise self._damaged(path, str(error)) from error

    def has_features(self, encoder_fingerprint: str, key: str) -> bool:
        """Whether a video's features are there. For many keys ask :meth:`known_features` once instead."""
        return self.storage.exists(self.features_path(encoder_fingerprint, key))

    def known_features(self, encoder_fingerprint: str) -> KeySet:
        """Keys of all features of an encoder, found by listing."""
        return self._known(_features_folder(encoder_fingerprint), ".arrow")

    def put_narration(self, narrated: NarratedVideo) -> bool:
        """Store a video's narrations under its key unless they are there.

        Returns:
            Whether this call stored them.

        Raises:
            StorageError: They cannot be written.
        """
        document = {"format": NARRATION_FORMAT, **narrated.to_json()}
        data = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()
        return self.storage.write_if_absent(self.narration_path(narrated.key), data)

    def get_narration(self, key: str) -> NarratedVideo:
        """A video's narrations. Its id and place are those of the row that was narrated first under this key.

        Raises:
            StorageError: They are not there or cannot be read.
            SchemaError: The object is damaged, of another format, or not the one its name says.
        """
        path = self.narration_path(key)
        data = self.storage.read(path)
        try:
            document = json.loads(data.decode())
            if document["format"] != NARRATION_FORMAT or document["key"] != key:
                raise self._damaged(path, f"it says {document['format']} {document['key']}")
            return NarratedVideo.from_json(document)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(path, f"{type(error).__name__}: {error}") from error

    def has_narration(self, key: str) -> bool:
        """Whether a video's narrations are there. For many keys ask :meth:`known_narrations` once instead."""
        return self.storage.exists(self.narration_path(key))

    def known_narrations(self) -> KeySet:
        """Keys of all narrations, found by listing."""
        return self._known("narrations", ".json")

    def _known(self, folder: str, suffix: str) -> KeySet:
        names = (path.rpartition("/")[2] for path in self.storage.keys(folder))
        return KeySet(name.removesuffix(suffix) for name in names if name.endswith(suffix))

    def _damaged(self, path: str, what: str) -> SchemaError:
        where = self.storage.path_of(path)
        return SchemaError(f"{where}: damaged ({what}): delete it, and the next run makes it anew")


def _features_folder(encoder_fingerprint: str) -> str:
    name = _NOT_IN_FOLDER_NAMES.sub("-", encoder_fingerprint)[:_MAX_FOLDER_CHARACTERS]
    return f"features/{name or '-'}"
