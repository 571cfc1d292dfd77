"""TOML that anyone may have written: it is read in a time that grows as its length, or refused."""

import re
import tomllib
from typing import Any

MOST_PARTS = 100  # of a key such as a.b.c: tomllib's time grows as their square


def loads(text: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        ValueError: it is no TOML, or nested too deeply, or a number is too long.

    Example:
        >>> from nnlite.homework.toml import loads
        >>> loads("[shapes]\\nwidth = 3")
        {'shapes': {'width': 3}}
        >>> loads("a." * 5000 + "b = 1")
        Traceback (most recent call last):
        ValueError: a key has more than 100 parts
    """
    if any(piece.count(".") >= MOST_PARTS for piece in re.split(r"[^\w.\"'\s-]+", text)):
        raise ValueError(f"a key has more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:  # Python's own, of an integer
        raise ValueError("a number has more digits than Python reads") from None
