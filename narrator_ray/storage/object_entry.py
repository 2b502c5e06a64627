"""What a listing says of one object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """One object of a listing.

    Attributes:
        key: Its key.
        num_bytes: Its size.
        modified_at_s: When it was written, Unix time in seconds.
    """

    key: str
    num_bytes: int
    modified_at_s: float
