"""Checks of what users hand in. Every message says what came, what was expected and what to do.

They run before a kernel does: the kernels themselves check nothing.
"""

import math

import numpy as np


def shape_text(shape, unknown="N"):
    """A shape as people write it: (N, 40, 38) for None, 40, 38."""
    return f"({', '.join(unknown if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def float_dtype(name, dtype):
    """The NumPy dtype of "float32" or "float64"."""
    try:
        dtype = np.dtype(dtype)
    except TypeError as error:
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {dtype!r}") from error
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {dtype.name!r}")
    return dtype


def _array(name, x):
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(x).__name__}: use np.asarray(...)")
    if not _is_plain(x):
        masked = isinstance(x, np.ma.MaskedArray)
        remedy = f"{name}.filled(...): the mask would be ignored" if masked else f"np.asarray({name})"
        raise TypeError(f"{name}: expected a plain NumPy array, got a {type(x).__name__}: use {remedy}")
    if not x.dtype.isnative:
        raise TypeError(
            f"{name}: the array's bytes are in the other order ({x.dtype.str}) than this machine's: "
            f"use {name}.astype({x.dtype.newbyteorder('=').name!r})"
        )
    return x


def fits(x, dtype, shape):
    """Whether x is a C-contiguous array of this dtype and shape: quick, for what is checked at every step."""
    if type(x) is not np.ndarray and not _is_plain(x):  # the first says the same, and is quicker
        return False
    return x.shape == shape and x.dtype == dtype and x.flags.c_contiguous


def _ends_fit(x, dtype, shape):
    """`fits` for a shape (..., F)."""
    if type(x) is not np.ndarray or len(shape) != 2 or shape[0] is not Ellipsis or x.ndim < 2:
        return False
    return shape[1] in (x.shape[-1], None) and x.dtype == dtype and x.flags.c_contiguous


def is_id(x, upper):
    """Whether x is an array (1,) of one id below `upper`, as a kernel takes it: quick, for writing a text."""
    return type(x) is np.ndarray and x.shape == (1,) and x.dtype == np.intp and 0 <= x.item() < upper


def _is_plain(x):
    """Whether x is an array that means what its numbers say: a memory map is, a masked array and a matrix are not."""
    if type(x) is np.ndarray:  # quick; and np.ma is not imported for it
        return True
    return isinstance(x, np.ndarray) and not isinstance(x, np.ma.MaskedArray | np.matrix)


def floats(name, x, dtype, shape, letters):
    """x as a C-contiguous array of the dtype whose shape fits: None in `shape` stands for any size.

    A leading Ellipsis stands for any number of axes. Arrays that are not contiguous are copied; read-only arrays
    and memory maps are fine.

    Args:
        letters: the expected shape in words, for the message, such as "(N, T, F)".

    Raises:
        TypeError: not an array, a masked array or a matrix, or of another dtype.
        ValueError: of another shape.
    """
    if fits(x, dtype, shape) or _ends_fit(x, dtype, shape):
        return x
    x = _array(name, x)
    if x.dtype != dtype:
        raise TypeError(
            f"{name}: expected {dtype.name}, got {x.dtype.name}: use {name}.astype({dtype.name!r}), "
            f"or build the layer with dtype={x.dtype.name!r}"
            if x.dtype in (np.float32, np.float64)
            else f"{name}: expected {dtype.name}, got {x.dtype.name}: use {name}.astype({dtype.name!r})"
        )
    if shape and shape[0] is Ellipsis:
        axes_fit, sizes = x.ndim >= len(shape), x.shape[x.ndim - len(shape) + 1 :]
        front, shape = ("...",), shape[1:]
    else:
        axes_fit, sizes = x.ndim == len(shape), x.shape
        front = ()
    if not axes_fit:
        raise ValueError(f"{name}: expected shape {letters}, got {shape_text(x.shape)} with {x.ndim} axes")
    if any(expected is not None and expected != got for expected, got in zip(shape, sizes, strict=True)):
        expected = shape_text((*front, *shape), "any")
        raise ValueError(f"{name}: expected shape {letters} = {expected}, got {shape_text(x.shape)}")
    return _contiguous(name, x, x.dtype)


def integers(name, x, upper, what="id"):
    """Integer ids, each at least 0 and below `upper`, as a new C-contiguous array of np.intp.

    A new one, since kernels trust ids: the caller may change theirs before `backward` reads them again.

    Raises:
        TypeError: not an array of integers.
        ValueError: a single number.
        IndexError: a number out of range; the message names it and where it stands.
    """
    x = _array(name, x)
    if x.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {x.dtype.name}")
    if x.ndim == 0:
        raise ValueError(f"{name}: expected an array of {what}s, got a single number")
    if x.size == 1 and 0 <= x.item() < upper:  # quick, for the steps of a text that is written
        return np.array(x, np.intp, order="C")
    if not x.flags.c_contiguous:
        memory(name, x.shape, np.intp)  # a broadcast array can be larger than any memory
    ids = np.array(x, np.intp, order="C")
    as_unsigned = ids.view(np.uintp)  # where a negative number is a huge one; argmax is three times as quick as max
    if ids.size and as_unsigned.item(as_unsigned.argmax()) >= upper:
        where = tuple(int(i) for i in np.argwhere((x < 0) | (x >= upper))[0])
        raise IndexError(f"{name}: {what} {x[where]} at {where} is not in 0 .. {upper - 1}")
    return ids


def _contiguous(name, x, dtype):
    if x.flags.c_contiguous and x.dtype == dtype:
        return x
    memory(name, x.shape, dtype)  # a broadcast array can be larger than any memory
    return np.ascontiguousarray(x, dtype=dtype)


def samples(where, **arrays):
    """Refuse what is not an array of samples; of x and y, also what are not as many labels as samples, or none.

    Args:
        where: begins the messages, such as "fit".
    """
    for name, array in arrays.items():
        if _array(f"{where}: {name}", array).ndim == 0:
            raise ValueError(f"{where}: {name}: expected an array of samples, got a single number")
    if "y" in arrays:
        x, y = arrays["x"], arrays["y"]
        if len(x) != len(y):
            raise ValueError(f"{where}: x has {len(x)} samples and y has {len(y)}: each sample needs its own label")
        if len(x) == 0:
            raise ValueError(f"{where}: x and y have no samples")


def positive(name, value):
    """A whole number of at least 1, as an int."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(value)


def between(name, value, low, high, closed=True):
    """A number in [low, high], or in [low, high) where not closed."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not (low <= value and (value <= high if closed else value < high)):
        raise ValueError(f"{name}: expected a number in [{low}, {high}{']' if closed else ')'}, got {value!r}")
    return float(value)


def above_zero(name, value):
    """A finite number above 0, and in float32 too."""
    value = between(name, value, -math.inf, math.inf)
    if not np.finfo(np.float32).tiny <= value < math.inf:
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")
    return value


def memory(name, shape, dtype):
    """Refuse a shape whose size in bytes no machine can address."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size >= 2**47:
        raise ValueError(f"{name}: shape {shape_text(shape)} of {np.dtype(dtype).name} would take {size:,} bytes")
