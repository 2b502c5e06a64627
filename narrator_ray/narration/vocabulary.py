"""What each token of a tokenizer says, as bytes, and which tokens mean "this line is over".

Handles byte-level BPE (GPT-2's visible alphabet for bytes) and sentencepiece (``▁`` for a space, ``<0xE5>`` for a
byte). Special and added tokens say nothing and can therefore never be written. Does not know grammar, windows or
models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from narrator_ray.errors import ModelLoadError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_LINE_END = re.compile(rb"[ \t]*[\r\n]")


@dataclass(frozen=True, eq=False, slots=True)
class Vocabulary:
    """Every token as bytes.

    Attributes:
        tokens: Bytes of each id; empty for special tokens and for ids that only pad the model's output layer.
        stop_ids: Ids that end a line: end-of-text, and every token that begins with a line break.
    """

    tokens: tuple[bytes, ...]
    stop_ids: npt.NDArray[np.intp]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, num_logits: int, end_ids: Iterable[int] = ()) -> Vocabulary:
        """The vocabulary of a tokenizer.

        Args:
            tokenizer: Any tokenizer of the two families.
            num_logits: Width of the model's output layer, which may exceed the tokenizer's size.
            end_ids: Further ids that end a text, beside the tokenizer's own.

        Raises:
            ModelLoadError: The tokenizer is of another family, larger than the output layer, or cannot end a line.
        """
        if len(tokenizer) > num_logits:
            raise ModelLoadError(f"the tokenizer has {len(tokenizer)} tokens, the model only {num_logits} outputs")
        special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
        ordinary = {index: token for token, index in tokenizer.get_vocab().items() if index not in special}
        to_bytes = _from_visible_bytes if _is_byte_level(tokenizer) else _from_sentencepiece
        tokens = tuple(to_bytes(ordinary[index]) if index in ordinary else b"" for index in range(num_logits))
        stops = {index for index, token in enumerate(tokens) if _LINE_END.match(token)}
        stops |= {index for index in (tokenizer.eos_token_id, *end_ids) if index is not None}
        if not stops:
            raise ModelLoadError("the tokenizer has no token that ends a text or a line")
        return cls(tokens, np.array(sorted(stops), np.intp))

    def spell(self, text: str) -> tuple[int, ...] | None:
        """Ids that write exactly this text: one token if there is one, else one a byte; None if impossible."""
        data = text.encode()
        if data in self.tokens:
            return (self.tokens.index(data),)
        single = [bytes([byte]) for byte in data]
        return tuple(map(self.tokens.index, single)) if all(byte in self.tokens for byte in single) else None

    def find(self, pattern: str) -> npt.NDArray[np.intp]:
        """Ids of the tokens that begin with what a regular expression matches."""
        compiled = re.compile(pattern.encode())
        return np.array([index for index, token in enumerate(self.tokens) if compiled.match(token)], np.intp)

    def text(self, ids: Iterable[int]) -> bytes:
        """What the ids write."""
        return b"".join(self.tokens[index] for index in ids)


def _is_byte_level(tokenizer: PreTrainedTokenizerBase) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return False
    kinds = set(_kinds(json.loads(backend.to_str())["decoder"]))
    if "ByteLevel" not in kinds and kinds & {"WordPiece", "BPEDecoder", "CTC"}:
        raise ModelLoadError(
            f"tokenizer: decoder {sorted(kinds)} is not supported; narration needs a byte-level or sentencepiece one"
        )
    return "ByteLevel" in kinds


def _kinds(decoder: dict[str, Any] | None) -> Iterator[str]:
    if decoder is not None:
        yield decoder["type"]
        for inner in decoder.get("decoders", ()):
            yield from _kinds(inner)


def _visible_bytes() -> dict[str, int]:
    """GPT-2's alphabet: printable Latin-1 bytes stand for themselves, the others for characters from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}


_VISIBLE_BYTES = _visible_bytes()


def _from_visible_bytes(token: str) -> bytes:
    return bytes(_VISIBLE_BYTES[char] for char in token) if all(char in _VISIBLE_BYTES for char in token) else b""


def _from_sentencepiece(token: str) -> bytes:
    if byte := _BYTE_TOKEN.fullmatch(token):
        return bytes([int(byte[1], 16)])
    return token.replace("▁", " ").encode()
