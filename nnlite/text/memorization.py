"""Detect memorization: how much of a text is copied verbatim from another.

A model with many weights and little training text memorizes the text and reproduces it: its training loss is low, and
its good poems are Shakespeare's. These functions detect that.

Both number the windows of the texts so that equal windows, and only those, have equal numbers, called names. The name
of a character is its code. The names of two windows of length l give the name of a window of length l to 2 l, since its
first l and last l characters cover it. So any length is reached by doubling, with one sort each: no text is a bad case.
(Karp, Miller and Rosenberg, Rapid identification of repeated patterns in strings, trees and arrays, 1972.)
"""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from .arguments import code_points, pieces, require_text, require_whole

PIECE = 250_000  # characters that are compared with as many: 20 MB, and faster than with a million, which take 80


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


def longest_copy(text: str, source: str) -> Copy:
    """The longest run of characters of a text, such as a model's output, that also occurs in its source.

    Of equally long runs, the first in the text, and its first occurrence in the source. An empty one at (0, 0) if the
    two have no character in common. Takes 0.1 to 0.3 s for texts of 100,000 characters each.

    Example:
        >>> from nnlite.text import clean_sonnets, longest_copy
        >>> longest_copy("i dare compare thee to a winter's day", clean_sonnets())
        Copy(text=' compare thee to a ', start=6, source_start=10544)
    """
    require_text("text", text)
    require_text("source", source)
    if text and text in source:
        return Copy(text, 0, source.find(text))
    best = Copy("", 0, 0)
    # A copied run is no longer than the shorter text, so each lies in one of the overlapping pieces of both.
    overlap = min(len(text), len(source))
    for start, part in pieces(text, max(PIECE, 4 * overlap), overlap):
        for source_start, source_part in pieces(source, max(PIECE, 4 * overlap), overlap):
            found = _longest(part, source_part)
            found = Copy(found.text, start + found.start, source_start + found.source_start)
            if (len(found.text), -found.start) > (len(best.text), -best.start) and found.text:
                best = found
    return best


def _longest(text: str, source: str) -> Copy:
    """`longest_copy` of texts that fit into memory several times."""
    names, length = (code_points("text", text), code_points("source", source)), 1
    if not np.isin(*names).any():
        return Copy("", 0, 0)
    while np.isin(*(longer := _extend(names, length, 2 * length))).any():
        names, length = longer, 2 * length

    # A run of `length` occurs in the source, and none twice as long. Parts of a copied run are copied, too: bisect.
    def is_too_long(size):
        return not np.isin(*_extend(names, length, size)).any()

    longest = bisect_left(range(2 * length), True, lo=length + 1, key=is_too_long) - 1
    in_text, in_source = _extend(names, length, longest)
    start = int(np.isin(in_text, in_source).argmax())
    source_start = int((in_source == in_text[start]).argmax())
    return Copy(text[start : start + longest], start, source_start)


def copied_share(text: str, source: str, length: int = 30) -> float:
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
    require_text("source", source)
    if len(require_text("text", text)) < target:
        return float("nan")
    if text in source:
        return 1.0
    size, copied = max(PIECE, 4 * target), 0
    for _, part in pieces(text, size, target - 1):  # each window is in one piece
        found = np.zeros(len(part) - target + 1, bool)
        for _, source_part in pieces(source, size, target - 1):
            names, length = (code_points("text", part), code_points("source", source_part)), 1
            while length < target:
                names, length = _extend(names, length, min(2 * length, target)), min(2 * length, target)
            found |= np.isin(*names)
        copied += int(found.sum())
    return copied / (len(text) - target + 1)


def _extend(names: tuple[np.ndarray, np.ndarray], length: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """From the names of windows of one length, the names of windows up to twice as long."""
    shift = target - length
    # A pair of names becomes one number, then its rank among all pairs, which keeps the numbers small.
    base = 1 + max((int(n.max()) for n in names if n.size), default=0)
    pairs = [n[: max(0, len(n) - shift)] * base + n[shift:] for n in names]
    ranks = np.unique(np.concatenate(pairs), return_inverse=True)[1]
    return ranks[: len(pairs[0])], ranks[len(pairs[0]) :]
