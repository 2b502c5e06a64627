"""Digests of files: whole where small, header and samples where large."""

import os
from hashlib import sha256

import pytest

from narrator_ray.model.file_digest import SAMPLE_BYTES, WHOLE_BYTES, file_digest


def test_small_files_are_hashed_whole(tmp_path):
    """Up to a gigabyte the digest is the plain SHA-256."""
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"some weights")
    assert file_digest(file) == sha256(b"some weights").digest()


@pytest.mark.parametrize("place", [0, 20, WHOLE_BYTES // 2 + SAMPLE_BYTES // 2, WHOLE_BYTES + 500])
def test_large_files_are_sampled_from_end_to_end(tmp_path, place):
    """A change in the header, in a sampled place or at the very end is seen; sparse files keep the test cheap."""
    file = tmp_path / "a.safetensors"
    file.touch()
    os.truncate(file, WHOLE_BYTES + 1000)
    before = file_digest(file)
    with file.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\x01" * SAMPLE_BYTES * (64 if 20 < place < WHOLE_BYTES else 1))
        stream.truncate(WHOLE_BYTES + 1000)
    assert file_digest(file) != before


def test_the_size_of_a_large_file_counts(tmp_path):
    """A truncated copy of zeros is another file."""
    file = tmp_path / "a.bin"
    file.touch()
    os.truncate(file, WHOLE_BYTES + 1000)
    before = file_digest(file)
    os.truncate(file, WHOLE_BYTES + 1001)
    assert file_digest(file) != before
