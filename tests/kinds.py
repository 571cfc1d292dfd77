"""Numbers as a user may have them. Each is to give the bits that the same numbers give in a layer's own dtype."""

import tempfile

import numpy as np


class Frame:
    """As pandas and PyTorch hand over their numbers: through `__array__` alone."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __array__(self, dtype=None, copy=None):
        return self.numbers if dtype is None else self.numbers.astype(dtype)


def floats_of(x):
    """From floats: the name of each kind, what is given, and its numbers in an ordinary array."""
    fine = 1.1 * x.astype("float64")  # with digits that float32 rounds
    whole = np.rint(3 * fine) + 0.0  # no -0.0, which integers lack
    yield from (
        (dtype, array, array)
        for dtype, array in (
            ("bool", x > 0),
            ("uint8", np.abs(whole).astype("uint8")),
            ("int64", whole.astype("int64")),
            ("float16", fine.astype("float16")),
            ("float32", x.astype("float32")),
            ("float64", fine),
        )
    )
    yield "another byte order", x.astype(x.dtype.newbyteorder()), x
    yield "integers in another byte order", whole.astype(">i4"), whole
    yield from _held(fine)


def ids_of(x):
    """The same from ids."""
    for dtype in ("int8", "uint16", "int32", "int64", "uint64"):
        yield dtype, x.astype(dtype), x
    yield "bool", x % 2 == 1, x % 2
    yield "another byte order", x.astype(">i4"), x
    yield from _held(x)


def _held(x):
    yield "a list", x.tolist(), x
    yield "a tuple", tuple(x.tolist()), x
    yield "a list of arrays", list(x), x
    frozen = x.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen, x
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, x.dtype, "w+", shape=x.shape)
    mapped[...] = x
    yield "a memory map", mapped, x
    yield "a frame", Frame(x), x


def no_numbers(x):
    """The name of what cannot be numbers, what is given, and what the message says to do."""
    yield "texts", x.astype(str), r"np\.asarray\(\w+, (int|float)\)"
    yield "names", np.full(x.shape, "cat"), r"np\.unique\(\w+, return_inverse=True\)"
    yield "complex", x.astype(complex), r"np\.real\(\w+\)"
    yield "objects", x.astype(object), r"np\.asarray\(\w+, (int|float)\)"
    yield "masked", np.ma.masked_array(x, mask=x > 0), r"\w+\.filled\(0\)"
    yield "nothing", None, "use an array or a list of numbers"
