"""Results side by side: dicts from names to arrays, bit for bit or nearly."""

from typing import Any

import numpy as np

from .contract import Failed

Arrays = dict[str, Any]  # arrays, and numbers of NumPy

# How far float32 may be from float64, and one way to compute from another, relative to the largest number.
FORWARD = {"float32": 1e-5, "float64": 1e-10}
BACKWARD = {"float32": 1e-4, "float64": 1e-10}


def same_bits(found: Arrays, expected: Arrays, when: str, remedy: str) -> None:
    """Fail unless the arrays have the same bits: `when` says of what, such as "with 2 threads"."""
    _same_names(found, expected, when, remedy)
    for name, array in expected.items():
        other = found[name]
        if array.dtype != other.dtype or array.shape != other.shape:
            raise Failed(f"{name}: expected {_kind(array)} {when}, got {_kind(other)}: {remedy}")
        if array.tobytes() != other.tobytes():
            size = max(1, array.itemsize)
            bits, other_bits = (np.frombuffer(a.tobytes(), f"V{size}").reshape(a.shape) for a in (array, other))
            different = bits != other_bits
            where = tuple(map(int, np.argwhere(different)[0]))
            count = f"{np.count_nonzero(different)} of {array.size}"
            raise Failed(
                f"{name}: expected the same bits {when}, got {count} numbers that differ, such as "
                f"{other[where].item()!r} instead of {array[where].item()!r} at {where}: {remedy}"
            )


def close(found: Arrays, expected: Arrays, dtype: Any, when: str, remedy: str) -> None:
    """Fail unless the arrays are equal but for the rounding of the dtype."""
    _same_names(found, expected, when, remedy)
    for name, array in expected.items():
        other = found[name]
        if array.shape != other.shape:
            raise Failed(f"{name}: expected shape {array.shape} {when}, got {other.shape}: {remedy}")
        limit = (FORWARD if name == "y" else BACKWARD)[np.dtype(dtype).name]
        wide, other_wide = array.astype(np.float64), other.astype(np.float64)
        difference = np.abs(wide - other_wide)
        scale = np.abs(wide).max(initial=0)
        if not (difference <= limit * scale).all():
            where = tuple(map(int, np.unravel_index(np.argmax(difference), difference.shape)))  # finds NaN, too
            relative = difference[where] / scale if scale else np.inf
            raise Failed(
                f"{name}: expected {array[where]:.9g} at {where} {when}, got {other[where]:.9g}, "
                f"{relative:.1e} of the largest number away, allowed {limit:.0e}: {remedy}"
            )


def _same_names(found, expected, when, remedy):
    if found.keys() != expected.keys():
        raise Failed(f"expected {', '.join(expected)} {when}, got {', '.join(found)}: {remedy}")


def _kind(array):
    return f"{array.dtype.name} {array.shape}"


def layouts(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers in other places of memory, by what is special about them."""
    read_only = array.copy()
    read_only.flags.writeable = False
    return {
        "read-only": read_only,
        "with gaps": np.repeat(array, 2, axis=-1)[..., ::2],
        "in the order of Fortran": np.asfortranarray(array),
        "with negative strides": np.flip(np.flip(array).copy()),
    }


def moved(array: np.ndarray, offset: int) -> np.ndarray:
    """A copy that begins so many items behind an address that is a multiple of 64 bytes."""
    raw = np.empty(array.nbytes + 64 + offset * array.itemsize, np.uint8)
    start = -raw.ctypes.data % 64 + offset * array.itemsize
    place = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    place[...] = array
    return place


def changed(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other numbers near these, of the same sign: the zeros and ones of a new layer would hide mistakes."""
    distance = rng.uniform(0.1, 0.3, array.shape) * rng.choice([-1.0, 1.0], array.shape)
    return array + distance * np.where(array == 0, 1.0, np.abs(array))
