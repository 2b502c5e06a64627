"""The field `video` of a manifest row: where a video lies, as an absolute path or URI. Opens nothing."""

from __future__ import annotations

import posixpath
from pathlib import Path
from urllib.parse import urlsplit

from narrator_ray.catalog.fields import Report, has_control, read_text
from narrator_ray.storage.filesystems import path_of_file_uri, scheme_of

VIDEO_SCHEMES = ("file", "s3", "http", "https")
"""Every scheme a video can be read from, besides plain paths."""


def read_video(value: object, base: str, report: Report) -> str | None:
    """Where a video lies: an absolute path or URI.

    Args:
        value: The raw value.
        base: Folder of the manifest, an absolute path or a URI; relative paths start there.
        report: Takes problems of the field ``video``.
    """
    if value is None:
        report("video", "is missing: give a path, file://, s3:// or http(s):// URI")
        return None
    text = read_text(value, "video", report)
    if text is None:
        return None
    try:
        return _resolve(text, base)
    except ValueError as error:
        report("video", str(error))
        return None


def _resolve(text: str, base: str) -> str:
    if has_control(text):
        raise ValueError(f"{text!r} holds control characters")
    scheme = scheme_of(text)
    if scheme == "file":
        return path_of_file_uri(text)
    if scheme:
        return _checked_uri(scheme, text)
    if text.startswith("/"):
        return text
    base_scheme = scheme_of(base)
    if not base_scheme:
        return str(Path(base) / text)
    bucket, _, folder = base.partition("://")[2].partition("/")
    joined = posixpath.normpath(posixpath.join(folder, text))
    if joined == ".." or joined.startswith("../"):
        raise ValueError(f"{text} leads out of {base_scheme}://{bucket}")
    return _checked_uri(base_scheme, f"{base_scheme}://{bucket}/{joined}")


def _checked_uri(scheme: str, uri: str) -> str:
    if scheme not in VIDEO_SCHEMES:
        known = ", ".join(f"{name}://" for name in VIDEO_SCHEMES)
        raise ValueError(f"{scheme}:// is not known: give a path or one of {known}")
    parts = urlsplit(uri)
    if not parts.netloc or not parts.path.strip("/"):
        raise ValueError(f"{uri} names no file: expected {scheme}://{'bucket' if scheme == 's3' else 'host'}/path")
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password: they would be shown in reports; give a URI without them")
    return f"{scheme}://{uri.partition('://')[2]}"
