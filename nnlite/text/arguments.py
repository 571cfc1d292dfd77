"""Checks that several functions share."""

import operator
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlite.utils import from_seed

if TYPE_CHECKING:
    from .excerpt import Excerpt

PIECE = 2**17  # characters of a long text that are worked on together


def require_text(name: str, text: object, least: int = 0) -> str:
    """The text, a str of at least that many characters."""
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected a str, got {type(text).__name__}")
    if len(text) < least:
        raise ValueError(f"{name}: expected {least} or more characters, got {len(text)}")
    return text


def require_whole(name: str, value: Any, least: int = 1) -> int:
    """The value, an integer of at least `least` and no bool, as an int."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if number < least:
        raise ValueError(f"{name}: expected at least {least}, got {number}")
    return number


def drawn(rng: np.random.Generator | int | None, length: int) -> np.ndarray:
    """So many numbers in [0, 1), from a generator or its seed: an array takes a fifth of a list's memory."""
    generator = from_seed("rng", rng)
    try:
        return generator.random(length)
    except (MemoryError, OverflowError, ValueError):
        raise MemoryError(
            f"length: expected at most as many characters as memory has room for, got {length:,}: use a smaller length"
        ) from None


def pieces(text: "str | Excerpt", size: int, overlap: int = 0) -> Iterator[tuple[int, str]]:
    """The parts of a long text, with their starts: `size` characters each, of which the next repeats the last ones.

    What is computed of a text piece by piece takes the memory of a piece.
    """
    for start in range(0, max(1, len(text) - overlap), size - overlap):
        yield start, text[start : start + size]


def code_points(name: str, text: str) -> np.ndarray:
    """The code points of a text, int64 (L,), after `require_text`."""
    # Each character is four bytes in UTF-32 (lone surrogates included).
    encoded = require_text(name, text).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, "<u4").astype(np.int64)


def index_table(characters: Sequence[str]) -> np.ndarray:
    """The index of each code point among some distinct characters; their number where it is none of them."""
    table = np.full(max(map(ord, characters)) + 2, len(characters), np.uint32)
    table[[ord(character) for character in characters]] = np.arange(len(characters))
    return table


def indices(text: str, table: np.ndarray, overlap: int = 0) -> Iterator[np.ndarray]:
    """The indices of a text's characters in an `index_table`, in `pieces`."""
    for _, piece in pieces(text, PIECE, overlap):
        yield table[np.minimum(code_points("text", piece), len(table) - 1)]
