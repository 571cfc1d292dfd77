"""A part of a large text, without a copy of it."""

import itertools
from collections.abc import Iterator

from .arguments import PIECE, pieces, require_text, require_whole


def require_source(name: str, source: object, least: int = 0) -> "str | Excerpt":
    """The text to compare with: a str or an `Excerpt`, of at least that many characters."""
    if isinstance(source, Excerpt) and len(source) >= least:
        return source
    return require_text(name, source[:] if isinstance(source, Excerpt) else source, least)


class Excerpt:
    """Some characters of a text in a row: what `text[start:end]` holds, in no memory of its own.

    The statistics take one for the corpus or the source. It has a length, an index or a slice gives a str, and `in` and
    `find` search it; `excerpt[:]` is the text.

    Args:
        text: the whole text.
        start, end: from which character, and up to which, without it; at least 0, by default the whole text.

    Raises:
        TypeError, ValueError: start or end is no whole number of at least 0.

    Example:
        >>> from nnlite.text import Excerpt, longest_copy
        >>> training = Excerpt("shall i compare thee to a summer's day?", end=20)
        >>> training[:], len(training), "day" in training
        ('shall i compare thee', 20, False)
        >>> longest_copy("a day to compare", training)
        Copy(text=' compare', start=8, source_start=7)
    """

    def __init__(self, text: str, start: int = 0, end: int | None = None) -> None:
        self._text = require_text("text", text)
        self._end = len(text) if end is None else min(len(text), require_whole("end", end, least=0))
        self._start = min(self._end, require_whole("start", start, least=0))

    def __len__(self) -> int:
        return self._end - self._start

    def __getitem__(self, characters: int | slice) -> str:
        places = range(self._start, self._end)[characters]
        if isinstance(places, int):
            return self._text[places]
        first, last = sorted((places[0], places[-1])) if places else (0, -1)
        return self._text[first : last + 1][:: places.step]

    def __iter__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(piece for _, piece in pieces(self, PIECE))

    def __contains__(self, text: str) -> bool:
        return self.find(text) >= 0

    def find(self, text: str, start: int = 0) -> int:
        """Where a text begins for the first time, not before start; -1 if nowhere."""
        place = self._text.find(text, self._start + start, self._end)
        return place if place < 0 else place - self._start
