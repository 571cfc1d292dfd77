"""Rows of unequal length: each is read as it would be alone, and what stands beyond its end never matters."""

import functools

import numpy as np
import pytest
from chain import backends, float_types, of_the_kernels, randomized, threads
from numeric import assert_close, assert_same_bits

import nnlite

F, H = 5, 19
LAYERS = {
    "LSTM": nnlite.LSTM,
    "RNN": nnlite.RNN,
    "GRU": nnlite.GRU,
    "GRU, reset before": functools.partial(nnlite.GRU, reset_after=False),
}
recurrent = pytest.mark.parametrize("kind", LAYERS)
sequences = pytest.mark.parametrize("return_sequences", [False, True])
inputs = pytest.mark.parametrize("ids", [False, True])

# More rows than a tile has, rows without a step, and none of the greatest length.
LENGTHS = np.array([3, 0, 8, 1, 5, 8, 2, 0, 7, 4, 1, 6, 3])
N, T = len(LENGTHS), 9


def made(kind, return_sequences, dtype="float64", **options):
    layer = LAYERS[kind](H, return_sequences=return_sequences, input_dim=F, dtype=dtype, seed=0, **options)
    layer.build((T, F))
    return randomized(layer)


def drawn(ids, dtype="float64", shape=(N, T)):
    rng = np.random.default_rng(2)
    return rng.integers(F, size=shape) if ids else rng.standard_normal((*shape, F)).astype(dtype)


def states(layer, rows, seed=3):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal((rows, H)).astype(layer.dtype) for _ in layer.states)


def run(layer, x, dy, state, dstate, lengths):
    """Everything that a layer gives, with the rows of inputs and outputs in front."""
    y = layer.forward(x, initial_state=state, lengths=lengths)
    dx = layer.backward(dy, dstate=dstate)
    by_row = [y, *layer.state, *layer.dinitial_state, *([] if dx is None else [dx])]
    return by_row, {k: grad.copy() for k, grad in layer.grads.items()}


@inputs
@sequences
@recurrent
@float_types
@backends
def test_each_row_is_read_as_if_it_were_alone(kind, return_sequences, ids, dtype, backend_name):
    layer, x = made(kind, return_sequences, dtype), drawn(ids, dtype)
    state, dstate = states(layer, N), states(layer, N, seed=4)
    dy = np.random.default_rng(5).standard_normal((N, T, H) if return_sequences else (N, H)).astype(dtype)
    with nnlite.use_backend(backend_name):
        together, grads = run(layer, x, dy, state, dstate, LENGTHS)
        sums = {k: np.zeros(grad.shape) for k, grad in grads.items()}
        for n, length in enumerate(LENGTHS):
            row = slice(n, n + 1)
            if length == 0:
                start, end = ([s[row] for s in group] for group in (state, dstate))
                end[0] = end[0] if return_sequences else end[0] + dy[row]
                alone = [None if return_sequences else start[0], *start, *end] + [None] * (not ids)
            else:
                dy_alone = dy[row, :length] if return_sequences else dy[row]
                starts, ends = ([s[row] for s in group] for group in (state, dstate))
                alone, alone_grads = run(layer, x[row, :length].copy(), dy_alone.copy(), starts, ends, None)
                for k, grad in alone_grads.items():
                    sums[k] += grad
            for i, (all_rows, own) in enumerate(zip(together, alone, strict=True)):
                here = all_rows[row]
                if here.ndim == 3:  # y of every step, and dx
                    assert not here[:, length:].any(), "what stands beyond the end is not 0"
                    here = here[:, :length]
                if own is None:
                    continue
                if backend_name == "compiled":
                    assert_same_bits(np.ascontiguousarray(here), own, f"result {i} of row {n}")
                else:
                    assert_close(here, own, 1e-10 if dtype == "float64" else 1e-5, f"result {i} of row {n}")
    for k, grad in grads.items():
        assert_close(grad, sums[k], 1e-10 if dtype == "float64" else 1e-4, f"d{k}")


@recurrent
@sequences
@inputs
def test_full_lengths_are_no_lengths(kind, return_sequences, ids):
    layer, x = made(kind, return_sequences), drawn(ids)
    y = layer.forward(x)
    dx = layer.backward(y)
    grads = {k: grad.copy() for k, grad in layer.grads.items()}
    assert_same_bits(layer.forward(x, lengths=np.full(N, T)), y)
    again = layer.backward(y)
    if not ids:
        assert_same_bits(again, dx)
    for k, grad in layer.grads.items():
        assert_same_bits(grad, grads[k], k)


@recurrent
@sequences
@inputs
@backends
def test_padding_never_matters(kind, return_sequences, ids, backend_name):
    layer, x = made(kind, return_sequences), drawn(ids)
    padding = np.arange(T) >= LENGTHS[:, None]
    other = x.copy()
    other[padding] = -7 if ids else np.nan
    dy = np.random.default_rng(5).standard_normal((N, T, H) if return_sequences else (N, H))
    other_dy = dy.copy()
    if return_sequences:
        other_dy[padding] = np.nan
    kept = other.copy()
    state, dstate = states(layer, N), states(layer, N, seed=4)
    with nnlite.use_backend(backend_name):
        expected, grads = run(layer, x, dy, state, dstate, LENGTHS)
        found, other_grads = run(layer, other, other_dy, state, dstate, LENGTHS)
    for i, (value, other_value) in enumerate(zip(expected, found, strict=True)):
        assert_same_bits(value, other_value, f"result {i}")
    for k, grad in grads.items():
        assert_same_bits(grad, other_grads[k], k)
    assert_same_bits(other, kept, "the caller's x")


@pytest.mark.parametrize("one_row", [False, True])
@recurrent
def test_an_array_that_is_time_major_as_it_stands_is_not_written_to(kind, one_row):
    x = drawn(False, shape=(1, T) if one_row else (N, 1))
    kept = x.copy()
    made(kind, True).forward(x, lengths=np.zeros(len(x), int))
    assert_same_bits(x, kept)


@recurrent
@sequences
@backends
def test_one_step_or_none(kind, return_sequences, backend_name):
    """T = 1, where the kernels cannot tell all steps from the last one."""
    layer, lengths = made(kind, return_sequences), np.array([1, 0, 1])
    x, state, dstate = drawn(False, shape=(3, 1)), states(layer, 3), states(layer, 3, seed=4)
    dy = np.random.default_rng(5).standard_normal((3, 1, H) if return_sequences else (3, H))
    with nnlite.use_backend(backend_name):
        (y, *final), _ = run(layer, x, dy, state, dstate, lengths)
        longer = np.concatenate([x, x], axis=1)
        longer_dy = np.concatenate([dy, dy], axis=1) if return_sequences else dy
        (longer_y, *longer_final), _ = run(layer, longer, longer_dy, state, dstate, lengths)
    assert_close(y, longer_y[:, :1] if return_sequences else longer_y, 1e-10)
    for one, other in zip(final[: 2 * len(state)], longer_final[: 2 * len(state)], strict=True):
        assert_close(one, other, 1e-10)


@recurrent
@float_types
def test_threads_do_not_matter(kind, dtype):
    layer, rows = made(kind, True, dtype), 70
    x = drawn(False, dtype, (rows, T))
    lengths = np.random.default_rng(6).integers(T + 1, size=rows)
    dy, state = np.ones((rows, T, H), dtype), states(layer, rows)
    results = []
    for n in (1, 2, 3):
        with threads(n):
            by_row, grads = run(layer, x, dy, state, state, lengths)
            results.append([*by_row, *grads.values()])
    for other in results[1:]:
        for value, expected in zip(other, results[0], strict=True):
            assert_same_bits(value, expected)


@of_the_kernels
@recurrent
def test_a_stateful_layer_goes_on_from_each_row_s_own_end(kind):
    x = drawn(False)
    layer = made(kind, False, stateful=True)
    layer.forward(x, lengths=LENGTHS)
    y = layer.forward(x)
    for n, length in enumerate(LENGTHS):
        layer.reset_state()
        row = np.concatenate([x[n, :length], x[n]])[None]
        assert_same_bits(layer.forward(row)[0], y[n], f"row {n}")


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        (
            ["1", "2", "3"],
            TypeError,
            r"lengths: expected numbers, got an array of texts: use np\.asarray\(lengths, int\)",
        ),
        (np.array([1.0, 2, 3]), TypeError, "lengths: expected integers, got float64"),
        ([1.0, 2.0, 3.0], TypeError, r"lengths: expected integers, got float64: use np\.asarray\(lengths, int"),
        (np.array([True, True, False]), TypeError, r"lengths: expected integers, got bool: .* mask\.sum\(axis=1\)"),
        (np.array([[True, True]] * 3), ValueError, r"one length for each of the 3 rows, shape \(3,\), got \(3, 2\)"),
        (
            np.array([1, 2]),
            ValueError,
            r"lengths: expected one length for each of the 3 rows, shape \(3,\), got \(2,\)",
        ),
        (np.array([[1, 2, 3]]), ValueError, r"one length for each of the 3 rows, shape \(3,\), got \(1, 3\)"),
        (np.array(2), ValueError, r"one length for each of the 3 rows, shape \(3,\), got \(\)"),
        (np.array([1, 5, 2]), IndexError, r"lengths: expected lengths in 0 \.\. 4, got 5 at \(1,\)"),
        (np.array([1, -1, 2]), IndexError, r"lengths: expected lengths in 0 \.\. 4, got -1 at \(1,\)"),
        (
            np.array([1, 2, 2**64 - 1], "uint64"),
            IndexError,
            r"lengths: expected lengths in 0 \.\. 4, got 18446744073709551615 at \(2,\)",
        ),
    ],
)
@recurrent
def test_lengths_that_cannot_be(kind, lengths, error, message):
    with pytest.raises(error, match=message):
        LAYERS[kind](4).forward(np.zeros((3, 4, 2), "float32"), lengths=lengths)


@recurrent
def test_lengths_of_any_kind(kind):
    x, layer = np.ones((3, 4, 2), "float32"), LAYERS[kind](4)
    expected = layer.forward(x, lengths=np.array([1, 4, 0]))
    for lengths in ([1, 4, 0], (1, 4, 0), np.array([1, 4, 0], "uint8"), np.array([1, 4, 0], ">i2")):
        assert_same_bits(layer.forward(x, lengths=lengths), expected)
        assert_same_bits(layer.forward(x.tolist(), lengths=lengths), expected)


@recurrent
@pytest.mark.parametrize("x", [[1, 2], np.zeros(3)])
def test_lengths_are_of_sequences(kind, x):
    with pytest.raises(ValueError, match="lengths: expected x to be an array of sequences"):
        LAYERS[kind](4).forward(x, lengths=np.array([1]))
