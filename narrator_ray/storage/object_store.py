"""Named objects in an S3 bucket, each written whole by one upload: S3 shows nothing of it before its end.

There is no renaming: an object has its name from the start. Raises plain OSError;
:mod:`narrator_ray.storage.storage` says it to people.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from narrator_ray.config import StorageSettings
from narrator_ray.storage.filesystems import error_code, filesystem_of, os_errors
from narrator_ray.storage.local_folder import TEMP_PREFIX
from narrator_ray.storage.object_entry import ObjectEntry
from narrator_ray.storage.remote_file import open_remote
from narrator_ray.storage.retries import read_whole

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PROBE = f"{TEMP_PREFIX}writable"
_MARK = "written-as"
_PARTS_AT_ONCE = 4
_MAX_DELETED = 1000


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Objects below one URI. Holds no connection, so it travels to other processes; each opens its own.

    Attributes:
        root: ``s3://bucket/prefix``, without a slash at the end.
        settings: How S3 is spoken.
    """

    root: str
    settings: StorageSettings

    def path_of(self, key: str) -> str:
        """URI of the object."""
        return f"{self.root}/{key}"

    def local_path(self, key: str) -> None:
        """Objects have no local path."""
        return

    def read(self, key: str) -> bytes:
        """The whole object."""
        path = self.path_of(key)
        with os_errors(self.settings):
            return read_whole(self.settings, path, lambda: bytes(self._filesystem.cat_file(path)))

    @contextmanager
    def opened(self, key: str) -> Iterator[IO[bytes]]:
        """The object, to read piece by piece."""
        with open_remote(self.path_of(key), self.settings) as file:
            yield file

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        try:
            self._request("head_object", Key=self._key(key))
        except FileNotFoundError:
            return False
        return True

    def write(self, key: str, data: bytes) -> None:
        """Put the object; readers see it when it is complete."""
        self._upload(key, data, "overwrite")

    def write_file(self, key: str, source: Path) -> None:
        """Put the object from a file, in parts where it is large; readers see it when it is complete."""
        self._upload(key, source, "overwrite")

    def write_if_absent(self, key: str, data: bytes) -> bool:
        """Put the object on condition that there is none (``If-None-Match``).

        A store that does not implement the condition gets a look and a plain upload instead, and so does one that
        forgets it for uploads in parts, as older ones do: two writers in the same instant may then both believe they
        were first, and the second one's object stays.
        """
        if len(data) >= 2 * self._part_bytes and self.exists(key):
            return False
        try:
            return self._upload(key, data, "create")
        except OSError as error:
            if error_code(error) != "NotImplemented":
                raise
        return not self.exists(key) and self._upload(key, data, "overwrite")

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the objects that are there."""
        for start in range(0, len(keys), _MAX_DELETED):
            named = [{"Key": self._key(key)} for key in keys[start : start + _MAX_DELETED]]
            answer = self._request("delete_objects", Delete={"Objects": named, "Quiet": True})
            for refused in answer.get("Errors", ()):
                raise OSError(f"{refused.get('Key')}: {refused.get('Code')}: {refused.get('Message')}")

    def keys(self, folder: str) -> Iterator[str]:
        """Keys of all objects below a folder; nothing if there are none."""
        return (entry.key for entry in self.entries(folder))

    def entries(self, folder: str) -> Iterator[ObjectEntry]:
        """All objects below a folder with size and age, a thousand a request, in order of their keys."""
        prefix = self._key(f"{folder}/" if folder else "")
        skip = len(self._key(""))
        for item in self._pages("list_objects_v2", "Contents", {"ContinuationToken": "NextContinuationToken"}, prefix):
            name = str(item["Key"])[skip:]
            if not name.endswith("/") and not name.rpartition("/")[2].startswith(TEMP_PREFIX):
                yield ObjectEntry(name, int(item["Size"]), item["LastModified"].timestamp())

    def end_uploads(self, before_s: float, is_dry: bool) -> int:
        """End uploads in parts that were begun before then and never completed, and say how many there are."""
        markers = {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"}
        num_found = 0
        for upload in self._pages("list_multipart_uploads", "Uploads", markers, self._key("")):
            if upload["Initiated"].timestamp() <= before_s:
                num_found += 1
                if not is_dry:
                    with suppress(FileNotFoundError):
                        self._request("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
        return num_found

    def check_writable(self) -> None:
        """Put a small object and take it away again, where taking away is allowed."""
        self.write(_PROBE, b"")
        with suppress(PermissionError):
            self._request("delete_object", Key=self._key(_PROBE))

    def _upload(self, key: str, data: bytes | Path, mode: Literal["create", "overwrite"]) -> bool:
        """Put an object, and say whether it is there now, rather than an earlier one.

        The object bears a mark, for an answer may get lost after the upload was complete. The request is made again
        then, and S3 says that there is an object, or no such upload any more; the mark tells whose object it is.
        """
        mark, path = secrets.token_hex(16), self.path_of(key)
        options = {
            "chunksize": self._part_bytes,
            "max_concurrency": _PARTS_AT_ONCE,
            "mode": mode,
            "Metadata": {_MARK: mark},
        }
        try:
            with os_errors(self.settings):
                if isinstance(data, Path):
                    self._filesystem.put_file(str(data), path, **options)
                else:
                    self._filesystem.pipe_file(path, data, **options)
        except OSError as error:
            is_taken = error_code(error) == "PreconditionFailed"
            if not is_taken and error_code(error) != "NoSuchUpload":
                raise
            is_ours = self._mark_of(key) == mark
            if not is_ours and not is_taken:
                raise
            return is_ours
        return True

    def _mark_of(self, key: str) -> str | None:
        try:
            found = self._request("head_object", Key=self._key(key))
        except FileNotFoundError:
            return None
        mark: str | None = found.get("Metadata", {}).get(_MARK)
        return mark

    def _pages(self, method: str, items: str, markers: dict[str, str], prefix: str) -> Iterator[dict[str, Any]]:
        """Items of a listing by prefix, page by page; nothing where there is no such bucket."""
        place: dict[str, Any] = {}
        while True:
            try:
                page = self._request(method, Prefix=prefix, **place)
            except FileNotFoundError:
                return
            yield from page.get(items, ())
            if not page.get("IsTruncated"):
                return
            place = {marker: page[following] for marker, following in markers.items()}

    def _request(self, method: str, **arguments: Any) -> dict[str, Any]:
        with os_errors(self.settings):
            answer: dict[str, Any] = self._filesystem.call_s3(method, Bucket=self._bucket, **arguments)
        return answer

    def remove_abandoned(self, folders: Sequence[str]) -> None:
        """Uploads appear when they are complete: nothing is ever left half-written."""
        return

    @property
    def _filesystem(self) -> AbstractFileSystem:
        return filesystem_of("s3", self.settings)

    @property
    def _part_bytes(self) -> int:
        return self.settings.part_mb << 20

    @property
    def _bucket(self) -> str:
        return self.root.removeprefix("s3://").partition("/")[0]

    def _key(self, key: str) -> str:
        """The key within the bucket."""
        return f"{self.root.removeprefix('s3://').partition('/')[2]}/{key}".lstrip("/")
