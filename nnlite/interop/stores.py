"""Files of weights, which may come from anyone: what is in them is known before it is read, and no code in them is run.

A file can promise more than it holds. Each reader gives the shapes first, and reads only what is asked for; no more
memory is taken than a small multiple of the file's size. All that is wrong is a `WeightsError` with the file's name.
"""

import contextlib
import json
import os
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nnlite.saving.regular_file import open_regular

from .weights import WeightsError, short

MOST_TIMES = 16  # how many times the size of its archive a file in it may have

# What a damaged file makes its reader raise, beside its own errors.
_DAMAGE = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError),
    *(RecursionError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)


class Info(NamedTuple):
    """What a file says of an array."""

    shape: tuple[int, ...]
    dtype: Any  # a NumPy dtype; the file's name for it where NumPy has none


class Stored:
    """A `Store`: arrays by names, and a function that reads one."""

    def __init__(self, arrays: Mapping[str, Any], read: Callable[[str], Any]) -> None:
        self.arrays, self._read = arrays, read

    def read(self, name: str) -> np.ndarray:
        return np.asarray(self._read(name))


def in_memory(what: str, arrays: Mapping[str, Any]) -> Stored:
    """The arrays or tensors of a dict."""
    found = {}
    for name, value in arrays.items():
        if not isinstance(name, str):
            raise TypeError(f"{what}: expected names of arrays, got the name {name!r}")
        if isinstance(value, Mapping):
            raise TypeError(f"{what}: expected an array under each name, got a dict under {name!r}: give that dict")
        found[name] = _array(what, name, value)
    return Stored(found, found.__getitem__)


def _array(what, name, value):
    """A tensor's or an array's numbers, mostly without a copy."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if "bfloat16" in str(value.dtype) else value
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{what}: {short(name)}: expected numbers, got {type(value).__name__}: {error}") from None
    return array


@contextlib.contextmanager
def opened(what: str, path: Any) -> Iterator[tuple[Any, int]]:
    """A file to read, and its size. All that goes wrong with it is a WeightsError, or an OSError of the system."""
    path = os.fspath(path)
    with open_regular(path) as file:
        try:
            yield file, os.fstat(file.fileno()).st_size
        except WeightsError as error:
            message = str(error).removeprefix(f"{what}: ")
            raise WeightsError(f"{what}: {os.fsdecode(path)}: {message}") from None
        except (*_DAMAGE, OSError) as error:
            reason = short(f"{type(error).__name__}: {error}".replace("\n", " "))
            raise WeightsError(f"{what}: cannot read {os.fsdecode(path)}: the file is damaged ({reason})") from None


# HDF5.


@contextlib.contextmanager
def hdf5(what: str, file: Any, size: int, skipped: tuple[str, ...] = ()) -> Iterator[Stored]:
    """The arrays of an HDF5 file by their paths, such as "layers/dense/vars/0".

    Only what lies in the file itself is read: no link to another file, and nothing that is made up of others.

    Args:
        file: open.
        size: of the file; arrays that promise to be larger together are refused.
        skipped: groups at the top that are not looked into.
    """
    h5py = require_h5py(what)
    try:
        root = h5py.File(file, "r")
    except OSError:
        raise WeightsError(
            "expected an HDF5 file, such as model.weights.h5, got another one, or a damaged one"
        ) from None
    with root:
        if "layer_names" in root.attrs or "model_weights" in root:
            raise WeightsError(
                "it is in the older HDF5 format of Keras: load it there, and save it by model.save('model.keras') or "
                "model.save_weights('model.weights.h5')"
            )
        found = dict(_datasets(h5py, root, size, skipped))
        yield Stored(found, lambda name: found[name][()])


def _datasets(h5py, root, size, skipped):
    """The arrays that lie in a file, by their paths. Each is found once, also where links make a circle."""
    seen, left, groups = set(), MOST_TIMES * size, [("", root)]
    while groups:
        path, group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink) or (not path and name in skipped):
                continue
            item, full = group[name], f"{path}{name}"
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                groups.append((f"{full}/", item))
            elif isinstance(item, h5py.Dataset) and item.shape is not None:
                if item.is_virtual or item.external:
                    raise WeightsError(f"{short(full)}: expected an array in the file itself, got one of other files")
                left -= item.nbytes
                if left < 0 or item.nbytes > size:
                    raise WeightsError(f"{short(full)}: the file promises {item.nbytes:,} bytes, and has {size:,}")
                yield full, item


def require_h5py(what: str) -> Any:
    """The package that reads and writes HDF5."""
    try:
        import h5py
    except ImportError as error:
        message = f"{what}: files of Keras need the package h5py: pip install 'nnlite-learn[keras]'"
        raise ImportError(message) from error
    return h5py


# Zip archives.


def members(file: Any) -> zipfile.ZipFile:
    """An archive that is open to read."""
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise WeightsError("expected a zip archive, such as .keras and .npz files are, got another file") from None
    for info in archive.infolist():
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WeightsError(f"{short(info.filename)}: expected it as it is or deflated, got another compression")
    return archive


def member(archive: zipfile.ZipFile, name: str, size: int) -> bytes:
    """The bytes of a file in an archive of this size; it ends where the archive says, or is refused."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        there = ", ".join(short(other) for other in archive.namelist()[:5]) or "nothing"
        raise WeightsError(f"expected {name} in the archive, which has {there}") from None
    if info.file_size > MOST_TIMES * size:
        raise WeightsError(
            f"{name}: it unpacks to {info.file_size:,} bytes, from a file of {size:,}: too much to trust"
        )
    with archive.open(info) as packed:
        return packed.read()


def json_member(archive: zipfile.ZipFile, name: str, size: int) -> Any:
    """What a JSON file in an archive holds."""
    try:
        return json.loads(member(archive, name, size))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise WeightsError(f"{name}: expected JSON: {short(str(error))}") from None


# NumPy.


def npz(archive: zipfile.ZipFile) -> Stored:
    """The arrays of an .npz archive. Each is known by its header; pickled objects are never loaded."""
    infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    arrays = {}
    for name, info in infos.items():
        with archive.open(info) as packed:
            arrays[name] = _npy_header(packed, info)

    def read(name):
        with archive.open(infos[name]) as packed:
            return np.lib.format.read_array(packed, allow_pickle=False)

    return Stored(arrays, read)


def _npy_header(packed, info):
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    read = readers.get(np.lib.format.read_magic(packed))
    if read is None:
        raise WeightsError(f"{short(info.filename)}: expected an array of numbers, got another format")
    shape, _, dtype = read(packed)
    numbers = np.prod([float(n) for n in shape])
    if numbers * dtype.itemsize > info.file_size:
        promise = f"{dtype} of shape {shape}" if len(shape) < 9 else f"{len(shape)} axes"
        raise WeightsError(f"{short(info.filename)}: it promises {promise}, in {info.file_size:,} bytes")
    return Info(shape, dtype)


# safetensors.

# NumPy's name of each format's number.
_SAFE = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "BOOL": "?"}
_SAFE |= {"U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1"}


def safetensors(path: Any) -> Stored:
    """The arrays of a safetensors file, of any program."""
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(os.fspath(path), framework="np")
        metadata = file.metadata() or {}
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  it is no dict
    except SafetensorError as error:
        raise WeightsError(f"expected a safetensors file, got another one, or a damaged one ({error})") from None
    if "nnlite" in metadata:
        raise WeightsError("it is a model of nnlite's: use nnlite.load_model(path)")
    dtypes = {name: s.get_dtype() for name, s in slices.items()}
    arrays = {
        name: Info(tuple(s.get_shape()), np.dtype(_SAFE[dtypes[name]]) if dtypes[name] in _SAFE else dtypes[name])
        for name, s in slices.items()
    }
    return Stored(arrays, file.get_tensor)
