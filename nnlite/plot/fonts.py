"""Fonts for characters that matplotlib's own font lacks, such as Chinese ones: any that the machine has."""

from __future__ import annotations

import functools
import warnings
from typing import Any

MOST = 20  # characters that a warning names

# Fonts of matplotlib that draw something else for a letter, or the same box for every one.
NO_LETTERS = ("Last Resort", "STIXNonUnicode", "STIXSize", "cmb10", "cmex10", "cmmi10", "cmsy10", "cmtt10", "cmti10")


def lend_fonts(figure: Any) -> set[str]:
    """Give the texts of a figure further fonts for the characters that theirs lack.

    Args:
        figure: a matplotlib Figure, with all its texts.

    Returns:
        The characters that no font of the machine has. matplotlib draws boxes for them, and warns of each.
    """
    from matplotlib.text import Text

    nowhere: set[str] = set()
    for text in figure.findobj(Text):
        content = text.get_text()
        if content.isascii():
            continue
        own = tuple(text.get_fontfamily())
        visible = frozenset(c for c in content if c.isprintable())
        families, missing = _families(visible - _found_in(own, visible))
        nowhere |= missing
        if families:
            text.set_fontfamily([*own, *families])
    return nowhere


def warn_of(characters: set[str]) -> None:
    """Warn once of all the characters that no font has."""
    named = " ".join(sorted(characters)[:MOST]) + (" ..." if len(characters) > MOST else "")
    warnings.warn(
        f"no font on this machine has {len(characters)} of the characters in the picture, and boxes stand for them: "
        f"{named}. Install a font that has them, such as Noto Sans CJK for Chinese, Japanese and Korean",
        stacklevel=5,  # through `of_its_kinds`, too
    )


@functools.lru_cache(maxsize=64)
def _families(missing):
    """Names of fonts that have the missing characters, and those characters that none has."""
    from matplotlib import font_manager

    plain: dict[str, str] = {}  # a file for each family: the upright one, if there is
    for font in sorted(font_manager.fontManager.ttflist, key=lambda font: font.style != "normal"):
        plain.setdefault(font.name, font.fname)
    families: list[str] = []
    for name in sorted(name for name in plain if not name.startswith(NO_LETTERS)):
        if missing and (found := _found_in_file(plain[name], missing)):
            families.append(name)
            missing -= found
    return families, missing


def _found_in(families, characters):
    """Those of the characters that matplotlib finds in the fonts of some families."""
    from matplotlib import font_manager

    found: set[str] = set()
    for family in families:
        one_font = font_manager.FontProperties(family=[family])  # in a list: a single text is a pattern
        try:
            path = font_manager.findfont(one_font, fallback_to_default=False)
        except ValueError:  # there is no such font
            continue
        found |= _found_in_file(path, characters)
    return found


@functools.lru_cache(maxsize=1024)
def _found_in_file(path, characters):
    """Those of the characters that a font has."""
    from matplotlib import ft2font

    try:
        font = ft2font.FT2Font(path)
    except (OSError, RuntimeError, ValueError):  # a damaged file
        return frozenset()
    return frozenset(c for c in characters if font.get_char_index(ord(c)))
