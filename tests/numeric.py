"""Numbers against numbers. Knows NumPy alone, so that it can witness against nnlite."""

import numpy as np


def central_differences(function, x, step=1e-5):
    """The gradient of a number that `function()` computes from the float64 array x, entry by entry.

        df/dx_i = (f(x + step e_i) - f(x - step e_i)) / (2 step)        up to terms of step^2

    x is changed in place, and put back. `function` takes no argument and reads x itself.
    """
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = function()
        x[index] = kept - step
        below = function()
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def assert_close(actual, expected, tolerance, what="result"):
    """Assert that the largest difference is at most `tolerance` times the largest expected number."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if not actual.size:
        return
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    worst = np.unravel_index(np.argmax(difference), difference.shape)  # argmax finds NaN too
    scale = np.abs(expected).max()
    assert difference[worst] <= tolerance * scale, (
        f"{what}[{', '.join(map(str, worst))}] = {actual[worst]!r}, expected {expected[worst]!r}: "
        f"{difference[worst] / scale if scale else np.inf:.1e} of the largest, allowed {tolerance:.0e}"
    )


def assert_same_bits(actual, expected, what="result"):
    """Assert that two arrays have the same shape, dtype and bits."""
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    different = np.frombuffer(actual.tobytes(), np.uint8) != np.frombuffer(expected.tobytes(), np.uint8)
    assert not different.any(), f"{what}: {len(set(np.flatnonzero(different) // actual.itemsize))} numbers differ"


def units_in_the_last_place(y, exact):
    """How far y lies from the exact values, which are of a wider dtype, in units of y's last place."""
    info = np.finfo(y.dtype)
    _, exponent = np.frexp(exact)
    unit = np.ldexp(np.ones_like(exact), np.maximum(exponent, info.minexp + 1) - 1 - info.nmant)
    return np.abs(y.astype(exact.dtype) - exact) / unit
