"""The pooling kernels alone: windows around those that have loops of their own, and channels around the vectors."""

import numpy as np
import pytest
from chain import assert_backends_agree, assert_threads_do_not_matter, float_types, run_kernel
from numeric import assert_same_bits

CHANNELS = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129]

# kh, kw, sh, sw, top, left, and OH, OW on 7 x 8 pixels
WINDOWS = [
    (1, 1, 1, 1, 0, 0, 7, 8),
    (2, 2, 2, 2, 0, 0, 3, 4),
    (3, 2, 3, 2, 1, 0, 2, 4),
    (2, 2, 1, 1, 1, 1, 8, 9),
    (2, 2, 2, 2, 1, 1, 4, 5),
    (2, 2, 2, 1, 0, 0, 3, 7),
    (3, 3, 2, 2, 1, 1, 4, 4),
    (3, 3, 3, 3, 0, 0, 2, 2),
    (2, 3, 3, 2, 1, 0, 3, 3),
    (3, 2, 2, 3, 0, 1, 3, 3),
    (1, 4, 1, 3, 0, 2, 7, 3),
    (7, 8, 7, 8, 0, 0, 1, 1),
    (6, 6, 1, 1, 3, 3, 8, 9),
]
windows = pytest.mark.parametrize("window", WINDOWS, ids=str)


def draw(window, C, N=2, draw_numbers=None):
    """x, dy, and the shapes of y and x."""
    rng = np.random.default_rng(C)
    numbers = draw_numbers or (lambda shape: rng.integers(-3, 4, shape).astype(float))
    x_shape, y_shape = (N, 7, 8, C), (N, *window[6:], C)
    return numbers(x_shape), numbers(y_shape), y_shape, x_shape


@windows
@float_types
def test_max_is_the_reference_in_every_bit(window, dtype):
    """With ties and NaNs: y, the positions, and dx."""
    for C in CHANNELS:
        x, dy, y_shape, x_shape = draw(window, C)
        x[np.random.default_rng(C).random(x.shape) < 0.1] = np.nan
        index = np.empty(y_shape, np.int32)
        results = []
        for backend in ("compiled", "reference"):
            call = {"dtype": dtype, "backend_name": backend}
            y, at = run_kernel("pool2d", "max_forward", [x], [y_shape, index], *window[:6], **call)
            (dx,) = run_kernel("pool2d", "max_backward", [dy, at], [x_shape], *window[:6], **call)
            results.append((np.nan_to_num(y, nan=99), at, dx))  # NaNs have many bits
        for compiled, reference in zip(*results, strict=True):
            assert_same_bits(compiled, reference, f"{C} channels")


@windows
@pytest.mark.parametrize("include_pad", [False, True])
@float_types
def test_average_is_the_reference(window, include_pad, dtype):
    for C in CHANNELS:
        x, dy, y_shape, x_shape = draw(window, C, draw_numbers=np.random.default_rng(C).standard_normal)
        arguments = (*window[:6], include_pad)
        assert_backends_agree("pool2d", "average_forward", [x], [y_shape], *arguments, dtype=dtype)
        assert_backends_agree("pool2d", "average_backward", [dy], [x_shape], *arguments, dtype=dtype)


@windows
@pytest.mark.parametrize("C", [1, 16, 65])
@float_types
def test_threads_do_not_matter(window, C, dtype):
    rng = np.random.default_rng(C)
    N = 2300 // C + 30  # enough numbers to be worth a second thread
    x, dy, y_shape, x_shape = draw(window, C, N, rng.standard_normal)
    index = np.empty(y_shape, np.int32)
    _, at = run_kernel("pool2d", "max_forward", [x], [y_shape, index], *window[:6], dtype=dtype)
    for function, inputs, outputs, more in [
        ("max_forward", [x], [y_shape, index], ()),
        ("max_backward", [dy, at], [x_shape], ()),
        ("average_forward", [x], [y_shape], (False,)),
        ("average_backward", [dy], [x_shape], (False,)),
    ]:
        assert_threads_do_not_matter("pool2d", function, inputs, outputs, *window[:6], *more, dtype=dtype)


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (2, 4, 4, 0)], ids=str)
@float_types
def test_nothing_to_do(shape, dtype):
    x, y = np.zeros(shape), np.zeros((shape[0], 2, 2, shape[3]))
    for function, inputs, outputs, more in [
        ("max_forward", [x], [y.shape, y.astype(np.int32)], ()),
        ("max_backward", [y, y.astype(np.int32)], [shape], ()),
        ("average_forward", [x], [y.shape], (True,)),
        ("average_backward", [y], [shape], (True,)),
    ]:
        run_kernel("pool2d", function, inputs, outputs, 2, 2, 2, 2, 0, 0, *more, dtype=dtype)
