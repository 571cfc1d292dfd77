"""Derivations and kernels compute the same, for every layer and its options, in both dtypes.

A derivation allows a kernel the rounding of the arithmetic as written, number by number. The tests also hold the
differences to the tolerances of the chain of trust.
"""

import numpy as np
import pytest
from numeric import assert_close

import nnlite
from nnlite import (
    GELU,
    GRU,
    LSTM,
    RNN,
    AvgPool2D,
    Conv2D,
    Dense,
    Embedding,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    OneHot,
    ReLU,
    Sigmoid,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    derive,
)
from nnlite.derive.engine.docstring_equations import equations

IDS = np.array([[1, 0, 3], [3, 3, 2]])
ENOUGH = 10**6  # lines, which nobody reads here

LAYERS = {
    "Conv2D": (lambda **kw: Conv2D(2, 3, **kw), (2, 4, 5, 2)),
    "Conv2D strides": (lambda **kw: Conv2D(1, (2, 3), (2, 1), **kw), (1, 5, 4, 2)),
    "Conv2D same": (lambda **kw: Conv2D(1, (2, 3), 2, "same", **kw), (1, 4, 4, 1)),
    "Conv2D uneven padding": (lambda **kw: Conv2D(1, 2, padding=((1, 0), (2, 1)), **kw), (1, 2, 3, 1)),
    "Conv2D dilation": (lambda **kw: Conv2D(1, 2, padding=1, dilation_rate=(2, 3), **kw), (1, 4, 4, 2)),
    "Conv2D dilation and strides": (lambda **kw: Conv2D(1, 3, 2, 2, dilation_rate=2, **kw), (1, 5, 5, 1)),
    "Conv2D groups": (lambda **kw: Conv2D(4, 2, groups=2, **kw), (1, 3, 3, 4)),
    "Conv2D depthwise": (lambda **kw: Conv2D(6, 2, groups=3, **kw), (1, 3, 3, 3)),
    "Conv2D no bias": (lambda **kw: Conv2D(2, 2, use_bias=False, **kw), (2, 3, 3, 1)),
    "MaxPool2D": (lambda **kw: MaxPool2D(2, **kw), (2, 5, 4, 2)),
    "MaxPool2D overlap": (lambda **kw: MaxPool2D((2, 3), 1, "same", **kw), (1, 4, 4, 2)),
    "MaxPool2D gaps": (lambda **kw: MaxPool2D(2, 3, 1, **kw), (1, 6, 7, 1)),
    "AvgPool2D": (lambda **kw: AvgPool2D(2, **kw), (2, 5, 4, 2)),
    "AvgPool2D overlap": (lambda **kw: AvgPool2D((2, 3), 1, "same", **kw), (1, 4, 4, 2)),
    "AvgPool2D count_include_pad": (lambda **kw: AvgPool2D(3, 2, 1, count_include_pad=True, **kw), (1, 5, 5, 2)),
    "Dense": (lambda **kw: Dense(3, **kw), (4, 5)),
    "Dense over time": (lambda **kw: Dense(2, **kw), (2, 3, 4)),
    "Softmax": (Softmax, (2, 3, 4)),
    "LayerNorm": (LayerNorm, (2, 2, 5)),
    "Tanh": (Tanh, (2, 5)),
    "Sigmoid": (Sigmoid, (2, 5)),
    "ReLU": (ReLU, (2, 5)),
    "LeakyReLU": (lambda **kw: LeakyReLU(0.2, **kw), (2, 5)),
    "GELU": (GELU, (2, 5)),
    "GELU approximate": (lambda **kw: GELU(approximate=True, **kw), (2, 5)),
    "RNN": (lambda **kw: RNN(3, **kw), (2, 3, 4)),
    "RNN sequences": (lambda **kw: RNN(3, return_sequences=True, **kw), (2, 3, 4)),
    "RNN relu": (lambda **kw: RNN(3, activation="relu", return_sequences=True, **kw), (2, 3, 4)),
    "LSTM": (lambda **kw: LSTM(3, **kw), (2, 3, 4)),
    "LSTM sequences": (lambda **kw: LSTM(3, return_sequences=True, **kw), (2, 3, 4)),
    "GRU": (lambda **kw: GRU(3, **kw), (2, 3, 4)),
    "GRU sequences": (lambda **kw: GRU(3, return_sequences=True, **kw), (2, 3, 4)),
    "GRU reset before": (lambda **kw: GRU(3, reset_after=False, **kw), (2, 3, 4)),
    "GRU reset before, sequences": (lambda **kw: GRU(3, reset_after=False, return_sequences=True, **kw), (2, 3, 4)),
    "GRU reset before, on ids": (lambda **kw: GRU(3, reset_after=False, input_dim=4, **kw), IDS),
    "RNN on ids": (lambda **kw: RNN(3, input_dim=4, **kw), IDS),
    "LSTM on ids": (lambda **kw: LSTM(3, return_sequences=True, input_dim=4, **kw), IDS),
    "GRU on ids": (lambda **kw: GRU(3, input_dim=4, **kw), IDS),
    "Embedding": (lambda **kw: Embedding(5, 3, **kw), IDS),
    "OneHot": (lambda **kw: OneHot(5, **kw), IDS),
}
TOLERANCES = {"float64": (1e-10, 1e-10), "float32": (1e-5, 1e-4)}  # forward, backward


def arrays(name, dtype, size=1.0):
    """A layer with random parameters, its input, and a gradient of its output."""
    make, x = LAYERS[name]
    rng, layer = np.random.default_rng(7), make(dtype=dtype, seed=3)
    if isinstance(x, tuple):
        x = (size * rng.normal(size=x)).astype(dtype)
    y = layer(x)
    for param in layer.params.values():
        param[...] = rng.normal(size=param.shape)
    return layer, x, rng.normal(size=y.shape).astype(dtype)


def assert_agrees(derivation, tolerance):
    derivation.check()
    for comparison in derivation.comparisons:
        assert comparison.count == comparison.derived.size, f"{comparison.name} was not derived as a whole"
        if comparison.kernel.any():
            assert_close(comparison.derived, comparison.kernel, tolerance, comparison.name)
    assert max(map(len, str(derivation).splitlines())) <= 100


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", LAYERS)
def test_forward(name, dtype):
    layer, x, _ = arrays(name, dtype)
    derivation = derive.forward(layer, x, max_lines=ENOUGH)
    assert_agrees(derivation, TOLERANCES[dtype][0])
    assert derivation.y.shape == layer(x).shape
    left = equations(type(layer))[0].partition(" = ")[0]
    assert derivation.text.splitlines()[2].startswith(f"  {left} = ")  # as the layer's docstring has it


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", [name for name in LAYERS if name != "OneHot"])
def test_backward(name, dtype):
    layer, x, dy = arrays(name, dtype)
    derivation = derive.backward(layer, x, dy, max_lines=ENOUGH)
    assert_agrees(derivation, TOLERANCES[dtype][1])
    layer(x)
    dx = layer.backward(dy)
    assert derivation.grads.keys() == layer.grads.keys()
    assert ("dx" in derivation.values) == (dx is not None)


@pytest.mark.parametrize(
    ("size", "options"), [(3, {}), (5, {"strides": 2}), (3, {"strides": 2, "dilation_rate": 2})], ids=str
)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_rounding_is_allowed_to_pixels_that_meet_no_weight(size, options, dtype):
    """An algorithm may let large numbers cancel that the arithmetic as written never meets, as Winograd's does."""
    rng = np.random.default_rng(0)
    layer, x = Conv2D(32, size, **options, dtype=dtype, seed=0), rng.standard_normal((1, 21, 21, 32)).astype(dtype)
    layer.build(x.shape[1:])
    layer.params["W"][1:] = layer.params["W"][:, 1:] = 0
    x[0, 2, 2] = 1e6
    dy = rng.standard_normal(layer.forward(x).shape).astype(dtype)
    dy[0, 2, 2] = 1e6
    derive.forward(layer, x, at=(0, 0, 0, 0)).check()
    for r, s in ((3, 3), (6, 6), (7, 7), (8, 8)):
        derive.backward(layer, x, dy, at={"dx": (0, r, s, 0)}).check()


@pytest.mark.parametrize("size", [1e-3, 30.0])
@pytest.mark.parametrize(
    "name", ["Conv2D", "Dense", "Softmax", "LayerNorm", "Tanh", "Sigmoid", "GELU", "GELU approximate", "LSTM"]
)
def test_rounding_is_allowed_to_small_and_large_inputs_alike(name, size):
    for dtype in TOLERANCES:
        layer, x, dy = arrays(name, dtype, size)
        derive.forward(layer, x, max_lines=ENOUGH).check()
        derive.backward(layer, x, dy, max_lines=ENOUGH).check()


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", ["RNN sequences", "LSTM", "LSTM on ids", "GRU", "GRU reset before"])
def test_initial_states_and_gradients_of_the_last(name, dtype):
    layer, x, dy = arrays(name, dtype)
    rng = np.random.default_rng(5)
    initial, last = ([rng.normal(size=(2, 3)).astype(dtype) for _ in layer.states] for _ in range(2))
    forward = derive.forward(layer, x, initial_state=initial, max_lines=ENOUGH)
    assert_agrees(forward, TOLERANCES[dtype][0])
    assert not np.allclose(forward.y, derive.forward(layer, x, max_lines=ENOUGH).y)
    backward = derive.backward(layer, x, dy, initial_state=initial, dstate=last, max_lines=ENOUGH)
    assert_agrees(backward, TOLERANCES[dtype][1])
    layer.forward(x, initial_state=initial)
    layer.backward(dy, dstate=last)
    for state, gradient in zip(layer.states, layer.dinitial_state, strict=True):
        assert_close(backward.values[f"d{state}_initial"], gradient, TOLERANCES[dtype][1])


def test_a_stateful_layer_starts_where_it_stands_or_where_it_is_told_to():
    layer = LSTM(2, stateful=True, seed=0)
    x, others = (np.random.default_rng(0).normal(size=(N, 2, 3)).astype("float32") for N in (1, 2))
    first = derive.forward(layer, x).check()
    layer(x)
    second = derive.forward(layer, x).check()
    assert not np.allclose(first.y, second.y)
    assert_close(second.y, layer(x), 1e-5)
    with pytest.raises(ValueError, match=r"would go on from the 1 rows that it has seen, but x has 2: .*reset_state"):
        derive.forward(layer, others)
    zeros = [np.zeros((2, 2), "float32")] * 2
    assert_close(derive.forward(layer, others, initial_state=zeros).check().y[:1], first.y, 1e-5)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("from_logits", [True, False])
def test_cross_entropy(from_logits, reduction, dtype):
    y_pred = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(dtype)
    y_pred = y_pred if from_logits else Softmax(dtype=dtype)(y_pred)
    loss = SparseCategoricalCrossentropy(from_logits, reduction=reduction)
    derivation = derive.loss(loss, IDS, y_pred, max_lines=ENOUGH)
    assert_agrees(derivation, TOLERANCES[dtype][1])
    assert derivation.values["loss"] == pytest.approx(loss(IDS, y_pred), rel=1e-6)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_mean_squared_error(reduction, dtype):
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 2, 3, 4)).astype(dtype)
    loss = MeanSquaredError(reduction)
    derivation = derive.loss(loss, y_true, y_pred, max_lines=ENOUGH)
    assert_agrees(derivation, TOLERANCES[dtype][1])
    assert derivation.values["loss"] == pytest.approx(loss(y_true, y_pred), rel=1e-6)


def test_the_norm_of_numbers_that_are_equal():
    """Their deviation is the root of epsilon: 0 is divided by it, and what comes back is multiplied."""
    layer, x, dy = LayerNorm(dtype="float64"), np.full((1, 3), 7.0), np.array([[1.0, 0.0, 0.0]])
    assert not derive.forward(layer, x).check().y.any()
    assert_close(derive.backward(layer, x, dy).check().dx, np.array([[2, -1, -1]]) / (3 * 0.001**0.5), 1e-12)


def test_a_column_of_targets():
    y_true, y_pred = np.array([1.0, 2.0]), np.array([[0.5], [0.25]])
    assert_agrees(derive.loss(MeanSquaredError(), y_true, y_pred), 1e-12)
    assert_agrees(derive.loss(SparseCategoricalCrossentropy(True), np.array([[1], [0]]), np.eye(2)), 1e-12)


def test_an_ignored_class_is_not_derived():
    with pytest.raises(ValueError, match="expected one without ignore_class"):
        derive.loss(SparseCategoricalCrossentropy(True, ignore_class=0), np.array([1, 0]), np.eye(2))


def test_cross_entropy_of_hopeless_predictions():
    logits = np.array([[1e4, -1e4]])
    derivation = derive.loss(SparseCategoricalCrossentropy(from_logits=True), np.array([1]), logits).check()
    assert derivation.values["loss"] == 20000
    derivation = derive.loss(SparseCategoricalCrossentropy(), np.array([1]), np.array([[1.0, 0.0]])).check()
    assert "counts as 1e-37" in derivation.text


def test_the_softmax_of_large_scores():
    x = np.array([[1000.0, 0.0, 999.0]])
    assert derive.forward(Softmax(dtype="float64"), x).check().y[0, 1] == 0


@pytest.mark.parametrize("name", ["Conv2D", "LSTM", "MaxPool2D"])
def test_the_reference_agrees_as_well(name):
    layer, x, dy = arrays(name, "float64")
    with nnlite.use_backend("reference"):
        derive.forward(layer, x, max_lines=ENOUGH).check()
        derive.backward(layer, x, dy, max_lines=ENOUGH).check()
