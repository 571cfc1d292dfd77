"""Detect memorization: how much of a text is copied verbatim from another.

A model with many weights and little training text memorizes the text and reproduces it: its training loss is low, and
its good poems are Shakespeare's. These functions detect that.

Both name each window of a text by a number of 64 bits that is computed from its characters alone: equal windows have
equal names, in all texts. The names of two windows of length l give the name of a window of length l to 2 l, since its
first l and last l characters cover it. So any length is reached by doubling, with a few operations each: no text is a
bad case, and two pieces of the texts are all that has to be in memory. (After Karp, Miller and Rosenberg, Rapid
identification of repeated patterns in strings, trees and arrays, 1972, whose names are ranks among all windows; here
bits are mixed, as in a hash function.)
"""

import functools
import itertools
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .arguments import code_points, require_text, require_whole
from .excerpt import Excerpt, require_source

PIECE = 2**15  # characters of a source whose windows are named together: the names stay in a core's cache
TEXT_PIECE = 2**18  # of a text, so that the source is read once for so many
MIXER = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: spreads close numbers
KEYS = np.array([MIXER, 0xB504F333F9DE6485], np.uint64)  # the other is 2**64 over the square root of 2


class Copy(NamedTuple):
    """A run of characters that occurs in two texts, returned by `longest_copy`.

    Attributes:
        text: the run.
        start: its start in the text.
        source_start: its first start in the source.

    Example:
        >>> from nnlite.text import Copy
        >>> len(Copy(text="thou art", start=3, source_start=700).text)
        8
    """

    text: str
    start: int
    source_start: int


def longest_copy(text: str, source: str | Excerpt) -> Copy:
    """The longest run of characters of a text, such as a model's output, that also occurs in its source.

    Of equally long runs, the first in the text, and its first occurrence in the source. An empty one at (0, 0) if the
    two have no character in common. Takes about 0.1 s for texts of 100,000 characters each.

    Example:
        >>> from nnlite.text import clean_sonnets, longest_copy
        >>> longest_copy("i dare compare thee to a winter's day", clean_sonnets())
        Copy(text=' compare thee to a ', start=6, source_start=10544)
    """
    require_text("text", text)
    require_source("source", source)
    if text and text in source:
        return Copy(text, 0, source.find(text))
    for seed in itertools.count():
        length = _length_of_longest(text, source, seed)
        starts = (start + int(found.argmax()) for start, found in _copied(text, source, length, seed) if found.any())
        start = next(starts, 0)
        run = text[start : start + length]
        if run in source:  # else two different windows have one name: of 2**64 names this is not to be expected
            return Copy(run, start, source.find(run))
    raise AssertionError  # never reached


def _length_of_longest(text: str, source: str | Excerpt, seed: int) -> int:
    """The length of the longest run, judged by names."""
    length = 0
    for start in range(0, len(text), TEXT_PIECE):
        wanted = functools.lru_cache(1)(lambda n, start=start: _Lookup(_names(text, start, TEXT_PIECE, n, seed)))
        source_start = 0
        while start + length < len(text) and source_start + length < len(source):
            size = max(PIECE, length // 2)

            def is_too_long(n, wanted=wanted, start=source_start, size=size):
                return not wanted(n).places(_names(source, start, size, n, seed)).size

            # Parts of a copied run are copied, too: double, then bisect.
            longest, more = length, length + 1
            while not is_too_long(more):
                longest, more = more, 2 * more
            length = bisect_left(range(more), True, lo=longest + 1, key=is_too_long) - 1
            source_start += size
    return length


def copied_share(text: str, source: str | Excerpt, length: int = 30) -> float:
    """The fraction of a text's windows of `length` characters that occur in the source, 0 to 1.

    A window starts at every character; a text shorter than one window gives NaN. Thirty characters are most of a line
    of verse, more than two authors share by chance: no window of the 16 held-out sonnets occurs in the other 138.

    Raises:
        ValueError: length is below 1.

    Example:
        >>> from nnlite.text import copied_share
        >>> copied_share("abcdefg", "xxabcdxx", length=3)
        0.4
    """
    target = require_whole("length", length)
    require_source("source", source)
    if len(require_text("text", text)) < target:
        return float("nan")
    if text in source:
        return 1.0
    copied = sum(int(np.count_nonzero(found)) for _, found in _copied(text, source, target, seed=0))
    return copied / (len(text) - target + 1)


def _copied(text: str, source: str | Excerpt, length: int, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    """Which windows of the text occur in the source, True or False, piece by piece, each with its start."""
    for start in range(0, len(text), TEXT_PIECE):
        distinct, place = np.unique(_names(text, start, TEXT_PIECE, length, seed), return_inverse=True)
        wanted, found = _Lookup(distinct), np.zeros(len(distinct), bool)
        size = max(PIECE, length // 2)
        for source_start in range(0, len(source), size):
            found[wanted.places(_names(source, source_start, size, length, seed))] = True
        yield start, found[place]


class _Lookup:
    """Sorted names, to look others up."""

    def __init__(self, names: np.ndarray) -> None:
        bits = len(names).bit_length() + 3
        self._names, self._rest = np.sort(names), np.uint64(64 - bits)
        # One bit for each of many buckets: a search takes a hundred times as long as a look at this, which is small.
        is_taken = np.zeros(2**bits, bool)
        for key in KEYS:
            is_taken[names * key >> self._rest] = True
        self._is_taken = np.packbits(is_taken, bitorder="little")

    def places(self, names: np.ndarray) -> np.ndarray:
        """The places of those names that are here, in no order, some more than once."""
        for key in KEYS:
            bucket = names * key >> self._rest
            bit = self._is_taken[bucket >> np.uint64(3)] >> (bucket & np.uint64(7)).astype(np.uint8)
            names = names[(bit & 1).view(bool)]
        places = np.searchsorted(self._names, names)
        return places[self._names.take(places, mode="clip") == names] if len(self._names) else places[:0]


def _names(text: str | Excerpt, start: int, count: int, length: int, seed: int) -> np.ndarray:
    """The names, uint64, of the windows of so many characters that begin in a piece of a text: `count` or fewer."""
    mixer, half = np.uint64(MIXER * (2 * seed + 1) % 2**64), np.uint64(32)  # odd: then no two names become one
    names, named = code_points("text", text[start : start + count + length - 1]).view(np.uint64), 1
    while named < length:
        shift = min(named, length - named)
        longer = names[:-shift] * mixer
        longer += names[shift:]
        longer ^= longer >> half
        longer *= mixer
        names, named = longer, named + shift
    return names
