"""What can be spoken: the grammar of a narration, as an automaton over UTF-8 bytes that counts words as it reads.

A narration is one line of sentences made of letters, digits and the punctuation a voice needs: ``, . ! ? ' - %`` and
``$`` in English, ``，、；：。！？`` in Chinese. Quotes, brackets, markup, emoji and list marks cannot occur, and an
English sentence begins with a capital: a digit there would be the number of a list. The
automaton reads bytes, so a token may hold half a character; such a state is simply not an end.

It guarantees, whatever bytes it is fed: no two spaces, no space before punctuation, no punctuation after punctuation,
no word without a letter or digit, a space between English words, no numbered list ("2. ..."); a full stop between
digits is a decimal point and no end.

Does not know tokens, windows or models.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from narrator_ray.narration.speech import ticks_of
from narrator_ray.records import Language

Measure = Literal["words", "speech"]
"""What is counted: words (en) or characters (zh), or the ticks that it takes to say the text."""

NUM_BYTES = 256
FINAL_PUNCTUATION: dict[Language, str] = {"en": ".!?", "zh": "。！？"}
_DANGLING_EN = """
a an the my our your his her its their that of with and or but nor so to for from by at in into onto about as than
if when while because although how what where which who whose am is are was were be been has have had do does will
would can could may might must should very it's that's you're we're they're i'm
"""
DANGLING_WORDS: dict[Language, frozenset[str]] = {
    "en": frozenset(_DANGLING_EN.split()),
    "zh": frozenset("和与及或在把被让给对从向以而且但很更"),
}
"""Words that hardly ever end a sentence."""

_ACCENTED = [char for char in map(chr, range(0xC0, 0x180)) if char.isalpha()]
_CAPITALS = string.ascii_uppercase + "".join(char for char in _ACCENTED if char.isupper())
_SMALL = string.ascii_lowercase + "".join(char for char in _ACCENTED if not char.isupper())
_HAN = "".join(map(chr, range(0x4E00, 0xA000)))

_CLASSES: dict[Language, dict[str, str]] = {
    "en": {
        "capital": _CAPITALS,
        "small": _SMALL,
        "digit": string.digits,
        "space": " ",
        "dot": ".",
        "final": "!?",
        "comma": ",",
        "joint": "-",
        "apostrophe": "'’",
        "money": "$€£",
        "percent": "%",
    },
    "zh": {
        "letter": string.ascii_letters,
        "digit": string.digits,
        "space": " ",
        "dot": ".",
        "final": "。！？",
        "pause": "，、；：",
        "joint": "-",
        "percent": "%",
        "han": _HAN,
    },
}
"""Character classes of each language; a character without a class cannot occur."""

_WORD_EN = {"capital": "+word", "small": "+word", "digit": "+number", "money": "+money"}
_REST_OF_WORD_EN = {"capital": "word", "small": "word", "digit": "number"}
_GRAMMAR: dict[Language, dict[str, dict[str, str]]] = {
    "en": {
        "start": {"space": "next", "capital": "+word"},
        "word": {
            **_REST_OF_WORD_EN,
            "joint": "joint",
            "apostrophe": "apostrophe",
            "space": "gap",
            "comma": "pause",
            "dot": "end",
            "final": "end",
        },
        "number": {
            **_REST_OF_WORD_EN,
            "joint": "joint",
            "apostrophe": "apostrophe",
            "percent": "percent",
            "space": "gap",
            "comma": "separator",
            "dot": "point",
            "final": "end",
        },
        "point": {"digit": "decimals", "space": "next"},
        "decimals": {
            "capital": "word",
            "small": "word",
            "digit": "decimals",
            "joint": "joint",
            "percent": "percent",
            "space": "gap",
            "comma": "pause",
            "dot": "end",
            "final": "end",
        },
        "separator": {"digit": "number", "space": "gap"},
        "joint": _REST_OF_WORD_EN,
        "apostrophe": {**_REST_OF_WORD_EN, "space": "gap"},
        "money": {"digit": "number"},
        "percent": {"space": "gap", "comma": "pause", "dot": "end", "final": "end"},
        "pause": {"space": "gap"},
        "gap": _WORD_EN,
        "end": {"space": "next"},
        "next": {"capital": "+word"},
    },
    "zh": {
        "start": {"space": "open", "han": "+text", "letter": "+latin"},
        "open": {"han": "+text", "letter": "+latin"},
        "text": {"han": "+text", "letter": "+latin", "digit": "+number", "pause": "+pause", "final": "+end"},
        "latin": {
            "letter": "+latin",
            "digit": "+number",
            "han": "+text",
            "joint": "+joint",
            "space": "gap",
            "pause": "+pause",
            "final": "+end",
        },
        "number": {
            "digit": "+number",
            "letter": "+latin",
            "han": "+text",
            "joint": "+joint",
            "space": "gap",
            "dot": "+point",
            "percent": "+text",
            "pause": "+pause",
            "final": "+end",
        },
        "point": {"digit": "+number"},
        "joint": {"letter": "+latin", "digit": "+number"},
        "gap": {"letter": "+latin", "digit": "+number"},
        "pause": {"han": "+text", "letter": "+latin", "digit": "+number"},
        "end": {"han": "+text", "letter": "+latin", "digit": "+number"},
    },
}
"""State -> character class -> next state; ``+`` counts one (a word in English, a character in Chinese)."""

_ENDS = {"end", "point"}
_ENDS_BY_LANGUAGE: dict[Language, set[str]] = {"en": _ENDS, "zh": {"end"}}


@dataclass(frozen=True, slots=True)
class SpokenText:
    """The automaton of one language.

    Attributes:
        next_SB: int16 [S, 256], state after a byte; state 0 is dead and stays dead.
        adds_SB: int8 [S, 256], by how much that byte lengthens the text.
        is_end_S: bool [S], whether the text may stop here: after sentence-final punctuation.
        is_word_S: bool [S], whether final punctuation may follow at once: a word has just been completed, or could be.
        start: The state before any byte.
    """

    next_SB: npt.NDArray[np.int16]
    adds_SB: npt.NDArray[np.int8]
    is_end_S: npt.NDArray[np.bool_]
    is_word_S: npt.NDArray[np.bool_]
    start: int

    @property
    def num_states(self) -> int:
        """States, the dead one included."""
        return len(self.is_end_S)

    def read(self, data: bytes, state: int | None = None) -> tuple[int, int]:
        """State and count after reading bytes from a state (by default the start)."""
        here, count = self.start if state is None else state, 0
        for byte in data:
            count += int(self.adds_SB[here, byte])
            here = int(self.next_SB[here, byte])
        return here, count


@cache
def spoken_text(language: Language, measure: Measure = "words") -> SpokenText:
    """The automaton of a language, with what it counts."""
    grammar = _GRAMMAR[language]
    decoder = _decoder(_CLASSES[language])
    states = {(name, node): 1 + index for index, (name, node) in enumerate(_pairs(grammar, len(decoder)))}
    next_SB = np.zeros((1 + len(states), NUM_BYTES), np.int16)
    adds_SB = np.zeros((1 + len(states), NUM_BYTES), np.int8)
    for (name, node), state in states.items():
        for byte, outcome in decoder[node].items():
            if isinstance(outcome, int):
                next_SB[state, byte] = states[name, outcome]
            elif outcome in grammar[name]:
                target = grammar[name][outcome]
                next_SB[state, byte] = states[target.removeprefix("+"), 0]
                is_speech = measure == "speech"
                adds_SB[state, byte] = ticks_of(language, name, outcome) if is_speech else target.startswith("+")
    named = [(name, node == 0) for name, node in states]
    can_end = {name for name in grammar if "final" in grammar[name]}
    return SpokenText(
        next_SB,
        adds_SB,
        is_end_S=np.array([False, *(whole and name in _ENDS_BY_LANGUAGE[language] for name, whole in named)]),
        is_word_S=np.array([False, *(whole and name in can_end for name, whole in named)]),
        start=states["start", 0],
    )


def spoken_ticks(text: str, language: Language) -> int:
    """How long it takes to say a text, in ticks at pace 1; what the grammar does not know is left out.

    Source: ``narration.speech``, which says how far it can be off.
    """
    spoken = spoken_text(language, "speech")
    state, ticks = spoken.start, 0
    for character in text.strip():
        next_state, count = spoken.read(character.encode(), state)
        if next_state:
            state, ticks = next_state, ticks + count
    return ticks


def _pairs(grammar: dict[str, dict[str, str]], num_nodes: int) -> Iterator[tuple[str, int]]:
    return ((name, node) for name in grammar for node in range(num_nodes))


def _decoder(classes: dict[str, str]) -> list[dict[int, int | str]]:
    """Nodes of a UTF-8 decoder: byte -> class of the character it completes, or the node that waits for the rest.

    Node 0 reads first bytes. Equal nodes are one, so that thousands of characters need a handful of nodes.
    """
    root: dict[int, object] = {}
    for name, characters in classes.items():
        for character in characters:
            *lead, last = character.encode()
            node = root
            for byte in lead:
                node = node.setdefault(byte, {})  # type: ignore[assignment]
            node[last] = name
    nodes: list[dict[int, int | str]] = [{}]
    seen: dict[frozenset[tuple[int, int | str]], int] = {}

    def number_of(node: dict[int, object]) -> int:
        edges = {byte: number_of(child) if isinstance(child, dict) else str(child) for byte, child in node.items()}
        if node is root:
            nodes[0] = edges
            return 0
        key = frozenset(edges.items())
        if key not in seen:
            seen[key] = len(nodes)
            nodes.append(edges)
        return seen[key]

    number_of(root)
    return nodes
