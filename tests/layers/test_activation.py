"""Tanh, Sigmoid, ReLU, LeakyReLU and GELU."""

import functools

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends, float_types

import nnlite
from nnlite import GELU, LeakyReLU, ReLU, Sigmoid, Tanh

TanhGELU = functools.partial(GELU, True)


def cases(layer_type, inputs=None):
    """Shapes whose sizes are no multiples of a vector's width, and one that two threads share."""
    return [
        Case("one number", layer_type, (1, 1), inputs=inputs and (lambda rng: inputs(rng, (1, 1)))),
        Case("rows", layer_type, (3, 17), inputs=inputs and (lambda rng: inputs(rng, (3, 17)))),
        Case("images", layer_type, (2, 3, 5, 7), inputs=inputs and (lambda rng: inputs(rng, (2, 3, 5, 7)))),
        Case("large", layer_type, (301, 999), large=True),
    ]


def off_the_corner(rng, shape):
    """Numbers at least 0.1 away from 0, where ReLU has no slope."""
    x = rng.standard_normal(shape)
    return {"x": x + np.copysign(0.1, x)}


class TestTanh(ChainOfTrust):
    cases = cases(Tanh)

    def witness(self, torch, layer, x):
        return {"y": torch.tanh(x)}


class TestSigmoid(ChainOfTrust):
    cases = cases(Sigmoid)

    def witness(self, torch, layer, x):
        return {"y": torch.sigmoid(x)}


class TestReLU(ChainOfTrust):
    cases = cases(ReLU, off_the_corner)

    def witness(self, torch, layer, x):
        return {"y": torch.relu(x)}


class TestLeakyReLU(ChainOfTrust):
    cases = cases(LeakyReLU, off_the_corner) + cases(functools.partial(LeakyReLU, 2.5), off_the_corner)[1:2]

    def witness(self, torch, layer, x):
        return {"y": torch.nn.functional.leaky_relu(x, layer.negative_slope)}


class TestGELU(ChainOfTrust):
    cases = cases(GELU)

    def witness(self, torch, layer, x):
        return {"y": torch.nn.functional.gelu(x)}


class TestTanhGELU(ChainOfTrust):
    cases = cases(TanhGELU)

    def witness(self, torch, layer, x):
        return {"y": torch.nn.functional.gelu(x, approximate="tanh")}


# From a layer to its values at -infinity, -1e30, 0, 1e30, infinity and NaN, and its slopes there.
EXTREMES = {
    Tanh: ([-1, -1, 0, 1, 1, np.nan], [0, 0, 1, 0, 0, np.nan]),
    Sigmoid: ([0, 0, 0.5, 1, 1, np.nan], [0, 0, 0.25, 0, 0, np.nan]),
    ReLU: ([0, 0, 0, 1e30, np.inf, np.nan], [0, 0, 0, 1, 1, 1]),
    LeakyReLU: ([-np.inf, -3e29, 0, 1e30, np.inf, np.nan], [0.3, 0.3, 0.3, 1, 1, 1]),
    GELU: ([0, 0, 0, 1e30, np.inf, np.nan], [0, 0, 0.5, 1, 1, np.nan]),  # PyTorch: NaN at infinities
    TanhGELU: ([0, 0, 0, 1e30, np.inf, np.nan], [0, 0, 0.5, 1, 1, np.nan]),
}


@pytest.mark.parametrize("layer_type", EXTREMES)
@backends
@float_types
def test_extremes(layer_type, backend_name, dtype):
    x = np.array([[-np.inf, -1e30, 0, 1e30, np.inf, np.nan]], dtype)
    layer = layer_type(dtype=dtype)
    with nnlite.use_backend(backend_name):
        y = layer.forward(x)
        dx = layer.backward(np.ones_like(x))
    for actual, expected in zip((y, dx), EXTREMES[layer_type], strict=True):
        np.testing.assert_allclose(actual, np.array([expected], dtype), rtol=2 * np.finfo(dtype).eps)


@backends
@float_types
def test_gelu_keeps_its_digits_where_it_is_tiny(backend_name, dtype):
    """x Phi(x) as the asymptotic series of Phi gives it; 1 + erf would be 0 from -6 (float32) and -8.4 on."""
    x = np.linspace(-12.9, -11, 99)  # Phi itself is a normal number
    phi = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    expected = -phi * (1 - x**-2 + 3 * x**-4 - 15 * x**-6 + 105 * x**-8 - 945 * x**-10 + 10395 * x**-12)
    with nnlite.use_backend(backend_name):
        y = GELU(dtype=dtype).forward(x[None].astype(dtype))[0]
    x_rounded = x.astype(dtype).astype("float64")  # x itself, rounded, is another number: d log y / dx is about -x
    expected *= np.exp((x * x - x_rounded * x_rounded) / 2)
    np.testing.assert_allclose(y, expected, rtol=2e-6 if dtype == "float32" else 2e-8)


def test_relu_has_slope_0_at_0():
    layer = ReLU(dtype="float64")
    layer.forward(np.array([[-0.0, 0.0, np.finfo("float64").smallest_normal]]))
    assert layer.backward(np.ones((1, 3))).tolist() == [[0, 0, 1]]


def test_leaky_relu_has_its_slope_at_0_and_may_have_none():
    layer, tiny = LeakyReLU(0.25, dtype="float64"), np.finfo("float64").smallest_normal
    layer.forward(np.array([[-1.0, -tiny, -0.0, 0.0, tiny]]))
    assert layer.backward(np.ones((1, 5))).tolist() == [[0.25, 0.25, 0.25, 0.25, 1]]
    x = np.random.default_rng(0).standard_normal((3, 5)).astype("float32")
    flat, relu = LeakyReLU(0), ReLU()
    assert (flat.forward(x) == relu.forward(x)).all()
    assert (flat.backward(x) == relu.backward(x)).all()


@pytest.mark.parametrize("slope", [-0.1, float("nan"), float("inf")])
def test_slopes_that_are_refused(slope):
    with pytest.raises(ValueError, match=r"negative_slope: expected a number in \[0, inf\)"):
        LeakyReLU(slope)
    with pytest.raises(TypeError, match="negative_slope: expected a number"):
        LeakyReLU("0.1")


@pytest.mark.parametrize("layer_type", EXTREMES)
def test_step_takes_one_position(layer_type):
    x = np.random.default_rng(0).standard_normal((2, 3, 5)).astype("float32")
    whole = layer_type().forward(x)
    assert (layer_type().step(x[:, 1]) == whole[:, 1]).all()


def test_a_number_without_batch_axis_is_refused():
    with pytest.raises(ValueError, match=r"x: expected shape \(N, \.\.\.\), got \(\)"):
        Tanh().forward(np.array(1.0, "float32"))
