"""Graphemes: what a reader takes for one character, which can be several code points."""

from collections.abc import Iterator

from nnlite import extras

from .arguments import require_text


def split_graphemes(text: str) -> Iterator[str]:
    """The graphemes of a text, in order: what a reader takes for one character each.

    A flag, a family of emojis, a letter with a combining accent, or a Devanagari consonant with its vowel are one
    grapheme and several code points. Models of this package read and write code points.

    Raises:
        ImportError: the package regex, which knows Unicode's rules, is not installed.

    Source: Unicode Standard Annex 29, Unicode text segmentation: extended grapheme clusters.

    Example:
        >>> from nnlite.text import split_graphemes
        >>> try:
        ...     graphemes = list(split_graphemes("he\\u0301las \\U0001f1eb\\U0001f1f7"))
        ... except ImportError:  # regex is an optional extra
        ...     graphemes = ["h", "e\\u0301", "l", "a", "s", " ", "\\U0001f1eb\\U0001f1f7"]
        >>> len(graphemes), len("".join(graphemes))
        (7, 9)
    """
    require_text("text", text)
    extras.require("graphemes")
    import regex

    return (match[0] for match in regex.finditer(r"\X", text))
