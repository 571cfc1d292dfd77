"""Concepts: what a unit may tell of a text, and what in the model's own writing shows whether it is needed."""

import inspect
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MARKS = ",.;:!?"


@dataclass(frozen=True)
class Concept:
    """Something that a unit may follow while a model reads: a label for each character, and a count.

    Attributes:
        labels: a function of a text, that returns for each character what the model could know after reading it: a
            number, True or False, or NaN where there is nothing to know. A function that needs a second argument, p,
            gets the model's probabilities of the next character as well, (T, V).
        count: a function of a text that the model wrote, which returns a number: what may change when a unit is held.
            By default the mean of the labels.
        counted: the name of this number, such as "line breaks".

    Example:
        >>> from nnlite.inspect import Concept
        >>> hissing = Concept(lambda text: [c in "sz" for c in text], lambda text: text.count("s"), "letters s")
        >>> hissing.of("zest")
        array([1., 0., 1., 0.])
        >>> hissing.counts("zest")
        1.0
    """

    labels: Callable
    count: Callable[[str], float] | None = None
    counted: str = "mean label"

    @property
    def takes_p(self) -> bool:
        """Whether the labels need the model's probabilities."""
        needed = [one for one in inspect.signature(self.labels).parameters.values() if one.default is one.empty]
        return len(needed) > 1

    def of(self, text: str, p: np.ndarray | None = None) -> np.ndarray:
        """The labels of a text, float64 (T,).

        Raises:
            ValueError: there is not one for each character, or one is no number, or infinite.
        """
        given = self.labels(text, p) if self.takes_p else self.labels(text)
        try:
            labels = np.asarray(given, np.float64)
            got = f"shape {labels.shape}" if labels.shape != (len(text),) else "infinity" * bool(np.isinf(labels).any())
        except (TypeError, ValueError):
            got = f"{given!r:.40}"
        if got:
            raise ValueError(
                f"concepts: expected a label for each of {len(text)} characters, a number, got {got} from "
                f"{getattr(self.labels, '__name__', self.labels)}: give NaN where there is nothing to know"
            )
        return labels

    def counts(self, text: str, p: np.ndarray | None = None) -> float:
        """The count in a text that the model wrote; NaN if there is nothing to count."""
        if self.count is not None:
            return float(self.count(text))
        labels = self.of(text, p)
        return _ratio(np.nansum(labels), (~np.isnan(labels)).sum())


def _is(text, characters):
    return np.array([c in characters for c in text], bool)


def _in_word(text):
    return np.array([c.isalnum() or c in "'’" for c in text], bool)


def _since(starts):
    """For each place the number of steps since the last start, which has 0; the text starts at 1."""
    places = np.arange(len(starts))
    return places - np.maximum.accumulate(np.where(starts, places, -1))


def _next(yes):
    """Whether it is so of the next character."""
    return np.append(yes[1:], False)


def _since_in(yes, parts):
    """Whether it has been so since the last character that is no part, such as an apostrophe since the last space."""
    return _since(yes) < _since(~parts)  # no part: 0 steps since itself


def place_in_line(text: str) -> np.ndarray:
    """The number of characters since the last line break."""
    return _since(_is(text, "\n"))


def line_break_next(text: str) -> np.ndarray:
    """Whether a line break comes next."""
    return _next(_is(text, "\n"))


def place_in_word(text: str) -> np.ndarray:
    """Which letter of its word it is, from 1; 0 between words."""
    return _since(~_in_word(text))


def word_ends(text: str) -> np.ndarray:
    """In a word: whether this is its last letter."""
    inside = _in_word(text)
    return np.where(inside, ~_next(inside), np.nan)


def vowel(text: str) -> np.ndarray:
    """Whether it is a, e, i, o or u, perhaps with an accent."""
    return _is((unicodedata.normalize("NFD", c)[0].lower() for c in text), "aeiou")


def in_couplet(text: str) -> np.ndarray:
    """Whether its line is indented, as the couplets of the sonnets are."""
    lines = text.split("\n")
    return np.concatenate([np.full(len(line) + 1, line.startswith((" ", "\t"))) for line in lines])[: len(text)]


def indent_next(text: str) -> np.ndarray:
    """At a line break: whether the line that comes is indented."""
    return np.where(_is(text, "\n"), _next(_is(text, " \t")), np.nan)


def after_apostrophe(text: str) -> np.ndarray:
    """Whether its word has had an apostrophe."""
    return _since_in(_is(text, "'’"), _in_word(text))


def mark_next(text: str) -> np.ndarray:
    """Whether a comma, stop or other punctuation mark comes next."""
    return _next(_is(text, MARKS))


def after_mark(text: str) -> np.ndarray:
    """Whether its line has had a punctuation mark."""
    return _since_in(_is(text, MARKS), ~_is(text, "\n"))


def in_brackets(text: str) -> np.ndarray:
    """Whether a bracket is open."""
    return np.cumsum(_is(text, "([{").astype(int) - _is(text, ")]}")) > 0


def in_quotes(text: str) -> np.ndarray:
    """Whether a double quotation mark is open."""
    return np.cumsum(_is(text, '"')) % 2 == 1


def capital(text: str) -> np.ndarray:
    """Whether it is a capital letter."""
    return np.array([c.isupper() for c in text], bool)


def uncertainty(text: str, p: np.ndarray) -> np.ndarray:
    """The entropy of the next character, in nats."""
    return np.array([-(row * np.log(np.where(row > 0, row, 1))).sum() for row in p])  # (T, V) once is enough memory


def _ratio(number, of):
    return float(number / of) if of else np.nan


def _how_many(characters):
    return lambda text: sum(map(text.count, characters))


def _letters_in_a_word(text):
    words = [word.strip(MARKS) for word in text.split()]
    return _ratio(sum(map(len, words)), len(words))


def _letters_after_an_apostrophe(text):
    many = _how_many("'’")(text)
    return _ratio(after_apostrophe(text).sum() - many, many)


_BREAKS = _how_many("\n"), "line breaks"
_WORDS = _letters_in_a_word, "letters in a word"
_MARKS = _how_many(MARKS), "punctuation marks"
_INDENTED = (lambda text: text.count("\n ") + text.count("\n\t")), "indented lines"

CONCEPTS = {
    "place in the line": Concept(place_in_line, *_BREAKS),
    "line break comes next": Concept(line_break_next, *_BREAKS),
    "place in the word": Concept(place_in_word, *_WORDS),
    "end of the word": Concept(word_ends, *_WORDS),
    "vowel": Concept(vowel, lambda text: vowel(text).sum(), "vowels"),
    "after an apostrophe": Concept(after_apostrophe, _letters_after_an_apostrophe, "letters after it"),
    "punctuation comes next": Concept(mark_next, *_MARKS),
    "punctuation in this line": Concept(after_mark, *_MARKS),
    "capital letter": Concept(capital, lambda text: capital(text).sum(), "capital letters"),
    "inside brackets": Concept(in_brackets, _how_many("()[]{}"), "brackets"),
    "inside quotation marks": Concept(in_quotes, _how_many('"'), "quotation marks"),
    "inside a couplet": Concept(in_couplet, *_INDENTED),
    "indent comes next": Concept(indent_next, *_INDENTED),
    "how unsure the model is": Concept(uncertainty, counted="nats of entropy"),
}


def concepts() -> dict[str, Concept]:
    """The concepts that `units` looks for, by name: a new dict, to add one's own to.

    Example:
        >>> from nnlite.inspect import concepts
        >>> list(concepts())[:3]
        ['place in the line', 'line break comes next', 'place in the word']
        >>> mine = concepts() | {"after th": lambda text: [text[:t].endswith("th") for t in range(len(text))]}
    """
    return dict(CONCEPTS)
