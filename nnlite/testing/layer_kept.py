"""What is kept of a layer: weights, configuration, files and copies; and what training leaves alone."""

import copy
import inspect
import json
import tempfile
from pathlib import Path

import numpy as np

from .. import SGD, Sequential, load_model
from .comparison import same_bits
from .contract import LeftOut, expect
from .copying import copies_of
from .layer_case import LAYER, LayerCase, hidden, layer_grads, layer_params


@LAYER
def parameter_count(case: LayerCase) -> None:
    """`summary` shows how many numbers are learned, and `get_weights` hands out all of them."""
    layer = _a_layer(case)
    sizes = sum(param.size for param in layer.params.values())
    everything = sizes + sum(array.size for array in layer.statistics.values())
    remedy = "leave parameter_count, count_params and the two methods for weights as Layer has them"
    expect(layer.parameter_count == sizes, "parameter_count", f"{sizes}, as in params", layer.parameter_count, remedy)
    expect(layer.count_params() == everything, "count_params()", everything, layer.count_params(), remedy)
    other, x = case.unbuilt(), case.inputs()
    other.build(case.input_shape)
    other.set_weights(layer.get_weights())
    found, expected = ({"y": case.forward(one, x, training=False)} for one in (other, layer))
    same_bits(found, expected, "after set_weights(get_weights())", remedy)


@LAYER
def config(case: LayerCase) -> None:
    """A file describes a layer by `get_config`: what is missing there comes back with its default."""
    layer, x = _a_layer(case), case.inputs()
    described = layer.get_config()
    remedy = "keep each argument of __init__ in an attribute of the same name: a number, a text, or a list of these"
    try:
        read = json.loads(json.dumps(described))
    except TypeError as error:
        expect(False, "get_config()", "what JSON can write", error, remedy)
    again = type(layer).from_config(read)
    expect(again.get_config() == read, "the configuration of a copy", read, again.get_config(), remedy)
    again.build(case.input_shape)
    again.set_weights(layer.get_weights())
    for name in hidden(again, layer):
        drawn = "draw in build, from self.rng, and put it into self.params, or, what is not learned, self.statistics"
        expect(False, f"self.{name}", "the same in the layer that from_config(get_config()) makes", "others", drawn)
    found, expected = ({"y": case.forward(one, x, training=False)} for one in (again, layer))
    same_bits(found, expected, "of the layer that from_config(get_config()) makes", remedy)


@LAYER
def saving(case: LayerCase) -> None:
    """A model that is loaded has to answer as the one that was saved."""
    layer, x = _a_layer(case), case.inputs()
    model = Sequential([layer])
    for _ in range(2):  # statistics are saved, too
        case.forward(model, x)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.safetensors"
        model.save(path)
        again = load_model(path, custom_objects={} if case.is_ours else {type(layer).__name__: type(layer)})
    found, expected = ({"y": case.forward(one, x, training=False)} for one in (again, model))
    remedy = "what forward reads has to be in params, in statistics, or an argument of __init__"
    same_bits(found, expected, "of the model that was loaded", remedy)


@LAYER
def copies(case: LayerCase) -> str | None:
    """A copy answers as its original, and trains by itself."""
    layer, x = case.new(), case.inputs()
    expected = case.run(x, layer=copy.deepcopy(layer))
    copied, note = copies_of(layer)
    remedy = "leave __deepcopy__, __getstate__ and __reduce__ out; arrays belong to self and not to the class"
    for how, one in copied.items():
        for name, param in (layer_params(one) | layer_grads(one)).items():
            theirs = [*layer_params(layer).values(), *layer_grads(layer).values()]
            apart = not any(np.shares_memory(param, other) for other in theirs)
            expect(apart, name, f"memory of its own after {how}", "that of the original", remedy)
        same_bits(case.run(x, layer=one), expected, f"after {how}", remedy)
    return note


@LAYER
def frozen(case: LayerCase) -> None:
    """`trainable = False` keeps a layer as it is while the rest of the model learns."""
    x, results = case.inputs(), {}
    if not _a_layer(case).params:
        raise LeftOut("it has no parameters")
    for trainable in (True, False):
        layer = case.new()
        layer.trainable = trainable
        model = Sequential([layer], seed=0)
        model.compile(SGD(0.1), "mse")
        before = {name: param.copy() for name, param in layer.params.items()}
        y = case.forward(model, x, training=False)
        dx = case.backward(layer, case.dy(y)).get("dx")
        results[trainable] = {"y": y} if dx is None else {"y": y, "dx": dx}
        model.train_on_batch(x, y + case.dy(y, seed=3))
        moved = {name for name, param in layer.params.items() if (param != before[name]).any()}
        if trainable:
            due = {name for name, grad in layer.grads.items() if grad.any()}
            expect(
                moved == due, "a step of training", f"to move {sorted(due)}", sorted(moved), "leave trainable as it is"
            )
        else:
            remedy = "leave trainable to Layer, and change no parameter in forward and backward"
            expect(not moved, "a step of training", "no frozen parameter to move", sorted(moved), remedy)
    remedy = "trainable says what optimizers change, and nothing of the numbers that are computed"
    same_bits(results[False], results[True], "with trainable = False, outside of training", remedy)


@LAYER
def without_dx(case: LayerCase) -> None:
    """Training asks the first layer for no dx, `backward(dy, needs_dx=False)`: its gradients are the same."""
    layer, x = case.new(), case.inputs()
    if "needs_dx" not in _arguments(layer.backward):
        raise LeftOut("its backward has no argument needs_dx, so dx is always computed")
    dy = case.dy(case.forward(layer, x))
    expected = {name: grad for name, grad in case.backward(layer, dy).items() if name != "dx"}
    for grad in layer_grads(layer).values():
        grad.fill(np.nan)
    dx = layer.backward(dy, needs_dx=False)
    expect(dx is None, "backward(dy, needs_dx=False)", "None", type(dx).__name__, "return None there")
    found = {f"grads[{name!r}]": grad for name, grad in layer_grads(layer).items()}
    same_bits(found, expected, "with needs_dx=False", "needs_dx says whether dx is computed, and nothing else")


def _a_layer(case):
    """A layer for checks of what `Layer` brings."""
    if not case.is_layer:
        raise LeftOut("its class does not derive from nnlite.Layer")
    return case.new()


def _arguments(method):
    return inspect.signature(method).parameters
