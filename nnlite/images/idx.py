"""IDX: the files in which MNIST and Fashion-MNIST are handed out.

    2 bytes        0
    1 byte         the type of the numbers, one of `TYPES`
    1 byte         how many axes there are
    4 bytes each   the size of each axis
    the rest       the numbers, the last axis running fastest

All numbers have their most significant byte first.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from typing import BinaryIO

import numpy as np

__all__ = ["IDXError", "load_idx"]

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 32  # that an array can have in every NumPy
GZIP = b"\x1f\x8b"  # how gzipped data begin
CHUNK = 1 << 18  # read at once


class IDXError(ValueError):
    """A file is not what its beginning says, or no IDX file at all. The message names it, and says what is wrong.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.images import IDXError, load_idx
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels-idx1-ubyte")
        ...     path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 5, 7, 2, 1]))
        ...     try:
        ...         load_idx(path)
        ...     except IDXError as error:
        ...         print(str(error).removeprefix(f"{path}: "))
        11
        the header promises 5 bytes of numbers, uint8 of shape (5,), and the file ends after 3: it was cut off
    """


def load_idx(path: str | os.PathLike, max_bytes: int = 2**30) -> np.ndarray:
    """The array in an IDX file, such as MNIST's train-images-idx3-ubyte.gz, gzipped or not.

    Whether a file is gzipped is seen from its contents, whatever its name. A damaged or hostile file costs no more
    memory than a few times the numbers that are really in it, and never more than max_bytes of them: nothing is
    believed of what the header promises until it has been read.

    Args:
        path: of the file.
        max_bytes: refuse a file whose header promises more bytes of numbers; MNIST's largest holds 47 million.

    Returns:
        A new C-contiguous array in this machine's byte order, of the shape and type in the file: uint8 for MNIST's
        images (N, H, W) and labels (N,); otherwise int8, int16, int32, float32 or float64.

    Raises:
        IDXError: not an IDX file, cut off, damaged, with something behind its end, or larger than max_bytes.
        OSError: as the system gives it: no such file, a folder, no permission.

    Source: Yann LeCun's page of the MNIST database describes the format.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.images import load_idx
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "tiny-images-idx3-ubyte")
        ...     header = bytes([0, 0, 0x08, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2])  # of one image of 2 by 2 pixels
        ...     size = path.write_bytes(header + bytes([0, 51, 102, 255]))
        ...     images = load_idx(path)
        >>> x = images[..., None].astype("float32") / 255  # what a Conv2D reads: one channel, numbers from 0 to 1
        >>> x.shape, x[0, :, :, 0].tolist()
        ((1, 2, 2, 1), [[0.0, 0.20000000298023224], [0.4000000059604645, 1.0]])
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        begin = file.read(len(GZIP))
        file.seek(0)
        try:
            if begin != GZIP:
                return _read(file, max_bytes)
            with gzip.open(file) as unzipped:
                return _read(unzipped, max_bytes)
        except IDXError as error:
            raise IDXError(f"{os.fsdecode(path)}: {error}") from None
        except EOFError:
            raise IDXError(f"{os.fsdecode(path)}: the gzipped data end too early: the file was cut off") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise IDXError(f"{os.fsdecode(path)}: the gzipped data are damaged: {error}") from None


def _read(file: BinaryIO, max_bytes: int) -> np.ndarray:
    dtype, shape = _header(file)
    size = math.prod(shape) * dtype.itemsize
    # An axis of size 0 makes the others no smaller: NumPy refuses them, too, where their product is beyond all memory.
    if math.prod(max(1, length) for length in shape) * dtype.itemsize > max_bytes:
        raise IDXError(
            f"the header promises {dtype.name} of shape {shape}, more than max_bytes={max_bytes:,}. If the file is "
            f"really that large, say so: load_idx(path, max_bytes=...)"
        )
    data = _up_to(file, size)
    promise = f"the header promises {size:,} bytes of numbers, {dtype.name} of shape {shape}, and the file"
    if len(data) < size:
        raise IDXError(f"{promise} ends after {len(data):,}: it was cut off")
    if file.read(1):  # at the end of gzipped data this also compares their checksum
        raise IDXError(f"{promise} goes on behind them: it is damaged, or holds something else")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(file: BinaryIO) -> tuple[np.dtype, tuple[int, ...]]:
    """The type of the numbers, in the file's byte order, and the sizes of the axes."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        begins = f"begins with {magic!r}" if magic else "is empty"
        types = ", ".join(f"0x{code:02x}" for code in TYPES)
        raise IDXError(
            f"this is no IDX file, gzipped or not: it {begins}, expected two bytes of 0, one of {types} for the type "
            f"of the numbers, and how many axes there are"
        )
    dtype, axes = np.dtype(TYPES[magic[2]]), magic[3]
    if axes > MOST_AXES:
        raise IDXError(f"the header promises {axes} axes, and an array has at most {MOST_AXES}")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise IDXError(f"the header promises {axes} axes, and the file ends before their sizes: it was cut off")
    return dtype, tuple(np.frombuffer(sizes, ">u4").tolist())


def _up_to(file: BinaryIO, size: int) -> bytearray:
    """So many bytes, or what there is of them; piece by piece, as a promise alone is to cost no memory."""
    data = bytearray()
    while piece := file.read(min(CHUNK, size - len(data))):
        data += piece
    return data
