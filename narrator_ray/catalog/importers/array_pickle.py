"""One numpy array out of a pickle, without running anything that the pickle asks for.

A pickle is a program. Here every name that it may call stands for a small object of this module that only notes what
it was given; every other name is refused. Even numpy's own classes are out of reach, because the pickled state of a
dtype or an array can be forged so that numpy reads memory that is not the array's.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import NoReturn

import numpy as np
import numpy.typing as npt

_NUMBER = re.compile(r"[fiu][1248]")
_BYTE_ORDERS = ("<", ">", "|", "=")
_MEMO_OPCODES = ("PUT", "BINPUT", "LONG_BINPUT")
_DAMAGED = (EOFError, ValueError, TypeError, AttributeError, LookupError, OverflowError, MemoryError, ImportError)
"""What Python's unpickler raises, by its documentation, for data that no pickler wrote."""


def array_of_pickle(data: bytes) -> npt.NDArray[np.generic]:
    """The array of numbers that was pickled, of any pickle protocol and any numpy.

    Raises:
        ValueError: It is anything else, is damaged, or asks for something to be run; the message is for people.
    """
    try:
        _check_opcodes(data)
        loaded = _ArrayUnpickler(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, *_DAMAGED) as error:
        raise ValueError(str(error) or "it is damaged") from error
    if not isinstance(loaded, _Array) or loaded.values is None:
        raise ValueError("it holds something else than one numpy array")
    return loaded.values


def _check_opcodes(data: bytes) -> None:
    """Read the pickle without following it: it must be whole, and claim no more memory than its size explains."""
    end = 0
    for opcode, argument, place in pickletools.genops(data):
        end = (place or 0) + 1
        if opcode.name in _MEMO_OPCODES and int(argument or 0) > len(data):
            raise ValueError("it numbers its parts beyond its own size")
    if end != len(data):
        raise ValueError("more data follows after its end")


class _ArrayUnpickler(pickle.Unpickler):
    """Knows a dozen names, none of which leads out of this module."""

    def find_class(self, module: str, name: str) -> object:
        """What stands for a name."""
        make = _MAKERS.get((module.replace("numpy._core", "numpy.core"), name))
        if make is not None:
            return _Name(make)
        asked = f"{module}.{name}"
        if module.partition(".")[0] == "torch":
            raise pickle.UnpicklingError(
                f"it holds a torch tensor ({asked}): load it where you trust it and save tensor.numpy() with numpy.save"
            )
        raise pickle.UnpicklingError(f"it asks for {asked!r}, which no numpy array of numbers needs: do not trust it")


class _Name:
    """A name that a pickle may call. New for every load and without attributes that a pickle could set."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *args: object) -> object:
        return self._make(*args)

    def __setstate__(self, state: object) -> NoReturn:
        raise ValueError("it sets attributes of a name")


class _Dtype:
    """Notes a dtype: plain numbers only."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *flags: object) -> None:
        if not isinstance(code, str) or _NUMBER.fullmatch(code) is None:
            raise ValueError(f"its elements are {code!r}, not plain numbers (floats or integers)")
        self.code, self.order = code, "="

    def __setstate__(self, state: object) -> None:
        is_plain = isinstance(state, tuple) and len(state) > 4 and state[1] in _BYTE_ORDERS
        if not isinstance(state, tuple) or not is_plain or any(part is not None for part in state[2:5]):
            raise ValueError("its elements are not plain numbers")
        self.order = state[1]


class _Array:
    """Notes an array; its values once they are known."""

    __slots__ = ("values",)

    def __init__(self, *args: object) -> None:
        self.values: npt.NDArray[np.generic] | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("its array is not written as numpy writes arrays")
        _, shape, dtype, is_fortran, data = state
        self.values = _values(data, dtype, shape, "F" if is_fortran else "C")


def _array_of_buffer(data: object, dtype: object, shape: object, order: object, *axes: object) -> _Array:
    """Protocol 5's way of writing an array."""
    if axes or order not in ("C", "F"):
        raise ValueError("its array is not written as numpy writes arrays")
    array = _Array()
    array.values = _values(data, dtype, shape, str(order))
    return array


def _values(data: object, dtype: object, shape: object, order: str) -> npt.NDArray[np.generic]:
    """The array itself, copied out of its bytes, whose number must be exactly right."""
    is_shape = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes | bytearray) or not is_shape:
        raise ValueError("its array is not written as numpy writes arrays")
    sizes: tuple[int, ...] = tuple(shape) if isinstance(shape, tuple) else ()
    element = np.dtype(dtype.order + dtype.code)
    if math.prod(sizes) * element.itemsize != len(data):
        raise ValueError(f"an array of shape {sizes} does not have {len(data)} bytes")
    values = np.ndarray(sizes, element, buffer=data, order="F" if order == "F" else "C").copy()
    return values.astype(element.newbyteorder("="), copy=False)


def _no_bytes() -> bytes:
    """How protocols before 3 write no bytes at all."""
    return b""


def _latin1(text: object, encoding: object) -> bytes:
    """How protocols before 3 write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("its bytes are not written as Python writes bytes")
    return text.encode("latin1")


_MAKERS: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _array_of_buffer,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _latin1,
    ("__builtin__", "bytes"): _no_bytes,
}
