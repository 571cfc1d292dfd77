"""Sums over a million rows of 0.1: in float32 a running sum is wrong by 1 %, as it is rounded a million times."""

from functools import partial

import numpy as np
import pytest
from chain import FLOAT32_BACKWARD, FLOAT64, assert_threads_do_not_matter, float_types, run_kernel, threads
from numeric import assert_close, assert_same_bits

import nnlite
from nnlite.kernels import backend
from nnlite.layers.base import by_id

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
    if given == "ids":
        assert relative_error(layer.grads["Wx"][0], N * TENTH) < 1e-4
        assert (layer.grads["Wx"][1:] == 0).all()


@pytest.mark.parametrize("make", [nnlite.RNN, nnlite.LSTM, nnlite.GRU, partial(nnlite.GRU, reset_after=False)])
@pytest.mark.parametrize("given", ["numbers", "ids"])
def test_gates(make, given):
    """Beside float64, which has digits to spare."""
    found, x = [], np.full((1000, 300, 3), 0.1) if given == "numbers" else np.zeros((1000, 300), int)
    for dtype in ("float32", "float64"):
        layer = make(2, return_sequences=True, input_dim=3, seed=0, dtype=dtype)
        layer.backward(np.full_like(layer.forward(x), 0.1))
        found.append(layer.grads)
    for name, exact in found[1].items():
        assert np.abs(found[0][name] - exact).max() < 1e-4 * np.abs(exact).max(), name


def test_embedding():
    layer, ids = nnlite.Embedding(3, 2, seed=0), np.where(np.arange(N) % 4, 1, 0)
    layer.backward(np.full_like(layer.forward(ids), 0.1))
    assert relative_error(layer.grads["W"][:2], N * TENTH * np.array([[0.25], [0.75]])) < 1e-4
    assert (layer.grads["W"][2] == 0).all()


@pytest.mark.parametrize("shape", [(1, 1000, 1000, 1), (1000, 25, 40, 1), (62500, 4, 4, 1)], ids=str)
@pytest.mark.parametrize("groups", [1, 4, 32])
def test_convolution(shape, groups):
    layer = nnlite.Conv2D(max(2, groups), 3, padding="same", groups=groups, seed=0)
    layer.backward(np.full_like(layer.forward(np.full((*shape[:3], groups), 0.1, "float32")), 0.1))
    assert relative_error(layer.grads["b"], N * TENTH) < 1e-4
    assert relative_error(layer.grads["W"][1, 1], N * TENTH**2) < 1e-4


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


@float_types
@pytest.mark.parametrize(
    ("shape", "filters", "kernel", "groups"),
    [
        ((20, 60, 60, 3), 5, 3, 1),  # pieces of 17 and of 13 rows
        ((17, 1, 4100, 2), 40, (1, 3), 1),  # rows longer than a piece
        ((4200, 4, 4, 4), 4, 3, 2),
        ((70, 31, 31, 24), 24, 3, 24),
    ],
    ids=str,
)
def test_pieces_of_images_are_exact_for_any_number_of_threads(shape, filters, kernel, groups, dtype):
    rng, found = np.random.default_rng(0), []
    x, dy = rng.standard_normal(shape), rng.standard_normal((*shape[:3], filters))
    for n, of in [(1, "float64"), (1, dtype), (2, dtype), (3, dtype)]:
        layer = nnlite.Conv2D(filters, kernel, padding="same", groups=groups, seed=0, dtype=of)
        with threads(n), nnlite.use_backend("reference" if not found else "compiled"):
            layer.forward(x.astype(dtype).astype(of))
            layer.backward(dy.astype(dtype).astype(of), needs_dx=False)
        found.append(layer.grads)
    for name, exact in found[0].items():
        assert_close(found[1][name], exact, FLOAT64 if dtype == "float64" else FLOAT32_BACKWARD)
        assert_same_bits(found[2][name], found[1][name])
        assert_same_bits(found[3][name], found[1][name])


@pytest.mark.parametrize("counts", [[255], [256], [257, 0, 512], [3, 700, 256, 1, 1024]], ids=str)
def test_ids_of_many_rows_are_split(counts):
    ids = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    N, V = len(ids), len(counts)
    found = []
    for name in ("compiled", "reference"):
        places, seen, owners = (np.zeros(n, np.intp) for n in (N, V, V + N // 256))
        with nnlite.use_backend(name):
            count = backend().embedding.split(ids, places, seen, owners)
        assert count == V + sum(n // 256 for n in counts)
        np.testing.assert_array_equal(owners[places], ids)
        assert np.bincount(places, minlength=count)[:count].max() <= 256
        found.append((places, owners))
    np.testing.assert_array_equal(*[places for places, _ in found])
    np.testing.assert_array_equal(*[owners for _, owners in found])


def test_fewer_rows_keep_their_bits():
    ids, rows = np.zeros(by_id.DEEP - 1, int), np.full((by_id.DEEP - 1, 2), 0.1, "float32")
    layer = nnlite.Embedding(1, 2, seed=0)
    layer.forward(ids)
    layer.backward(rows)
    assert_same_bits(layer.grads["W"], np.cumsum(rows, axis=0)[-1:])
