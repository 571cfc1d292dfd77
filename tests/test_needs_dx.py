"""backward(dy, needs_dx=False), as training calls it: the same gradients of the parameters, and no dx for nobody."""

import inspect

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import LSTM, Bidirectional, Conv2D, Dense, Layer, ReLU, Sequential, Tanh
from nnlite.kernels import backend

RNG = np.random.default_rng(0)
FLOATS = RNG.standard_normal((3, 4, 5)).astype("float32")

# Name -> a maker, its kernel, how often it calls it, and what it reads.
LAYERS = {
    "Dense": (lambda: Dense(7, seed=0), "dense", 1, FLOATS),
    "Conv2D": (lambda: Conv2D(7, 3, seed=0), "conv2d", 1, FLOATS[..., None]),
    "LSTM": (lambda: LSTM(7, seed=0), "lstm", 1, FLOATS),
    "Bidirectional": (lambda: Bidirectional(LSTM(7, seed=0)), "lstm", 2, FLOATS),
}


@pytest.fixture
def given_dx(monkeypatch):
    """Watch a kernel's backward: a list of the arrays that it was given for dx, or None."""

    def watch(kernel, name="compiled"):
        seen = []
        with nnlite.use_backend(name):
            module = getattr(backend(), kernel)
        backward = module.backward

        def spy(*arguments):
            seen.append(arguments[position])
            return backward(*arguments)

        position = [*inspect.signature(backward).parameters].index("dx")
        monkeypatch.setattr(module, "backward", spy)
        return seen

    return watch


def train(model, x):
    model.compile("sgd", "mse")
    model.train_on_batch(x, np.zeros_like(model.forward(x)))


@pytest.mark.parametrize("backend_name", ["compiled", "reference"])
@pytest.mark.parametrize("name", LAYERS)
def test_training_computes_no_input_gradient_of_the_first_layer(name, backend_name, given_dx):
    make, kernel, calls, x = LAYERS[name]
    seen = given_dx(kernel, backend_name)
    with nnlite.use_backend(backend_name):
        train(Sequential([Tanh(), make(), Dense(2)]), x)
    assert [dx is None for dx in seen[-calls:]] == [True] * calls
    assert all(dx is not None for dx in seen[:-calls])


def test_a_models_gradients_are_those_of_backward():
    model = Sequential([ReLU(), LSTM(6, return_sequences=True), Tanh(), Dense(2)], seed=0)
    dy = RNG.standard_normal(model.forward(FLOATS).shape).astype("float32")
    model.backward(dy)
    expected = {name: grad.copy() for name, grad in model.grads.items()}
    for grad in model.grads.values():
        grad.fill(np.nan)
    assert model.backward(dy, needs_dx=False) is None
    for name, grad in model.grads.items():
        assert_same_bits(grad, expected[name], name)


def test_layers_before_the_first_with_parameters_have_nothing_to_do():
    class Watched(Tanh):
        def backward(self, dy):
            raise AssertionError("nobody needs this")

    train(Sequential([Watched(), Dense(2)]), FLOATS)
    Sequential([Watched()]).backward(FLOATS, needs_dx=False)


# Layers and models of one's own


class Scale(Layer):
    def build(self, input_shape):
        self._add_param("s", (1,), lambda shape, rng: np.ones(shape))
        self.built = True

    def forward(self, x, training=False):
        self._ensure_built(x)
        self.x = x
        return self.params["s"] * x

    def backward(self, dy):
        self.grads["s"][0] = (self.x * dy).sum()
        return self.params["s"] * dy


class Decayed(Dense):
    """Pulls its weights towards zero."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["W"] += self.params["W"]
        return 1.0 * dx


class Mixin:
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"][...] = 5
        return dx


class Mixed(Mixin, Dense):
    pass


class Both(Decayed):
    def backward(self, dy, needs_dx=True):
        if needs_dx:
            return super().backward(dy)
        self.grads["W"][...] = self.grads["b"][...] = 7


class Loud(Sequential):
    def backward(self, dy):
        self.called = True
        return super().backward(dy)


@pytest.mark.parametrize("make", [Scale, lambda: Decayed(2), lambda: Mixed(2)])
def test_a_backward_of_ones_own_is_what_training_runs(make):
    model = Sequential([make()], seed=0)
    dy = np.ones_like(model.forward(FLOATS))
    model.backward(dy)
    expected = {name: grad.copy() for name, grad in model.grads.items()}
    for grad in model.grads.values():
        grad.fill(np.nan)
    model.backward(dy, needs_dx=False)
    for name, grad in model.grads.items():
        assert_same_bits(grad, expected[name], name)


def test_a_short_backward_of_ones_own_counts_too():
    model = Sequential([Both(2)])
    model.forward(FLOATS)
    model.backward(np.ones((3, 4, 2), "float32"), needs_dx=False)
    assert (model.grads["both.W"] == 7).all()


def test_a_model_with_a_backward_of_its_own_is_trained_through_it():
    model = Loud([Dense(2)])
    train(model, FLOATS)
    assert model.called


def test_what_has_no_backward_says_so():
    with pytest.raises(NotImplementedError, match=r"Layer has no backward\(dy\)"):
        Layer().backward(FLOATS)
