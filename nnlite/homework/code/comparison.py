"""What a function returned against what is right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

TOLERANCE = 1e-4  # of the largest number of an array: float32 is right, and every mistake is wrong


def difference(expected: Any, found: Any, *, tell: bool = True) -> str | None:
    """What is wrong with a result, or None. Only where it may `tell` are right numbers named.

    Example:
        >>> from nnlite.homework.code.comparison import difference
        >>> difference([1.0, 2.0], [1.0, 2.5])
        '1 of 2 numbers is wrong: at index 1 it is 2.5, and should be 2'
        >>> difference([1.0, 2.0], [1.0, 2.5], tell=False)
        '1 of 2 numbers is wrong'
        >>> difference([[1.0, 2.0]], [1.0, 2.0])
        'it has shape (2,), and should have (1, 2)'
    """
    if isinstance(expected, Mapping):
        return _of_dicts(expected, found, tell)
    expected = np.asarray(expected, np.float64)
    array = as_array(found)
    if isinstance(array, str):
        return array if tell else "it is no array of numbers"
    if array.shape != expected.shape and not array.size == expected.size == 1:
        if not tell:  # a shape can say as much as numbers
            return "its shape is wrong"
        transposed = array.shape == expected.shape[::-1]
        hint = ": it is transposed" if transposed else ""
        return f"it has shape {array.shape}, and should have {expected.shape}{hint}"
    array = array.reshape(expected.shape)
    apart = np.abs(array - expected)
    wrong = ~(apart <= TOLERANCE * np.abs(expected).max(initial=0.0))  # NaN is wrong, too
    if not wrong.any():
        return None
    if not np.isfinite(array).all():
        count = np.count_nonzero(~np.isfinite(array))
        return f"{_count(count, array.size)} NaN or infinite"
    said = _count(np.count_nonzero(wrong), wrong.size) + " wrong"
    if not tell:
        return said
    index = np.unravel_index(np.where(wrong, apart, -1).argmax(), wrong.shape)
    where = f"at index {', '.join(str(i) for i in index)} " if index else ""
    return f"{said}: {where}it is {array[index]:.6g}, and should be {expected[index]:.6g}"


def _count(count, size):
    if size == 1:
        return "it is"
    return f"{'all' if count == size else count} of {size} numbers {'is' if count == 1 else 'are'}"


def as_array(found: Any) -> np.ndarray | str:
    """An array of what came out of the sandbox, or what it is instead."""
    if isinstance(found, Mapping):
        kind = found.get("unreadable")
        return f"it is {_plain(kind)}, and should be an array of numbers" if isinstance(kind, str) else "it is a dict"
    if found is None:
        return "it is None: a return is missing"
    try:
        array = np.asarray(found)
        return array.astype(np.float64) if array.dtype.kind in "fiub" else "it is no array of numbers"
    except (TypeError, ValueError):
        return "it is a list of arrays of several shapes, and should be one array"


def _plain(text):
    """What the sandbox says, which may be anything, as a short text of one line."""
    return "".join(sign for sign in text[:60] if sign.isprintable())


def _of_dicts(expected, found, tell):
    if not isinstance(found, Mapping) or found.keys() != expected.keys():
        got = _kind(found) if tell else "something else"
        return f"expected a dict with {' and '.join(expected)}, got {got}"
    said = {name: difference(array, found[name], tell=tell) for name, array in expected.items()}
    return next((f"{name}: {text}" for name, text in said.items() if text), None)


def _kind(found):
    if isinstance(found, Mapping):
        return _plain(f"one with {' and '.join(map(str, found))}")
    return "None" if found is None else "a list" if isinstance(found, list) else "an array"


def separated(names: Sequence[str], returned: Any) -> list[Any] | str:
    """The results of a function by their places, or what is wrong with their number.

    Example:
        >>> from nnlite.homework.code.comparison import separated
        >>> separated(("dx", "dW"), [1.0, 2.0, 3.0])
        'expected dx, dW, got 3 results'
    """
    if isinstance(returned, Mapping) and len(names) > 1 and set(returned) == set(names):
        return [returned[name] for name in names]
    if len(names) == 1:
        return returned if isinstance(returned, list) and len(returned) == 1 else [returned]
    is_array = isinstance(returned, np.ndarray) and returned.ndim > 0
    if (isinstance(returned, list) or is_array) and len(returned) == len(names):
        return list(returned)
    if returned is None:
        return f"expected {', '.join(names)}, got None: a return is missing"
    count = f"{len(returned)} results" if isinstance(returned, list) else "one"
    return f"expected {', '.join(names)}, got {count}"
