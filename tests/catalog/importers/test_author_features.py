"""read_author_features: arrays are read, and nothing that a file asks for is run."""

from __future__ import annotations

import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from narrator_ray.catalog.importers.author_features import read_author_features
from narrator_ray.errors import SchemaError, StorageError

FEATURES = np.arange(24, dtype=np.float16).reshape(6, 4)


class Asks:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def written(tmp_path: Path, data: bytes, name: str = "a_0.pkl") -> str:
    """The path of a file with these bytes."""
    (tmp_path / name).write_bytes(data)
    return str(tmp_path / name)


def refusal_of(path: str) -> str:
    """What is said of a file that must be refused."""
    with pytest.raises(SchemaError) as caught:
        read_author_features(path)
    return str(caught.value)


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    """The bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", "<i8", "|u1"])
@pytest.mark.parametrize("shape", [(6, 4), (24,), (2, 3, 4), (0, 4), ()])
def test_pickled_arrays_of_every_protocol_are_read(tmp_path: Path, protocol: int, dtype: str, shape: tuple) -> None:
    """Values, shape and kind of number arrive, in this machine's byte order."""
    array = np.arange(24)[: int(np.prod(shape))].reshape(shape).astype(dtype)
    for ordered in (array, np.asfortranarray(array)):
        values = read_author_features(written(tmp_path, pickle.dumps(ordered, protocol)))
        assert values.dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(values, array)
        values[...] = 0


def test_arrays_of_earlier_numpy_are_read(tmp_path: Path) -> None:
    """What numpy 1 wrote has the same names under numpy.core."""
    data = pickle.dumps(FEATURES, 2).replace(b"numpy._core", b"numpy.core")
    np.testing.assert_array_equal(read_author_features(written(tmp_path, data)), FEATURES)


def test_npy_files_are_read(tmp_path: Path) -> None:
    """A frame's features."""
    values = read_author_features(written(tmp_path, npy(FEATURES), "a_001.npy"))
    assert values.dtype == np.float16
    np.testing.assert_array_equal(values, FEATURES)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_nothing_is_run(tmp_path: Path, protocol: int) -> None:
    """Calls of the system, of eval, inside a list or instead of an array's parts: refused before they happen."""
    proof = tmp_path / "proof"
    command = f"touch {proof}"
    evil = [
        Asks(os.system, command),
        Asks(eval, f"__import__('os').system({command!r})"),
        [FEATURES, {"inner": (Asks(os.system, command),)}],
        Asks(getattr, np.ndarray, "__init__"),
        Asks(np.fromfile, "/etc/passwd"),
        Asks(pickle.loads, pickle.dumps(Asks(os.system, command))),
        Asks(np.load, "a.npy"),
    ]
    for harmful in evil:
        message = refusal_of(written(tmp_path, pickle.dumps(harmful, protocol)))
        assert "do not trust it" in message
    assert not proof.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"cnumpy\ndtype.__init__\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x15ndarray.__subclasses__\x93)R.",
        b"inumpy\nfromfile\n.",
        b"P1\n.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_every_way_to_a_name_is_closed(tmp_path: Path, data: bytes) -> None:
    """Attributes behind dots, instances, persistent ids and registered extensions lead nowhere."""
    refusal_of(written(tmp_path, data))


def test_known_names_cannot_be_changed(tmp_path: Path) -> None:
    """State that a pickle sets on a name of ours does not stay for the next file."""
    refusal_of(written(tmp_path, b"cnumpy\ndtype\n}S'_make'\nNsb."))
    refusal_of(written(tmp_path, b"cnumpy\ndtype\n(N}S'_make'\nNstb."))
    np.testing.assert_array_equal(read_author_features(written(tmp_path, pickle.dumps(FEATURES))), FEATURES)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    """Objects in an array are pickled objects, in either kind of file; texts and records are no features."""
    for array in (np.array([{"a": 1}, None], object), np.array(["a"]), np.array([(1, 2.0)], "i4,f4"), np.array([True])):
        assert "plain numbers" in refusal_of(written(tmp_path, pickle.dumps(array, 3)))
    assert "plain numbers" in refusal_of(written(tmp_path, npy(np.array(["a"])), "a.npy"))
    assert "allow_pickle" in refusal_of(written(tmp_path, npy(np.array([None]), allow_pickle=True), "b.npy"))


def test_forged_state_is_refused(tmp_path: Path) -> None:
    """Shapes that claim more than the bytes hold, forged dtypes and parts of the wrong kind reach no memory."""
    honest = pickle.dumps(FEATURES, 2)
    assert honest.count(b"K\x06K\x04\x86") == 1
    assert "does not have 48 bytes" in refusal_of(
        written(tmp_path, honest.replace(b"K\x06K\x04\x86", b"K\xffK\xff\x86"))
    )
    assert refusal_of(written(tmp_path, honest.replace(b"f2", b"O8")))
    start = b"cnumpy.core.multiarray\n_reconstruct\n)R"
    for state in (b"N", b"(I1\n(I-1\ntNI00\nS'a'\nt", b"(I1\n)cnumpy\ndtype\nI00\nS'a'\nt", b"(I1\n)NI00\nNt"):
        assert "not written as" in refusal_of(written(tmp_path, start + state + b"b."))


def test_cut_files_are_refused(tmp_path: Path) -> None:
    """A file that ends early is damaged wherever it ends, and so is one with something after its end."""
    for data, name in (
        (pickle.dumps(FEATURES, 2), "a.pkl"),
        (pickle.dumps(FEATURES), "a.pkl"),
        (npy(FEATURES), "a.npy"),
    ):
        for length in range(len(data)):
            assert "not a feature file" in refusal_of(written(tmp_path, data[:length], name))
        assert "follow" in refusal_of(written(tmp_path, data + b"more", name))


def test_changed_bytes_give_an_array_or_an_error(tmp_path: Path) -> None:
    """No single wrong byte brings anything but a SchemaError or an array of numbers."""
    random = np.random.default_rng(0)
    for data in (pickle.dumps(FEATURES, protocol) for protocol in (0, 2, 5)):
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] = random.integers(256)
            try:
                values = read_author_features(written(tmp_path, bytes(changed)))
            except SchemaError:
                continue
            assert values.dtype.kind in "fiu"


def test_memory_claims_are_refused(tmp_path: Path) -> None:
    """A few bytes that number a part four billion would have the unpickler reserve gigabytes."""
    assert "beyond its own size" in refusal_of(written(tmp_path, b"\x80\x02Nr" + struct.pack("<I", 2**32 - 1) + b"."))


def test_tensors_are_refused_with_advice(tmp_path: Path) -> None:
    """A torch tensor's pickle loads storage by running code; the error says what to do instead."""
    assert "numpy.save" in refusal_of(written(tmp_path, pickle.dumps(torch.zeros(2))))


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    """Lists, several arrays and bare names are not one array."""
    for value in ([1.0, 2.0], [FEATURES, FEATURES], {"a": FEATURES}, np.dtype("f4"), np.ndarray, 3):
        assert "something else" in refusal_of(written(tmp_path, pickle.dumps(value)))


def test_other_places_and_names(tmp_path: Path) -> None:
    """A missing file and an unknown extension say so."""
    with pytest.raises(StorageError, match="not found"):
        read_author_features(str(tmp_path / "none.npy"))
    assert "extension" in refusal_of(str(tmp_path / "a.npz"))
