"""Checkpoint files: numbers, arrays and text in one file with a checksum.

It is a safetensors file: an 8-byte length, a JSON header, the arrays' bytes. Any safetensors reader can read the
arrays. The header's metadata has two entries of nnlite:

    nnlite   a JSON text with everything but the arrays; {"tensor": NAME} is the place of an array
    sha256   of the arrays' names, dtypes, shapes and bytes, and of that JSON text

A checkpoint contains no code, and reading it runs none: a file from a stranger may be wrong, but it is harmless.
`training_state` saves models; this module handles files only.
"""

import json
import math
import os
import re
from typing import BinaryIO, NoReturn

import numpy as np

from . import atomic_file, states
from .regular_file import open_regular

VERSION = 1

# The longest safetensors header; a file that claims a longer one is something else.
_LONGEST_HEADER = 100_000_000

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tabs and line breaks

_FOREIGN = {
    b"\x80": "it looks like a Python pickle, which nnlite never reads: loading one can run any code",
    b"PK\x03\x04": "it is a zip archive, as .keras, .npz and PyTorch's .pt files are",
    b"\x89PNG": "it is a PNG picture",
    b"\x89HDF": "it is an HDF5 file, as .h5 files of Keras are",
    b"\x93NUMPY": "it is an array of numpy.save",
    b"{": "it is a text, such as JSON",
}


class CheckpointError(Exception):
    """A checkpoint cannot be read or written. The message names the file, what is wrong, and what to do.

    It may quote the file, which may come from anyone: what a terminal would obey is written out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(without_control(message))


def without_control(text: str) -> str:
    """A text with control characters written out: a stranger's file or model could write what a terminal obeys."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def write(path: str | os.PathLike, tree: dict) -> None:
    """Write a tree of dicts, lists, numbers, strings, None and arrays to one file, atomically and durably.

    An array's name in the file is its path in the tree, such as "optimizer/momentum/lstm.Wx". Arrays under the key
    "params" get no prefix, so that other programs find the weights under the model's names. Keys are strings, numbers
    are finite, and the file's folder exists.

    Raises:
        CheckpointError: the file cannot be written; an existing file is unchanged.
        ValueError, TypeError: the tree holds a value that JSON cannot represent.

    Example:
        >>> import tempfile, os
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     write(path, {"name": "a", "params": {"W": np.ones((1, 2))}})
        ...     read(path)
        {'name': 'a', 'params': {'W': array([[1., 1.]])}}
    """
    data = encode(tree)
    try:
        atomic_file.write(path, data)
    except OSError as error:
        hint = "make its folder first" if isinstance(error, FileNotFoundError) else "a file of that name is as it was"
        raise CheckpointError(f"cannot write the checkpoint {os.fspath(path)}: {error.strerror}: {hint}") from error


def read(path: str | os.PathLike) -> dict:
    """Read a tree written by `write`, bit for bit; its arrays are new and writable.

    Raises:
        CheckpointError: the file does not exist, is not a checkpoint, is damaged, or was written by a newer nnlite.
    """
    try:
        with open_regular(path) as file:
            return decode(file, os.fspath(path))
    except OSError as error:
        reason = f"{error.strerror}. Give the path of a file that nnlite saved and that you may read"
        if isinstance(error, FileNotFoundError):
            reason = "there is no such file. Is the path right, and has anything been saved yet?"
        raise CheckpointError(f"cannot read the checkpoint {os.fspath(path)}: {reason}") from error


def is_ours(path: str | os.PathLike) -> bool:
    """Whether a file is a checkpoint of nnlite by its header; the rest may be damaged.

    Example:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "a.safetensors")
        ...     write(path, {"name": "a"})
        ...     is_ours(path), is_ours(folder)
        (True, False)
    """
    path = os.fspath(path)
    try:
        with open_regular(path) as file:
            _header(file, path)
    except (OSError, CheckpointError):
        return False
    return True


def encode(tree: dict) -> bytes:
    """The content of the file for a tree; see `write`."""
    from safetensors.numpy import save  # imported on use, as hashlib below, to keep `import nnlite` fast

    tensors: dict[str, np.ndarray] = {}
    text = json.dumps({"version": VERSION, "tree": _without_arrays(tree, "", tensors)})
    return _sorted_header(save(tensors, {"nnlite": text, "sha256": _checksum(tensors, text)}))


def decode(file: BinaryIO, path: str) -> dict:
    """The tree in an open file; see `read`. `path` is used in error messages."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    # Another program's file can be huge: read on only if the header is ours.
    header, metadata = _header(file, path)
    try:
        tensors = load(header + file.read())
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        _fail(path, f"the file is cut short or damaged ({error})")
    text = metadata["nnlite"]
    tree = _parse(path, text)
    _require(path, metadata.get("sha256") == _checksum(tensors, text), "the file is damaged: its checksum is wrong")
    try:
        return _with_arrays(tree, tensors)
    except (KeyError, TypeError) as error:
        _fail(path, f"it has no array {states.shown(error.args[0])}")
    except RecursionError as error:
        _fail(path, f"its configuration is damaged ({error})")


def _sorted_header(data):
    """The same file with sorted metadata: safetensors shuffles them, but equal models should give equal files."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def _without_arrays(node, path, tensors):
    """The tree with each array replaced by {"tensor": name}, and moved to `tensors`."""
    if isinstance(node, np.ndarray):
        if path in tensors:
            raise ValueError(f"{path}: two arrays of the tree would have this name")
        if node.dtype.kind not in "biuf":
            raise TypeError(f"{path}: expected an array of numbers, got {node.dtype}: use lists of texts or numbers")
        # safetensors writes an array's memory as it is: silently wrong numbers if that is not contiguous.
        # ascontiguousarray adds an axis to a scalar array, hence the reshape.
        tensors[path] = np.ascontiguousarray(node, node.dtype.newbyteorder("=")).reshape(node.shape)
        return {"tensor": path}
    if isinstance(node, dict):
        if not all(isinstance(key, str) for key in node) or node.keys() == {"tensor"}:
            raise TypeError(f"{path or 'tree'}: keys must be strings, and 'tensor' is taken, got {list(node)}")
        prefix = path and f"{path}/"
        return {
            key: _without_arrays(value, "" if (path, key) == ("", "params") else f"{prefix}{key}", tensors)
            for key, value in node.items()
        }
    if isinstance(node, list | tuple):
        return [_without_arrays(value, f"{path}/{i}", tensors) for i, value in enumerate(node)]
    if isinstance(node, float) and not math.isfinite(node):
        raise ValueError(f"{path}: expected a finite number, got {node}: use None, or np.array({node}) in its place")
    if node is not None and not isinstance(node, bool | int | float | str):
        remedy = "use .item()" if isinstance(node, np.generic) else "use these"
        got = f"{type(node).__name__} {node!r:.100}"
        raise TypeError(f"{path}: expected numbers, texts, lists, dicts and arrays of numbers, got {got}: {remedy}")
    return node


def _with_arrays(node, tensors):
    if isinstance(node, dict):
        if node.keys() == {"tensor"}:
            return tensors[node["tensor"]]
        return {key: _with_arrays(value, tensors) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_arrays(value, tensors) for value in node]
    return node


def _checksum(tensors, text):
    import hashlib

    names = sorted(tensors)
    # Names and shapes are hashed first, so that bytes cannot move from one array to the next.
    listing = [[name, tensors[name].dtype.name, tensors[name].shape] for name in names]
    sha = hashlib.sha256(json.dumps(listing).encode())
    for name in names:
        array = tensors[name]
        sha.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    sha.update(text.encode())
    return sha.hexdigest()


def _header(file, path):
    """The bytes of a checkpoint up to the arrays, and the text entries in them."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(8)
    size = int.from_bytes(start, "little")
    # To read takes the memory that is asked for, whatever there is.
    header = file.read(min(size, end)) if len(start) == 8 and size <= _LONGEST_HEADER else b""
    _require(path, start, "the file is empty")
    foreign = next((text for magic, text in _FOREIGN.items() if start.startswith(magic)), "it starts as none does")
    _require(path, header[:1] == b"{", f"this is not a checkpoint, or its start is damaged: {foreign}")
    _require(path, len(header) == size, "the file is cut short in its header")
    try:
        metadata = json.loads(header).get("__metadata__", {})
        is_ours = isinstance(metadata.get("nnlite"), str)
    except (AttributeError, ValueError, RecursionError) as error:
        _fail(path, f"its header is damaged ({error})")
    _require(path, is_ours, "this is a safetensors file of another program: it has arrays, but no nnlite model")
    return start + header, metadata


def _parse(path, text):
    try:
        content = json.loads(text)
        version, tree = content["version"], content["tree"]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        _fail(path, f"its configuration is damaged ({error})")
    if version != VERSION:
        raise CheckpointError(
            f"cannot read the checkpoint {path}: it has format {states.shown(version)}, and this nnlite reads format "
            f"{VERSION}. If a newer nnlite wrote it, upgrade: pip install --upgrade nnlite-learn"
        )
    return tree


def _require(path, condition, problem):
    if not condition:
        _fail(path, problem)


def _fail(path, problem) -> NoReturn:
    raise CheckpointError(
        f"cannot read the checkpoint {path}: {problem}. Use a copy of it, an earlier checkpoint, or train again"
    ) from None
