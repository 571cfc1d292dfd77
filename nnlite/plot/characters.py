"""Characters in pictures: all of them can be seen, and called by a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["character_name", "character_sign", "signs_explained"]

NAMES = {" ": "space", "\n": "new line", "\t": "tab", "\r": "return", "\u00a0": "hard space"}
SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}
OTHER = "�"  # whatever else has no picture of its own


def character_name(character: str) -> str:
    """What to call a character: itself where it can be seen.

    Example:
        >>> from nnlite.plot import character_name
        >>> [character_name(character) for character in "a\\n\\x07"]
        ['a', 'new line', 'U+0007']
    """
    if character in NAMES:
        return NAMES[character]
    # Control characters, combining accents and their like have no picture of their own.
    return character if unicodedata.category(character)[0] in "LNPS" else f"U+{ord(character):04X}"


def character_sign(character: str) -> str:
    """One sign in a character's place, where a name is too long: itself where it can be seen."""
    return SIGNS.get(character, character if character_name(character) == character else OTHER)


def signs_explained(characters: Iterable[str]) -> str:
    """Which signs stand for what, such as " (␣ space, ↵ new line)"; nothing, where all stand for themselves."""
    read = set(characters)
    words = [f"{sign} {NAMES[c]}" for c, sign in SIGNS.items() if c in read]
    others = sorted(character_name(c) for c in read if character_sign(c) == OTHER != c)
    words += [f"{OTHER} {' or '.join(others)}"] if others else []
    return f" ({', '.join(words)})" if words else ""
