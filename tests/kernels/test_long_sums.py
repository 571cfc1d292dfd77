"""Sums over a million rows of 0.1: in float32 a running sum is wrong by 1 %, as it is rounded a million times."""

import numpy as np
import pytest
from chain import FLOAT32_BACKWARD, FLOAT64, assert_threads_do_not_matter, float_types, run_kernel
from numeric import assert_close

import nnlite
from nnlite.kernels import backend

N, TENTH = 1_000_000, float(np.float32(0.1))


def relative_error(found, exact):
    return float(np.abs(found / exact - 1).max())


@pytest.mark.parametrize("F", [1, 3])
def test_dense(F):
    x, dy = np.full((N, F), 0.1, "float32"), np.full((N, 2), 0.1, "float32")
    W = np.ones((F, 2), "float32")
    dW, db = np.empty((F, 2), "float32"), np.empty(2, "float32")
    backend().dense.backward(x, W, dy, None, dW, db)
    assert relative_error(db, N * TENTH) < 1e-4
    assert relative_error(dW, N * TENTH**2) < 1e-4


@pytest.mark.parametrize("given", ["numbers", "ids"])
def test_recurrent(given):
    """Steps of an RNN that forgets: every one has the gradient dy."""
    layer = nnlite.RNN(2, activation="relu", return_sequences=True, input_dim=3, seed=0)
    x = np.full((1000, 1000, 3), 0.1, "float32") if given == "numbers" else np.zeros((1000, 1000), int)
    layer.build((1000, 3))
    for name, value in (("Wx", 1), ("Wh", 0), ("b", 1)):
        layer.params[name][...] = value
    layer.backward(np.full_like(layer.forward(x), 0.1))
    assert relative_error(layer.grads["b"], N * TENTH) < 1e-4


@pytest.mark.parametrize("shape", [(1, 1000, 1000, 1), (1000, 25, 40, 1)], ids=["one image", "many"])
def test_convolution(shape):
    layer = nnlite.Conv2D(2, 3, padding="same", seed=0)
    layer.backward(np.full_like(layer.forward(np.full(shape, 0.1, "float32")), 0.1))
    assert relative_error(layer.grads["b"], N * TENTH) < 1e-3
    assert relative_error(layer.grads["W"][1, 1], N * TENTH**2) < 1e-3


@pytest.mark.parametrize("make", [nnlite.BatchNorm, nnlite.LayerNorm])
def test_normalisation(make):
    layer, x = make(), np.tile(np.arange(8, dtype="float32").reshape(4, 2), (N // 4, 1))
    layer.forward(x, training=True)
    layer.backward(np.full_like(x, 0.1))
    assert relative_error(layer.grads["beta"], N * TENTH) < 1e-5


def test_mean_of_an_image():
    y = nnlite.GlobalAvgPool2D().forward(np.full((1, 1000, 1000, 2), 0.1, "float32"))
    assert relative_error(y, TENTH) < 1e-5


@float_types
@pytest.mark.parametrize("shape", [(4095, 5), (4096, 5), (4351, 300), (5000, 1030)], ids=str)
def test_blocks_of_rows_are_exact_for_any_number_of_threads(shape, dtype):
    """Around the number of rows from which they are summed in blocks, and the columns that are summed at a time."""
    rng = np.random.default_rng(0)
    x, W, dy = (rng.standard_normal(size) for size in ((shape[0], 7), (7, shape[1]), shape))
    shapes = [x.shape, W.shape, shape[1:]]
    _, dW, db = run_kernel("dense", "backward", [x, W, dy], shapes, dtype=dtype)
    x, dy = x.astype(dtype).astype("float64"), dy.astype(dtype).astype("float64")
    assert_close(dW, x.T @ dy, FLOAT64 if dtype == "float64" else FLOAT32_BACKWARD)
    assert_close(db, dy.sum(axis=0), FLOAT64 if dtype == "float64" else FLOAT32_BACKWARD)
    assert_threads_do_not_matter("dense", "backward", [x, W, dy], shapes, dtype=dtype)
