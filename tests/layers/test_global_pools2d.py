"""GlobalMaxPool2D and GlobalAvgPool2D, link by link: the window is the image."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends, float_types, of_the_kernels
from numeric import assert_same_bits
from pooling import distinct

import nnlite
from nnlite import AvgPool2D, GlobalAvgPool2D, GlobalMaxPool2D, MaxPool2D

both = pytest.mark.parametrize("layer_type", [GlobalMaxPool2D, GlobalAvgPool2D])


def cases(layer_type):
    shapes = {
        "one of everything": (1, 1, 1, 1),
        "few channels": (2, 5, 7, 3),
        "more channels than pixels": (2, 3, 2, 19),
        "2 x 2": (3, 2, 2, 8),
        "more channels than are held at a time": (2, 3, 4, 131),
    }
    made = [Case(name, lambda **kw: layer_type(**kw), s, inputs=distinct(s)) for name, s in shapes.items()]
    s = (2, 4, 3, 5)
    made.append(Case("axes that stay", lambda **kw: layer_type(keepdims=True, **kw), s, inputs=distinct(s)))
    s = (7, 61, 20, 17)
    return [*made, Case("shared by threads", lambda **kw: layer_type(**kw), s, inputs=distinct(s), large=True)]


class TestGlobalMaxPool2D(ChainOfTrust):
    cases = cases(GlobalMaxPool2D)

    def witness(self, torch, layer, x):
        return {"y": torch.amax(x, (1, 2), keepdim=layer.keepdims)}


class TestGlobalAvgPool2D(ChainOfTrust):
    cases = cases(GlobalAvgPool2D)

    def witness(self, torch, layer, x):
        return {"y": torch.mean(x, (1, 2), keepdim=layer.keepdims)}


@pytest.mark.parametrize(("layer_type", "pool"), [(GlobalMaxPool2D, MaxPool2D), (GlobalAvgPool2D, AvgPool2D)])
def test_it_is_the_pool_whose_window_is_the_image(layer_type, pool):
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 7)).astype("float32")
    layer, same = layer_type(keepdims=True), pool((5, 4))
    assert_same_bits(layer.forward(x), same.forward(x))
    dy = np.random.default_rng(1).standard_normal((2, 1, 1, 7)).astype("float32")
    assert_same_bits(layer.backward(dy), same.backward(dy))


@both
@pytest.mark.parametrize("shape", [(2, 4, 8, 1), (2, 4, 8, 35), (3, 16, 16, 7)])
@float_types
def test_integers_differ_in_no_bit(layer_type, shape, dtype):
    rng = np.random.default_rng(0)
    x, dy = rng.integers(-8, 9, shape).astype(dtype), rng.integers(-8, 9, (shape[0], shape[3])).astype(dtype)
    results = []
    for name in ("compiled", "reference"):
        layer = layer_type(dtype=dtype)
        with nnlite.use_backend(name):
            results.append((layer.forward(x), layer.backward(dy)))
    for compiled, reference in zip(*results, strict=True):
        assert_same_bits(compiled, reference)


@backends
@float_types
def test_nan_goes_through(backend_name, dtype):
    x = np.zeros((1, 3, 3, 2), dtype)
    x[0, 0, 1, 0] = x[0, 2, 0, 0] = np.nan
    with nnlite.use_backend(backend_name):
        for layer_type in (GlobalMaxPool2D, GlobalAvgPool2D):
            layer = layer_type(dtype=dtype)
            y = layer.forward(x)
            np.testing.assert_array_equal(y, [[np.nan, 0]])
            if layer_type is GlobalMaxPool2D:
                dx = layer.backward(np.ones_like(y))
                assert [tuple(map(int, i)) for i in np.argwhere(dx)] == [(0, 0, 0, 1), (0, 2, 0, 0)]


@of_the_kernels
def test_the_mean_of_a_large_image_is_precise():
    """The rows are added up one by one: a single sum of 250,000 numbers would lose a digit more."""
    x = np.random.default_rng(0).uniform(0, 1, (1, 500, 500, 2)).astype("float32")
    exact = x.mean(axis=(1, 2), dtype="float64")
    assert np.abs(GlobalAvgPool2D().forward(x) / exact - 1).max() < 2e-6


@both
def test_images_of_any_size(layer_type):
    layer = layer_type()
    assert layer.output_shape((None, None, 8)) == (8,)
    assert layer_type(keepdims=True).output_shape((None, 5, 8)) == (1, 1, 8)
    for size in (1, 5, 3):
        assert layer.forward(np.zeros((2, size, size + 1, 3), "float32")).shape == (2, 3)
    assert "H * W pixels" in layer.explain((None, 4, 8))


@both
def test_bad_input_is_refused(layer_type):
    name = layer_type.__name__
    with pytest.raises(ValueError, match=f"{name}: expected an image of at least 1 pixel, got H = 0, W = 5"):
        layer_type().forward(np.zeros((1, 0, 5, 2), "float32"))
    with pytest.raises(ValueError, match=f"{name}: expected an image of at least 1 pixel, got H = 5, W = 0"):
        layer_type().forward(np.zeros((1, 5, 0, 2), "float32"))
    with pytest.raises(ValueError, match=rf"{name}: expected input_shape \(H, W, C\), got \(5, 2\)"):
        layer_type().build((5, 2))
    with pytest.raises(ValueError, match=r"x: expected shape \(N, H, W, C\), got \(5, 2\)"):
        layer_type().forward(np.zeros((5, 2), "float32"))
    with pytest.raises(TypeError, match="keepdims: expected True or False, got 1"):
        layer_type(keepdims=1)
