"""MaxPool2D, link by link; ties, NaN, infinities, and what does not fit."""

import numpy as np
import pytest
from chain import DIFFERENCES, Case, ChainOfTrust, backends, float_types, import_torch
from numeric import assert_close, assert_same_bits, central_differences
from pooling import FAR, GRID, assert_far_windows_agree, configurations, distinct, torch_max

import nnlite
from nnlite import MaxPool2D, Sequential
from nnlite.layers.base.pooling import where_it_was


def case(name, shape, *arguments, **options):
    return Case(name, lambda **kw: MaxPool2D(*arguments, **kw), shape, inputs=distinct(shape), **options)


class TestMaxPool2D(ChainOfTrust):
    cases = (
        case("one of everything", (1, 1, 1, 1), 1),
        case("2 x 2", (2, 6, 4, 3)),
        case("2 x 2, many channels", (2, 4, 6, 35)),
        case("2 x 2 and something left over", (2, 5, 7, 8)),
        case("3 x 3 overlapping, padded", (2, 7, 5, 9), 3, 2, 1),
        case("rectangles", (2, 5, 8, 17), (2, 3), (1, 2), "same"),
        case("gaps, uneven padding", (1, 9, 8, 4), 2, (3, 4), ((1, 0), (0, 1))),
        case("one channel, a large window", (2, 8, 7, 1), 5, 3, 2),
        case("more channels than are held at a time", (1, 5, 4, 131), (3, 2), 1),
        case("bands for threads", (3, 66, 65, 16), large=True),
        case("whole images for threads", (5, 41, 41, 17), 3, 2, 1, large=True),
        case("one channel for threads", (17, 90, 90, 1), 2, large=True),
    )

    def witness(self, torch, layer, x):
        window = layer.window
        return {"y": torch_max(torch, x, window.size, window.strides, window.pads(*x.shape[1:3]))}


def both_passes(arguments, x, dy_of, layer_type=MaxPool2D, backend="compiled"):
    layer = layer_type(**arguments, dtype=x.dtype)
    with nnlite.use_backend(backend):
        y = layer.forward(x)
        dy = dy_of(y.shape).astype(x.dtype)
        return layer, y, dy, layer.backward(dy)


@pytest.mark.parametrize("number", range(120))
def test_pytorch_agrees_on_random_configurations(number):
    torch = import_torch()
    arguments, shape = configurations(120, seed=1)[number]
    rng = np.random.default_rng(number)
    x = rng.integers(-3, 4, shape) / 2.0 if number % 2 else rng.standard_normal(shape)  # every other with many ties
    layer, y, dy, dx = both_passes(arguments, x, rng.standard_normal)
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch_max(torch, tensor, layer.window.size, layer.window.strides, layer.window.pads(*shape[1:3]))
    expected.backward(torch.tensor(dy))
    assert_same_bits(y, np.ascontiguousarray(expected.detach().numpy()))
    assert_close(dx, tensor.grad.numpy(), 1e-15)


@pytest.mark.parametrize("number", range(60))
@float_types
def test_integers_differ_in_no_bit(number, dtype):
    arguments, shape = configurations(60, seed=2)[number]
    rng = np.random.default_rng(number)
    x, dy = rng.integers(-2, 3, shape).astype(dtype), rng.integers(-8, 9, shape)
    results = [
        both_passes(arguments, x, lambda s: np.resize(dy, s), backend=b) for b in ("compiled", "reference")
    ]  # fmt: skip
    for compiled, reference in zip(results[0][1:], results[1][1:], strict=True):
        assert_same_bits(compiled, reference)


@pytest.mark.parametrize("arguments", GRID, ids=str)
@pytest.mark.parametrize("C", [1, 9])
def test_gradients_over_all_options(arguments, C):
    rng = np.random.default_rng(C)
    x = distinct((2, 6, 5, C))(rng)["x"]
    layer, _, dy, dx = both_passes(arguments, x, rng.standard_normal)
    differences = central_differences(lambda: float((layer.forward(x) * dy).sum()), x)
    assert_close(dx, differences, DIFFERENCES)


@backends
@float_types
def test_the_first_of_equal_numbers_has_the_gradient(backend_name, dtype):
    x = np.zeros((1, 4, 4, 17), dtype)
    _, _, _, dx = both_passes({}, x, np.ones, backend=backend_name)
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    assert (dx == expected[:, :, None]).all()


@pytest.mark.parametrize("C", [1, 8, 20])
@pytest.mark.parametrize("arguments", [{}, {"pool_size": 3, "strides": 1}, {"pool_size": 4, "padding": 2}], ids=str)
@backends
@float_types
def test_nan_and_infinities_as_in_pytorch(C, arguments, backend_name, dtype):
    """Of several NaNs the last has the gradient; where all is -infinity, the first pixel of the image."""
    torch = import_torch()
    rng = np.random.default_rng(C)
    x = rng.choice([np.nan, np.inf, -np.inf, -1.0, 0.0], (3, 8, 8, C), p=[0.2, 0.1, 0.4, 0.2, 0.1]).astype(dtype)
    layer, y, dy, dx = both_passes(arguments, x, rng.standard_normal, backend=backend_name)
    padding = layer.window.padding if isinstance(layer.window.padding, int) else 0
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(
        tensor.permute(0, 3, 1, 2), layer.window.size, layer.window.strides, padding
    ).permute(0, 2, 3, 1)
    expected.backward(torch.tensor(dy))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    assert_close(dx, tensor.grad.numpy(), 1e-6)


@backends
def test_padding_is_never_the_largest(backend_name):
    """A peer pads with 0, and so turns the negative border of an image to 0."""
    x = np.full((1, 3, 3, 2), -5, "float32")
    _, y, _, dx = both_passes({"pool_size": 3, "strides": 1, "padding": 1}, x, np.ones, backend=backend_name)
    assert (y == -5).all()
    assert dx.sum() == 18  # nothing is lost to the padding


def test_the_four_corners():
    """Section 1 of the homework: a block in another corner gives the same maxima."""
    for rows, columns in [(slice(0, 3), slice(0, 3)), (slice(0, 3), slice(1, 4)), (slice(1, 4), slice(1, 4))]:
        x = np.zeros((1, 4, 4, 1), "float32")
        x[0, rows, columns] = 1
        assert MaxPool2D(2, strides=2).forward(x)[0, :, :, 0].tolist() == [[1, 1], [1, 1]]


def test_backward_works_after_inference():
    x = distinct((1, 4, 4, 3))(np.random.default_rng(0))["x"]
    layer = MaxPool2D(dtype="float64")
    y = layer.forward(x, training=False)
    assert np.count_nonzero(layer.backward(np.ones_like(y))) == y.size


def test_a_place_in_a_window_is_a_number_of_32_bits():
    assert where_it_was(np.empty((2, 3)), (2**16, 2**15 - 1, 1, 1), "pool").shape == (2, 3)
    with pytest.raises(ValueError, match=r"pool: expected windows of less than 2\*\*31 pixels, got 65536 \* 32768"):
        where_it_was(np.empty((2, 3)), (2**16, 2**15, 1, 1), "pool")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pool_size": 0}, r"pool_size: expected a whole number of at least 1, or two as \(height, width\), got 0"),
        ({"pool_size": (2, 2.0)}, r"pool_size: expected a whole number .* got \(2, 2.0\)"),
        ({"strides": 0}, "strides: expected a whole number of at least 1"),
        ({"strides": (1, -1)}, "strides: expected a whole number of at least 1"),
        ({"padding": -1}, 'padding: expected "valid", "same"'),
        ({"padding": "full"}, 'padding: expected "valid", "same"'),
        ({"pool_size": 2**31}, r"pool_size: expected numbers below 2\*\*31"),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaxPool2D(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"pool_size": 6},
            r"MaxPool2D: the window is larger than the padded image: H_out = .* = \(5 - 6 \+ 2\*0\)/6 \+ 1",
        ),
        ({"padding": 2}, "MaxPool2D: a window at the top lies wholly in the padding: the window has a size of 2"),
        ({"padding": ((0, 0), (0, 5))}, "a window at the right lies wholly in the padding"),
        ({"padding": ((0, 4), (0, 0)), "strides": 1}, "a window at the bottom lies wholly in the padding"),
        ({"padding": ((0, 0), (3, 0))}, "a window at the left lies wholly in the padding"),
    ],
)
def test_windows_that_are_refused_when_the_layer_is_built(arguments, message):
    layer = MaxPool2D(**arguments)
    for act in (
        lambda: layer.output_shape((5, 5, 3)),
        lambda: layer.build((5, 5, 3)),
        lambda: layer.forward(np.zeros((1, 5, 5, 3), "float32")),
        lambda: Sequential([MaxPool2D(**arguments)], input_shape=(5, 5, 3)),
    ):
        with pytest.raises(ValueError, match=message):
            act()


def test_padding_behind_the_last_window_is_fine():
    """What is left over is in no window, padding or not."""
    assert MaxPool2D(2, padding=((0, 2), (0, 2))).output_shape((5, 5, 3)) == (3, 3, 3)
    with pytest.raises(ValueError, match="at the bottom"):
        MaxPool2D(2, padding=((0, 2), (0, 2))).output_shape((6, 5, 3))
    assert MaxPool2D(2, padding=((0, 2), 0)).output_shape((None, None, 3)) == (None, None, 3)


@pytest.mark.parametrize("shape", [(5, 5), (2, 5, 5, 3), ()])
def test_shapes_that_are_no_image(shape):
    with pytest.raises(ValueError, match=r"MaxPool2D: expected input_shape \(H, W, C\), got"):
        MaxPool2D().output_shape(shape)


def test_windows_with_too_many_positions():
    layer = MaxPool2D(2**16, strides=1, padding=2**15)
    with pytest.raises(
        ValueError, match=r"MaxPool2D: expected windows of less than 2\*\*31 pixels, got 65536 \* 65536"
    ):
        layer.forward(np.zeros((0, 1, 1, 1), "float32"))


def test_any_image_size_after_the_first():
    layer = MaxPool2D(2)
    for size in (4, 7, 2):
        assert layer.forward(np.zeros((1, size, size + 1, 2), "float32")).shape == (1, size // 2, (size + 1) // 2, 2)


def test_how_it_is_written():
    assert repr(MaxPool2D(2, 2)) == "MaxPool2D()"
    assert repr(MaxPool2D((2, 3), (2, 1), (1, 1))) == "MaxPool2D(pool_size=[2, 3], strides=[2, 1], padding=1)"
    assert repr(MaxPool2D(padding=((0, 1), (0, 1)))) == "MaxPool2D(padding=[[0, 1], [0, 1]])"
    assert MaxPool2D().name == "max_pool2d"


@pytest.mark.parametrize("arguments", FAR, ids=str)
def test_windows_and_strides_of_any_size(arguments):
    assert_far_windows_agree(MaxPool2D, arguments)
