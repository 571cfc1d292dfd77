"""Copying: how much of a text stands, word for word, in another.

A model with many weights and little to read learns its text by heart, and then writes it down again. Its loss on that
text is low, its poems are good: they are Shakespeare's. These functions find it out.

Both give *names* to windows, numbers that are equal where windows are equal. The name of a character is its code. Two
names of windows of length l make one for a window of length l to 2 l, as its first l and its last l characters cover
it. So a length is reached by doubling, each time by one sort: nothing is compared character by character, and no text
is a bad case. (Karp, Miller and Rosenberg, Rapid identification of repeated patterns in strings, trees and arrays,
1972.)
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np

__all__ = ["Copy", "copied_share", "longest_copy"]


class Copy(NamedTuple):
    """A run of characters that stands in two texts, as `longest_copy` finds it.

    Attributes:
        text: the run.
        start: where it begins in the text.
        source_start: where it first begins in the source.

    Example:
        >>> from nnlite.text import Copy
        >>> len(Copy(text="thou art", start=3, source_start=700).text)
        8
    """

    text: str
    start: int
    source_start: int


def longest_copy(text: str, source: str) -> Copy:
    """The longest run of characters of a text that also stands in the source.

    Of several as long, the first in the text, and its first place in the source. Takes the time of some sorts:
    0.1 to 0.3 s for 100,000 characters in as many.

    Args:
        text: such as what a model wrote.
        source: such as what it was trained on.

    Returns:
        `Copy`, with an empty text, at (0, 0), where the two have no character in common.

    Raises:
        TypeError: one of them is not a str.

    Example:
        >>> from nnlite.text import clean_sonnets, longest_copy
        >>> longest_copy("i dare compare thee to a winter's day", clean_sonnets())
        Copy(text=' compare thee to a ', start=6, source_start=10544)
    """
    names, length = _codes(text, source), 1
    if not _stands(*names).any():
        return Copy("", 0, 0)
    while _stands(*(longer := _extend(names, length, 2 * length))).any():
        names, length = longer, 2 * length
    # Some run of `length` stands in the source, and none twice as long. What is copied has its parts copied, too.
    shortest, too_long, found = length, 2 * length, names
    while too_long - shortest > 1:
        middle = (shortest + too_long) // 2
        tried = _extend(names, length, middle)
        if _stands(*tried).any():
            shortest, found = middle, tried
        else:
            too_long = middle
    start = int(_stands(*found).argmax())
    source_start = int((found[1] == found[0][start]).argmax())
    return Copy(text[start : start + shortest], start, source_start)


def copied_share(text: str, source: str, length: int = 30) -> float:
    """The share of a text's windows of so many characters that stand in the source, 0 to 1.

    A window begins at every character. Thirty characters are most of a line of verse, far beyond what two people write
    alike by chance: none of the windows of the 16 sonnets that are held out stands in the other 138.

    Returns:
        NaN where the text is shorter than a window.

    Raises:
        TypeError: text or source is not a str, or length not an integer.
        ValueError: length is below 1.

    Example:
        >>> from nnlite.text import copied_share
        >>> copied_share("abcdefg", "xxabcdxx", length=3)
        0.4
    """
    try:
        target = operator.index(length)
    except TypeError:
        raise TypeError(f"length must be an integer, got {length!r}") from None
    if target < 1:
        raise ValueError(f"length must be at least 1, got {target}")
    names, length = _codes(text, source), 1
    if len(text) < target:
        return float("nan")
    while length < target:
        names, length = _extend(names, length, min(2 * length, target)), min(2 * length, target)
    return float(_stands(*names).mean())


def _codes(text: str, source: str) -> tuple[np.ndarray, np.ndarray]:
    """The names of windows of length 1, in the text and in the source: int64, (L,) each."""
    for name, value in (("text", text), ("source", source)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, got {type(value).__name__}")
    # Each character takes four bytes in UTF-32 (a lone surrogate passes, too).
    codes = (np.frombuffer(value.encode("utf-32-le", "surrogatepass"), "<u4") for value in (text, source))
    return tuple(code.astype(np.int64) for code in codes)


def _extend(names: tuple[np.ndarray, np.ndarray], length: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """From the names of windows of one length, those of another, up to twice as long."""
    shift = target - length
    # A pair of names as one number, and then as its place among those that there are: so numbers stay small.
    base = 1 + max((int(n.max()) for n in names if n.size), default=0)
    pairs = [n[: max(0, len(n) - shift)] * base + n[shift:] for n in names]
    ranks = np.unique(np.concatenate(pairs), return_inverse=True)[1]
    return ranks[: len(pairs[0])], ranks[len(pairs[0]) :]


def _stands(windows: np.ndarray, source: np.ndarray) -> np.ndarray:
    """For each window of the text, whether it stands in the source, by its name."""
    return np.isin(windows, source)
