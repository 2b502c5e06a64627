"""Manifest rows made from a data set to videos, or every problem of every entry. Knows no format of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from narrator_ray.catalog.fields import Report
from narrator_ray.catalog.importers.video_files import VideoFiles
from narrator_ray.catalog.rows import read_row
from narrator_ray.errors import ManifestError, ManifestProblem
from narrator_ray.records import JsonDict, Video

OnMissing = Literal["keep", "drop", "unchecked"]
"""What happens to a video whose file is not there: it stays, and narrating will reject it; it is left out; or nobody
looks, for catalogues that are made where the videos cannot be reached."""


@dataclass(frozen=True, slots=True)
class ImportedCatalog:
    """What came out of a data set.

    Attributes:
        videos: One per entry, in the data set's order.
        missing: Ids whose video file is not there, whether kept or dropped.
        adjusted: Ids whose clips overlapped or had no length; the times as annotated are in ``extra``.
        num_unnarrated_clips: Clips that were left out because they have no narration; they are in ``extra``.
    """

    videos: tuple[Video, ...]
    missing: tuple[str, ...]
    adjusted: tuple[str, ...]
    num_unnarrated_clips: int


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """An entry of a data set as a manifest row.

    Attributes:
        row: The raw row, all but ``video``.
        file_name: Name of the video file, or the id if the data set does not name files.
        is_adjusted: Whether the clips' times had to be changed.
        num_unnarrated_clips: Clips that were left out.
    """

    row: JsonDict
    file_name: str
    is_adjusted: bool = False
    num_unnarrated_clips: int = 0


class CatalogImport:
    """Collects entries one after another, with their problems."""

    def __init__(self, source: str, videos: str, on_missing: OnMissing) -> None:
        self._source = source
        self._files = VideoFiles.unchecked(videos) if on_missing == "unchecked" else VideoFiles.listed(videos)
        self._is_dropping = on_missing == "drop"
        self._problems: list[ManifestProblem] = []
        self._entry_of_id: dict[str, int] = {}
        self._videos: list[Video] = []
        self._missing: list[str] = []
        self._adjusted: list[str] = []
        self._num_unnarrated_clips = 0

    def reporter(self, entry: int, name: str) -> Report:
        """A function that takes the problems of one entry: field and message.

        Args:
            entry: Number of the entry, from 1.
            name: What the entry is called in the data set; put before the field.
        """

        def report(field: str, message: str) -> None:
            self._problems.append(ManifestProblem(entry, ".".join(filter(None, (name, field))), message))

        return report

    def add(self, entry: int, imported: ImportedRow, report: Report) -> None:
        """Take one entry; its problems go to ``report``."""
        uri, is_there = self._files.find(imported.file_name)
        video = read_row({**imported.row, "video": uri}, self._files.root, report)
        if video is None:
            return
        first = self._entry_of_id.setdefault(video.video_id, entry)
        if first != entry:
            report("", f"{video.video_id!r} is the id of entry {first} already: an entry per video is expected")
        if not is_there:
            self._missing.append(video.video_id)
            if self._is_dropping:
                return
        self._videos.append(video)
        self._num_unnarrated_clips += imported.num_unnarrated_clips
        if imported.is_adjusted:
            self._adjusted.append(video.video_id)

    def finish(self) -> ImportedCatalog:
        """Everything taken so far.

        Raises:
            ManifestError: Entries have problems; all of them are listed.
        """
        if self._problems:
            raise ManifestError(self._source, self._problems)
        return ImportedCatalog(
            tuple(self._videos), tuple(self._missing), tuple(self._adjusted), self._num_unnarrated_clips
        )
