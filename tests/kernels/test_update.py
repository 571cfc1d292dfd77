"""The compiled update rules against their NumPy twins, and what no test of an optimizer sees."""

import math

import numpy as np
import pytest

import nnlite
from nnlite.kernels import update as compiled
from nnlite.reference import update as reference

INFINITY = math.inf

# Name -> function, how many arrays beside g and p, and the other arguments. None: an array that is not wanted.
RULES = {
    "sgd": ("sgd", [], (0.1,)),
    "momentum": ("sgd_momentum", ["signed"], (0.1, 0.9, False)),
    "nesterov": ("sgd_momentum", ["signed"], (0.1, 0.9, True)),
    "adagrad": ("adagrad", ["square"], (0.1, 1e-7)),
    "rmsprop": ("rmsprop", ["square", None, None], (0.1, 0.9, 0.0, 1e-7)),
    "rmsprop momentum": ("rmsprop", ["square", None, "signed"], (0.1, 0.9, 0.8, 1e-7)),
    "rmsprop centered": ("rmsprop", ["square", "mean", None], (0.1, 0.9, 0.0, 1e-7)),
    "rmsprop centered momentum": ("rmsprop", ["square", "mean", "signed"], (0.1, 0.9, 0.8, 1e-7)),
    "adam": ("adam", ["signed", "square"], (0.1, 0.9, 0.999, 1e-7, 0.0, 3)),
    "adamw": ("adam", ["signed", "square"], (0.1, 0.9, 0.999, 1e-7, 0.05, 3)),
}
CLIPPING = [(1.0, INFINITY), (0.3, INFINITY), (1.0, 0.5)]


def arrays(rule, n, dtype, seed=0):
    """g, p and the memory, as a running optimizer would have them."""
    rng = np.random.default_rng(seed)
    make = {
        "signed": lambda: rng.standard_normal(n),
        "square": lambda: 1 + rng.random(n),
        "mean": lambda: 0.1 * rng.standard_normal(n),
        None: lambda: None,
    }
    found = [rng.standard_normal(n), rng.standard_normal(n), *(make[kind]() for kind in RULES[rule][1])]
    return [None if x is None else x.astype(dtype) for x in found]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("scale", "clip"), CLIPPING)
@pytest.mark.parametrize("rule", RULES)
def test_compiled_equals_reference(rule, scale, clip, dtype):
    function, _, rates = RULES[rule]
    tolerance = {"float32": 1e-5, "float64": 1e-10}[dtype]
    for n in (1, 31, 33, 4095, 4097, 9000):
        ours, theirs = arrays(rule, n, dtype), arrays(rule, n, dtype)
        ours[0].flags.writeable = False
        for _ in range(3):
            getattr(compiled, function)(*ours, *rates, scale, clip)
            getattr(reference, function)(*theirs, *rates, scale, clip)
        for a, b in zip(ours, theirs, strict=True):
            if b is not None:
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
                assert a.dtype == b.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_one_and_two_threads_give_the_same_bits(rule, dtype):
    function, _, rates = RULES[rule]
    results = []
    for threads in (1, 2):
        nnlite.set_num_threads(threads)
        results.append(arrays(rule, 520_001, dtype))
        getattr(compiled, function)(*results[-1], *rates, 0.7, 0.5)
    assert all(a is b is None or a.tobytes() == b.tobytes() for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("module", [compiled, reference])
@pytest.mark.parametrize("rule", RULES)
def test_empty_parameters(module, rule):
    function, _, rates = RULES[rule]
    getattr(module, function)(*arrays(rule, 0, "float32"), *rates, 1.0, INFINITY)


@pytest.mark.parametrize("module", [compiled, reference])
@pytest.mark.parametrize("rule", RULES)
def test_nan_passes_through_clipping(module, rule):
    function, _, rates = RULES[rule]
    ours = arrays(rule, 40, "float32")
    ours[0][7] = math.nan
    getattr(module, function)(*ours, *rates, 1.0, 0.5)
    assert np.flatnonzero(np.isnan(ours[1])).tolist() == [7]


@pytest.mark.parametrize("module", [compiled, reference])
def test_rounding_makes_no_negative_variance(module):
    """Under a constant gradient v and mean^2 are equal but for rounding, which 1e-7 does not outweigh."""
    g = np.full(40, 1000.0, "float32")
    p, v, mean = np.zeros_like(g), g * g * np.float32(1 - 1e-6), g.copy()
    module.rmsprop(g, p, v, mean, None, 1e-6, 0.9, 0.0, 1e-7, 1.0, INFINITY)
    assert (v < mean * mean).all()
    assert np.isfinite(p).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sum_of_squares(dtype):
    rng = np.random.default_rng(0)
    for n in (0, 1, 31, 32, 33, 4095, 4096, 4097, 10_000):
        g = rng.standard_normal(n).astype(dtype)
        g.flags.writeable = False
        exact = math.fsum(float(x) ** 2 for x in g)
        for module in (compiled, reference):
            found = module.sum_of_squares(g, np.empty(module.work_size(n)))
            assert found == pytest.approx(exact, rel=1e-14)
            assert type(found) is float


def test_sum_of_squares_does_not_overflow_in_float32():
    g = np.full(10, 3e38, "float32")
    assert compiled.sum_of_squares(g, np.empty(1)) == pytest.approx(9e77, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sum_of_squares_has_the_same_bits_for_one_and_two_threads(dtype):
    g = np.random.default_rng(0).standard_normal(700_001).astype(dtype)
    sums = []
    for threads in (1, 2, 3):
        nnlite.set_num_threads(threads)
        sums.append(compiled.sum_of_squares(g, np.empty(compiled.work_size(g.size))))
    assert sums[0] == sums[1] == sums[2]


@pytest.fixture(autouse=True)
def _restore_threads():
    before = nnlite.get_num_threads()
    yield
    nnlite.set_num_threads(before)
