"""Where bytes lie: file systems by scheme, and named objects under one root, local or on S3. Knows no videos."""

from narrator_ray.storage.storage import Storage

__all__ = ["Storage"]
