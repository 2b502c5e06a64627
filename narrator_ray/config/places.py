"""Sections on where videos, catalogues and results lie."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from narrator_ray.config.section import PositiveFloat, Section

_CREDENTIAL = re.compile(r"key|secret|token|password|profile|user", re.IGNORECASE)
_ENDPOINT = re.compile(r"https?://[^/@?#\s]+/?")


class SourceSettings(Section):
    """Where videos may come from. A catalogue is input: it does not decide what the cluster reads."""

    allow_http: bool = False
    """Whether `video` may be an http or https URL."""
    allow_private_addresses: bool = False
    """Whether such a URL, or what it redirects to, may lie on a private, link-local or loopback address. Proxies of the
    environment are used only where it may."""
    allow_roots: tuple[str, ...] = ()
    """Folders that local videos must lie in, links followed; empty allows every file that the job can read."""
    max_video_mb: Annotated[int, Field(ge=1)] = 8192
    """A larger video file is rejected, in MiB."""
    download_timeout_s: PositiveFloat = 1800.0
    """Seconds in which a remote video must have arrived."""


class StorageSettings(Section):
    """How s3:// is spoken, for catalogues, videos, weights and results alike, on every machine of a run.

    Credentials are no settings, because settings are written beside results: they come from the environment of each
    machine (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, roles of instances).
    """

    endpoint_url: str = ""
    """Where the service is, such as http://minio:9000; empty: AWS_ENDPOINT_URL, else Amazon's."""
    region: str = ""
    """Region of the buckets; empty: AWS_REGION, or what AWS_PROFILE says."""
    max_attempts: Annotated[int, Field(ge=1)] = 10
    """How often a request is made before its object is given up. Waits between grow from half a second, doubling, each
    a random share of that."""
    longest_wait_s: PositiveFloat = 20.0
    """Longest wait before a request is made again, in seconds."""
    connect_timeout_s: PositiveFloat = 10.0
    """Seconds after which an attempt to connect has failed."""
    read_timeout_s: PositiveFloat = 30.0
    """Seconds of silence after which a request has failed."""
    part_mb: Annotated[int, Field(ge=5, le=1024)] = 16
    """Objects of twice this size or more, in MiB, are uploaded in parts of it, four at a time."""

    @field_validator("endpoint_url")
    @classmethod
    def _check_endpoint(cls, url: str) -> str:
        if url and not _ENDPOINT.fullmatch(url):
            raise ValueError("must be http:// or https:// and a host, without path, user or password")
        return url

    @model_validator(mode="before")
    @classmethod
    def _refuse_credentials(cls, data: Any) -> Any:
        for name in data if isinstance(data, dict) else ():
            if _CREDENTIAL.search(str(name)):
                raise ValueError(
                    f"{name}: credentials are no settings, which are written beside results: set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, in the environment"
                )
        return data


DEFAULT_STORAGE = StorageSettings()
"""S3 as the environment of each machine says."""
