"""Argument checks. Every message says what was expected, what it got, and what to do.

They run before the kernels, which check nothing.
"""

import math
import mmap
import os
from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

Expected = tuple[int | EllipsisType | None, ...]  # a shape; None is any size, a leading Ellipsis any number of axes
IDS = np.dtype(np.intp)  # as a dtype: NumPy would look the type up at each comparison
AT_ONCE = 2**20  # numbers, in the search for one that is out of range


def shape_text(shape: Sequence[int | str | None], unknown: str = "N") -> str:
    """A shape as text: (N, 40, 38) for None, 40, 38."""
    return f"({', '.join(unknown if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def count(shape: Sequence[int | None]) -> int | None:
    """How many numbers a shape holds; None where a size is not known."""
    sizes = [size for size in shape if size is not None]
    return math.prod(sizes) if len(sizes) == len(shape) else None


def float_dtype(name: str, dtype: DTypeLike) -> np.dtype:
    """The NumPy dtype of "float32" or "float64"."""
    try:
        dtype = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {dtype!r}") from error
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {dtype.name!r}")
    return dtype


def _variable(name):
    """The last word of an argument's name in a message: x in "fit: x"."""
    return name.split()[-1]


def numbers(name: str, x: Any) -> np.ndarray:
    """x as a plain NumPy array of numbers, from a list, a memory map, a pandas frame, a PyTorch tensor or any array.

    Raises:
        TypeError: what cannot be numbers: objects, texts, complex or masked ones; the message has the remedy.
        ValueError: lists in a list of different lengths.

    Example:
        >>> numbers("x", [[1, 2], [3, 4]]).shape
        (2, 2)
    """
    if type(x) is np.ndarray and x.dtype.kind in "biuf" and x.dtype.isnative:  # what it mostly is
        return x
    variable = _variable(name)
    if isinstance(x, np.ndarray) and type(x) is not np.ndarray and isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected numbers, got a masked array: use {variable}.filled(0), or another number for what is "
            f"masked"
        )
    try:
        array = np.asarray(x)
    except MemoryError:
        raise
    except Exception as error:  # what the __array__ of a user's class raises may be anything
        if isinstance(error, ValueError) and isinstance(x, list | tuple):
            raise ValueError(
                f"{name}: expected lists of one length, got different lengths in one list: pad them, as "
                f"nnlite.text.pad_sequences does with sequences"
            ) from error
        # A tensor says of itself what to do, such as .detach() where it needs a gradient; but not where it is bfloat16.
        hint = f": use {variable}.float()" if "ScalarType" in str(error) else ""
        got = f"{type(x).__name__}, which gives no array"
        raise TypeError(f"{name}: expected numbers, got {got}: {error}{hint}") from error
    if array.dtype.kind not in "biuf":
        kinds = {"U": "texts", "S": "bytes", "O": "objects"}
        got = f"an array of {kinds.get(array.dtype.kind, array.dtype.name)}" if array.ndim else type(x).__name__
        raise TypeError(f"{name}: expected numbers, got {got}: {_remedy(variable, x, array)}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _remedy(variable, x, array):
    """How to get numbers out of x, which is an array of something else."""
    if array.dtype.kind == "c":
        return f"use np.real({variable}), or np.abs({variable})"
    if array.ndim == 0 and hasattr(x, "toarray"):  # a sparse matrix
        return f"use {variable}.toarray()"
    if array.dtype.kind in "USO" and array.size and array.ndim:
        for dtype in (int, float):
            try:
                if (array.astype(dtype) == array.astype(float)).all() or dtype is float:
                    return f"use np.asarray({variable}, {dtype.__name__})"
            except (OverflowError, TypeError, ValueError):
                pass
        if hasattr(x, "select_dtypes"):  # a frame
            return f"use the columns that hold numbers, {variable}.select_dtypes('number')"
        if all(isinstance(item, str | bytes) for item in array.flat):
            return f"number them with names, {variable} = np.unique({variable}, return_inverse=True)"
    return "use an array or a list of numbers"


def returned(name: str, value: Any) -> float:
    """What a function of a user's own has returned, as a float; it is to be one number.

    Raises:
        TypeError: None, an array, or anything else.
    """
    is_number = isinstance(value, float | int | np.floating | np.integer | np.bool_)
    is_array = isinstance(value, np.ndarray | list | tuple)
    if is_number or (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf"):
        return _as_float(value)
    got = f"an array {shape_text(np.shape(value))}" if is_array else repr(value)
    remedy = "add `return` at its end" if value is None else "return float(...) of a sum or a mean"
    raise TypeError(f"{name}: expected it to return one number, got {got}: {remedy}")


def given(name: str, x: Any, dtype: np.dtype) -> np.ndarray:
    """x as an array, and its floats in this dtype; integers stay, as they may be ids. Errors are those of `floats`."""
    x = numbers(name, x)
    return _cast(name, x, dtype) if x.dtype.kind == "f" and x.dtype != dtype else x


def apart(y: Any, x: Any) -> Any:
    """y, or a copy where it is in the memory of x, as Flatten's is: who changes x later, or y, means one of them."""
    is_fresh = not isinstance(y, np.ndarray) or (y is not x and y.base is None and type(x) is np.ndarray)
    return y if is_fresh or not np.may_share_memory(y, x) else y.copy()


def is_row(value: Any) -> bool:
    """Whether it is a list, a tuple or another row of items, and neither a text nor an array of 0 or 2 axes."""
    return hasattr(value, "__iter__") and not isinstance(value, str) and getattr(value, "ndim", 1) == 1


def input_shape(shape: Any) -> tuple[int | None, ...]:
    """What is given as a shape without the batch axis, as a tuple; its sizes may still be anything."""
    if not is_row(shape):
        hint = f": write ({shape},)" if isinstance(shape, int) else ""
        raise TypeError(
            f"input_shape: expected a tuple without the batch axis, such as (T, F), got {shape!r:.200}{hint}"
        )
    return tuple(shape)


def fits(x: np.ndarray, dtype: DTypeLike, shape: Expected) -> bool:
    """Whether x is a C-contiguous array of this dtype and shape. Fast, for checks at every step."""
    # Memory maps are such arrays; masked arrays and matrices are not.
    if type(x) is not np.ndarray and (not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray | np.matrix)):
        return False
    return x.shape == shape and x.dtype == dtype and x.flags.c_contiguous


def is_id(x: object, upper: int) -> bool:
    """Whether x is a (1,) array of one id below `upper`, as kernels take it. Fast, for generating text."""
    return type(x) is np.ndarray and x.shape == (1,) and x.dtype == IDS and 0 <= x.item() < upper


def floats(name: str, x: Any, dtype: np.dtype, shape: Expected, letters: str) -> np.ndarray:
    """x as a C-contiguous array of this dtype, with its shape checked.

    What is one already is returned itself, also where it is read-only or a memory map; all other numbers are copied.

    Args:
        shape: the expected shape; None matches any size, a leading Ellipsis any number of axes.
        letters: the expected shape in letters, for the message, such as "(N, T, F)".

    Raises:
        TypeError: these are no numbers.
        ValueError: another shape, or float64 numbers that are too large for float32.
    """
    # At every step: without a call where x is what it mostly is.
    if type(x) is np.ndarray and x.dtype == dtype and x.flags.c_contiguous:  # noqa: SIM102
        if x.shape == shape or (len(shape) == 2 and shape[0] is ... and x.ndim > 1 and shape[1] in (x.shape[-1], None)):
            return x
    x = numbers(name, x)
    is_open = bool(shape) and shape[0] is Ellipsis
    sizes = [size for size in shape if size is not Ellipsis]
    axes_fit = x.ndim >= len(shape) if is_open else x.ndim == len(shape)
    if not axes_fit:
        raise ValueError(f"{name}: expected shape {letters}, got {shape_text(x.shape)} with {x.ndim} axes")
    last = x.shape[x.ndim - len(sizes) :]
    if any(expected is not None and expected != got for expected, got in zip(sizes, last, strict=True)):
        expected = shape_text((*["..."] * is_open, *sizes), "any")
        hint = ": the channels come last: use np.moveaxis(x, 1, -1)" if _has_channels_first(x, sizes) else ""
        raise ValueError(f"{name}: expected shape {letters} = {expected}, got {shape_text(x.shape)}{hint}")
    return x if x.flags.c_contiguous and x.dtype == dtype else _cast(name, x, dtype)


def _has_channels_first(x, sizes):
    """Whether x are images as in PyTorch, (N, C, H, W), where (N, H, W, C) is expected."""
    return len(sizes) == x.ndim == 4 and sizes[1:3] == [None, None] and sizes[3] == x.shape[1]


def as_floats(name: str, x: Any) -> np.ndarray:
    """x in float32 where that holds all numbers of its dtype, else in float64. Errors are those of `floats`."""
    x = numbers(name, x)
    is_small = np.promote_types(x.dtype, np.float32) == np.float32
    dtype = np.dtype("float32" if is_small else "float64")
    return x if x.dtype == dtype else _cast(name, x, dtype)


def _cast(name, x, dtype):
    """x as a C-contiguous array of this dtype."""
    memory(name, x.shape, dtype)  # a broadcast array can exceed any memory
    try:
        if x.dtype == dtype:
            return np.ascontiguousarray(x)
        with np.errstate(over="raise", under="ignore", invalid="ignore"):
            return np.ascontiguousarray(x, dtype=dtype)
    except MemoryError:
        raise _too_large(name, x.shape, dtype) from None
    except FloatingPointError as error:
        largest = np.abs(x[np.isfinite(x)]).max()
        raise ValueError(
            f"{name}: expected numbers up to {np.finfo(dtype).max:.3g}, got {largest:.3g}: scale them, or build the "
            f"layers with dtype='float64'"
        ) from error


def integers(name: str, x: Any, upper: int, what: str = "id") -> np.ndarray:
    """Integer ids, each at least 0 and below `upper`, as a new C-contiguous array of np.intp.

    The array is a copy, since kernels do not check ids and the caller may change x before `backward`.

    Raises:
        TypeError: these are no integers.
        ValueError: a single number.
        IndexError: a number is out of range; the message says which and where.
    """
    if type(x) is not np.ndarray or x.dtype.kind not in "iu":  # saves a call
        x = _whole(name, x)
    if x.ndim == 0:
        raise ValueError(f"{name}: expected an array of {what}s, got a single number: use np.array([...])")
    if x.size == 1 and 0 <= x.item() < upper:  # fast, for generating text
        return np.array(x, IDS, order="C")
    if not x.flags.c_contiguous:
        memory(name, x.shape, np.intp)  # a broadcast array can exceed any memory
    ids = np.array(x, IDS, order="C")
    as_unsigned = ids.view(np.uintp)  # negative numbers become huge; argmax is three times as fast as max
    if ids.size and as_unsigned.item(as_unsigned.argmax()) >= upper:
        require_below(name, x, upper, what)
    return ids


def _whole(name, x):
    """x as an array of integers."""
    array = numbers(name, x)
    if array.dtype.kind == "f":
        raise TypeError(f"{name}: expected integers, got {array.dtype.name}: use np.asarray({_variable(name)}, int)")
    return array


def require_below(name: str, ids: np.ndarray, upper: int, what: str, counts: np.ndarray | None = None) -> None:
    """Refuse integers that are not in 0 .. upper - 1, without a copy of them, however many they are.

    Args:
        counts: True where they count, for as many first axes as it has; by default all do.

    Raises:
        IndexError: the message says which is the first, and where.
    """
    if not ids.size or (not isinstance(ids, np.ndarray) and ids.min() >= 0 and ids.max() < upper):
        return
    rows = max(1, AT_ONCE // max(1, ids[:1].size))  # so that what is in a file is read from there once
    for start in range(0, len(ids), rows):
        part = ids[start : start + rows]
        is_in_range = part.min() >= 0 and part.max() < upper
        give_back(ids)
        if is_in_range:
            continue
        outside = (part < 0) | (part >= upper)
        if counts is not None:
            outside[~counts[start : start + rows]] = False
        if outside.any():
            first, *others = (int(i) for i in np.argwhere(outside)[0])
            got, where = part[(first, *others)], (start + first, *others)
            raise IndexError(f"{name}: expected {what}s in 0 .. {upper - 1}, got {got} at {where}")


def labels(name: str, y_true: Any, scores: Sequence[int]) -> np.ndarray:
    """A label for each position of scores (N, ..., V), from (N, ...) or (N, ..., 1) of any integer dtype, as np.intp.

    Raises:
        TypeError, IndexError: as in `integers`.
        ValueError: another shape, such as that of one-hot vectors.
    """
    positions, V = tuple(scores[:-1]), scores[-1]
    if getattr(y_true, "shape", None) != positions:
        y = numbers(name, y_true)
        if y.shape == (*positions, 1):
            y_true = y[..., 0]
        elif y.shape != positions and y.ndim:
            hint = ""
            if y.shape == tuple(scores) and ((y == 0) | (y == 1)).all() and (y.sum(axis=-1) == 1).all():
                hint = f": of one-hot vectors, use np.argmax({_variable(name)}, axis=-1)"
            elif y.dtype.kind == "f":
                _whole(name, y_true)
            raise ValueError(
                f"{name}: expected one label for each position of y_pred {shape_text(scores)}, "
                f"shape {shape_text(positions)}, got {shape_text(y.shape)}{hint}"
            )
    return integers(name, y_true, V, what="label")


def like(name: str, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """y_true as numbers, with the last axis of 1 that y_pred has, and without one that it lacks: (N,) fits (N, 1)."""
    y = numbers(name, y_true)
    if (*y.shape, 1) == y_pred.shape:
        return y[..., None]
    return y[..., 0] if y.shape == (*y_pred.shape, 1) else y


# How far rounding may carry a probability out of [0, 1].
_ROUNDING = 1e-4


def between_0_and_1(name: str, array: np.ndarray, what: str, remedy: str) -> None:
    """Refuse numbers outside of [0, 1], with the remedy; NaN is none of this check's business."""
    if array.size == 0 or (array.min() >= -_ROUNDING and array.max() <= 1 + _ROUNDING):
        return
    outside = np.argwhere((array < -_ROUNDING) | (array > 1 + _ROUNDING))
    if len(outside):
        where = tuple(int(i) for i in outside[0])
        raise ValueError(f"{name}: expected {what} from 0 to 1, got {array[where]:.4g} at {where}: {remedy}")


def samples(name: str, x: Any) -> np.ndarray:
    """x as an array of numbers whose first axis counts samples, or as what makes its rows when it is asked for them."""
    is_array = type(x) is np.ndarray and x.dtype.kind in "biuf" and x.dtype.isnative
    array = x if is_array or getattr(x, "reads_rows", False) is True else numbers(name, x)
    if array.ndim == 0:
        raise ValueError(f"{name}: expected an array of samples, got a single number: use np.array([...])")
    return array


def give_back(*arrays: Any) -> None:
    """Give back the pages of files that memory maps have read, which would count as memory of this program.

    They stay in the system's cache as long as there is room. Not those of a map in mode "c", which holds changes.
    """
    for array in arrays:
        part: Any = array
        while part is not None and getattr(part, "_mmap", None) is None:
            part = getattr(part, "base", None)
        if part is not None and part.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):  # Windows has no such call
            part._mmap.madvise(mmap.MADV_DONTNEED)


def boolean(name: str, value: Any) -> bool:
    """True or False, and nothing that only counts as one, such as "no"."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {value!r:.200}")
    return bool(value)


def layer_name(name: Any) -> str:
    """The name of a layer or model, without what separates names in a file."""
    if not isinstance(name, str):
        raise TypeError(f"a layer's name: expected a text, got {name!r}")
    if "/" in name or not name:
        what = "cannot have a '/'" if name else "cannot be empty"
        raise ValueError(f"a layer's name {what}, got {name!r}")
    return name


def path(name: str, value: Any) -> str:
    """The path of a file, as text that the system takes.

    Raises:
        TypeError: it is neither text nor bytes nor a Path.
        ValueError: it is empty, or holds a character that no name of a file may have.
    """
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{name}: expected the path of a file, a str or a Path, got {value!r:.200}") from None
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:  # half of a character of UTF-16
        encoded = b"\0"
    if not encoded or b"\0" in encoded:
        raise ValueError(f"{name}: expected the path of a file, got {value!r:.200}, which no file can be named")
    return text


def positive(name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least 1, or another least one, as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r:.200}")
    return int(value)


def between(name: str, value: float, low: float, high: float, closed: bool = True) -> float:
    """A number in [low, high], or in [low, high) if not closed, as a float."""
    if isinstance(value, bool | np.complexfloating) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}: expected a number, got {value!r:.200}")
    number = _as_float(value)
    if not (low <= number and (number <= high if closed else number < high)):
        raise ValueError(f"{name}: expected a number in [{low}, {high}{']' if closed else ')'}, got {value!r:.200}")
    return number


def _as_float(value):
    """A number as a float; NaN for an integer that is beyond the largest one."""
    try:
        return float(value)
    except OverflowError:
        return math.nan


def above_zero(name: str, value: float) -> float:
    """A finite number above 0 that is not subnormal in float32, as a float."""
    value = between(name, value, -math.inf, math.inf)
    if not float(np.finfo(np.float32).tiny) <= value < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {value!r:.200}")
    return value


def memory(name: str, shape: Sequence[int], dtype: DTypeLike) -> None:
    """Refuse a shape that needs more bytes than a machine can address."""
    if math.prod(shape) * np.dtype(dtype).itemsize >= 2**47:
        raise ValueError(f"{_needs(name, shape, dtype)}: use smaller sizes")


def empty(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """A new array; where there is no memory for it, the MemoryError names it."""
    try:
        return np.empty(shape, dtype)
    except MemoryError:
        raise _too_large(name, shape, dtype) from None


def _too_large(name, shape, dtype):
    return MemoryError(f"{_needs(name, shape, dtype)}, and this machine has not so many left: use fewer rows at once")


def _needs(name, shape, dtype):
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return f"{name}: shape {shape_text(shape)} of {np.dtype(dtype).name} would take {size:,} bytes"
