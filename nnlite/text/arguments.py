"""Checks that several functions share."""

import operator

import numpy as np


def require_text(name: str, text: object, least: int = 0) -> str:
    """A str of at least that many characters.

    Raises:
        TypeError: not a str.
        ValueError: too short.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected a str, got {type(text).__name__}")
    if len(text) < least:
        raise ValueError(f"{name}: expected {least} or more characters, got {len(text)}")
    return text


def require_whole(name: str, value: object, least: int = 1) -> int:
    """An integer of at least that value, as an int.

    Raises:
        TypeError: not an integer.
        ValueError: too small.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if number < least:
        raise ValueError(f"{name}: expected at least {least}, got {number}")
    return number


def code_points(name: str, text: str, least: int = 0) -> np.ndarray:
    """The code points of a text, int64 (L,), after `require_text`."""
    # Each character is four bytes in UTF-32 (lone surrogates included).
    encoded = require_text(name, text, least).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, "<u4").astype(np.int64)
