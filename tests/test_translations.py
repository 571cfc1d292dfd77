"""What a Keras or PyTorch user types works, or the message says what to type."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import nnlite
from nnlite import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adam,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    GlobalAvgPool2D,
    LayerNorm,
    MeanSquaredError,
    Reshape,
    Sequential,
    Softmax,
    ZeroPadding2D,
    callbacks,
    layers,
    losses,
    optimizers,
)
from nnlite.arguments.translations import arguments, calls, methods, names

ARGUMENTS = {
    "LSTM(64, 'relu')": (
        lambda: LSTM(64, "relu"),
        r"LSTM: expected at most 1 positional argument \(units\), got 2 .*Keras",
    ),
    "LSTM(10, 20, 2)": (
        lambda: LSTM(10, 20, 2),
        r"In PyTorch's order input_size=10: the size of the input is found from it: leave it out; hidden_size=20: use "
        r"units; num_layers=2: use one layer for each, \[LSTM\(H, return_sequences=True\), LSTM\(H\)\]$",
    ),
    "GRU(10, 20)": (lambda: GRU(10, 20), r"GRU: .*PyTorch's order input_size=10: .*; hidden_size=20: use units$"),
    "RNN(64, 'tanh', True)": (
        lambda: RNN(64, "tanh", True),
        r"RNN: expected at most 1 positional argument \(units\), got 3 \(64, 'tanh', True\)\. In Keras' order "
        r"activation='tanh': give it by name; use_bias=True: it always has a bias: leave it out$",
    ),
    "RNN(10, 20)": (
        lambda: RNN(10, 20),
        r"PyTorch's order input_size=10: .*: leave it out; hidden_size=20: use units$",
    ),
    "Conv2D(3, 8, 5, 1, 2)": (
        lambda: Conv2D(3, 8, 5, 1, 2),
        r"Conv2D: expected at most 4 .*PyTorch's order in_channels=3: .*leave it out; out_channels=8: use filters;",
    ),
    "Conv2D in Keras' order": (
        lambda: Conv2D(3, 8, 5, "same", "channels_last"),
        "In Keras' order data_format='channels_last': images are always",
    ),
    "LayerNorm(64)": (
        lambda: LayerNorm(64),
        r"LayerNorm: expected no positional argument, got 1 \(64\)\. .*normalized_shape=64: the size of the input",
    ),
    "BatchNorm(1)": (
        lambda: BatchNorm(1),
        r"BatchNorm: .*axis=1: it always works on the last axis.*num_features=1: the size of the input is found",
    ),
    "Dense(784, 10)": (lambda: Dense(784, 10), r"got 10: if 10 is the size of the output, .* write Dense\(10\)"),
    "Softmax(-1)": (lambda: Softmax(-1), "dim=-1: it always works on the last axis: leave it out"),
    "Softmax(dim=1)": (lambda: Softmax(dim=1), "Softmax: unknown argument 'dim': it always works on the last axis"),
    "Reshape(28, 28)": (lambda: Reshape(28, 28), r"Give the sizes as one tuple, such as Reshape\(\(28, 28, 1\)\)"),
    "ZeroPadding2D(1, 2)": (lambda: ZeroPadding2D(1, 2), r"Give the padding as one tuple"),
    "AvgPool2D(3, 2, 1, True)": (
        lambda: AvgPool2D(3, 2, 1, True),
        "PyTorch's order .*ceil_mode=True: what is left over",
    ),
    "AvgPool2D(2, 2, 'same', 'channels_last')": (
        lambda: AvgPool2D(2, 2, "same", "channels_last"),
        "Keras' order .*data_format='channels_last': images are always",
    ),
    "GlobalAvgPool2D(True)": (lambda: GlobalAvgPool2D(True), "GlobalAvgPool2D: expected no positional argument"),
    "Dropout(0.5, True)": (lambda: Dropout(0.5, True), "inplace=True: nothing is computed in place: leave it out"),
    "Dense(8, activaton='relu')": (
        lambda: Dense(8, activaton="relu"),
        "Dense: unknown argument 'activaton': did you mean",
    ),
    "Conv2D(8, 3, stride=2)": (lambda: Conv2D(8, 3, stride=2), "Conv2D: unknown argument 'stride': use strides"),
    "Conv2D(out_channels=8)": (lambda: Conv2D(8, 3, in_channels=3), "'in_channels': the size of the input is found"),
    "Conv2D(data_format=)": (lambda: Conv2D(8, 3, data_format="channels_first"), "channels last: leave it out"),
    "Dropout(p=0.5)": (lambda: Dropout(p=0.5), "Dropout: unknown argument 'p': use rate"),
    "LSTM(batch_first=True)": (lambda: LSTM(8, batch_first=True), r"'batch_first': .*always \(N, T, F\)"),
    "Dense(input_dim=4)": (lambda: Dense(8, input_dim=4), "'input_dim': use input_shape="),
    "BatchNorm(eps=1)": (lambda: BatchNorm(eps=1e-5), "BatchNorm: unknown argument 'eps': use epsilon"),
    "Adam(lr=0.1)": (lambda: Adam(lr=0.1), "Adam: unknown argument 'lr': use learning_rate"),
    "Adam(betas=)": (lambda: Adam(betas=(0.9, 0.99)), "'betas': use beta_1 and beta_2"),
    "Adam(params)": (lambda: Adam(0.1, params={}), "'params': an optimizer gets the parameters from compile"),
    "MeanSquaredError(weight=)": (lambda: MeanSquaredError(weight=None), "'weight': use sample_weight of fit"),
    "use_bias='false'": (lambda: Dense(8, use_bias="false"), "use_bias: expected True or False, got 'false'"),
    "use_bias=0": (lambda: Conv2D(8, 3, use_bias=0), "use_bias: expected True or False, got 0"),
    "return_sequences='no'": (
        lambda: LSTM(8, return_sequences="no"),
        "return_sequences: expected True or False, got 'no'",
    ),
    "stateful='yes'": (lambda: LSTM(8, stateful="yes"), "stateful: expected True, False or 'training', got 'yes'"),
    "stateful=1": (lambda: LSTM(8, stateful=1), "stateful: expected True, False or 'training', got 1"),
    "a subclass": (lambda: type("Mine", (Conv2D,), {})(8, 3, stride=2), "Mine: unknown argument 'stride': use strides"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    make, message = ARGUMENTS[name]
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_what_means_the_same_is_taken():
    assert repr(RNN(4, activation="relu")) == "RNN(units=4, activation='relu')"
    assert repr(Dense(4, "relu", False)) == "Dense(units=4, activation='relu', use_bias=False)"
    assert repr(Conv2D(4, 3, 2, "same")) == "Conv2D(filters=4, kernel_size=3, strides=2, padding='same')"
    assert repr(Embedding(input_dim=4, output_dim=3)) == "Embedding(vocabulary_size=4, units=3)"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'units'"):
        Embedding(4)
    with pytest.raises(TypeError, match=r"vocabulary_size: expected it once, got 4 .* leave one out"):
        Embedding(4, 3, input_dim=5)


def test_no_table_speaks_of_an_argument_that_is_there():
    own = [*layers.__all__, *losses.__all__, *callbacks.__all__, *optimizers.__all__]
    for kind in {getattr(nnlite, name) for name in own if inspect.isclass(getattr(nnlite, name, None))}:
        parameters = inspect.signature(kind).parameters
        for base in kind.__mro__:
            table = arguments.REMEDIES.get(base.__name__, {})
            if base is kind:
                assert not table.keys() & parameters.keys(), kind


# Keras' long names: the same classes.
LONG_NAMES = {
    "MaxPooling2D": "MaxPool2D",
    "AveragePooling2D": "AvgPool2D",
    "GlobalMaxPooling2D": "GlobalMaxPool2D",
    "GlobalAveragePooling2D": "GlobalAvgPool2D",
    "BatchNormalization": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "SimpleRNN": "RNN",
}


def test_a_star_brings_the_long_names():
    for module in ("nnlite", "nnlite.layers"):
        scope = {}
        exec(f"from {module} import *", scope)
        assert scope.keys() >= {*LONG_NAMES}, module
    exec("from nnlite import *", scope)
    assert repr(scope["Activation"]("relu")) == "ReLU()"


@pytest.mark.parametrize("alias", LONG_NAMES)
def test_long_names_are_the_same_classes(alias):
    for module in (nnlite, nnlite.layers):
        assert getattr(module, alias) is getattr(nnlite, LONG_NAMES[alias])
    scope = {}
    exec(f"from nnlite import {alias}\nfrom nnlite.layers import {alias} as other", scope)
    assert scope[alias] is scope["other"]


def test_submodules_of_keras():
    scope = {}
    exec("from nnlite import layers, losses, optimizers, metrics, callbacks, initializers, regularizers, utils", scope)
    exec("from nnlite.layers import Dense, Activation, Layer", scope)
    assert scope["layers"].Layer is nnlite.Layer
    program = "import nnlite; print([getattr(nnlite, n).__name__ for n in ('regularizers', 'metrics', 'utils')])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "['nnlite.regularizers', 'nnlite.metrics', 'nnlite.utils']\n"


@pytest.mark.parametrize("name", names.NAMES)
@pytest.mark.parametrize("module", ["nnlite", "nnlite.layers", "nnlite.losses", "nnlite.optimizers"])
def test_other_names_say_what_to_type(module, name):
    there = sys.modules[module]
    if hasattr(there, name):
        return
    with pytest.raises(AttributeError) as raised:
        getattr(there, name)
    assert str(raised.value) == f"module {module!r} has no attribute {name!r}: {names.NAMES[name]}"
    with pytest.raises(ImportError) as raised:
        exec(f"from {module} import {name}")
    assert str(raised.value) == f"cannot import name {name!r} from {module!r}: {names.NAMES[name]}"


@pytest.mark.parametrize("name", names.NAMES)
def test_what_a_name_is_told_to_use_is_there(name):
    assert not hasattr(nnlite, name), f"{name} is here: take it out of the table"
    for word in ("Dense", "Conv2D", "MaxPool2D", "Reshape", "LeakyReLU", "GELU", "SparseCategoricalCrossentropy"):
        assert word not in names.NAMES[name] or hasattr(nnlite, word)


def test_a_slip_is_told_the_nearest_name():
    for module in ("nnlite", "nnlite.layers"):
        with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'LTSM': did you mean 'LSTM'"):
            sys.modules[module].LTSM  # noqa: B018
        with pytest.raises(ImportError, match=r"cannot import name 'Sofmax' from 'nnlite.*': did you mean 'Softmax'"):
            exec(f"from {module} import Sofmax")
    with pytest.raises(AttributeError, match=r"^module 'nnlite' has no attribute 'xyz'$"):
        nnlite.xyz  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'xyz' from 'nnlite'"):
        exec("from nnlite import xyz")
    assert not hasattr(nnlite, "Linear")
    assert not hasattr(nnlite, "__wrapped__")


def test_submodules_can_be_imported_still():
    exec("from nnlite import machine, saving, text, turns")
    exec("from nnlite.layers import base, dense")


MODEL = Sequential([Dense(2)], input_shape=(3,))
METHODS = {
    "optimizer.step": (
        lambda: SGD().step(),
        r"^'SGD' object has no attribute 'step': .*optimizer.apply\(model.grads",
    ),
    "optimizer.zero_grad": (
        lambda: SGD().zero_grad(),
        "backward writes new gradients over the old ones .*: leave it out",
    ),
    "optimizer.lr": (lambda: SGD().lr, "use learning_rate"),
    "model.zero_grad": (lambda: MODEL.zero_grad(), "backward writes new gradients over the old ones"),
    "model.train": (lambda: MODEL.train(), "there is no mode: fit trains"),
    "model.eval": (lambda: MODEL.eval(), r"there is no mode: .*model.evaluate\(x, y\)"),
    "model.to": (lambda: MODEL.to("cpu"), "it computes on the CPU: leave it out"),
    "model.parameters": (lambda: MODEL.parameters(), "use params, a dict from names to arrays"),
    "model.state_dict": (lambda: MODEL.state_dict(), r"use params and .*or model.save\(path\)"),
    "model.predict_classes": (lambda: MODEL.predict_classes(), r"use model.predict\(x\).argmax\(axis=-1\)"),
    "layer.weight": (lambda: Dense(2).weight, r"the arrays are in params: layer.params\['W'\]"),
    "layer.kernel": (lambda: Dense(2).kernel, r"the arrays are in params"),
    "layer.requires_grad_": (lambda: Dense(2).requires_grad_(False), "use layer.trainable = False"),
    "loss.item": (lambda: MeanSquaredError().item(), "a float already"),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    use, message = METHODS[name]
    with pytest.raises(AttributeError, match=message):
        use()


def test_other_attributes_are_missing_as_ever():
    for thing in (MODEL, Dense(2), SGD(), MeanSquaredError()):
        with pytest.raises(AttributeError, match=f"^'{type(thing).__name__}' object has no attribute 'xyz'$"):
            thing.xyz  # noqa: B018
        assert not hasattr(thing, "zero_grads")
        assert getattr(thing, "item_", None) is None


def test_hints_cost_nothing_where_the_attribute_is_there():
    """No clock: what a `__getattr__` would cost is in Python, which then looks up every attribute in the slow way."""
    for thing in (Dense(2), LSTM(2), SGD(), MeanSquaredError()):
        assert not hasattr(type(thing), "__getattr__")
        assert not {"weight", "zero_grad", "item"} & {*dir(thing)}
        assert "get_config" in dir(thing)
    with pytest.raises(AttributeError, match=r"^type object 'Dense' has no attribute 'weight': the arrays are in"):
        Dense.weight  # noqa: B018


def test_no_table_speaks_of_a_method_that_is_there():
    kinds = {"Layer": nnlite.Layer, "Model": Sequential, "Optimizer": nnlite.Optimizer, "Loss": nnlite.losses.Loss}
    kinds["HasStates"] = LSTM
    for name, table in methods.METHODS.items():
        there = [method for method in table if hasattr(kinds[name], method)]
        assert there == (["lr"] if name == "Optimizer" else []), name  # which is there to refuse being set


def test_pytorchs_order_of_a_convolution():
    with pytest.raises(
        ValueError, match=r"Conv2D\(1, 8, 3\): .*PyTorch's .*: write Conv2D\(8, 3\); or, .* strides=3 by"
    ):
        Sequential([Conv2D(1, 8, 3)], input_shape=(28, 28, 1))
    for fine in (Conv2D(1, 8, strides=3), Conv2D(1, 5, 2), Conv2D(4, 8, 3), Conv2D(1, 8), Conv2D(1, (4, 8), 3)):
        model = Sequential([fine], input_shape=(28, 28, 1))
        Sequential.from_config(model.get_config())


def test_a_loss_that_is_called_says_how_the_backward_pass_goes():
    value = MeanSquaredError()([[1.0]], [[3.0]])
    assert (value, value.item(), repr(value)) == (4.0, 4.0, "4.0")
    with pytest.raises(
        AttributeError, match=r"no autograd: y = model.forward\(x\); loss.forward\(y_true, y\); model.backw"
    ):
        value.backward()
    with pytest.raises(AttributeError, match=r"^'float' object has no attribute 'xyz'$"):
        value.xyz  # noqa: B018


@pytest.mark.parametrize("value", [Adam(0.5).learning_rate, MeanSquaredError()([[1.0, 0.0]], [[0.0, 0.0]])], ids=repr)
def test_such_a_float_leaves_the_dtype_of_arrays_alone(value):
    x = np.ones(3, "float32")
    assert (x * value).dtype == (value - x).dtype == np.maximum(x, value).dtype == np.float32
    assert type(np.float32(2) * value) is np.float32
    np.testing.assert_array_equal(x * value, x * 0.5)


def test_a_shape_that_is_printed_says_how_to_call_it():
    model = Sequential([Dense(2)], input_shape=(3,))
    assert "call it, model.output_shape() or layer.output_shape(input_shape)" in f"{model.output_shape}"
    assert f"{model.layers[0].output_shape}".startswith("<Dense.output_shape: call it, ")
    assert model.output_shape() == model.layers[0].output_shape((3,)) == (2,)


@pytest.mark.parametrize(
    "tables", [arguments.REMEDIES, calls.CALLS, methods.METHODS], ids=["REMEDIES", "CALLS", "METHODS"]
)
def test_a_table_leads_from_a_name_to_a_sentence(tables):
    for owner, table in tables.items():
        for name, hint in table.items():
            assert isinstance(name, str), f"{owner}: {name}"
            assert name.isidentifier(), f"{owner}: {name}"
            assert isinstance(hint, str), f"{owner}: {name}"
            assert len(name) == 1 or hint.count(" ") > 0, f"{owner}: {name}"


def test_names_of_elsewhere_are_in_the_tables():
    """One of each that a table makes from several names for one hint."""
    with pytest.raises(TypeError, match="ReLU: unknown argument 'max_value': it is not here: leave it out"):
        nnlite.ReLU(max_value=6)
    model = nnlite.Sequential([nnlite.Dense(2)], input_shape=(3,))
    with pytest.raises(TypeError, match="unknown argument 'expand_nested': the table always shows it: leave it out"):
        model.summary(expand_nested=True)
