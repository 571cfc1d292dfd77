"""Softmax."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends, float_types

import nnlite
from nnlite import Softmax


class TestSoftmax(ChainOfTrust):
    cases = (
        Case("one score", Softmax, (2, 1)),
        Case("a vector and some", Softmax, (3, 17)),
        Case("sequences", Softmax, (2, 5, 38)),
        Case("large", Softmax, (700, 321), large=True),
    )

    def witness(self, torch, layer, x):
        return {"y": torch.softmax(x, dim=-1)}


@float_types
@backends
def test_extremes(dtype, backend_name):
    inf = np.inf
    x = np.array([[1e4, -1e4, 0], [-1e30, -1e30, -1e30], [0, -inf, 0], [np.nan, 0, 0]], dtype)
    with nnlite.use_backend(backend_name):
        y = Softmax(dtype=dtype).forward(x)
    third = np.ones(3, dtype) / 3
    np.testing.assert_allclose(y, [[1, 0, 0], third, [0.5, 0, 0.5], [np.nan] * 3], rtol=1e-6)


@float_types
def test_rows_sum_to_1(dtype):
    x = 30 * np.random.default_rng(0).standard_normal((50, 999))
    y = Softmax(dtype=dtype).forward(x.astype(dtype))
    np.testing.assert_allclose(y.sum(axis=-1, dtype="float64"), 1, rtol=20 * np.finfo(dtype).eps)


def test_only_differences_count():
    x = np.random.default_rng(0).integers(-50, 50, (4, 38)).astype("float64")
    assert (Softmax(dtype="float64").forward(x) == Softmax(dtype="float64").forward(x + 1024)).all()


def test_step_takes_one_position():
    x = np.random.default_rng(0).standard_normal((2, 3, 38)).astype("float32")
    assert (Softmax().step(x[:, 1]) == Softmax().forward(x)[:, 1]).all()


def test_shapes_without_scores_are_refused():
    with pytest.raises(ValueError, match=r"x: expected shape \(N, \.\.\., V\), got \(3,\)"):
        Softmax().forward(np.zeros(3, "float32"))
    with pytest.raises(ValueError, match=r"Softmax: expected input_shape"):
        Softmax().output_shape(())


@backends
def test_rows_without_numbers(backend_name):
    layer, x = Softmax(), np.zeros((2, 0), "float32")
    with nnlite.use_backend(backend_name):
        assert layer.forward(x).shape == layer.backward(x).shape == (2, 0)
