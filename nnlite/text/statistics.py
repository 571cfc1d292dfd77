"""Compare a text with a corpus: frequencies of characters, known words, line lengths, copied parts.

For generated poems: are the letters as frequent, the words real and the lines as long as in the corpus; what is copied?
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nnlite.notebook import Shown, Table
from nnlite.utils import kinds_of

from .arguments import PIECE, require_text, require_whole
from .excerpt import Excerpt, require_source
from .graphemes import split_graphemes
from .memorization import Copy, copied_share, longest_copy

# Letters of scripts that put no spaces between words: a run of them is a clause, and only a dictionary tells its words.
# Thai and Lao, Burmese, Khmer, Japanese, Chinese.
UNSPACED = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
JOINERS = "\u200c\u200d"  # inside of words in Persian and in India


@kinds_of("graphemes")
def character_frequencies(text: str, graphemes: bool = False) -> dict[str, float]:
    """The frequency of each character in percent, most frequent first.

    Equally frequent characters are sorted by code point. An empty text gives an empty dict.

    Args:
        graphemes: count what a reader takes for one character, see `split_graphemes`, instead of code points.

    Example:
        >>> from nnlite.text import character_frequencies, clean_sonnets
        >>> character_frequencies("abba\\n")
        {'a': 40.0, 'b': 40.0, '\\n': 20.0}
        >>> sonnets = character_frequencies(clean_sonnets())
        >>> list(sonnets)[:5], round(sonnets[" "], 1)
        ([' ', 'e', 't', 'o', 'h'], 17.0)
    """
    counts = Counter(_units("text", text, graphemes))
    length = counts.total()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {character: 100 * count / length for character, count in ordered}


def total_variation(text: str, corpus: str | Excerpt, graphemes: bool = False) -> float:
    """The distance between the character distributions of two texts, from 0 (equal) to 1 (disjoint).

        d = 1/2 sum_c |p_c - q_c|,    p_c, q_c: the shares of character c in the two texts

    It is the fraction of characters that must be replaced in one text to get the distribution of the other.

    Args:
        graphemes: as in `character_frequencies`.

    Raises:
        ValueError: text or corpus is empty.

    Example:
        >>> from nnlite.text import total_variation
        >>> total_variation("aabb", "aaab")
        0.25
    """
    p, q = _shares("text", text, graphemes), _shares("corpus", corpus, graphemes)
    return math.fsum(abs(p.get(c, 0) - q.get(c, 0)) for c in p.keys() | q.keys()) / 2


def expected_total_variation(corpus: str | Excerpt, length: int, graphemes: bool = False) -> float:
    """The expected distance between a corpus and a text of `length` characters drawn independently from it.

    A short text differs from the corpus by chance alone. This function says by how much: a scale for distances. If p_c
    is the share of character c in the corpus, X_c of the n = `length` drawn characters are c, binomial with mean n p_c.
    The expectation of

        d = 1/2 sum_c |X_c / n - p_c|

    is the sum of the expectations of its terms, each with an exact formula:

        E |X_c - n p_c| = 2 k (n over k) p_c^k (1 - p_c)^(n - k + 1),    k = floor(n p_c) + 1

    Characters of real text are not independent: a poem repeats its words, and so their letters. So real text lies
    further away, the more the longer it is. For parts of the sonnets with 600 characters the expectation is 0.080 and
    their mean distance to the rest 0.081; for 10,000 characters 0.019 and 0.024, at most 0.034.

    Args:
        graphemes: as in `character_frequencies`; then `length` is a number of graphemes.

    Raises:
        ValueError: corpus is empty, or length is below 1.

    Source: De Moivre, Miscellanea analytica, 1730; Diaconis and Zabell, Closed form summation for classical
    distributions, 1991.

    Example:
        >>> from nnlite.text import clean_sonnets, expected_total_variation
        >>> expected_total_variation("ab", 1)  # "a" or "b": half of the corpus is missing
        0.5
        >>> [round(expected_total_variation(clean_sonnets(), n), 3) for n in (600, 10_000)]
        [0.08, 0.019]
    """
    shares = _shares("corpus", corpus, graphemes)
    n = require_whole("length", length)
    return math.fsum(_mean_deviation(n, p) for p in shares.values()) / (2 * n)


def _mean_deviation(n: int, p: float) -> float:
    """E |X - n p| of a binomial X."""
    if p == 1:
        return 0.0
    k = math.floor(n * p) + 1  # at most n: for p < 1 n p is never rounded up to n
    log_choices = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return 2 * k * math.exp(log_choices + k * math.log(p) + (n - k + 1) * math.log1p(-p))


def words(text: str) -> list[str]:
    """The words of a text in order, in lower case.

    A word is a run of letters with apostrophes inside: "o'er" is one word, "self-love" is two, "'tis" gives "tis".
    Accents and vowel signs that are code points of their own belong to their letters. Scripts that are written without
    spaces, such as Chinese, Japanese and Thai, have no such runs: their letters are in no word.

    Example:
        >>> from nnlite.text import words
        >>> words("'Tis thy self-love, that's o'er.")
        ['tis', 'thy', 'self', 'love', "that's", "o'er"]
    """
    return list(_words(text))


def _words(text: str | Excerpt) -> Iterator[str]:
    """The words one by one, some lines at a time: all those of a large text take several times its memory."""
    characters = set("".join(set(require_source("text", text))).lower())
    marks = "".join(sorted(c for c in characters if unicodedata.category(c)[0] == "M"))
    letter, start = rf"[^\W\d_{UNSPACED}][{JOINERS}{marks}]*", 0
    word = re.compile(rf"(?:{letter})+(?:['\u2019](?:{letter})+)*")
    while start < len(text):
        end = text.find("\n", start + PIECE) + 1 or len(text)
        yield from (found[0] for found in word.finditer(text[start:end].lower()))
        start = end


@kinds_of("graphemes")
def line_lengths(text: str, graphemes: bool = False) -> list[int]:
    """The length of each non-blank line in characters, with indent and without line break.

    Text after the last line break counts as a line; in a generated text it is unfinished.

    Args:
        graphemes: as in `character_frequencies`.

    Example:
        >>> from nnlite.text import line_lengths
        >>> line_lengths("one\\n\\n  three\\n")
        [3, 7]
    """
    return [sum(1 for _ in _units("text", line, graphemes)) for line in _lines(text) if line.strip()]


@dataclass(frozen=True, repr=False)
class TextStatistics(Shown):
    """Statistics of a text compared with a corpus, returned by `text_statistics`. Prints as a table of the numbers.

    Shares are from 0 to 1. A share or mean of nothing is NaN, such as the share of known words in a text without words.

    Attributes:
        characters: number of characters, or of graphemes if these were asked for.
        frequencies: `character_frequencies`, in percent.
        distance: `total_variation` between text and corpus.
        expected_distance: `expected_total_variation` for as many characters.
        words: number of words.
        known_words: share of the words that occur in the corpus.
        lines: number of non-blank lines.
        line_lengths: number of lines of each length, shortest first.
        line_length_mean, line_length_deviation: mean and population standard deviation, in characters.
        indented_lines: share of the non-blank lines that begin with a space or a tab.
        blank_lines: number of lines that are empty or contain only whitespace.
        copied: `longest_copy` from the source.
        copied_windows: `copied_share` of windows of 30 characters.

    Example:
        >>> from nnlite.text import text_statistics
        >>> statistics = text_statistics("thou art\\nmine arb\\n", "thou art mine\\n")
        >>> statistics.words, statistics.known_words, statistics.line_length_mean, statistics.copied.text
        (4, 0.75, 8.0, 'thou art')
        >>> print("\\n".join(str(statistics).splitlines()[4:6]))
        words                     4
          in the corpus           75.0 %
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

    def _table(self):
        often = ", ".join(f"{character!r} {share:.1f} %" for character, share in [*self.frequencies.items()][:5])
        length, deviation = self.line_length_mean, self.line_length_deviation
        rows = {
            "characters": f"{self.characters:,}",
            "  most frequent": often,
            "  distance to the corpus": f"{self.distance:.3f}",
            "  distance by chance": f"{self.expected_distance:.3f}",
            "words": f"{self.words:,}",
            "  in the corpus": _percent(self.known_words),
            "lines": f"{self.lines:,}",
            "  characters in a line": f"{length:.1f}, deviation {deviation:.1f}" if self.lines else "-",
            "  indented": _percent(self.indented_lines),
            "blank lines": f"{self.blank_lines:,}",
            "longest copied run": f"{len(self.copied.text):,}: {self.copied.text!r}",
            "copied windows of 30": _percent(self.copied_windows),
        }
        return Table([*rows.items()])


def text_statistics(
    text: str, corpus: str | Excerpt, source: str | Excerpt | None = None, graphemes: bool = False
) -> TextStatistics:
    """All statistics of a text compared with a corpus.

    Args:
        text: at least one character, such as a model's output. With 10,000 characters chance matters little.
        corpus: the text to compare with, or an `Excerpt` of it. Characters are case-sensitive, words are not.
        source: the text to look for copies of, by default the corpus; give the training text if it is only a part.
        graphemes: count what a reader takes for one character, see `split_graphemes`, instead of code points; copies
            are counted in code points in any case.

    Raises:
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
    distance = total_variation(text, corpus, graphemes)  # first: it checks text and corpus
    copied, copied_windows = longest_copy(text, source), copied_share(text, source)  # before there are lists of lines
    characters = sum(1 for _ in split_graphemes(text)) if graphemes else len(text)
    found, known = Counter(_words(text)), set(_words(corpus))
    lengths = line_lengths(text, graphemes)
    indented = [line[0] in " \t" for line in _lines(text) if line.strip()]
    mean = _mean(lengths)
    return TextStatistics(
        characters=characters,
        frequencies=character_frequencies(text, graphemes),
        distance=distance,
        expected_distance=expected_total_variation(corpus, characters, graphemes),
        words=found.total(),
        known_words=sum(n for word, n in found.items() if word in known) / found.total() if found else math.nan,
        lines=len(lengths),
        line_lengths=dict(sorted(Counter(lengths).items())),
        line_length_mean=mean,
        line_length_deviation=math.sqrt(_mean([(length - mean) ** 2 for length in lengths])),
        indented_lines=_mean(indented),
        blank_lines=sum(1 for _ in _lines(text)) - len(lengths),
        copied=copied,
        copied_windows=copied_windows,
    )


def _lines(text: str) -> Iterator[str]:
    """The lines without their line breaks, one by one. Not `splitlines`, which also splits at form feeds."""
    start, length = 0, len(require_text("text", text))
    while start < length:
        end = text.find("\n", start)
        end = length if end < 0 else end
        yield text[start:end]
        start = end + 1


def _shares(name: str, text: str | Excerpt, graphemes: bool) -> dict[str, float]:
    require_source(name, text, least=1)
    counts = Counter(_units(name, text, graphemes))
    length = counts.total()
    return {character: count / length for character, count in counts.items()}


def _units(name: str, text: str | Excerpt, graphemes: bool) -> Iterable[str]:
    """The characters of a text, by code points or as a reader sees them."""
    return split_graphemes(text[:]) if graphemes else require_source(name, text)


def _mean(numbers: list) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"
