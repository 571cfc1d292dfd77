"""Checks that several functions share."""

import operator
from typing import Any

import numpy as np


def require_text(name: str, text: object, least: int = 0) -> str:
    """The text, a str of at least that many characters."""
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected a str, got {type(text).__name__}")
    if len(text) < least:
        raise ValueError(f"{name}: expected {least} or more characters, got {len(text)}")
    return text


def require_whole(name: str, value: Any, least: int = 1) -> int:
    """The value, an integer of at least `least` and no bool, as an int."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if number < least:
        raise ValueError(f"{name}: expected at least {least}, got {number}")
    return number


def code_points(name: str, text: str, least: int = 0) -> np.ndarray:
    """The code points of a text, int64 (L,), after `require_text`."""
    # Each character is four bytes in UTF-32 (lone surrogates included).
    encoded = require_text(name, text, least).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, "<u4").astype(np.int64)
