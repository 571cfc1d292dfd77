"""What a layer is to those who call it: shapes, dtypes, parameters, and what a call leaves as it was."""

import numpy as np

from .comparison import same_bits
from .contract import LeftOut, expect
from .layer_case import LAYER, MODES, ROWS, LayerCase, layer_grads, layer_params


@LAYER
def build(case: LayerCase) -> None:
    """A model and its optimizer find each parameter and its gradient under one name, before the first batch."""
    for name in case.drawn():
        remedy = f"add self.params[{name!r}] = self.{name}, and to grads zeros; what is not learned, to self.statistics"
        expect(False, f"self.{name}", "what build draws to be in params", "an array that is not saved", remedy)
    layer = case.new()
    params, grads = layer_params(layer), layer_grads(layer)
    remedy = "make both in build, self.params[name] = ... and self.grads[name] = np.zeros_like(self.params[name])"
    expect(params.keys() == grads.keys(), "grads", f"the names of params, {[*params]}", [*grads], remedy)
    if case.is_layer:
        expect(layer.built, "built", "True after build(input_shape)", layer.built, "set self.built = True in build")
    for name, param in params.items():
        grad = grads[name]
        same = isinstance(grad, np.ndarray) and (grad.shape, grad.dtype) == (param.shape, param.dtype)
        got = f"{grad.dtype} {grad.shape}" if isinstance(grad, np.ndarray) else type(grad).__name__
        expect(same, f"grads[{name!r}]", f"an array {param.dtype} {param.shape}, as the parameter", got, remedy)
        in_place = param.flags.c_contiguous
        expect(in_place, f"params[{name!r}]", "an array to be changed in place", "another layout", "use a copy of it")
        apart = not np.shares_memory(param, grad)
        expect(apart, f"grads[{name!r}]", "an array of its own", "the parameter's memory", "use np.zeros_like(param)")


@LAYER
def output_shape(case: LayerCase) -> None:
    """The layer behind this one is built for the shape that this one announces."""
    y = case.forward(case.new(), case.inputs())
    remedy = "add `return y` at its end" if y is None else "return an array, np.asarray(...)"
    expect(isinstance(y, np.ndarray), "forward", "an array", type(y).__name__, remedy)
    announced = case.new().output_shape(case.input_shape) if hasattr(case.layer, "output_shape") else y.shape[1:]
    expected = (ROWS, *announced)
    remedy = f"write def output_shape(self, input_shape), which returns {y.shape[1:]} here; the first axis is the rows'"
    expect(np.shape(y) == expected, "y", f"shape {expected}, as output_shape says", np.shape(y), remedy)
    if not hasattr(case.layer, "output_shape"):
        raise LeftOut("it announces no shape: it has no output_shape")


@LAYER
def dtype(case: LayerCase) -> None:
    """A model computes in one dtype: float64 inside a float32 model costs time, float32 inside a float64 one digits."""
    for kind in ("float32", "float64") if case.is_layer else ("float64",):
        results = case.run(case.inputs(dtype=kind), dtype=kind)
        results |= {f"params[{name!r}]": param for name, param in layer_params(case.new(kind)).items()}
        for name, array in results.items():
            is_right = isinstance(array, np.ndarray) and array.dtype == kind
            got = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
            remedy = "make arrays with dtype=self.dtype, or use .astype(self.dtype) before it is returned"
            expect(is_right, name, f"{kind}, the dtype of layer and x", got, remedy)


@LAYER
def gradient_shape(case: LayerCase) -> str | None:
    """dx has a number for each of x: the layer before takes it as the gradient of its output."""
    x = case.inputs()
    results = case.run(x)
    if x.dtype.kind != "f":
        return None if "dx" not in results else f"its input is ids, and dx {results['dx'].shape} is of no use to anyone"
    remedy = "return dx, an array of the shape of x"
    expect("dx" in results, "dx", f"shape {x.shape}, that of x", "None", remedy)
    expect(results["dx"].shape == x.shape, "dx", f"shape {x.shape}, that of x", results["dx"].shape, remedy)
    return None


@LAYER
def inputs_stay(case: LayerCase) -> None:
    """x may be the user's data, or what the layer before needs in its backward; only optimizers change parameters."""
    layer, x = case.new(), case.inputs()
    dy = case.dy(case.forward(case.new(), x))
    given = {"x": x, "dy": dy} | {f"params[{name!r}]": param for name, param in layer_params(layer).items()}
    before = {name: array.copy() for name, array in given.items()}
    for training in MODES:
        case.forward(layer, x, training)
        case.backward(layer, dy)
        remedy = "compute in a new array, such as x = x * 2 instead of x *= 2"
        same_bits(given, before, "after forward and backward", remedy)


@LAYER
def results_stay(case: LayerCase) -> None:
    """Who keeps y or dx must not find the numbers of a later batch in it."""
    layer, x = case.new(), case.inputs()
    y = case.forward(layer, x)
    results = {"y": y} | {k: v for k, v in case.backward(layer, case.dy(y)).items() if k == "dx"}
    before = {name: array.copy() for name, array in results.items()}
    again = case.forward(layer, case.inputs(seed=5))
    case.backward(layer, case.dy(again, seed=6))
    same_bits(results, before, "after the next batch", "return a new array each time, and keep none to be used again")


@LAYER
def repeatable(case: LayerCase) -> None:
    """The same layer, input and seed give the same bits: otherwise no run can be repeated, resumed or searched."""
    x = case.inputs()
    remedy = "draw random numbers from self.rng alone, and carry nothing from one call to the next"
    for training in MODES:
        same_bits(case.run(x, training), case.run(x, training), f"from an equal layer, training={training}", remedy)
    layer = case.new()
    first, second = ({"y": np.copy(case.forward(layer, x, training=False))} for _ in range(2))
    same_bits(second, first, "from a second forward outside of training", remedy)
