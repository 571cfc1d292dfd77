"""What the names in a state dict of PyTorch say of its modules, and how their weights are laid out here.

The names of a module's arrays tell its kind, and their shapes its sizes:

    weight (U, F), bias (U)                         Linear; without bias also Embedding, (V, U)
    weight (filters, C / groups, kh, kw), bias      Conv2d
    weight (C), bias (C)                            LayerNorm; with running_mean, running_var BatchNorm
    weight_ih_l0 (GH, F), weight_hh_l0 (GH, H)      RNN, GRU, LSTM for G = 1, 3, 4; _l1 is the layer above, _reverse the
                                                    other direction; without _l0 a cell
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite import layers
from nnlite.utils import is_model

from .weights import Array, Link, WeightsError, constant, listed, short

RECURRENT = {1: "RNN", 3: "GRU", 4: "LSTM"}
_PART = re.compile(r"(weight_ih|weight_hh|bias_ih|bias_hh)(?:_l(\d+)(_reverse)?)?")


@dataclass(frozen=True)
class Unit:
    """What one layer of ours is in PyTorch: a module, or one layer of a recurrent module.

    Args:
        kind: "Linear", "Conv2d", "LayerNorm", "BatchNorm", "RNN", "GRU" or "LSTM".
        prefix: of the names of its arrays, with the dot, such as "encoder.lstm.".
        signature: kind and shapes: a layer of ours with the same one takes its weights. An Embedding is a Linear
            without bias in it.
        end: of the names of a recurrent layer's arrays, such as "_l0".
        is_both: whether it has a second direction.
        has: the names behind the prefix that there are.
    """

    kind: str
    prefix: str
    signature: tuple
    end: str = ""
    is_both: bool = False
    has: frozenset[str] = frozenset()

    @property
    def module(self) -> str:
        """The name of the module."""
        return self.prefix.removesuffix(".")

    @property
    def label(self) -> str:
        """How `names` calls it: the module's name; of a layer above the first of a recurrent one, with "_l1"."""
        return self.module + (self.end if self.end != "_l0" else "")

    def __str__(self) -> str:
        return f"{short(self.label)} {self.signature}"


def units(arrays: Mapping[str, Array]) -> tuple[list[Unit], list[str]]:
    """The units of a state dict in its order, and the names of arrays that belong to none."""
    modules: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        prefix, dot, last = name.rpartition(".")
        modules.setdefault(prefix + dot, {})[last] = array
    found, unknown = [], []
    for prefix, parts in modules.items():
        made = _recurrent(prefix, parts) if any(map(_PART.fullmatch, parts)) else _simple(prefix, parts)
        found += made
        known = {name for unit in made for name in unit.has}
        unknown += [prefix + name for name in parts if name not in known and name != "num_batches_tracked"]
    return found, unknown


def _simple(prefix, parts):
    has = frozenset(parts) - {"num_batches_tracked"}
    W = parts.get("weight")
    axes = None if W is None else len(W.shape)
    if {"running_mean", "running_var"} <= has <= {"weight", "bias", "running_mean", "running_var"}:
        return [Unit("BatchNorm", prefix, ("BatchNorm", tuple(parts["running_mean"].shape)), has=has)]
    if axes is None or not has <= {"weight", "bias"}:
        return []
    if axes == 1:
        return [Unit("LayerNorm", prefix, ("LayerNorm", tuple(W.shape)), has=has)]
    kind = {2: "Linear", 4: "Conv2d"}.get(axes)
    return [Unit(kind, prefix, (kind, tuple(W.shape), "bias" in has), has=has)] if kind else []


def _recurrent(prefix, parts):
    found = []
    matches = [match for name in parts if (match := _PART.fullmatch(name))]
    for number in sorted({match[2] or "" for match in matches}, key=lambda digits: int(digits or 0)):
        here = [match for match in matches if (match[2] or "") == number]
        is_both, end = any(match[3] for match in here), f"_l{number}" if number else ""  # of a cell
        needed = {f"{name}{end}{way}" for name in ("weight_ih", "weight_hh") for way in ["", "_reverse"][: 1 + is_both]}
        if not needed <= parts.keys() or any(len(parts[name].shape) != 2 for name in needed):
            continue
        (rows, H), F = parts[f"weight_hh{end}"].shape, parts[f"weight_ih{end}"].shape[1]
        kind = RECURRENT.get(rows // H if H and rows % H == 0 else 0)
        if kind and f"weight_hr{end}" not in parts:  # a projection, which is not here
            has = frozenset(match[0] for match in here)
            found.append(Unit(kind, prefix, (kind, (F, H), is_both), end, is_both, has))
    return found


def signature(layer: Any) -> tuple | None:
    """The signature of the unit whose weights one of our layers takes; None if PyTorch has none."""
    inner = getattr(layer, "layer", layer)
    arrays = {**layer.params, **layer.statistics}
    if type(inner) is layers.Dense:
        return "Linear", arrays["W"].shape[::-1], inner.use_bias
    if type(inner) is layers.Embedding:
        return "Linear", arrays["W"].shape, False
    if type(inner) is layers.Conv2D:
        return "Conv2d", arrays["W"].transpose(3, 2, 0, 1).shape, inner.use_bias
    if type(inner) is layers.LayerNorm:
        return "LayerNorm", arrays["gamma"].shape
    if type(inner) is layers.BatchNorm:
        return "BatchNorm", arrays["gamma"].shape
    is_both = type(layer) is layers.Bidirectional
    one = layer.forward_layer if is_both else inner
    if type(one) in (layers.RNN, layers.GRU, layers.LSTM):
        return type(one).__name__, (len(one.params["Wx"]), one.units), is_both
    return None


def unit_of(name: str, layer: Any) -> Unit:
    """The unit that a layer of ours is written as, where nothing says otherwise; its module has the layer's name."""
    made = signature(layer)
    if made is None:
        raise WeightsError(f"{name}: PyTorch has no module for {layer!r}")
    kind, has = made[0], ["weight", "bias"]
    if kind in ("Linear", "Conv2d") and not made[2]:
        has = ["weight"]
    if kind == "BatchNorm":
        has += ["running_mean", "running_var"]
    if kind not in RECURRENT.values():
        return Unit(kind, f"{name}.", made, has=frozenset(has))
    ways = ["", "_reverse"][: 1 + made[2]]
    names = (f"{part}_l0{way}" for way in ways for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return Unit(kind, f"{name}.", made, "_l0", made[2], frozenset(names))


Order = np.ndarray | None  # where our features are among PyTorch's: ours = theirs[order]


def links(unit: Unit, name: str, layer: Any, below: Order = None, above: Order = None) -> list[Link]:
    """The links between a unit's weights and those of a layer of ours.

    Args:
        below, above: the orders of the features of x and of y, where they are pixels that PyTorch counts in another
            order.
    """
    inner, at = getattr(layer, "layer", layer), unit.prefix
    if unit.kind in RECURRENT.values():
        ways = (("forward_", ""), ("backward_", "_reverse")) if unit.is_both else (("", ""),)
        one = layer.forward_layer if unit.is_both else inner
        return [link for ours, way in ways for link in _gates(unit, f"{name}.{ours}", unit.end + way, one, below)]
    if unit.kind in ("LayerNorm", "BatchNorm"):
        pairs = [("gamma", "weight", 1.0), ("beta", "bias", 0.0)]
        pairs += [("moving_mean", "running_mean", 0.0), ("moving_variance", "running_var", 1.0)][
            : 2 * ("B" in unit.kind)
        ]
        return [
            _ordered(f"{name}.{ours}", at + theirs, (below,))
            if theirs in unit.has
            else constant(f"{name}.{ours}", value)
            for ours, theirs, value in pairs
        ]
    if type(inner) is layers.Embedding:
        return [Link(f"{name}.W", (f"{at}weight",))]
    if unit.kind == "Conv2d":
        W = Link(f"{name}.W", (f"{at}weight",), _from_conv2d, lambda W: (W.transpose(3, 2, 0, 1),))
    else:
        W = _ordered(f"{name}.W", f"{at}weight", (below, above), is_matrix=True)
    return [W, _ordered(f"{name}.b", f"{at}bias", (above,))] if inner.use_bias else [W]


def _from_conv2d(W):
    return W.transpose(2, 3, 1, 0)


def _ordered(ours, theirs, orders, is_matrix=False):
    """The link of an array whose axes may count in other orders; a matrix is transposed."""
    back = [None if order is None else np.argsort(order) for order in orders]

    def to_ours(array):
        return _taken(array.T if is_matrix else array, orders)

    def to_theirs(array):
        array = _taken(array, back)
        return (array.T if is_matrix else array,)

    return Link(ours, (theirs,), to_ours, to_theirs)


def _taken(array, orders):
    for axis, order in enumerate(orders):
        array = array if order is None else array.take(order, axis)
    return array


def _gates(unit, ours, end, layer, below):
    """The links of one direction of a recurrent layer.

    PyTorch has two biases. A GRU with its reset gate behind the product needs both; elsewhere they are added, and the
    sum goes back into the first.
    """
    names = [f"{unit.prefix}{part}{end}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    blocks, G, H = (1, 0, 2) if unit.kind == "GRU" else range(layer.gates), layer.gates, layer.units  # r, z, n: z, r, h

    def swapped(array):  # the blocks of the last axis; the same there and back
        return array.reshape(*array.shape[:-1], G, H)[..., blocks, :].reshape(array.shape) if G == 3 else array

    def weight(ours, theirs, order):
        back = None if order is None else np.argsort(order)
        return Link(
            ours,
            (theirs,),
            lambda W: _taken(swapped(W.T), (order,)),
            lambda W: (_taken(swapped(W), (back,)).T,),
        )

    found = [weight(f"{ours}Wx", names[0], below), weight(f"{ours}Wh", names[1], None)]
    has_bias = f"bias_ih{end}" in unit.has
    if not has_bias:
        return [*found, constant(f"{ours}b", 0.0)]
    if unit.kind == "GRU":
        if layer.biases != 2:
            raise WeightsError(
                f"{ours}b: PyTorch's GRU has the reset gate behind the product, and a second bias there: use "
                f"GRU(..., reset_after=True)"
            )
        return [
            *found,
            Link(f"{ours}b", tuple(names[2:]), lambda *b: swapped(np.stack(b)), lambda b: tuple(swapped(b))),
        ]
    return [*found, Link(f"{ours}b", tuple(names[2:]), np.add, lambda b: (b, np.zeros_like(b)))]


# Layers whose y has the features of x, in their order.
_KEEP_FEATURES = {
    *("Dropout", "ReLU", "LeakyReLU", "GELU", "Sigmoid", "Tanh", "Softmax", "BatchNorm", "LayerNorm", "RepeatVector"),
}


def orders(model: Any) -> dict[str, tuple[Order, Order]]:
    """For each layer of a model the orders of the features of its x and y, where PyTorch counts them otherwise.

    An image (H, W, C) that becomes a row, by Flatten or Reshape, does so in PyTorch from (C, H, W); and a row becomes
    such an image there.
    """
    rows = [*_rows(model, "", model.input_shape)]
    found: dict[str, tuple[Order, Order]] = {name: (None, None) for name, *_ in rows}
    order: Order = None
    for at, (name, kind, below, above) in enumerate(rows):
        is_moved = kind in ("Flatten", "Reshape")
        if is_moved and len(below) == 3 and len(above) == 1:
            order = _order(below)
        elif is_moved and len(below) == 1 and len(above) == 3:
            for before, what, *_ in reversed(rows[:at]):
                found[before] = (_order(above) if what in _KEEP_FEATURES else found[before][0], _order(above))
                if what not in _KEEP_FEATURES:
                    break
            order = None
        elif not (is_moved and len(below) == len(above) == 1):
            found[name] = (order, None)
            order = order if kind in _KEEP_FEATURES else None
    return found


def _rows(model, path, shape):
    """Full name, class, and the shapes of x and y of each layer, those of one step under a TimeDistributed."""
    shapes = model.shapes(shape)
    for layer, below, above in zip(model.layers, shapes, shapes[1:], strict=False):
        if is_model(layer):
            yield from _rows(layer, f"{path}{layer.name}.", below)
        else:
            steps = 1 if type(layer) is layers.TimeDistributed else 0
            yield f"{path}{layer.name}", type(getattr(layer, "layer", layer)).__name__, below[steps:], above[steps:]


def _order(image):
    """Where the numbers of an image (H, W, C), in this order, are in (C, H, W); None if at the same places."""
    if None in image or image[2] == 1 or image[0] * image[1] == 1:
        return None
    H, W, C = image
    return np.arange(H * W * C).reshape(C, H, W).transpose(1, 2, 0).ravel()


def matched(
    ours: list[tuple[str, Any]], arrays: Mapping[str, Array], is_ordered: bool, names: Mapping[str, str]
) -> list[Unit]:
    """For each of our layers its unit: that which `names` says, that of the same name, or in order; see `from_torch`.

    Args:
        ours: names and layers.
        arrays: of the state dict.
        is_ordered: whether they are in the order of the model.

    Raises:
        WeightsError: there is none, or which one it is cannot be told; both sides are listed.
    """
    theirs, unknown = units(arrays)
    labels = {unit.label: unit for unit in theirs}
    for name, label in names.items():
        _require("names", name, [name for name, _ in ours], "layer with weights")
        _require(f"names[{name!r}]", label, labels, "module")
    chosen = {name: labels[label] for name, label in names.items()}
    own = [(name, layer) for name, layer in ours if name not in chosen]
    left = [unit for unit in theirs if unit not in chosen.values()]
    found = _by_name(own, left) or (_in_order(own, left) if is_ordered else None) or _by_shape(own, left)
    if found is None:
        hint = "" if is_ordered else " A file has no order but that of numbers in names."
        kinds = [
            sorted(map(repr, side)) for side in ([signature(layer) for _, layer in own], [u.signature for u in left])
        ]
        problem = "which weights are whose cannot be told" if kinds[0] == kinds[1] else "the layers are not the same"
        raise WeightsError(
            f"{problem}.{hint} Say which is which by names={{...}}, from our names to theirs:"
            f"{listed(_side_by_side(own, left, [f'{short(n)} {arrays[n].shape}, of no layer here' for n in unknown]))}"
        )
    chosen |= {name: unit for (name, _), unit in zip(own, found, strict=True)}
    return [chosen[name] for name, _ in ours]


def _require(what, name, there, kind):
    if name not in there:
        near = difflib.get_close_matches(str(name), list(there), n=1, cutoff=0.3)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise WeightsError(f"{what}: there is no {kind} {name!r}{hint}")


def _by_name(own, theirs):
    """All layers by their names, which are those that `to_torch` gives."""
    labels = {unit.label: unit for unit in theirs}
    if len(own) == len(theirs) and all(name in labels for name, _ in own):
        found = [labels[name] for name, _ in own]
        return found if _are_alike(own, found) else None
    return None


def _in_order(own, theirs):
    return theirs if _are_alike(own, theirs) else None


def _are_alike(own, theirs):
    """Whether the layers are of the same kinds. Their shapes may differ: then the message says how."""
    return len(own) == len(theirs) and all(
        (made := signature(layer)) is not None and made[0] == unit.kind and made[2:] == unit.signature[2:]
        for (_, layer), unit in zip(own, theirs, strict=True)
    )


def _by_shape(own, theirs):
    """By kind and shape, if each is there once; or so often that numbers in the names tell the order."""
    groups: dict[Any, list[Unit]] = {}
    for unit in theirs:
        groups.setdefault(unit.signature, []).append(unit)
    if len(own) != len(theirs) or any(len(units) > 1 and not _are_numbered(units) for units in groups.values()):
        return None
    for units in groups.values():
        units.sort(key=lambda unit: _numbers(unit.label))
    found = [groups[made].pop(0) if groups.get(made := signature(layer)) else None for _, layer in own]
    return None if None in found else found


def _are_numbered(units):
    """Whether their names are the same but for their numbers."""
    return len({re.sub(r"\d+", "0", unit.label) for unit in units}) == 1


def _numbers(label):
    return [int(number) for number in re.findall(r"\d+", label)]


def _side_by_side(own, theirs, unknown):
    """Both sides' layers in a table, for a message."""
    left = ["nnlite", *(f"{name} {signature(layer) or layer}" for name, layer in own)]
    right = ["PyTorch", *map(str, theirs), *unknown]
    rows, width = max(len(left), len(right)), max(map(len, left))
    padded = [side + ["-"] * (rows - len(side)) for side in (left, right)]
    return [f"{a:{width}}  {b}" for a, b in zip(*padded, strict=True)]
