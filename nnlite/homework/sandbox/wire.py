"""Arrays over a pipe: a length, a JSON header and the numbers. No pickle, no zip: reading runs nothing, and costs no
more memory than was sent. Both sides of the sandbox use this module; the child finds it without nnlite."""

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

KINDS = {
    f"{kind}{size}" for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.items() for size in sizes
}
KINDS |= {"b1"}
LONGEST_HEADER = 1 << 20


class WireError(Exception):
    """What came is no message."""


def packed(tree: Any) -> bytes:
    """Dicts, lists, numbers, strings and numeric arrays as bytes."""
    arrays = list[np.ndarray]()
    header = json.dumps(_described(tree, arrays)).encode()
    body = b"".join(array.tobytes() for array in arrays)
    return struct.pack("<QQ", len(header), len(body)) + header + body


def _described(tree, arrays):
    if isinstance(tree, np.ndarray):
        arrays.append(tree.astype(tree.dtype.newbyteorder("<"), copy=False))
        return {"array": tree.dtype.str[1:], "shape": list(tree.shape)}
    if isinstance(tree, dict):
        return {"dict": {str(key): _described(value, arrays) for key, value in tree.items()}}
    if isinstance(tree, list | tuple):
        return [_described(value, arrays) for value in tree]
    return tree.item() if isinstance(tree, np.generic) else tree


def received(read: Callable[[int], bytes], most: int) -> Any:
    """The next message of at most so many bytes; `read(n)` returns n bytes, or fewer at the end.

    Raises:
        WireError: it is too long, cut off, or says what does not fit together.
    """
    sizes = _exactly(read, 16)
    header_size, body_size = struct.unpack("<QQ", sizes)
    if header_size > LONGEST_HEADER or body_size > most:
        raise WireError(f"{header_size + body_size:,} bytes were returned, and at most {most:,} are taken")
    try:
        header = json.loads(_exactly(read, header_size))
        body = memoryview(_exactly(read, body_size))
        tree, rest = _rebuilt(header, body)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise WireError("what was returned cannot be read") from error
    if rest:
        raise WireError("what was returned cannot be read")
    return tree


def _exactly(read, size):
    data = read(size)
    if len(data) < size:
        raise WireError("the program ended")
    return data


def _rebuilt(header, body):
    """The tree, and the bytes that are left."""
    if isinstance(header, list):
        found = []
        for value in header:
            one, body = _rebuilt(value, body)
            found.append(one)
        return found, body
    if not isinstance(header, dict):
        return header, body
    if "dict" in header:
        tree = {}
        for key, value in header["dict"].items():
            tree[key], body = _rebuilt(value, body)
        return tree, body
    kind, shape = header["array"], header["shape"]
    if kind not in KINDS or not all(type(size) is int and 0 <= size < 2**40 for size in shape):
        raise WireError("what was returned cannot be read")
    dtype = np.dtype(f"<{kind}")
    size = math.prod(shape) * dtype.itemsize
    if size > len(body):
        raise WireError("what was returned cannot be read")
    return np.frombuffer(body[:size], dtype).reshape(shape).copy(), body[size:]
