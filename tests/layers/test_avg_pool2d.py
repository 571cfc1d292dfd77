"""AvgPool2D, link by link; with and without the padding in the count."""

import numpy as np
import pytest
from chain import DIFFERENCES, FLOAT64, Case, ChainOfTrust, backends, float_types, import_torch
from numeric import assert_close, assert_same_bits, central_differences
from pooling import FAR, GRID, assert_far_windows_agree, configurations, torch_average

import nnlite
from nnlite import AvgPool2D

include = pytest.mark.parametrize("include_pad", [False, True])


def case(name, shape, *arguments, **options):
    *window, counts = (*arguments, False) if len(arguments) < 4 else arguments
    return Case(name, lambda **kw: AvgPool2D(*window, count_include_pad=counts, **kw), shape, **options)


class TestAvgPool2D(ChainOfTrust):
    cases = (
        case("one of everything", (1, 1, 1, 1), 1),
        case("2 x 2", (2, 6, 4, 3)),
        case("2 x 2, many channels", (2, 4, 6, 35)),
        case("2 x 2 and something left over", (2, 5, 7, 8)),
        case("3 x 3 overlapping, padded", (2, 7, 5, 9), 3, 2, 1),
        case("3 x 3 overlapping, padding counts", (2, 7, 5, 9), 3, 2, 1, True),
        case("rectangles", (2, 5, 8, 17), (2, 3), (1, 2), "same"),
        case("gaps, uneven padding", (1, 9, 8, 4), 2, (3, 4), ((1, 0), (0, 1)), True),
        case("one channel, a large window", (2, 8, 7, 1), 5, 3, 2),
        case("more channels than are held at a time", (1, 5, 4, 131), (3, 2), 1),
        case("bands for threads", (3, 66, 65, 16), large=True),
        case("whole images for threads", (5, 41, 41, 17), 3, 2, 1, large=True),
    )

    def witness(self, torch, layer, x):
        window = layer.window
        pads = window.pads(*x.shape[1:3])
        return {"y": torch_average(torch, x, window.size, window.strides, pads, layer.count_include_pad)}


def both_passes(arguments, x, dy_of, backend="compiled"):
    layer = AvgPool2D(**arguments, dtype=x.dtype)
    with nnlite.use_backend(backend):
        y = layer.forward(x)
        dy = dy_of(y.shape).astype(x.dtype)
        return layer, y, dy, layer.backward(dy)


@pytest.mark.parametrize("number", range(120))
def test_pytorch_agrees_on_random_configurations(number):
    torch = import_torch()
    arguments, shape = configurations(120, seed=3)[number]
    arguments = arguments | {"count_include_pad": bool(number % 2)}
    rng = np.random.default_rng(number)
    x = rng.standard_normal(shape)
    layer, y, dy, dx = both_passes(arguments, x, rng.standard_normal)
    tensor = torch.tensor(x, requires_grad=True)
    window = layer.window
    pads = window.pads(*shape[1:3])
    expected = torch_average(torch, tensor, window.size, window.strides, pads, layer.count_include_pad)
    expected.backward(torch.tensor(dy))
    assert_close(y, expected.detach().numpy(), FLOAT64)
    assert_close(dx, tensor.grad.numpy(), FLOAT64)


@include
@pytest.mark.parametrize(
    ("size", "strides", "padding"),
    [(1, 1, 0), (1, 3, 0), (2, 2, 0), (2, 1, 1), (2, 2, 1), (2, 3, 1), ((4, 2), (4, 1), (2, 1)), (8, 1, "valid")],
    ids=str,
)
@pytest.mark.parametrize("C", [1, 16, 19])
@float_types
def test_integers_differ_in_no_bit(include_pad, size, strides, padding, C, dtype):
    """Where each count is a power of two."""
    rng = np.random.default_rng(C)
    x, dy = rng.integers(-8, 9, (2, 8, 9, C)).astype(dtype), rng.integers(-8, 9, 5000)
    arguments = {"pool_size": size, "strides": strides, "padding": padding, "count_include_pad": include_pad}
    results = [both_passes(arguments, x, lambda s: np.resize(dy, s), b) for b in ("compiled", "reference")]
    for compiled, reference in zip(results[0][1:], results[1][1:], strict=True):
        assert_same_bits(compiled, reference)


@include
@pytest.mark.parametrize("arguments", GRID, ids=str)
@pytest.mark.parametrize("C", [1, 9])
def test_gradients_over_all_options(include_pad, arguments, C):
    rng = np.random.default_rng(C)
    x = rng.standard_normal((1, 6, 5, C))
    layer, _, dy, dx = both_passes(arguments | {"count_include_pad": include_pad}, x, rng.standard_normal)
    differences = central_differences(lambda: float((layer.forward(x) * dy).sum()), x)
    assert_close(dx, differences, DIFFERENCES)


@backends
@float_types
def test_the_mean_of_ones_is_one(backend_name, dtype):
    """Of any number of them: the sum is divided, not multiplied by a rounded 1/49. Padding counts as zeros, or not."""
    for size in (3, 5, 7):
        x = np.ones((1, 14, 14, 3), dtype)
        _, y, _, _ = both_passes({"pool_size": size, "strides": 1, "padding": size // 2}, x, np.ones, backend_name)
        assert (y == 1).all()
    arguments = {"pool_size": 2, "padding": 1, "count_include_pad": True}
    _, y, _, dx = both_passes(arguments, np.ones((1, 2, 2, 1), dtype), np.ones, backend_name)
    assert (y == 0.25).all()
    assert (dx == 0.25).all()


CORNERS = {
    "top left": ((0, 0), [[1, 0.5], [0.5, 0.25]]),
    "top right": ((0, 1), [[0.5, 1], [0.25, 0.5]]),
    "bottom right": ((1, 1), [[0.25, 0.5], [0.5, 1]]),
    "bottom left": ((1, 0), [[0.5, 0.25], [1, 0.5]]),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_the_four_corners(corner):
    """Section 1 of the homework: the means show where the block lies."""
    (row, column), expected = CORNERS[corner]
    x = np.zeros((1, 4, 4, 1), "float32")
    x[0, row : row + 3, column : column + 3] = 1
    assert AvgPool2D(2, strides=2).forward(x)[0, :, :, 0].tolist() == expected


def test_nan_goes_through():
    x = np.zeros((1, 2, 4, 3), "float32")
    x[0, 1, 0] = np.nan
    y = AvgPool2D().forward(x)
    assert np.isnan(y[0, 0, 0]).all()
    assert (y[0, 0, 1] == 0).all()


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_a_flag_is_true_or_false(value):
    with pytest.raises(TypeError, match=f"count_include_pad: expected True or False, got {value!r}"):
        AvgPool2D(count_include_pad=value)


def test_a_window_in_the_padding_is_refused():
    with pytest.raises(ValueError, match="AvgPool2D: a window at the top lies wholly in the padding"):
        AvgPool2D(2, padding=2, count_include_pad=True).build((5, 5, 3))


def test_how_it_is_written():
    assert repr(AvgPool2D(3, count_include_pad=True)) == "AvgPool2D(pool_size=3, count_include_pad=True)"


@pytest.mark.parametrize("arguments", FAR, ids=str)
def test_windows_and_strides_of_any_size(arguments):
    assert_far_windows_agree(AvgPool2D, arguments)
