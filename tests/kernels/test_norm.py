"""The normalisation kernels alone: rows and channels around the sizes of lines and blocks; threads."""

import numpy as np
import pytest
from chain import FLOAT32_BACKWARD, FLOAT32_FORWARD, FLOAT64, float_types, threads
from numeric import assert_close, assert_same_bits

import nnlite
from nnlite.kernels import backend

# A line holds some 256 numbers, a block 128 lines or a few; four lines are summed at a time.
SHAPES = [(1, 1), (255, 1), (257, 1), (1025, 1), (32767, 1), (32769, 1), (31, 8), (33, 8), (97, 8), (4097, 8)]
SHAPES += [(85, 3), (86, 3), (340, 3), (11050, 3), (1, 256), (3, 256), (129, 256), (2, 257), (15, 300), (17, 5000)]
SHAPES += [(65, 15), (64, 16), (63, 17), (0, 5)]
EPSILON = 0.03  # not the default, which could be written into a kernel


def run(shape, dtype, backend_name="compiled"):
    """All five functions, one after the other; from names to results."""
    rng, (N, C) = np.random.default_rng(sum(shape)), shape
    x, dy = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    gamma, beta = (rng.standard_normal(C).astype(dtype) for _ in range(2))
    found = {name: np.full(C, np.nan) for name in ("mean", "variance")}
    for name in ("y", "dx", "layer_y", "layer_dx", "used_dx"):
        found[name] = np.full(shape, np.nan, dtype)
    for name in ("dgamma", "dbeta", "layer_dgamma", "layer_dbeta", "used_dgamma", "used_dbeta"):
        found[name] = np.full(C, np.nan, dtype)
    with nnlite.use_backend(backend_name):
        norm = backend().norm
        work = np.full(norm.batch_work_size(N, C), np.nan, dtype)
        statistics = found["mean"], found["variance"]
        norm.batch_statistics(x, *statistics, work)
        norm.batch_forward(x, *statistics, gamma, beta, found["y"], work, EPSILON)
        for name, from_x in (("", True), ("used_", False)):
            outputs = [found[f"{name}{output}"] for output in ("dx", "dgamma", "dbeta")]
            norm.batch_backward(x, dy, *statistics, gamma, *outputs, work, EPSILON, from_x)
        work = np.full(norm.layer_work_size(N, C), np.nan, dtype)
        norm.layer_forward(x, gamma, beta, found["layer_y"], EPSILON)
        outputs = [found[f"layer_{output}"] for output in ("dx", "dgamma", "dbeta")]
        norm.layer_backward(x, gamma, dy, *outputs, work, EPSILON)
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@float_types
def test_compiled_is_the_reference(shape, dtype):
    compiled, reference = (run(shape, dtype, name) for name in ("compiled", "reference"))
    for name, value in compiled.items():
        if not shape[0] and name in ("mean", "variance"):
            assert np.isnan(value).all()  # of no rows: not written
            continue
        tolerance = FLOAT32_BACKWARD if name.startswith(("d", "layer_d", "used_d")) else FLOAT32_FORWARD
        if (shape[1] == 1 and name == "layer_dx") or (shape[0] == 1 and name == "dx"):  # 0 but for rounding
            assert np.abs(value).max() < 1e-4
            continue
        assert_close(value, reference[name], FLOAT64 if dtype == "float64" else tolerance, name)


@pytest.mark.parametrize("shape", [(300_001, 1), (40_001, 8), (3001, 200), (100, 5000)], ids=str)
@float_types
def test_threads_do_not_matter(shape, dtype):
    results = []
    for n in (1, 2, 3):
        with threads(n):
            results.append(run(shape, dtype))
    for other in results[1:]:
        for name, value in other.items():
            assert_same_bits(value, results[0][name], name)


@pytest.mark.parametrize("C", [1, 8, 200])
@float_types
def test_statistics_are_exact_to_the_last_digits(C, dtype):
    """Of the numbers as they are, whatever their mean."""
    rng = np.random.default_rng(C)
    x = (rng.integers(-8, 9, (5000, C)) + 2**20).astype(dtype)
    mean, variance = np.empty(C), np.empty(C)
    work = np.empty(backend().norm.batch_work_size(5000, C), dtype)
    backend().norm.batch_statistics(x, mean, variance, work)
    exact = x.astype("float64")
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-6 if dtype == "float32" else 1e-11)


def test_threads_of_different_number_share_no_scratch():
    """The size of `work` depends on the shape alone."""
    sizes = set()
    for n in (1, 2, 7):
        with threads(n):
            sizes.add((backend().norm.batch_work_size(100_000, 8), backend().norm.layer_work_size(100_000, 8)))
    assert len(sizes) == 1
