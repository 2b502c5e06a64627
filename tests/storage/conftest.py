"""Fixtures of this package's tests."""

from tests.s3_server import s3_bucket, s3_root

__all__ = ["s3_bucket", "s3_root"]
