"""How remote places are opened through fsspec, and one family of errors for all of them.

Credentials, endpoint and region of S3 come from the environment, as every AWS tool reads them
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_REGION, profiles, instance roles). Knows nothing of manifests or videos.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

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


def filesystem_of(scheme: str) -> AbstractFileSystem:
    """The fsspec file system of a scheme. Listings are never cached: other processes write while this one looks.

    Raises:
        ValueError: fsspec knows no such scheme.
        ImportError: The package that serves the scheme is not installed.
        OSError: The settings in the environment are no valid S3 settings.
    """
    import fsspec

    if scheme != "s3":
        return fsspec.filesystem(scheme)
    region = os.environ.get("AWS_REGION")  # botocore itself reads only AWS_DEFAULT_REGION and profiles
    client_options: dict[str, Any] = {"region_name": region} if region else {}
    filesystem = fsspec.filesystem("s3", use_listings_cache=False, client_kwargs=client_options)
    with os_errors():
        try:
            filesystem.connect()
        except ValueError as error:
            raise OSError(f"{error}: check AWS_ENDPOINT_URL, which needs http:// or https://") from error
    return filesystem


@contextmanager
def os_errors() -> Iterator[None]:
    """Raise as OSError what remote file systems raise besides OSError, so that callers handle one family."""
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError, HTTPClientError, NoCredentialsError
    from botocore.exceptions import ConnectionError as S3ConnectionError

    try:
        yield
    except NoCredentialsError as error:
        raise PermissionError(f"no S3 credentials found: {_HINT_CREDENTIALS}") from error
    except (S3ConnectionError, HTTPClientError, ClientError) as error:
        raise ConnectionError(str(error)) from error
    except BotoCoreError as error:
        raise OSError(" ".join(str(error).split())[:_MAX_DETAIL_CHARACTERS]) from error
