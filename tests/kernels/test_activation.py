"""The activation kernels alone: sizes around the vector's width, and threads."""

import numpy as np
import pytest
from chain import assert_backends_agree, assert_threads_do_not_matter, backends, float_types, run_kernel

FORWARD = ["exp", "normal_cdf", "tanh_forward", "sigmoid_forward", "relu_forward", "leaky_relu_forward"]
FORWARD += ["gelu_forward", "gelu_tanh_forward"]
BACKWARD = ["tanh_backward", "sigmoid_backward", "relu_backward", "leaky_relu_backward"]
BACKWARD += ["gelu_backward", "gelu_tanh_backward"]
SCALARS = {"leaky_relu_forward": [0.3], "leaky_relu_backward": [0.3]}


def draw(function, n):
    rng = np.random.default_rng(n)
    return [rng.uniform(-4, 4, n)] if function in FORWARD else [rng.uniform(-1, 1, n), rng.standard_normal(n)]


@pytest.mark.parametrize("function", FORWARD + BACKWARD)
@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 100_003])
@float_types
def test_compiled_is_the_reference(function, n, dtype):
    scalars = SCALARS.get(function, [])
    assert_backends_agree("activation", function, draw(function, n), [(n,)], *scalars, dtype=dtype)


@pytest.mark.parametrize("function", FORWARD + BACKWARD)
@float_types
def test_threads_do_not_matter(function, dtype):
    inputs, scalars = draw(function, 300_007), SCALARS.get(function, [])
    assert_threads_do_not_matter("activation", function, inputs, [(300_007,)], *scalars, dtype=dtype)


@pytest.mark.parametrize(
    ("function", "y", "slope"),
    [("tanh_backward", [-1, 0, 1], [0, 1, 0]), ("sigmoid_backward", [0, 0.5, 1], [0, 0.25, 0])],
)
@float_types
def test_slopes_without_rounding(function, y, slope, dtype):
    (dx,) = run_kernel("activation", function, [np.array(y, float), np.full(3, 3.0)], [(3,)], dtype=dtype)
    assert dx.tolist() == [3 * s for s in slope]


@pytest.mark.parametrize(
    ("function", "y"),
    [("exp", [0, 0, np.inf, np.inf]), ("sigmoid_forward", [0, 0, 1, 1]), ("tanh_forward", [-1, -1, 1, 1])],
)
@backends
@float_types
def test_at_the_edges_there_is_a_result_and_no_warning(function, y, dtype, backend_name):
    x = np.array([-np.inf, -1000, 1000, np.inf, np.nan])
    (found,) = run_kernel("activation", function, [x], [(5,)], dtype=dtype, backend_name=backend_name)
    np.testing.assert_array_equal(found, [*y, np.nan])
