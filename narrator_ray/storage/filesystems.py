"""How remote places are opened through fsspec, and one family of errors for all of them.

Credentials of S3 come from the environment, as every AWS tool reads them (AWS_ACCESS_KEY_ID, profiles, instance roles);
endpoint and region too, unless the settings name them. Knows nothing of manifests or videos.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from narrator_ray.config import StorageSettings
from narrator_ray.storage.retries import is_passing

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_MAX_DETAIL_CHARACTERS = 200
_HINT_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"


def scheme_of(uri: str) -> str:
    """The scheme before ``://`` in lower case; empty for a plain path."""
    match = _SCHEME.match(uri)
    return match.group(1).lower() if match else ""


def path_of_file_uri(uri: str) -> str:
    """The absolute path that a ``file://`` URI names, percent escapes resolved.

    Raises:
        ValueError: It names another host or no absolute path.
    """
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("a file:// URI needs an absolute path after three slashes, such as file:///videos/a.mp4")
    return unquote(uri.split("://", 1)[1].removeprefix(parts.netloc))


def filesystem_of(scheme: str, settings: StorageSettings) -> AbstractFileSystem:
    """The fsspec file system of a scheme. Listings are never cached: other processes write while this one looks.

    Raises:
        ValueError: fsspec knows no such scheme.
        ImportError: The package that serves the scheme is not installed.
        OSError: The settings, or those in the environment, are no valid S3 settings.
    """
    import fsspec

    if scheme != "s3":
        return fsspec.filesystem(scheme)
    from narrator_ray.storage.s3_filesystem import PatientS3FileSystem

    filesystem: AbstractFileSystem = PatientS3FileSystem(settings)
    with os_errors(settings):
        try:
            filesystem.connect()
        except ValueError as error:
            raise OSError(f"{error}: check AWS_ENDPOINT_URL, which needs http:// or https://") from error
    return filesystem


@contextmanager
def os_errors(settings: StorageSettings) -> Iterator[None]:
    """Raise as OSError what remote file systems raise besides OSError, so that callers handle one family.

    What may be gone another time is a ConnectionError; the settings say how often it was tried.
    """
    from aiohttp import ClientError as BrokenAnswer
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        FlexibleChecksumError,
        HTTPClientError,
        IncompleteReadError,
        NoCredentialsError,
    )
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.parsers import ResponseParserError
    from fsspec.exceptions import FSTimeoutError as SilentAnswer

    broken = (BrokenAnswer, FlexibleChecksumError, IncompleteReadError, ResponseParserError)
    try:
        yield
    except NoCredentialsError as error:
        raise PermissionError(f"no S3 credentials found: {_HINT_CREDENTIALS}") from error
    except (NoConnection, HTTPClientError, *broken) as error:
        raise ConnectionError(f"{_one_line(error)}; {_attempts(settings)}") from error
    except SilentAnswer as error:
        raise ConnectionError(f"the answer fell silent half-way; {_attempts(settings)}") from error
    except BotoCoreError as error:
        raise OSError(_one_line(error)) from error
    except OSError as error:
        answer = error.__cause__
        if isinstance(answer, ClientError) and is_passing(answer.response):
            fault = answer.response.get("Error", {}).get("Code", "error")
            raise ConnectionError(f"{fault}: {error.strerror or error}; {_attempts(settings)}") from error
        raise


def error_code(error: OSError) -> str | None:
    """What S3 called an error, such as ``NoSuchKey``; None where it said nothing."""
    from botocore.exceptions import ClientError

    cause = error.__cause__
    return cause.response.get("Error", {}).get("Code") if isinstance(cause, ClientError) else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_MAX_DETAIL_CHARACTERS]


def _attempts(settings: StorageSettings) -> str:
    return f"given up after {settings.max_attempts} attempt{'s' if settings.max_attempts != 1 else ''}"
