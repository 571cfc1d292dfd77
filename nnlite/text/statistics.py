"""Statistics: in numbers, how much a text looks like another one.

For a poem that a model wrote: does it use the letters as the corpus does, are its words words, are its lines lines, and
how much of it is copied?
"""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from dataclasses import dataclass

from .memorization import Copy, copied_share, longest_copy

__all__ = [
    "TextStatistics",
    "character_frequencies",
    "expected_total_variation",
    "line_lengths",
    "text_statistics",
    "total_variation",
    "words",
]

# Letters, with apostrophes inside: "o'er" and "summer's" are words, and of "'tis" it is "tis".
WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def character_frequencies(text: str) -> dict[str, float]:
    """How often each character occurs, in percent, the most frequent first.

    Where two are as frequent, the order is that of their code points. An empty text gives an empty dict.

    Raises:
        TypeError: text is not a str.

    Example:
        >>> from nnlite.text import character_frequencies, clean_sonnets
        >>> character_frequencies("abba\\n")
        {'a': 40.0, 'b': 40.0, '\\n': 20.0}
        >>> sonnets = character_frequencies(clean_sonnets())
        >>> list(sonnets)[:5], round(sonnets[" "], 1)
        ([' ', 'e', 't', 'o', 'h'], 17.0)
    """
    _require_str("text", text)
    counts = sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))
    return {character: 100 * count / len(text) for character, count in counts}


def total_variation(text: str, corpus: str) -> float:
    """The distance between two texts' distributions of characters, 0 (the same) to 1 (nothing is shared).

        d = 1/2 sum_c |p_c - q_c|,    p_c, q_c: the shares of character c in the one and in the other

    It is the part of the one text's characters that would have to be exchanged to get the other's distribution.

    Raises:
        TypeError: one of them is not a str.
        ValueError: one of them is empty.

    Example:
        >>> from nnlite.text import total_variation
        >>> total_variation("aabb", "aaab")
        0.25
    """
    p, q = _shares("text", text), _shares("corpus", corpus)
    return math.fsum(abs(p.get(c, 0) - q.get(c, 0)) for c in p.keys() | q.keys()) / 2


def expected_total_variation(corpus: str, length: int) -> float:
    """How far from a corpus a text of that length is to be expected when each character is drawn from it by itself.

    A short text differs from the corpus even if nothing is wrong with it: this says by how much, so that a distance can
    be judged. Of n drawn characters, X_c are a c, a binomial number of mean n p_c. The expectation of

        d = 1/2 sum_c |X_c / n - p_c|

    is the sum of those of its terms, and for each there is a formula, exact:

        E |X_c - n p_c| = 2 k (n over k) p_c^k (1 - p_c)^(n - k + 1),    k = floor(n p_c) + 1

    No simulation is needed. But the characters of a text are not drawn by themselves: a poem comes back to its words,
    and so to their letters. Real text lies above this, the more so the longer it is. For pieces of 600 characters of
    the sonnets it is 0.080, and their mean distance to the rest 0.081; for 10,000 characters 0.019 and 0.024, up to
    0.034.

    Args:
        corpus: where the probabilities p_c come from.
        length: n, at least 1.

    Raises:
        TypeError: corpus is not a str, or length not an integer.
        ValueError: corpus is empty, or length below 1.

    Source: De Moivre, Miscellanea analytica, 1730; Diaconis and Zabell, Closed form summation for classical
    distributions, 1991.

    Example:
        >>> from nnlite.text import clean_sonnets, expected_total_variation
        >>> expected_total_variation("ab", 1)  # "a" or "b": half of the corpus is missing
        0.5
        >>> [round(expected_total_variation(clean_sonnets(), n), 3) for n in (600, 10_000)]
        [0.08, 0.019]
    """
    shares = _shares("corpus", corpus)
    try:
        n = operator.index(length)
    except TypeError:
        raise TypeError(f"length must be an integer, got {length!r}") from None
    if n < 1:
        raise ValueError(f"length must be at least 1, got {n}")
    return math.fsum(_mean_deviation(n, p) for p in shares.values()) / (2 * n)


def _mean_deviation(n: int, p: float) -> float:
    """E |X - n p| of a binomial X."""
    if p == 1:
        return 0.0
    k = math.floor(n * p) + 1
    if k > n:  # n p rounded up to n
        return 0.0
    log_choices = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return 2 * k * math.exp(log_choices + k * math.log(p) + (n - k + 1) * math.log1p(-p))


def words(text: str) -> list[str]:
    """The words of a text, in its order and in lower case.

    A word is a run of letters, with apostrophes inside: "o'er" is one, "self-love" two, and of "'tis" it is "tis".

    Raises:
        TypeError: text is not a str.

    Example:
        >>> from nnlite.text import words
        >>> words("'Tis thy self-love, that's o'er.")
        ['tis', 'thy', 'self', 'love', "that's", "o'er"]
    """
    _require_str("text", text)
    return WORD.findall(text.lower())


def line_lengths(text: str) -> list[int]:
    """How many characters each line has that is not blank: its indent counts, the line break does not.

    What follows the last line break is a line, too; of a generated text it is an unfinished one.

    Raises:
        TypeError: text is not a str.

    Example:
        >>> from nnlite.text import line_lengths
        >>> line_lengths("one\\n\\n  three\\n")
        [3, 7]
    """
    return [len(line) for line in _lines(text) if line.strip()]


@dataclass(frozen=True)
class TextStatistics:
    """A text in numbers, beside a corpus, as `text_statistics` gives them. Shares are from 0 to 1.

    What there is nothing to take a share or a mean of is NaN: the share of known words where there is no word, say.

    Attributes:
        characters: how many there are.
        frequencies: of each character, in percent: `character_frequencies`.
        distance: to the corpus' distribution of characters: `total_variation`.
        expected_distance: of as many characters that are drawn from the corpus: `expected_total_variation`.
        words: how many there are.
        known_words: the share of them that occur in the corpus.
        lines: how many there are, without blank ones.
        line_lengths: how many lines there are of each length, the shortest first.
        line_length_mean, line_length_deviation: of these lines, in characters. The standard deviation is that of all
            there are, not an estimate for others.
        indented_lines: the share of these lines that begin with a space or a tab.
        blank_lines: how many lines are empty, or hold nothing but spaces.
        copied: the longest run that stands in the source: `longest_copy`.
        copied_windows: the share of windows of 30 characters that stand in the source: `copied_share`.

    Example:
        >>> from nnlite.text import text_statistics
        >>> statistics = text_statistics("thou art\\nmine arb\\n", "thou art mine\\n")
        >>> statistics.words, statistics.known_words, statistics.line_length_mean, statistics.copied.text
        (4, 0.75, 8.0, 'thou art')
    """

    characters: int
    frequencies: dict[str, float]
    distance: float
    expected_distance: float
    words: int
    known_words: float
    lines: int
    line_lengths: dict[int, int]
    line_length_mean: float
    line_length_deviation: float
    indented_lines: float
    blank_lines: int
    copied: Copy
    copied_windows: float


def text_statistics(text: str, corpus: str, source: str | None = None) -> TextStatistics:
    """All statistics of a text beside a corpus.

    Args:
        text: at least one character, such as what a model wrote. 10,000 are good: the more, the less is chance.
        corpus: what it ought to look like; characters are compared as they are, words without regard to capitals.
        source: what may have been copied, where that is not the whole corpus: of a model that was not trained on all of
            it, the part that it was.

    Raises:
        TypeError: one of them is not a str.
        ValueError: text or corpus is empty.

    Example:
        >>> from nnlite.text import split_poems, text_statistics
        >>> training, held_out = split_poems()
        >>> statistics = text_statistics(held_out, training)
        >>> round(statistics.distance, 3), round(statistics.known_words, 2), round(statistics.line_length_mean)
        (0.02, 0.88, 42)
        >>> statistics.copied.text, statistics.copied_windows
        (' straight, though th', 0.0)
    """
    source = corpus if source is None else source
    distance = total_variation(text, corpus)  # first, as it refuses what is no text
    found, known = words(text), set(words(corpus))
    lengths, lines = line_lengths(text), _lines(text)
    verse = [line for line in lines if line.strip()]
    mean = _mean(lengths)
    return TextStatistics(
        characters=len(text),
        frequencies=character_frequencies(text),
        distance=distance,
        expected_distance=expected_total_variation(corpus, len(text)),
        words=len(found),
        known_words=_mean([word in known for word in found]),
        lines=len(verse),
        line_lengths=dict(sorted(Counter(lengths).items())),
        line_length_mean=mean,
        line_length_deviation=math.sqrt(_mean([(length - mean) ** 2 for length in lengths])),
        indented_lines=_mean([line[0] in " \t" for line in verse]),
        blank_lines=len(lines) - len(verse),
        copied=longest_copy(text, source),
        copied_windows=copied_share(text, source),
    )


def _lines(text: str) -> list[str]:
    """The lines without their line breaks. Not `splitlines`, to which a form feed is one, too."""
    _require_str("text", text)
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _shares(name: str, text: str) -> dict[str, float]:
    _require_str(name, text)
    if not text:
        raise ValueError(f"{name} is empty: it has no distribution of characters")
    return {character: count / len(text) for character, count in Counter(text).items()}


def _mean(numbers: list) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _require_str(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__}")
