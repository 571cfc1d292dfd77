"""Weights of PyTorch: state dicts and safetensors files, without PyTorch."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import nnlite
from nnlite.saving import atomic_file, checkpoint
from nnlite.utils import kinds_of

from . import settings, stores, torch_modules
from .targets import check_path
from .weights import Link, Store, WeightsError, load, require_built, written


@kinds_of("names")
def from_torch(
    source: Any, model: nnlite.Sequential | None = None, names: Mapping[str, str] | None = None
) -> nnlite.Sequential:
    """Copy weights of PyTorch into a model of ours: transposed, gates in our order, biases added.

    A state dict has no layers, but the names and shapes of their weights tell what they are. A layer takes those of the
    module of its name; else all are taken in the order of the state dict, which is that in which the modules were made.
    A file has lost that order: there each takes what fits in kind and shape, those that are alike in the order of the
    numbers in their names. Whatever cannot be told is refused.

    An `nn.LSTM` of several layers, `num_layers=2`, is as many layers here; with `bidirectional=True` they are
    `Bidirectional`. A Dense behind a Flatten of images (H, W, C) gets its rows in our order: PyTorch counts (C, H, W).

    Args:
        source: `module.state_dict()`, or any dict from names to tensors or arrays; a module; or the path of a
            safetensors file. PyTorch is not needed to read a file. Files of `torch.save` are pickled, and never read.
        model: a built model. It has to be there: by default this says so.
        names: from our layers' names to the modules', such as {"dense": "encoder.fc"}; "lstm_l1" is the second layer of
            a module "lstm".

    Returns:
        The model.

    Raises:
        WeightsError: it is no such file, or damaged; which weights are whose cannot be told; one is missing, left
            over or of another shape; or a module has other settings, such as epsilon: both sides are listed. The
            model is as it was.
        OSError: the file cannot be opened.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.interop import from_torch
        >>> model = Sequential([Dense(2)], input_shape=(3,))
        >>> state = {"fc.weight": np.arange(6.0).reshape(2, 3), "fc.bias": np.ones(2)}
        >>> from_torch(state, model).params["dense.W"]
        array([[0., 3.],
               [1., 4.],
               [2., 5.]], dtype=float32)
    """
    what = "from_torch"
    if model is None:
        raise TypeError(
            f"{what}: model: expected a built model that takes the weights, got none: a module does not say what its "
            f"forward does: make one of the same layers, from_torch(module, Sequential([...], input_shape=...))"
        )
    require_built(what, model)
    where, store, is_ordered = _store(what, source)
    links = _links(where, store, model, is_ordered, names, source)
    load(where, links, store, model, lambda name: name.endswith("num_batches_tracked"))
    return model


@kinds_of("names")
def to_torch(
    model: nnlite.Sequential,
    path: str | os.PathLike | None = None,
    *,
    like: Any = None,
    names: Mapping[str, str] | None = None,
    tensors: bool = False,
) -> dict[str, Any]:
    """A model's weights as a state dict of PyTorch, which `module.load_state_dict` takes.

    Args:
        model: a built model.
        path: write a safetensors file, too; its name ends in ".safetensors".
        like: a module of PyTorch, its state dict, or a safetensors file, whose names are wanted; layers and modules
            find each other as in `from_torch`. By default a layer's name is its module's: "lstm.weight_ih_l0".
        names: as in `from_torch`; without `like` any module names, such as {"dense": "0", "dense_1": "2"}.
        tensors: tensors instead of arrays; this needs PyTorch. So does `like` with tensors in it.

    Returns:
        A dict from names to new arrays, or tensors. Of the two biases of recurrent modules the second is 0, but in a
        GRU. An array `num_batches_tracked`, which BatchNorm counts in PyTorch, is 0.

    Raises:
        WeightsError: PyTorch has no module for a layer; or `like` does not fit, both sides are listed.
        ValueError: the path has another ending, or there is a model of nnlite's own.
        OSError: the file cannot be written.

    Example:
        >>> from nnlite import LSTM, Dense, Sequential
        >>> from nnlite.interop import to_torch
        >>> model = Sequential([LSTM(3), Dense(2)], input_shape=(None, 4))
        >>> for name, array in to_torch(model, names={"dense": "head"}).items():
        ...     print(name, array.shape)
        lstm.weight_ih_l0 (12, 4)
        lstm.weight_hh_l0 (12, 3)
        lstm.bias_ih_l0 (12,)
        lstm.bias_hh_l0 (12,)
        head.weight (2, 3)
        head.bias (2,)
    """
    what = "to_torch"
    require_built(what, model)
    if hasattr(path, "state_dict") or isinstance(path, Mapping):
        raise TypeError(
            f"{what}: path: expected the path of a file to write, got {type(path).__name__}: for a module's names use "
            f"to_torch(model, like=net), and then net.load_state_dict(...) of what it returns"
        )
    if path is not None:
        _check_target(path)
    store = None
    if like is not None:
        where, store, is_ordered = _store(f"{what}: like", like)
        links = _links(where, store, model, is_ordered, names, like)
    else:
        links = _own_links(model, names or {})
    arrays = written(links, model)
    for name in [name for name in arrays if name.endswith("running_var")]:
        arrays[name.replace("running_var", "num_batches_tracked")] = np.zeros((), np.int64)
    if store:
        _require_same(arrays, store)
    if path is not None:
        from safetensors.numpy import save

        atomic_file.write(path, save(arrays, {"format": "pt"}))
    return _as_tensors(arrays, like) if tensors or _is_of_tensors(like) else arrays


def _store(what: str, source: Any) -> tuple[str, Store, bool]:
    """What begins messages, the arrays of a source, and whether they are in the order of the model."""
    if hasattr(source, "state_dict"):
        source = source.state_dict()
    if isinstance(source, Mapping):
        found = stores.in_memory(what, source)
        # Of a file that was read into a dict, names are sorted; a module has its weight before its bias.
        return what, found, list(source) != sorted(source)
    if not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise TypeError(f"{what}: expected a state dict, a module, or the path of a safetensors file, got {kind}")
    with stores.opened(what, source) as (file, _):
        begin = file.read(9)
        if begin[8:] != b"{" and begin.startswith((b"\x80", b"PK")):
            raise WeightsError(
                "it is pickled, as torch.save writes, and nnlite never reads that: loading it can run any code. In "
                "PyTorch: safetensors.torch.save_file(module.state_dict(), 'model.safetensors')"
            )
        return f"{what}: {os.fsdecode(source)}", stores.safetensors(source), False


def _links(
    where: str, store: Store, model: Any, is_ordered: bool, names: Mapping[str, str] | None, source: Any
) -> list[Link]:
    own = [(name, layer) for name, layer in model.all_layers.items() if layer.params]
    try:
        units = torch_modules.matched(own, store.arrays, is_ordered, names or {})
        found = _linked(model, own, units)
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from None
    if hasattr(source, "named_modules"):
        triples = [(unit, name, layer) for unit, (name, layer) in zip(units, own, strict=True)]
        settings.compare_torch(where, source, model, triples)
    return found


def _own_links(model, names):
    own = [(name, layer) for name, layer in model.all_layers.items() if layer.params]
    return _linked(model, own, [torch_modules.unit_of(names.get(name, name), layer) for name, layer in own])


def _linked(model, own, units):
    orders = torch_modules.orders(model)
    pairs = zip(units, own, strict=True)
    return [link for unit, (name, layer) in pairs for link in torch_modules.links(unit, name, layer, *orders[name])]


def _check_target(path):
    """Refuse a file that is none of safetensors by its name, or a model of ours, which would be lost."""
    name, hint = os.fsdecode(path) if isinstance(path, str | os.PathLike) else "", ""
    if name.lower().endswith((".pt", ".pth", ".bin", ".ckpt")):
        hint = f"; or, in PyTorch's own format, torch.save(to_torch(model, tensors=True), {name!r})"
    check_path("to_torch: path", path, ".safetensors", hint)
    if checkpoint.is_ours(path):
        raise ValueError(
            f"to_torch: path: expected a new file, or one of another program, got {name!r}: that is a model of nnlite, "
            f"which would be lost: choose another name"
        )


def _require_same(arrays, store):
    """Refuse names and shapes that are not those of `like`."""
    for name, array in arrays.items():
        there = store.arrays.get(name)
        if there is not None and tuple(there.shape) != array.shape:
            raise WeightsError(f"to_torch: {name}: expected {tuple(there.shape)}, as in like, got {array.shape}")
    if more := [name for name in store.arrays if name not in arrays]:
        raise WeightsError(f"to_torch: {more[0]} {store.arrays[more[0]].shape} in like: the model has no such weight")


def _is_of_tensors(like):
    like = like.state_dict() if hasattr(like, "state_dict") else like
    return isinstance(like, Mapping) and any(hasattr(value, "detach") for value in like.values())


def _as_tensors(arrays, like):
    import torch

    like = like.state_dict() if hasattr(like, "state_dict") else like
    given = like if isinstance(like, Mapping) else {}
    return {
        name: torch.from_numpy(array).to(getattr(given.get(name), "dtype", None) or torch.from_numpy(array).dtype)
        for name, array in arrays.items()
    }
