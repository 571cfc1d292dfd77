"""The error bounds that csrc/vmath.h states, and what it says of numbers at the edges."""

import importlib
import pkgutil

import numpy as np
import pytest
from chain import float_types, run_kernel
from numeric import units_in_the_last_place

import nnlite


def exact_normal_cdf(x):
    """Phi(x), by the Taylor series of its odd part where |x| is small, and a continued fraction in the tail.

    Phi(-a) = phi(a) / (a + 1/(a + 2/(a + 3/(a + ...))))
    """
    one = x.dtype.type(1)
    a, pi = np.abs(x), 4 * np.arctan(one)
    phi = np.exp(-a * a / 2) / np.sqrt(2 * pi)
    near, far = a[a < 2], a[a >= 2]
    fraction = far
    for k in range(150, 0, -1):
        fraction = far + k / fraction
    term = series = near
    for k in range(1, 60):
        term = term * near**2 / (2 * k + 1)
        series = series + term
    tail = np.empty_like(a)
    tail[a < 2], tail[a >= 2] = one / 2 - phi[a < 2] * series, phi[a >= 2] / fraction
    return np.where(x > 0, 1 - tail, tail)


BOUND = {"exp": 1.1, "normal_cdf": 12, "sigmoid_forward": 2.5, "tanh_forward": 2.6}
EXACT = {
    "exp": np.exp,
    "normal_cdf": exact_normal_cdf,
    "sigmoid_forward": lambda x: 1 / (1 + np.exp(-x)),
    "tanh_forward": np.tanh,
}
# e^x from the smallest normal number to half a binary order below infinity.
RANGE = {"float32": (-87.336, 88.376), "float64": (-708.396, 709.436)}
# From here on Phi is no subnormal number.
NORMAL_FROM = {"float32": -12.9, "float64": -37.5}
N = 200_000


def wider(dtype):
    """A float type with at least ten more bits than the dtype; Windows and macOS have none above float64."""
    wide = np.float64 if dtype == "float32" else np.longdouble
    if np.finfo(wide).nmant < np.finfo(dtype).nmant + 10:
        pytest.skip(f"this platform has no arithmetic wider than {dtype}")
    return wide


def grid(dtype):
    """Numbers evenly over the range, evenly around 0, and evenly in the exponent, down to the smallest normal one."""
    low, high = RANGE[dtype]
    smallest = np.log10(float(np.finfo(dtype).smallest_normal)) + 1e-6
    rng = np.random.default_rng(0)
    small = 10 ** np.linspace(smallest, 1, N)
    parts = [rng.uniform(low, high, N), rng.uniform(-40, 40, N), np.linspace(-1, 1, N), small, -small]
    return np.concatenate(parts).astype(dtype)


def apply(function, x):
    x = np.asarray(x)
    return run_kernel("activation", function, [x], [x.shape], dtype=x.dtype.name)[0]


@pytest.mark.parametrize("function", BOUND)
@float_types
def test_error_bound(function, dtype):
    x = grid(dtype)
    if function == "normal_cdf":
        x = x[x > NORMAL_FROM[dtype]]
    error = units_in_the_last_place(apply(function, x), EXACT[function](x.astype(wider(dtype))))
    worst = error.argmax()
    assert error[worst] <= BOUND[function], f"{function}({x[worst]!r}) is off by {error[worst]:.2f} units"


@float_types
def test_error_bound_of_gelu(dtype):
    x = grid(dtype)
    x = x[(x > NORMAL_FROM[dtype]) & (np.abs(x) > 3 * np.finfo(dtype).smallest_normal)]  # so that x / 2 is normal, too
    wide = x.astype(wider(dtype))
    error = units_in_the_last_place(apply("gelu_forward", x), wide * exact_normal_cdf(wide))
    worst = error.argmax()
    assert error[worst] <= BOUND["normal_cdf"], f"gelu({x[worst]!r}) is off by {error[worst]:.2f} units"


def all_float32(part, parts, size=1 << 22):
    """Each of the 2^32 float32 of a part, in order of their bits, as arrays."""
    for first in range(part * (2**32 // parts), (part + 1) * (2**32 // parts), size):
        yield np.arange(first, first + size, dtype=np.uint64).astype(np.uint32).view(np.float32)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, at overflows and signalling NaN
@pytest.mark.parametrize("part", range(16))
@pytest.mark.parametrize("function", ["exp", "sigmoid_forward", "tanh_forward"])
def test_every_float32(function, part):
    """Within the bound; 0 where the value is below the smallest normal number; NaN where x is.

    e^x may be infinite half a binary order early, and tanh of a subnormal number is that number, or 0.
    """
    smallest, high = np.finfo(np.float32).smallest_normal, RANGE["float32"][1]
    for x in all_float32(part, 16):
        y, exact = apply(function, x), EXACT[function](x.astype(np.float64))
        normal, nan, infinite = np.abs(exact) >= smallest, np.isnan(x), np.isinf(y)
        assert np.isnan(y[nan]).all()
        assert ((y == 0) | ((y == x) if function == "tanh_forward" else False))[~normal & ~nan].all()
        assert (x[infinite] > (high if function == "exp" else np.inf)).all()
        compared = normal & ~infinite
        error = units_in_the_last_place(y[compared], exact[compared])
        assert error.size == 0 or error.max() <= BOUND[function], f"{function}({x[compared][error.argmax()]!r})"


@pytest.mark.parametrize("function", BOUND)
@float_types
def test_edges(function, dtype):
    info = np.finfo(dtype)
    tiny, huge = info.smallest_normal, info.max
    x = np.array([-np.inf, -huge, -tiny, -0.0, 0.0, tiny, huge, np.inf, np.nan], dtype)
    expected = {
        "exp": [0, 0, 1, 1, 1, 1, np.inf, np.inf, np.nan],
        "normal_cdf": [0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, np.nan],
        "sigmoid_forward": [0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, np.nan],
        "tanh_forward": [-1, -1, -tiny, -0.0, 0.0, tiny, 1, 1, np.nan],
    }[function]
    # Each alone, in a vector, and in the tail after a vector.
    for n in (1, 16, 37):
        for value, wanted in zip(x, expected, strict=True):
            y = apply(function, np.full(n, value))
            np.testing.assert_array_equal(y, np.full(n, wanted, dtype), f"{function}({value})")
            if not np.isnan(wanted):
                assert (np.signbit(y) == np.signbit(np.float64(wanted))).all(), f"the sign of {function}({value})"


@float_types
def test_below_the_smallest_normal_number_is_0(dtype):
    low, high = RANGE[dtype]
    assert apply("exp", np.full(20, low - 0.01, dtype)).tolist() == [0] * 20
    assert apply("sigmoid_forward", np.full(20, low - 0.01, dtype)).tolist() == [0] * 20
    assert (apply("exp", np.full(20, low, dtype)) > 0).all()
    assert (apply("sigmoid_forward", np.full(20, low, dtype)) > 0).all()
    assert np.isfinite(apply("exp", np.full(20, high, dtype))).all()
    assert np.isinf(apply("exp", np.full(20, high + 0.01, dtype))).all()


@pytest.mark.parametrize("function", BOUND)
@float_types
def test_no_step_down(function, dtype):
    """From one number to the next, far apart enough that rounding does not matter, all of them rise."""
    x = np.linspace(-9, 9, 10_001).astype(dtype)
    assert (np.diff(apply(function, x)) >= 0).all()


@pytest.mark.parametrize("function", BOUND)
@float_types
def test_a_number_has_one_value(function, dtype):
    """In a vector or in its tail, at any place: the same bits."""
    x = np.random.default_rng(0).uniform(-20, 20, 61).astype(dtype)
    whole = apply(function, x)
    for first in range(0, 61, 7):
        for last in (first + 1, first + 5, 61):
            assert (apply(function, x[first:last].copy()) == whole[first:last]).all()


def test_subnormal_numbers_live():
    """No part of nnlite may switch on flush-to-zero outside of a kernel: -ffast-math does, for the whole process."""
    for module in pkgutil.iter_modules(nnlite.kernels.__path__):
        importlib.import_module(f"nnlite.kernels.{module.name}")
    assert np.float32(1e-40) * np.float32(1) != 0
    assert np.float64(1e-310) * np.float64(1) != 0
    numbers = np.full(64, 1e-40, np.float32)
    apply("relu_forward", numbers)
    assert (numbers * np.float32(0.5) != 0).all()
