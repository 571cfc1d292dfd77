"""Tanh, Sigmoid and ReLU."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends, float_types

import nnlite
from nnlite import ReLU, Sigmoid, Tanh


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


@pytest.mark.parametrize("layer_type", [Tanh, Sigmoid, ReLU])
@backends
@float_types
def test_extremes(layer_type, backend_name, dtype):
    expected = {
        Tanh: [-1, -1, 0, 1, 1, np.nan],
        Sigmoid: [0, 0, 0.5, 1, 1, np.nan],
        ReLU: [0, 0, 0, 1e30, np.inf, np.nan],
    }
    x = np.array([[-np.inf, -1e30, 0, 1e30, np.inf, np.nan]], dtype)
    with nnlite.use_backend(backend_name):
        y = layer_type(dtype=dtype).forward(x)
    np.testing.assert_array_equal(y, np.array([expected[layer_type]], dtype))


def test_relu_has_slope_0_at_0():
    layer = ReLU(dtype="float64")
    layer.forward(np.array([[-0.0, 0.0, 5e-324]]))
    assert layer.backward(np.ones((1, 3))).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("layer_type", [Tanh, Sigmoid, ReLU])
def test_step_takes_one_position(layer_type):
    x = np.random.default_rng(0).standard_normal((2, 3, 5)).astype("float32")
    whole = layer_type().forward(x)
    assert (layer_type().step(x[:, 1]) == whole[:, 1]).all()


def test_a_number_without_batch_axis_is_refused():
    with pytest.raises(ValueError, match=r"x: expected shape \(N, \.\.\.\), got \(\)"):
        Tanh().forward(np.array(1.0, "float32"))
