"""The kernel of orthogonal initial weights: the Q of NumPy, orthonormal to rounding, and the same bits everywhere."""

import zlib

import numpy as np
import pytest

import nnlite
from nnlite import initializers
from nnlite.kernels import backend
from nnlite.reference.dropout import hashed

SHAPES = [(0, 0), (3, 0), (1, 1), (5, 1), (2, 2), (7, 3), (33, 32), (100, 100), (300, 77), (530, 260)]


def orthonormal(a, backend_name="compiled"):
    a = a.copy()
    with nnlite.use_backend(backend_name):
        kernel = backend().orthogonal
        kernel.orthonormalise(a, np.full(kernel.work_size(a.shape[1]), np.nan))
    return a


def numbers(rows, cols):
    """Numbers in [-1, 1) that no version of NumPy draws in another way."""
    return (hashed(rows * cols, 1) / 2**31 - 1).reshape(rows, cols)


@pytest.mark.parametrize("backend_name", ["compiled", "reference"])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_q_of_the_qr_with_a_positive_diagonal(shape, backend_name):
    a = np.random.default_rng(1).standard_normal(shape)
    q, r = np.linalg.qr(a)
    got = orthonormal(a, backend_name)
    np.testing.assert_allclose(got, q * np.sign(np.diag(r)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.T @ got, np.eye(shape[1]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("backend_name", ["compiled", "reference"])
def test_columns_that_are_almost_dependent_become_orthonormal_too(backend_name):
    a = np.random.default_rng(1).standard_normal((100, 40))
    a[:, 20:] = a[:, :20] + 1e-7 * a[:, 20:]
    got = orthonormal(a, backend_name)
    np.testing.assert_allclose(got.T @ got, np.eye(40), rtol=0, atol=1e-14)


def test_the_bits_are_the_same_on_every_cpu():
    """No BLAS computes them, and no sum depends on the width of vectors, on threads, or on multiply-adds."""
    assert orthonormal(numbers(4, 3)).tolist() == [
        [0.46640810223071416, -0.5625856338216588, 0.3743465398790498],
        [-0.821322739255916, -0.033484293097766044, 0.45900890278709217],
        [-0.21595276692598872, -0.7817294670069403, -0.01394193310109307],
        [-0.24750119719248187, -0.26697424435003175, -0.8055936430634104],
    ]
    checksums = [zlib.crc32(orthonormal(numbers(*shape)).tobytes()) for shape in ((37, 29), (200, 100), (600, 513))]
    assert checksums == [2968566108, 248118903, 157303870]


def test_the_initializer_draws_what_it_always_drew():
    expected = [
        [0.14891146369604527, -0.295846418729802],
        [0.7584992170718537, 0.6463718479044215],
        [-0.6344322766704783, 0.7033337264495243],
    ]
    np.testing.assert_allclose(initializers.orthogonal((3, 2), np.random.default_rng(0)), expected, rtol=1e-12)
    np.testing.assert_allclose(initializers.orthogonal((2, 3), np.random.default_rng(0)).T, expected, rtol=1e-12)


def test_square_weights_are_q_itself():
    rng = np.random.default_rng(0)
    got, expected = initializers.orthogonal((4, 4), np.random.default_rng(0)), orthonormal(rng.standard_normal((4, 4)))
    np.testing.assert_array_equal(got, expected)
