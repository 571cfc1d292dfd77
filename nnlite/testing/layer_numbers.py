"""What a layer computes: the right gradients, and the same bits whatever is around it."""

import warnings

import numpy as np

from .. import Layer, get_backend, gradcheck, use_backend
from .comparison import close, layouts, moved, same_bits
from .contract import LeftOut, expect, on_compiled_kernels
from .layer_case import LAYER, MODES, ROWS, LayerCase, layer_params
from .threads import at_once, many, threads_of_kernels

FEW = 300  # numbers whose gradients are compared one by one


@LAYER
def gradients(case: LayerCase) -> str | None:
    """A wrong gradient trains all the same, only worse: finite differences tell."""
    x, layer = case.inputs(3, "float64"), case.new("float64")
    params = layer_params(layer)
    if x.dtype.kind != "f" and not params:
        raise LeftOut("there is nothing to differentiate: ids, and no parameters")
    size = x.size + sum(param.size for param in params.values())
    for scale in case.scales(x):
        for training in MODES:
            gradcheck(layer, scale * x, training=training, fast=size > FEW)
    return f"along random directions, as these are {size:,} numbers" if size > FEW else None


@LAYER
def zero_gradient(case: LayerCase) -> None:
    """Where the loss does not depend on y, it depends on nothing before it: dy = 0 gives gradients of exactly 0."""
    x = case.inputs()
    for training in MODES:
        results = case.run(x, training, dy=np.zeros_like(case.forward(case.new(), x, training)))
        for name, array in results.items():
            if name == "dx" or name.startswith("grads"):
                remedy = "a gradient is dy times something: add nothing to it, and divide by nothing that dy makes 0"
                expect(not array.any(), name, "0 everywhere for dy = 0", array[array != 0][:1], remedy)


@LAYER
def backward_twice(case: LayerCase) -> None:
    """Each backward replaces the gradients of the one before: otherwise a step follows the sum of all so far."""
    layer, x = case.new(), case.inputs()
    dy = case.dy(case.forward(layer, x))
    first = case.backward(layer, dy.copy())
    once = {name: array.copy() for name, array in first.items()}
    for array in first.values():
        array.fill(np.nan)  # it is the caller's now
    remedy = 'write the gradients, self.grads["W"][...] = ..., add nothing to them, and leave what forward kept'
    same_bits(case.backward(layer, dy), once, "from a second backward", remedy)


@LAYER
def empty_batch(case: LayerCase) -> None:
    """A batch may have no rows, as where a filter has left none: the gradients of no rows are 0."""
    x = case.inputs(0)
    expected = (0, *np.shape(case.forward(case.new(), case.inputs()))[1:])
    for training in MODES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of means of nothing
            results = case.run(x, training)
        remedy = "take sizes from shapes, x.reshape(len(x), np.prod(x.shape[1:])) and not -1; a mean of nothing is NaN"
        expect(results["y"].shape == expected, "y", f"shape {expected}", results["y"].shape, remedy)
        for name, array in results.items():
            if name.startswith("grads"):
                expect(not array.any(), name, "0 from no rows", "other numbers", remedy)


@LAYER
def batch_of_one(case: LayerCase) -> None:
    """The last batch of an epoch may have one row."""
    expected = (1, *np.shape(case.forward(case.new(), case.inputs()))[1:])
    x = case.inputs(1)
    for training in MODES:
        y = case.forward(case.new(), x, training)
        remedy = "keep the first axis, without squeeze(), and divide by no number of rows minus 1"
        expect(np.shape(y) == expected, "y", f"shape {expected}", np.shape(y), remedy)
        results = case.run(x, training)
        if x.dtype.kind == "f":
            expect(np.shape(results["dx"]) == x.shape, "dx", f"shape {x.shape}", np.shape(results["dx"]), remedy)
        for name, array in results.items():
            expect(np.isfinite(array).all(), name, "finite numbers", "NaN or infinity", remedy)


@LAYER
def memory_layout(case: LayerCase) -> None:
    """Slices, transposes and memory maps hold the same numbers as their copies."""
    x = case.inputs()
    dy = case.dy(case.forward(case.new(), x))
    expected = case.run(x, dy=dy)
    remedy = (
        "use what keeps to shapes, such as x.reshape, and nothing that looks at memory, such as x.data or x.ravel('K')"
    )
    for kind, other in layouts(x).items():
        _same(case, case.run(other, dy=dy), expected, f"with x {kind}", remedy, copies=kind == "read-only")
    for kind, other in layouts(dy).items():
        _same(case, case.run(x, dy=other), expected, f"with dy {kind}", remedy, copies=kind == "read-only")


@LAYER
def alignment(case: LayerCase) -> None:
    """Where in memory an array begins is chance, and must not show in the numbers."""
    x = case.inputs(48)
    dy = case.dy(case.forward(case.new(), x))
    expected = case.run(x, dy=dy)
    for offset in (1, 3, 8):
        layer = case.new()
        if case.is_ours:
            for name, param in layer.params.items():
                layer.params[name], layer.grads[name] = moved(param, offset), moved(layer.grads[name], offset)
        found = case.run(moved(x, offset), dy=moved(dy, offset), layer=layer)
        when = f"where arrays begin {offset} numbers behind a multiple of 64 bytes"
        _same(case, found, expected, when, "let no order of sums depend on an address", copies=False)


@LAYER
def float32(case: LayerCase) -> None:
    """float32 is what models train in: it has to be float64 but for rounding."""
    if not case.is_layer:
        raise LeftOut("it has one dtype")
    x = case.inputs(dtype="float32")
    wide = x.astype(np.float64) if x.dtype.kind == "f" else x
    for training in MODES:
        dy = case.dy(case.forward(case.new("float32"), x, training))
        narrow = case.run(x, training, dtype="float32", dy=dy)
        expected = case.run(wide, training, dtype="float64", dy=dy.astype(np.float64))
        remedy = "subtract what is large before you exponentiate or square, and sum in float64"
        close(narrow, expected, "float32", f"as in float64, training={training}", remedy)


@LAYER
def backends(case: LayerCase) -> None:
    """The reference in NumPy is what can be read: the compiled kernel has to compute the same."""
    _require_kernels(case)
    for kind in ("float32", "float64"):
        x = case.inputs(dtype=kind)
        for training in MODES:
            dy = case.dy(case.forward(case.new(kind), x, training))
            with on_compiled_kernels():
                compiled = case.run(x, training, dtype=kind, dy=dy)
            with use_backend("reference"):
                reference = case.run(x, training, dtype=kind, dy=dy)
            remedy = "compare csrc/ with nnlite/reference/"
            close(compiled, reference, kind, f"as in the reference, {kind}", remedy)


@LAYER
def threads(case: LayerCase) -> None:
    """A result that depends on the number of cores cannot be repeated on another machine."""
    _require_kernels(case)
    x = case.inputs(many(case.input_shape))
    with threads_of_kernels(1):
        expected = case.run(x)
    for n in (2, 3, 5):
        with threads_of_kernels(n):
            found = case.run(x)
        same_bits(found, expected, f"with {n} threads", "cut sums into parts that do not depend on the threads")


@LAYER
def python_threads(case: LayerCase) -> None:
    """A server answers several requests at once: each gets the numbers that it would have got alone."""
    if not case.is_layer:
        raise LeftOut("its class does not derive from nnlite.Layer, whose passes take turns")
    if getattr(case.layer, "stateful", False):
        raise LeftOut("it has one state, in which all who call it go on")
    layer, inputs = case.new(), [case.inputs(seed=seed) for seed in (2, 3)]
    expected = [{"y": np.copy(case.forward(layer, x, training=False))} for x in inputs]
    for found in at_once([lambda x=x: {"y": case.forward(layer, x, training=False)} for x in inputs], times=15):
        for results, alone in zip(found, expected, strict=True):
            same_bits(
                results, alone, "with another Python thread at work", "return arrays that no other call writes to"
            )


@LAYER
def rows(case: LayerCase) -> str | None:
    """Outside of training, the answer for one row must not depend on which others are asked about with it."""
    x, other = case.inputs(), case.inputs(seed=4)
    layer, note = case.new(), None
    expected = np.copy(case.forward(layer, x, training=False))
    remedy = "compute along the other axes; what needs a batch, such as its mean, keeps a running one in statistics"
    for n in range(ROWS):
        among = other.copy()
        among[n] = x[n]
        y = case.forward(layer, among, training=False)
        same_bits({"y": y[n]}, {"y": expected[n]}, f"for row {n}, whatever the other rows are", remedy)
        if get_backend() == "compiled":  # NumPy's products round as the number of rows says
            together, alone = (case.forward(layer, some, training=False)[i] for some, i in ((x, n), (x[n : n + 1], 0)))
            _same(case, {"y": alone}, {"y": together}, f"for row {n} alone", remedy, copies=False)
        y, among_y = (case.forward(case.new(), batch, training=True) for batch in (x, among))
        if not np.array_equal(y[n], among_y[n]):
            note = "in training they depend on each other, as in BatchNorm"
    return note


def _same(case, found, expected, when, remedy, copies):
    """The same bits from nnlite's own; from others, whose products NumPy computes, nearly, unless these are copies."""
    if case.is_ours or copies:
        same_bits(found, expected, when, remedy)
    else:
        close(found, expected, case.dtype, when, remedy)


def _require_kernels(case):
    """Refuse a check of kernels for a layer that has none, also none inside of it."""
    parts = [case.layer]
    for value in getattr(case.layer, "__dict__", {}).values():
        parts += value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    bases = {base for part in parts for base in type(part).__mro__}
    if not any(base.__module__.startswith("nnlite.layers.") for base in bases.difference(Layer.__mro__)):
        raise LeftOut("it is NumPy alone: it has no compiled kernel")
