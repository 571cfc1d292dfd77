"""Argument checks. Every message says what was expected, what it got, and what to do.

They run before the kernels, which check nothing.
"""

import math
from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

Expected = tuple[int | EllipsisType | None, ...]  # a shape; None is any size, a leading Ellipsis any number of axes


def shape_text(shape: Sequence[int | str | None], unknown: str = "N") -> str:
    """A shape as text: (N, 40, 38) for None, 40, 38."""
    return f"({', '.join(unknown if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def float_dtype(name: str, dtype: DTypeLike) -> np.dtype:
    """The NumPy dtype of "float32" or "float64"."""
    try:
        dtype = np.dtype(dtype)
    except TypeError as error:
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {dtype!r}") from error
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {dtype.name!r}")
    return dtype


def _variable(name):
    """The last word of an argument's name in a message: x in "fit: x"."""
    return name.split()[-1]


def _array(name, x):
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(x).__name__}: use np.asarray(...)")
    if not _is_plain(x):
        kind, masked = type(x).__name__, isinstance(x, np.ma.MaskedArray)
        x = _variable(name)
        remedy = f"{x}.filled(...): the mask would be ignored" if masked else f"np.asarray({x})"
        raise TypeError(f"{name}: expected a plain NumPy array, got a {kind}: use {remedy}")
    if not x.dtype.isnative:
        raise TypeError(
            f"{name}: expected an array in this machine's byte order, got {x.dtype.str}: "
            f"use {_variable(name)}.astype({x.dtype.newbyteorder('=').name!r})"
        )
    return x


def fits(x: np.ndarray, dtype: DTypeLike, shape: Expected) -> bool:
    """Whether x is a C-contiguous array of this dtype and shape. Fast, for checks at every step."""
    if type(x) is not np.ndarray and not _is_plain(x):  # saves a call
        return False
    return x.shape == shape and x.dtype == dtype and x.flags.c_contiguous


def is_id(x: object, upper: int) -> bool:
    """Whether x is a (1,) array of one id below `upper`, as kernels take it. Fast, for generating text."""
    return type(x) is np.ndarray and x.shape == (1,) and x.dtype == np.intp and 0 <= x.item() < upper


def _is_plain(x):
    """Whether x is an ordinary array. Memory maps are; masked arrays and matrices are not."""
    if type(x) is np.ndarray:  # fast, and does not import np.ma
        return True
    return isinstance(x, np.ndarray) and not isinstance(x, np.ma.MaskedArray | np.matrix)


def floats(name: str, x: np.ndarray, dtype: np.dtype, shape: Expected, letters: str) -> np.ndarray:
    """x as a C-contiguous array, with its dtype and shape checked.

    Non-contiguous arrays are copied; read-only arrays and memory maps are fine.

    Args:
        shape: the expected shape; None matches any size, a leading Ellipsis any number of axes.
        letters: the expected shape in letters, for the message, such as "(N, T, F)".

    Raises:
        TypeError: not an array, a masked array or a matrix, or another dtype.
        ValueError: another shape.
    """
    # At every step: without a call where x is what it mostly is.
    if type(x) is np.ndarray and x.dtype == dtype and x.flags.c_contiguous:  # noqa: SIM102
        if x.shape == shape or (len(shape) == 2 and shape[0] is ... and x.ndim > 1 and shape[1] in (x.shape[-1], None)):
            return x
    x = _array(name, x)
    if x.dtype != dtype:
        raise TypeError(
            f"{name}: expected {dtype.name}, got {x.dtype.name}: use {_variable(name)}.astype({dtype.name!r}), "
            f"or build the layer with dtype={x.dtype.name!r}"
            if x.dtype in (np.float32, np.float64)
            else f"{name}: expected {dtype.name}, got {x.dtype.name}: use {_variable(name)}.astype({dtype.name!r})"
        )
    is_open = bool(shape) and shape[0] is Ellipsis
    sizes = [size for size in shape if size is not Ellipsis]
    axes_fit = x.ndim >= len(shape) if is_open else x.ndim == len(shape)
    if not axes_fit:
        raise ValueError(f"{name}: expected shape {letters}, got {shape_text(x.shape)} with {x.ndim} axes")
    last = x.shape[x.ndim - len(sizes) :]
    if any(expected is not None and expected != got for expected, got in zip(sizes, last, strict=True)):
        expected = shape_text((*["..."] * is_open, *sizes), "any")
        raise ValueError(f"{name}: expected shape {letters} = {expected}, got {shape_text(x.shape)}")
    return _contiguous(name, x, x.dtype)


def integers(name: str, x: np.ndarray, upper: int, what: str = "id") -> np.ndarray:
    """Integer ids, each at least 0 and below `upper`, as a new C-contiguous array of np.intp.

    The array is a copy, since kernels do not check ids and the caller may change x before `backward`.

    Raises:
        TypeError: not an array of integers.
        ValueError: a single number.
        IndexError: a number is out of range; the message says which and where.
    """
    x = _array(name, x)
    if x.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {x.dtype.name}: use {_variable(name)}.astype(int)")
    if x.ndim == 0:
        raise ValueError(f"{name}: expected an array of {what}s, got a single number: use np.array([...])")
    if x.size == 1 and 0 <= x.item() < upper:  # fast, for generating text
        return np.array(x, np.intp, order="C")
    if not x.flags.c_contiguous:
        memory(name, x.shape, np.intp)  # a broadcast array can exceed any memory
    ids = np.array(x, np.intp, order="C")
    as_unsigned = ids.view(np.uintp)  # negative numbers become huge; argmax is three times as fast as max
    if ids.size and as_unsigned.item(as_unsigned.argmax()) >= upper:
        where = tuple(int(i) for i in np.argwhere((x < 0) | (x >= upper))[0])
        raise IndexError(f"{name}: expected {what}s in 0 .. {upper - 1}, got {x[where]} at {where}")
    return ids


def _contiguous(name, x, dtype):
    if x.flags.c_contiguous and x.dtype == dtype:
        return x
    memory(name, x.shape, dtype)  # a broadcast array can exceed any memory
    return np.ascontiguousarray(x, dtype=dtype)


def samples(where: str, **arrays: np.ndarray) -> None:
    """Check that all are arrays of samples, and that x and y have the same number of them, at least one.

    Args:
        where: the first word of the messages, such as "fit".
    """
    for name, array in arrays.items():
        if _array(f"{where}: {name}", array).ndim == 0:
            raise ValueError(f"{where}: {name}: expected an array of samples, got a single number: use np.array([...])")
    if "y" in arrays:
        x, y = arrays["x"], arrays["y"]
        if len(x) != len(y):
            raise ValueError(f"{where}: y: expected one label for each of the {len(x)} samples of x, got {len(y)}")
        if len(x) == 0:
            raise ValueError(f"{where}: x: expected at least one sample, got none")


def positive(name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least 1, or another least one, as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return int(value)


def between(name: str, value: float, low: float, high: float, closed: bool = True) -> float:
    """A number in [low, high], or in [low, high) if not closed, as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not (low <= value and (value <= high if closed else value < high)):
        raise ValueError(f"{name}: expected a number in [{low}, {high}{']' if closed else ')'}, got {value!r}")
    return float(value)


def above_zero(name: str, value: float) -> float:
    """A finite number above 0 that is not subnormal in float32, as a float."""
    value = between(name, value, -math.inf, math.inf)
    if not np.finfo(np.float32).tiny <= value < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {value!r}")
    return value


def memory(name: str, shape: Sequence[int], dtype: DTypeLike) -> None:
    """Refuse a shape that needs more bytes than a machine can address."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size >= 2**47:
        raise ValueError(
            f"{name}: shape {shape_text(shape)} of {np.dtype(dtype).name} would take {size:,} bytes: use smaller sizes"
        )
