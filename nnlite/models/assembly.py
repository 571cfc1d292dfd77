"""Assembly: what a list of layers has to be, and what becomes of it in a model."""

import re
from typing import Any

import numpy as np

from .. import checks
from ..arguments import is_ours
from ..arguments.classes import is_model
from ..layers.base import own
from ..layers.base.input import Input
from ..layers.base.layer import Layer
from ..layers.base.shown import in_words

DEEPEST = 50  # models in each other: each takes some of the calls in each other that Python allows


def prepare(layers, dtype, rng):
    """Make one model's layers of them: different names, one dtype, one random generator.

    A layer may also be a model, which has layers itself.

    Returns:
        The list of layers, their dtype, and the input shape that the first one was given, else None.
    """
    if not hasattr(layers, "__iter__") or hasattr(layers, "forward"):
        hint = f": give a list, Sequential([{type(layers).__name__}(...), ...])" if _is_part(layers) else ""
        raise TypeError(f"layers: expected a list of layers, got {layers!r}{hint}")
    layers = list(layers)
    shape = layers.pop(0).shape if layers and isinstance(layers[0], Input) else None
    _check_kinds(layers)
    names = _names(layers)
    check_full_names(layers, names)
    wanted = None if dtype is None else checks.float_dtype("dtype", dtype)
    dtypes = [layer.dtype if wanted is None or _is_settled(layer) else wanted for layer in layers]
    common = wanted or (dtypes[0] if layers else np.dtype("float32"))
    for layer, own_dtype in zip(layers, dtypes, strict=True):
        if own_dtype != common:
            where = ", and is in another model" if getattr(layer, "_in_model", False) and not layer.built else ""
            raise ValueError(
                f"{layer.name} has dtype {own_dtype.name}{where}, the model {common.name}: give the model one, "
                f"dtype=..., before its layers are built"
            )
    for layer, name in zip(layers, names, strict=True):  # nothing of another model changes before all is checked
        layer.name, layer._in_model = name, True
        _adopt(layer, wanted, rng)
    if shape is None and layers:
        first = layers[0]
        shape = first.input_shape if is_model(first) else getattr(first, "_input_shape", None)
    return layers, common, shape


def _depth(layer):
    """How many models are in each other here."""
    return 1 + max(map(_depth, layer.layers), default=0) if is_model(layer) else 0


def _is_part(thing):
    return isinstance(thing, Layer) or is_model(thing)


def _check_kinds(layers):
    """Each is a layer or a model, there once, and made by its base's constructor."""
    seen: set[int] = set()
    for i, layer in enumerate(layers):
        where, what = f"layers[{i}]", type(layer).__name__
        if isinstance(layer, Input):
            raise TypeError(f"{where}: expected a layer, got {layer!r}: Input comes first, before all layers")
        if not _is_part(layer) or isinstance(layer, type):
            raise TypeError(f"{where}: expected a layer, got {layer!r}{own.hint(layer)}")
        if (depth := _depth(layer)) > DEEPEST:
            raise ValueError(
                f"{where}: expected at most {DEEPEST} models in each other, got {depth}: add the layers of the inner "
                f"ones to one model, Sequential([*inner.layers, ...])"
            )
        if not hasattr(layer, "name"):
            raise TypeError(
                f"{where}: {what} has no name, dtype and params: add super().__init__() as the first line of "
                f"{what}.__init__"
            )
        if getattr(layer, "return_state", False):
            raise ValueError(
                f"{where}: {layer!r}: a model hands one array on from layer to layer: leave return_state out, and read "
                f"the layer's state after the model has run"
            )
        for part in _all_parts(layer):
            if id(part) in seen:
                # A layer keeps one input for backward and writes its gradients: its second use would undo the first.
                raise ValueError(f"{where}: this {type(part).__name__} is in the list already: make another one")
            seen.add(id(part))


def _all_parts(layer):
    """The layer, and all layers inside it, that of a TimeDistributed, too."""
    for part in parts(layer):
        yield part
        if type(part).__name__ == "TimeDistributed" and is_ours(type(part)):
            yield part.layer


def parts(layer):
    """The layer, and all layers inside it."""
    yield layer
    for part in layer.layers if is_model(layer) else ():  # a layer of one's own may have some, too
        yield from parts(part)


def _is_settled(layer):
    """Whether its dtype stays: it has its parameters, or another model counts on it."""
    return layer.built or getattr(layer, "_in_model", False)


def _adopt(layer, dtype, rng):
    """Give the layer, and all inside it, the model's dtype and random generator, unless it has a seed of its own."""
    seeded = [part.rng for part in parts(layer) if part._is_seeded]
    for part in [*parts(layer)][::-1]:  # what is inside first: a model's dtype is that of its layers
        part._is_seeded = any(part.rng is its for its in seeded)  # as all layers in a model that has a seed
        if not part._is_seeded:
            part.rng = rng
        if dtype is not None and not part.built:
            part.dtype = dtype
        if isinstance(part, Layer):
            part.equip_parts()


def _names(layers):
    """Different names for the layers: in a model, names are the keys of parameters. One's own name stays.

    Those that are in a model, this or another one, choose first: with another name they would take that of its others.
    """
    names, taken = [""] * len(layers), dict[str, int]()  # the last number that was added to each name
    for i in sorted(range(len(layers)), key=lambda i: not getattr(layers[i], "_in_model", False)):
        names[i] = _free_name(layers[i], taken)
    return names


def _free_name(layer, taken):
    stem = name = checks.layer_name(layer.name)
    if stem in taken and not re.fullmatch(rf"{in_words(type(layer))}(_\d+)*", stem):
        raise ValueError(f"name: expected another name for each layer, got {stem!r} twice: give one of them another")
    while name in taken:
        taken[stem] += 1
        name = f"{stem}_{taken[stem]}"
    taken[name] = 0
    return name


def check_full_names(layers, names):
    """Refuse a layer "inner.dense" beside a model "inner": their parameters would share names."""
    for model in [name for name, layer in zip(names, layers, strict=True) if is_model(layer)]:
        for name in names:
            if name.startswith(f"{model}."):
                raise ValueError(f"a layer's name cannot begin with that of the model {model!r}: {name!r}")


def shape_without_batch(shape: Any) -> tuple[int | None, ...]:
    """input_shape as a tuple of whole numbers of at least 1, or None for any size."""
    sizes = checks.input_shape(shape)
    return tuple(None if size is None else checks.positive("input_shape", size) for size in sizes)
