"""Eight bytes that stand for a text, the same on every machine and in every version."""

from __future__ import annotations

import hashlib

_HASH_BYTES = 8


def short_hash(text: str) -> int:
    """The first 64 bits of BLAKE2b over the text in UTF-8."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_HASH_BYTES).digest())
