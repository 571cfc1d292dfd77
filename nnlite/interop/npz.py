"""Plain arrays by names: .npz files, and dicts."""

import io
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import nnlite
from nnlite.saving import atomic_file

from . import stores
from .targets import check_path
from .weights import Link, arrays_of, load, require_built


def to_npz(model: nnlite.Sequential, path: str | os.PathLike) -> None:
    """Write a model's weights to an .npz file: parameters and statistics under their names, such as "lstm.Wx".

    `numpy.load` reads it. The file has no layers, and no vocabulary; `model.save` keeps all.

    Raises:
        ValueError: the model is not built, the path has another ending, or a name in it has a NUL.
        OSError: the file cannot be written; an existing file is unchanged.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.interop import to_npz
        >>> model = Sequential([Dense(2)], input_shape=(3,), seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.npz")
        ...     to_npz(model, path)
        ...     arrays = dict(np.load(path))
        >>> {name: array.shape for name, array in arrays.items()}
        {'dense.W': (3, 2), 'dense.b': (2,)}
    """
    require_built("to_npz", model)
    check_path("to_npz: path", path, ".npz")
    memory, arrays = io.BytesIO(), arrays_of(model)
    for name in arrays:
        if re.search("[\0\ud800-\udfff]", name):  # also half of a character of UTF-16
            raise ValueError(
                f"to_npz: expected names that a zip can have, got {name!r}: give the layer, or its parameter, another"
            )
    np.savez(memory, **arrays)  # type: ignore[arg-type]  # whose own arguments have no dot in their names
    atomic_file.write(path, memory.getvalue())


def from_npz(source: str | os.PathLike | Mapping[str, Any], model: nnlite.Sequential) -> nnlite.Sequential:
    """Copy arrays with the names of a model's weights into it, from an .npz file or a dict. All must be there and fit.

    Args:
        source: path of a file of `to_npz` or `numpy.savez`, or a dict of arrays. What is pickled is never loaded.
        model: a built model.

    Returns:
        The model.

    Raises:
        WeightsError: it is no such file, or damaged; or an array is missing, left over or of another shape: all are
            listed. The model is as it was.
        OSError: the file cannot be opened.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.interop import from_npz
        >>> model = Sequential([Dense(1)], input_shape=(2,))
        >>> from_npz({"dense.W": np.array([[2.0], [3.0]]), "dense.b": np.zeros(1)}, model)(np.ones((1, 2)))
        array([[5.]], dtype=float32)
    """
    what = "from_npz"
    require_built(what, model)
    links = [Link(name, (name,)) for name in arrays_of(model)]
    if isinstance(source, Mapping):
        load(what, links, stores.in_memory(what, source), model, ignored=lambda name: False)
        return model
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"{what}: source: expected a path or a dict of arrays, got {type(source).__name__}")
    with stores.opened(what, source) as (file, _), stores.members(file) as archive:
        load(what, links, stores.npz(archive), model, ignored=lambda name: False)
    return model
