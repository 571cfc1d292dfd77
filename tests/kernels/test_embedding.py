"""The embedding kernels alone: exact on integers, whole columns, threads."""

import numpy as np
import pytest
from chain import assert_backends_agree, assert_threads_do_not_matter, float_types, run_kernel
from numeric import assert_same_bits

# Ids, vocabulary, units: around the vector's width, and around the 512 columns that two threads share.
SIZES = [
    (1, 1, 1),
    (5, 3, 7),
    (40, 38, 16),
    (33, 11, 17),
    (100, 5, 200),
    (9, 4, 511),
    (9, 4, 513),
    (0, 3, 5),
    (7, 2, 0),
]
sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def draw(size):
    N, V, U = size
    rng = np.random.default_rng(sum(size))
    return rng.integers(-8, 9, (V, U)).astype(float), rng.integers(V, size=N), rng.integers(-8, 9, (N, U)).astype(float)


@sizes
@float_types
def test_compiled_is_the_reference_in_every_bit(size, dtype):
    """On small integers, whose sums are exact."""
    N, V, U = size
    W, ids, dy = draw(size)
    for function, inputs, shape in [("forward", [W, ids], (N, U)), ("backward", [ids, dy], (V, U))]:
        results = [
            run_kernel("embedding", function, inputs, [shape], dtype=dtype, backend_name=b)[0]
            for b in ("compiled", "reference")
        ]
        assert_same_bits(*results)


@sizes
@float_types
def test_compiled_is_the_reference(size, dtype):
    N, V, U = size
    dy = np.random.default_rng(0).standard_normal((N, U))
    assert_backends_agree("embedding", "backward", [draw(size)[1], dy], [(V, U)], dtype=dtype)


@pytest.mark.parametrize("U", [200, 512, 601, 1030])
@float_types
def test_threads_do_not_matter(U, dtype):
    rng = np.random.default_rng(U)
    W, ids, dy = rng.standard_normal((7, U)), rng.integers(7, size=900), rng.standard_normal((900, U))
    assert_threads_do_not_matter("embedding", "forward", [W, ids], [(900, U)], dtype=dtype)
    assert_threads_do_not_matter("embedding", "backward", [ids, dy], [(7, U)], dtype=dtype)


@float_types
def test_one_id_over_and_over(dtype):
    """All rows of dy in one row of dW, and 0 in the others."""
    ids, dy = np.full(1000, 2), np.ones((1000, 19))
    (dW,) = run_kernel("embedding", "backward", [ids, dy], [(4, 19)], dtype=dtype)
    assert dW.tolist() == [[1000.0 * (v == 2)] * 19 for v in range(4)]
