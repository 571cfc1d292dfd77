"""The blocked product (csrc/block.h), through Dense: however it is cut, each sum has the bits of a loop over k."""

import numpy as np
import pytest

import nnlite
from nnlite.kernels import dense

# Around the heights and widths of tiles and panels, the depth of a piece, rows a page apart, and more than a block.
SIZES = [1, 2, 7, 10, 11, 16, 20, 21, 31, 33, 38, 48, 49, 64, 97, 129, 200, 255, 257, 300, 777, 1024]


@pytest.fixture(params=[1, 2, 3, 4])
def threads(request):
    before = nnlite.get_num_threads()
    nnlite.set_num_threads(request.param)
    yield request.param
    nnlite.set_num_threads(before)


def row_by_row(a, b, start):
    """start + a b, with a kernel of its own for one row: it adds the products in the order of k."""
    c = np.empty((len(a), b.shape[1]), a.dtype)
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    for i in range(len(a)):
        dense.forward(a[i : i + 1], b, start, c[i : i + 1])
    return c


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_blocks_panels_and_threads_change_no_bit(dtype, seed, threads):
    rng = np.random.default_rng(seed)
    for _ in range(4):
        N, F, U = rng.choice(SIZES, 3)
        if N * F * U > 3e7:
            N = 33
        x, W, b, dy = (rng.standard_normal(shape).astype(dtype) for shape in ((N, F), (F, U), U, (N, U)))
        y, dx, dW = np.empty_like(dy), np.empty_like(x), np.empty_like(W)
        dense.forward(x, W, b, y)
        dense.backward(x, W, dy, dx, dW, None)
        np.testing.assert_array_equal(y, row_by_row(x, W, b), f"y {N, F, U}")
        np.testing.assert_array_equal(dx, row_by_row(dy, W.T, None), f"dx {N, F, U}")
        np.testing.assert_array_equal(dW, row_by_row(x.T, dy, None), f"dW {N, F, U}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_of_one_row_have_the_bits_of_a_sum_from_zero(dtype, threads):
    x, W, dy = (np.random.default_rng(0).standard_normal(s).astype(dtype) for s in ((1, 777), (777, 661), (1, 661)))
    x[0, ::3] = 0
    dW = np.empty_like(W)
    dense.backward(x, W, dy, None, dW, None)
    assert dW.tobytes() == (x.T * dy + 0).tobytes()  # 0 and never -0


@pytest.mark.parametrize("options", [{"reset_after": True}, {"reset_after": False}, "LSTM", "RNN"], ids=str)
def test_rows_of_distant_weights_are_alone_in_a_batch(options, threads):
    kind, options = (nnlite.GRU, options) if isinstance(options, dict) else (getattr(nnlite, options), {})
    layer = kind(736, return_sequences=True, **options)  # more weights than a second-level cache holds
    x, dy = (np.random.default_rng(0).standard_normal((23, 3, size)).astype("float32") for size in (5, 736))
    y = layer.forward(x, training=True).copy()
    dx = layer.backward(dy)
    for n in (0, 9, 22):
        np.testing.assert_array_equal(layer.forward(x[n : n + 1], training=True)[0], y[n])
        np.testing.assert_array_equal(layer.backward(dy[n : n + 1])[0], dx[n])
