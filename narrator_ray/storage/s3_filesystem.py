"""s3fs as this project speaks it: settings before environment, one patience for all requests, no cached listings.

Imported only where something lies on S3: s3fs and botocore take a second to import.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from aiobotocore.session import AioSession
from s3fs import S3FileSystem

from narrator_ray.config import StorageSettings
from narrator_ray.storage.retries import needs_retry

_MAX_CONNECTIONS = 50


class PatientS3FileSystem(S3FileSystem):  # type: ignore[misc]
    """An S3 service. fsspec keeps one instance for equal settings in every process.

    Both botocore and s3fs would make failed requests again, each in its own way, and s3fs again what botocore gave up:
    both are told not to, and :mod:`narrator_ray.storage.retries` decides.

    Args:
        settings: Endpoint, region, timeouts and retries. Credentials come from the environment.
    """

    retries = 1

    def __init__(self, settings: StorageSettings) -> None:
        session = AioSession()
        session.register("needs-retry.s3", partial(needs_retry, settings))
        region = settings.region or os.environ.get("AWS_REGION")  # botocore itself reads AWS_DEFAULT_REGION only
        options: dict[str, Any] = {"region_name": region} if region else {}
        super().__init__(
            session=session,
            endpoint_url=settings.endpoint_url or None,
            client_kwargs=options,
            config_kwargs={
                "connect_timeout": settings.connect_timeout_s,
                "read_timeout": settings.read_timeout_s,
                "retries": {"total_max_attempts": 1, "mode": "standard"},
                "max_pool_connections": _MAX_CONNECTIONS,
            },
            max_concurrency=1,
            use_listings_cache=False,
        )
