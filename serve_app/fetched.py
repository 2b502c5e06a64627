"""Videos that a request names by an address on the web, where the settings allow it.

They are fetched by the rules of the batch job: no private address, redirects included, and limits of size and time.
What the way to an address was like is not told: it could tell a stranger of the server's own network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from narrator_ray.catalog.source import remote_pieces
from narrator_ray.catalog.video_field import read_video
from narrator_ray.config import SourceSettings
from narrator_ray.errors import ItemError, RejectReason, UnreadableVideo
from narrator_ray.storage.filesystems import scheme_of
from serve_app.problems import FieldProblem, invalid_request, problem_of
from serve_app.video_file import VIDEO_FIELD, VideoFile

ADDRESS_FIELD = "video_url"
_DETAILS: Mapping[RejectReason, str] = {
    RejectReason.SOURCE_REFUSED: "it does not lead to a public address",
    RejectReason.VIDEO_NOT_FOUND: "there is no such file, or not for everyone",
    RejectReason.SOURCE_UNAVAILABLE: "its server did not give the whole file in time",
    RejectReason.VIDEO_TOO_LARGE: "it is larger than limits.max_upload_mb",
}
_NOT_GIVEN = "no file could be had there"


def address_of(fields: Mapping[str, str], has_video: bool, rules: SourceSettings) -> str | None:
    """Address of a request's video; None where the video itself was sent.

    Args:
        fields: The form's texts.
        has_video: Whether a video was sent.
        rules: Where videos may come from.

    Raises:
        Problem: There is no video, or there are two, or the address is none that may be read.
    """
    problems: list[FieldProblem] = []
    text = fields.get(ADDRESS_FIELD, "").strip()

    def report(_: str, message: str) -> None:
        problems.append(FieldProblem(ADDRESS_FIELD, message))

    if not text and not has_video:
        problems.append(FieldProblem(VIDEO_FIELD, "is missing: send the video file in this field"))
    if text and not rules.allow_http:
        report("", "addresses are not read here (settings.sources.allow_http): send the file as `video`")
    elif text and has_video:
        report("", "is given beside `video`: give one of the two")
    elif text and (read_video(text, "/", report) is not None) and scheme_of(text) not in ("http", "https"):
        report("", "expected an http:// or https:// address")
    if problems:
        raise invalid_request(problems)
    return text or None


class Fetcher:
    """Fetches videos, on threads of its own: a server that never ends its answer keeps none that others need.

    Args:
        rules: Where videos may come from, how large they may be and how long they may take.
        most: Videos at once.
    """

    def __init__(self, rules: SourceSettings, most: int) -> None:
        self._rules = rules
        self._threads = ThreadPoolExecutor(most, "fetching")

    async def fetch(self, address: str, video: VideoFile) -> None:
        """Write what lies at an address to a file.

        Raises:
            Problem: It cannot be had, is too large, or no video.
        """
        video.field = ADDRESS_FIELD
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._rules.download_timeout_s):
                await loop.run_in_executor(self._threads, self._copy, address, video)
        except UnreadableVideo as error:
            shown = ItemError(error.reason, _DETAILS.get(error.reason, _NOT_GIVEN))
            raise problem_of(shown, ADDRESS_FIELD) from error
        except TimeoutError as error:
            late = ItemError(RejectReason.SOURCE_UNAVAILABLE, _DETAILS[RejectReason.SOURCE_UNAVAILABLE])
            raise problem_of(late, ADDRESS_FIELD) from error

    def _copy(self, address: str, video: VideoFile) -> None:
        for piece in remote_pieces(address, self._rules):
            video.take(piece)
