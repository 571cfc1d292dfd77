"""The softmax kernels alone: rows around the vector's width and the block's size, addresses, threads."""

import numpy as np
import pytest
from chain import assert_backends_agree, assert_threads_do_not_matter, backends, float_types, run_kernel
from numeric import assert_close, assert_same_bits

# Rows and their lengths: around 4, 8, 16 and 32 lanes, around 64 rows, and around the 2048 numbers of a block.
SHAPES = [(1, 1), (3, 4), (5, 7), (2, 8), (3, 9), (4, 15), (5, 16), (6, 17), (2, 31), (3, 33), (63, 3), (65, 2)]
SHAPES += [(129, 31), (55, 38), (3, 2047), (2, 2048), (2, 2049), (0, 5), (5, 0)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def draw(shape):
    """x or dy, a softmax y, and labels."""
    rng = np.random.default_rng(sum(shape))
    x = 3 * rng.standard_normal(shape)
    y = np.exp(x)
    y /= y.sum(axis=1, keepdims=True)
    return x, y, rng.integers(max(1, shape[1]), size=shape[0])


def calls(shape):
    """(function, inputs, outputs and numbers) of every kernel."""
    x, y, labels = draw(shape)
    yield "forward", [x], [shape]
    yield "backward", [y, x], [shape]
    if shape[1]:
        yield "cross_entropy_forward", [x, labels], [shape, np.empty(shape[0])]
        yield "cross_entropy_backward", [y, labels], [shape], 0.3


@shapes
@float_types
def test_compiled_is_the_reference(shape, dtype):
    for function, inputs, *rest in calls(shape):
        assert_backends_agree("softmax", function, inputs, *rest, dtype=dtype)


@pytest.mark.parametrize("shape", [(5001, 38), (70, 3001)], ids=str)
@float_types
def test_threads_do_not_matter(shape, dtype):
    for function, inputs, *rest in calls(shape):
        assert_threads_do_not_matter("softmax", function, inputs, *rest, dtype=dtype)


@pytest.mark.parametrize("V", [3, 16, 38, 100])
@float_types
def test_a_row_has_one_result_wherever_it_lies(V, dtype):
    """At any address, and in any place of a block."""
    row = np.random.default_rng(V).standard_normal(V).astype(dtype)
    (expected,) = run_kernel("softmax", "forward", [row[None]], [(1, V)], dtype=dtype)
    for offset in range(20):
        memory = np.empty(offset + 70 * V, dtype)
        rows = memory[offset:].reshape(70, V)
        rows[...] = row
        (y,) = run_kernel("softmax", "forward", [rows], [rows.shape], dtype=dtype)
        assert_same_bits(y, np.repeat(expected, 70, axis=0))


@pytest.mark.parametrize("V", [1, 5, 16, 17, 31, 33, 38, 100])
@float_types
def test_the_largest_number_is_found_in_every_place(V, dtype):
    """Taken off, it leaves e^0: each row has one 1, and 0 elsewhere."""
    x = np.full((V, V), -1e4)
    np.fill_diagonal(x, 1e4)
    (y,) = run_kernel("softmax", "forward", [x], [x.shape], dtype=dtype)
    assert (y == np.eye(V)).all()


@pytest.mark.parametrize("V", [1, 5, 16, 17, 31, 33, 38, 100])
@float_types
def test_every_number_counts_once_in_a_sum(V, dtype):
    """Of V equal numbers each has the probability 1 / V: exactly so where V is a power of two."""
    (y,) = run_kernel("softmax", "forward", [np.zeros((3, V))], [(3, V)], dtype=dtype)
    assert (y == np.dtype(dtype).type(1) / np.dtype(dtype).type(V)).all()
    dy = np.eye(V)
    (dx,) = run_kernel("softmax", "backward", [np.ones((V, V)), dy], [(V, V)], dtype=dtype)
    assert (dx == dy - 1).all()


@backends
@float_types
def test_from_each_row_its_own_largest_number_is_taken(dtype, backend_name):
    rows = np.array([[-8192.0, -8191.0], [0.0, 1.0], [8191.0, 8192.0]])
    (y,) = run_kernel("softmax", "forward", [rows], [rows.shape], dtype=dtype, backend_name=backend_name)
    assert_close(y, np.tile(1 / (1 + np.exp([1.0, -1.0])), (3, 1)), 1e-6 if dtype == "float32" else 1e-14)


@float_types
def test_no_gradient_in_none_out(dtype):
    for shape in SHAPES:
        _, y, _ = draw(shape)
        (dx,) = run_kernel("softmax", "backward", [y, np.zeros(shape)], [shape], dtype=dtype)
        assert not dx.any()


@float_types
def test_losses_of_single_rows(dtype):
    x, _, labels = draw((200, 38))
    y, losses = run_kernel("softmax", "cross_entropy_forward", [x, labels], [x.shape, np.empty(200)], dtype=dtype)
    (expected,) = run_kernel("softmax", "forward", [x], [x.shape], dtype=dtype)
    assert_same_bits(y, expected)
    assert_close(losses, -np.log(y[np.arange(200), labels].astype("float64")), 1e-6 if dtype == "float32" else 1e-14)


@backends
@float_types
def test_a_loss_has_all_digits_of_the_difference_of_two_logits(dtype, backend_name):
    x, outputs = np.array([[8193.3, 1.1]]).astype(dtype), [(1, 2), np.empty(1)]
    _, losses = run_kernel(
        "softmax", "cross_entropy_forward", [x, np.array([1])], outputs, dtype=dtype, backend_name=backend_name
    )
    assert losses[0] == float(x[0, 0]) - float(x[0, 1])  # which float32 cannot hold
