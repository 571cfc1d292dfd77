"""IDX: the file format of MNIST and Fashion-MNIST.

    2 bytes        0
    1 byte         the dtype, one of `TYPES`
    1 byte         the number of axes
    4 bytes each   the size of each axis
    the rest       the numbers in C order (last axis fastest)

All numbers are big-endian.
"""

import gzip
import math
import os
import zlib

import numpy as np

from nnlite.saving.regular_file import open_regular

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 32  # the limit of NumPy 1
GZIP = b"\x1f\x8b"  # the first bytes of gzip data
CHUNK = 1 << 18  # bytes per read


class IDXError(ValueError):
    """A file is not a valid IDX file. The message names the file and says what is wrong.

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
        the header promises 5 bytes, uint8 of shape (5,), but the file ends after 3: it is truncated
    """


def load_idx(path: str | os.PathLike, max_bytes: int = 2**30) -> np.ndarray:
    """The array in an IDX file, such as MNIST's train-images-idx3-ubyte.gz, gzipped or not.

    Gzip is detected by content, not by name. A damaged or hostile file needs at most a few times the memory of the
    numbers that it really contains, and never more than max_bytes of them: the header is not trusted.

    Args:
        path: path of the file.
        max_bytes: refuse a file whose header promises more bytes; MNIST's largest file has 47 million.

    Returns:
        A new C-contiguous array in native byte order with the shape and dtype of the file: uint8 for MNIST's images
        (N, H, W) and labels (N,); otherwise int8, int16, int32, float32 or float64.

    Raises:
        IDXError: not an IDX file, truncated, damaged, with extra bytes at the end, or larger than max_bytes.
        OSError: no such file, a folder, a pipe or a device, or no permission.

    Source: the format is described on Yann LeCun's page of the MNIST database.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.images import load_idx
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "tiny-images-idx3-ubyte")
        ...     header = bytes([0, 0, 0x08, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2])  # one image of 2 x 2 pixels
        ...     size = path.write_bytes(header + bytes([0, 51, 102, 255]))
        ...     images = load_idx(path)
        >>> x = images[..., None].astype("float32") / 255  # input of a Conv2D: one channel, 0 to 1
        >>> x.shape, x[0, :, :, 0].tolist()
        ((1, 2, 2, 1), [[0.0, 0.20000000298023224], [0.4000000059604645, 1.0]])
    """
    path = os.fspath(path)
    with open_regular(path) as file:
        begin = file.read(len(GZIP))
        file.seek(0)
        try:
            return _read(gzip.open(file) if begin == GZIP else file, max_bytes)
        except IDXError as error:
            raise IDXError(f"{os.fsdecode(path)}: {error}") from None
        except EOFError:
            raise IDXError(f"{os.fsdecode(path)}: the gzip data end too early: the file is truncated") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise IDXError(f"{os.fsdecode(path)}: the gzip data are damaged: {error}") from None


def _read(file, max_bytes):
    dtype, shape = _header(file)
    size = math.prod(shape) * dtype.itemsize
    # Sizes of 0 count as 1: NumPy also refuses shapes whose other sizes exceed memory.
    if math.prod(max(1, length) for length in shape) * dtype.itemsize > max_bytes:
        raise IDXError(
            f"expected at most max_bytes={max_bytes:,}, got a header that promises {dtype.name} of shape {shape}: if "
            f"the file is really that large, use load_idx(path, max_bytes=...)"
        )
    data = _up_to(file, size)
    promise = f"the header promises {size:,} bytes, {dtype.name} of shape {shape}, but the file"
    if len(data) < size:
        raise IDXError(f"{promise} ends after {len(data):,}: it is truncated")
    if file.read(1):  # at the end of gzip data this also verifies the checksum
        raise IDXError(f"{promise} continues after them: it is damaged, or not an IDX file")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(file):
    """The dtype, in the file's byte order, and the shape."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        begins = f"begins with {magic!r}" if magic else "is empty"
        types = ", ".join(f"0x{code:02x}" for code in TYPES)
        raise IDXError(
            f"expected an IDX file, gzipped or not, which begins with two zero bytes, the dtype (one of {types}) and "
            f"the number of axes, got a file that {begins}"
        )
    dtype, axes = np.dtype(TYPES[magic[2]]), magic[3]
    if axes > MOST_AXES:
        raise IDXError(f"expected at most {MOST_AXES} axes, got a header that promises {axes}")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise IDXError(f"the header promises {axes} axes, but the file ends before their sizes: it is truncated")
    return dtype, tuple(np.frombuffer(sizes, ">u4").tolist())


def _up_to(file, size):
    """Up to `size` bytes, read in chunks: a large size in the header alone must not cost memory."""
    data = bytearray()
    while chunk := file.read(min(CHUNK, size - len(data))):
        data += chunk
    return data
