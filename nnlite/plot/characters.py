"""Visible names and signs for all characters in plots."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from nnlite.utils import of_its_kinds

NAMES = {" ": "space", "\n": "new line", "\t": "tab", "\r": "return", "\u00a0": "hard space"}
SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}
OTHER = "�"  # any other character without a visible form


@of_its_kinds
def character_name(character: str) -> str:
    """The name of a character; visible characters are their own names.

    Example:
        >>> from nnlite.plot import character_name
        >>> [character_name(character) for character in "a\\n\\x07"]
        ['a', 'new line', 'U+0007']
    """
    if character in NAMES:
        return NAMES[character]
    # Control characters, combining accents and similar have no visible form. A grapheme begins with what has one.
    if unicodedata.category(character[0])[0] in "LNPS":
        return character
    return " ".join(f"U+{ord(code_point):04X}" for code_point in character)


def character_sign(character: str) -> str:
    """A single visible sign for a character, where its name is too long."""
    return SIGNS.get(character, character if character_name(character) == character else OTHER)


def signs_explained(characters: Iterable[str]) -> str:
    """The legend of the signs, such as " (␣ space, ↵ new line)"; empty if all characters are visible."""
    read = set(characters)
    words = [f"{sign} {NAMES[c]}" for c, sign in SIGNS.items() if c in read]
    others = sorted(character_name(c) for c in read if character_sign(c) == OTHER != c)
    words += [f"{OTHER} {' or '.join(others)}"] if others else []
    return f" ({', '.join(words)})" if words else ""
