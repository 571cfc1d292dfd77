"""Bad input is refused before a kernel runs: the kernels trust the sizes that they are given.

What one layer or function alone is asked, its own test file asks; here are the ways around the checks: arrays that
were exchanged or changed after they had been checked. Without the checks, most of these read or write memory that
belongs to somebody else.
"""

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import LSTM, Dense, Dropout, Embedding, OneHot, ReLU, Sequential, Sigmoid, Softmax, Tanh

FLOATS = np.ones((2, 3, 4), "float32")
IDS = np.array([[0, 1, 2], [3, 3, 0]])

# Name -> a maker, and what the layer reads.
LAYERS = {
    "Dense": (lambda **kw: Dense(5, **kw), FLOATS),
    "Embedding": (lambda **kw: Embedding(4, 5, **kw), IDS),
    "LSTM": (lambda **kw: LSTM(5, return_sequences=True, **kw), FLOATS),
    "LSTM on ids": (lambda **kw: LSTM(5, input_dim=4, **kw), IDS),
    "OneHot": (lambda **kw: OneHot(4, **kw), IDS),
    "Dropout": (lambda **kw: Dropout(0.5, **kw), FLOATS),
    "ReLU": (ReLU, FLOATS),
    "Sigmoid": (Sigmoid, FLOATS),
    "Softmax": (Softmax, FLOATS),
    "Tanh": (Tanh, FLOATS),
}
PARAMS = [("Dense", "W"), ("Dense", "b"), ("Embedding", "W"), *(("LSTM", n) for n in ("Wx", "Wh", "b"))]
PARAMS += [("LSTM on ids", n) for n in ("Wx", "Wh", "b")]

# Name -> what is put in the place of an array, and the error.
EXCHANGES = {
    "longer": (lambda a: np.concatenate([a, a], axis=-1), ValueError, "expected shape as built"),
    "shorter": (lambda a: a[..., :-1].copy(), ValueError, "expected shape as built"),
    "more rows": (lambda a: np.concatenate([a, a]), ValueError, "expected shape as built"),
    "another dtype": (lambda a: a.astype("float64"), TypeError, "expected float32, got float64"),
    "another byte order": (lambda a: a.astype(">f4"), TypeError, "bytes are in the other order"),
    "strided": (lambda a: np.repeat(a, 2, axis=-1)[..., ::2], ValueError, "expected a C-contiguous array"),
    "list": (lambda a: a.tolist(), TypeError, "expected a NumPy array, got list"),
    "nothing": (lambda a: None, TypeError, "expected a NumPy array, got NoneType"),
}

layers = pytest.mark.parametrize("name", LAYERS)
params = pytest.mark.parametrize(("name", "param"), PARAMS)
exchanges = pytest.mark.parametrize("exchange", EXCHANGES)


def made(name):
    """A layer that has seen its input, the input, and the output."""
    make, x = LAYERS[name]
    layer = make(seed=0)
    return layer, x, layer.forward(x)


@exchanges
@params
def test_parameters_of_other_sizes(name, param, exchange):
    layer, x, y = made(name)
    change, error, message = EXCHANGES[exchange]
    layer.params[param] = change(layer.params[param])
    message = rf"\w+\.params\['{param}'\]: .*{message}"
    with pytest.raises(error, match=message):
        layer.forward(x)
    if name != "Embedding":  # whose backward does not read W
        with pytest.raises(error, match=message):
            layer.backward(y)
    if isinstance(layer, LSTM):
        with pytest.raises(error, match=message):
            layer.step(x[:, 0])


@exchanges
@params
def test_gradients_of_other_sizes(name, param, exchange):
    layer, _, y = made(name)
    change, error, message = EXCHANGES[exchange]
    layer.grads[param] = change(layer.grads[param])
    with pytest.raises(error, match=rf"\w+\.grads\['{param}'\]: .*{message}"):
        layer.backward(y)


@params
def test_parameters_of_the_same_size_are_taken(name, param):
    layer, x, y = made(name)
    layer.params[param] = layer.params[param] + 1
    assert not np.array_equal(layer.forward(x), y)


@pytest.mark.parametrize("value", [1, 1000])
@pytest.mark.parametrize("attribute", ["Dense.units", "Embedding.units", "Embedding.vocabulary_size"])
def test_sizes_that_change_after_building(attribute, value):
    """The sizes of the arrays decide."""
    name, attribute = attribute.split(".")
    layer, x, y = made(name)
    setattr(layer, attribute, value)
    assert_same_bits(layer.forward(x), y)
    layer.backward(y)


def test_units_of_a_recurrent_layer_cannot_change():
    with pytest.raises(AttributeError, match="units"):
        LSTM(5).units = 6


@pytest.mark.parametrize("make", [lambda s: np.ones((1, 1)), lambda s: np.ones(s).T, lambda s: 0.0])
def test_initializers_that_make_another_shape(make):
    with pytest.raises(ValueError, match=r"Dense: parameter W: expected shape \(4, 5\) from its initializer, got"):
        Dense(5, kernel_initializer=lambda shape, rng: make(shape)).forward(FLOATS)


@pytest.mark.parametrize("state", [np.zeros((1, 5), "f4"), np.zeros((2, 4), "f4"), np.zeros((2, 5), "f8"), None])
def test_a_step_checks_the_state(state):
    layer, x, _ = made("LSTM")
    layer.state = (np.zeros((2, 5), "float32"), state)
    with pytest.raises((TypeError, ValueError), match="state c: expected"):
        layer.step(x[:, 0])


def test_a_step_of_another_batch_size():
    layer, x, _ = made("LSTM")
    layer.step(x[:, 0])
    with pytest.raises(ValueError, match=r"state h: expected shape \(N, H\) = \(1, 5\), got \(2, 5\)"):
        layer.step(x[:1, 0])


def test_a_step_leaves_the_states_of_earlier_steps():
    layer, x, _ = made("LSTM")
    layer.reset_state()
    seen = []
    for _ in range(3):
        layer.step(x[:, 0])
        seen.append((layer.state, [array.copy() for array in layer.state]))
    for state, copies in seen:
        for array, copy in zip(state, copies, strict=True):
            assert_same_bits(array, copy)


@pytest.mark.parametrize("name", ["Embedding", "LSTM on ids"])
@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (2, 1)])
def test_ids_that_change_before_backward(name, shape):
    layer = LAYERS[name][0](seed=0)
    x = IDS[: shape[0], : shape[1]].copy()
    y = layer.forward(x)
    layer.backward(y)
    expected = {k: grad.copy() for k, grad in layer.grads.items()}
    layer.forward(x)
    x[:] = 10**12
    layer.backward(y)
    for key, grad in layer.grads.items():
        assert_same_bits(grad, expected[key], key)


@pytest.mark.parametrize("from_logits", [False, True])
def test_labels_that_change_before_backward(from_logits):
    loss, labels = nnlite.SparseCategoricalCrossentropy(from_logits), np.array([0, 2])
    loss.forward(labels, np.full((2, 3), 0.3))
    expected = loss.backward()
    labels[:] = 10**12
    assert_same_bits(loss.backward(), expected)


@layers
def test_backward_before_forward(name):
    layer = LAYERS[name][0]()
    with pytest.raises(RuntimeError, match=f"{type(layer).__name__}: backward needs a forward before it"):
        layer.backward(FLOATS)


@pytest.mark.parametrize("loss", [nnlite.MeanSquaredError(), nnlite.SparseCategoricalCrossentropy()])
def test_the_gradient_of_a_loss_before_forward(loss):
    with pytest.raises(RuntimeError, match=f"{type(loss).__name__}: backward needs a forward before it"):
        loss.backward()


@pytest.mark.parametrize(
    ("layer", "input_shape", "message"),
    [
        (Dense(3), (), r"Dense: expected input_shape \(\.\.\., F\), got \(\)"),
        (Dense(3), (None,), r"Dense: parameter W would have shape \(\?, 3\): the number of features cannot be left"),
        (Dense(3), (0,), "input_shape: expected a whole number of at least 1, got 0"),
        (LSTM(3), (4, None), r"LSTM: parameter Wx would have shape \(\?, 12\): the number of features cannot be"),
        (LSTM(3), (4,), r"integer ids need LSTM\(\.\.\., input_dim=F\)"),
        (LSTM(3, input_dim=5), (4, 6), "input_dim is 5, but the input has 6 features"),
    ],
)
def test_shapes_that_a_model_cannot_be_built_for(layer, input_shape, message):
    with pytest.raises(ValueError, match=message):
        Sequential([layer], input_shape=input_shape)


def test_a_layer_that_adds_a_parameter_to_another():
    class Scaled(Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self._add_param("gain", (1,), "zeros")

    layer = Scaled(5, seed=0)
    assert_same_bits(layer.forward(FLOATS), Dense(5, seed=0).forward(FLOATS))
