"""Conv2D, link by link, over the grid of its options, and against PyTorch on random ones."""

import itertools
import math
import time

import numpy as np
import pytest
from chain import DIFFERENCES, FLOAT64, Case, ChainOfTrust, backends, float_types, import_torch, of_the_kernels, threads
from numeric import assert_close, assert_same_bits, central_differences

import nnlite
from nnlite import Conv2D
from nnlite.kernels import backend


def sides(padding, sizes, spans, strides):
    """[[top, bottom], [left, right]] for what Conv2D takes as padding; "same" from its definition."""
    if padding == "same":
        totals = [max(0, (-(-n // s) - 1) * s + span - n) for n, s, span in zip(sizes, strides, spans, strict=True)]
        return [[total // 2, total - total // 2] for total in totals]
    axes = both(0 if padding == "valid" else padding)
    return [both(axis) for axis in axes]


def both(value):
    return value if isinstance(value, list) else [value, value]


def torch_conv2d(torch, layer, x, W, b=None):
    """y as PyTorch computes it. It pads all around alike, so the padding is done before."""
    config = layer.get_config()
    strides, dilation = both(config["strides"]), both(config["dilation_rate"])
    spans = [d * (size - 1) + 1 for size, d in zip(W.shape[:2], dilation, strict=True)]
    (top, bottom), (left, right) = sides(config["padding"], x.shape[1:3], spans, strides)
    x = torch.nn.functional.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    kernel = W.permute(3, 2, 0, 1).contiguous()  # as some of its convolutions need it
    y = torch.nn.functional.conv2d(x, kernel, b, strides, 0, dilation, config["groups"])
    return y.permute(0, 2, 3, 1)


def conv2d(*arguments, **options):
    """A Conv2D of arguments in this order: the last three have names."""
    names = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "use_bias")
    return Conv2D(**dict(zip(names, arguments, strict=False)), **options)


def case(name, shape, *arguments, large=False, **options):
    return Case(name, lambda **kw: conv2d(*arguments, **options, **kw), shape, large=large)


class TestConv2D(ChainOfTrust):
    cases = (
        case("one of everything", (1, 1, 1, 1), 1, 1),
        case("odd", (3, 5, 7, 3), 5, 3),
        case("1 x 1", (2, 4, 3, 5), 7, 1),
        case("1 x 1 with gaps", (2, 5, 6, 3), 4, 1, strides=(2, 3)),
        case("the whole image", (2, 4, 3, 2), 3, (4, 3)),
        case("rectangular everything", (2, 6, 5, 2), 3, (2, 3), strides=(3, 1)),
        case("same", (2, 5, 4, 2), 3, (4, 2), strides=2, padding="same"),
        case("padded", (2, 3, 4, 2), 3, 3, padding=(1, 2)),
        case("padded on one side", (2, 4, 4, 2), 3, 3, padding=((0, 2), (3, 1))),
        case("windows in the padding alone", (1, 2, 2, 2), 3, 2, padding=3),
        case("dilated", (2, 7, 6, 2), 3, (3, 2), dilation_rate=(2, 3)),
        case("dilated and strided", (2, 7, 8, 2), 3, 3, 2, "same", 2),
        case("pixels that no window sees", (2, 8, 9, 2), 3, 2, strides=(4, 3)),
        case("groups", (2, 4, 5, 6), 9, 3, groups=3),
        case("depthwise", (2, 5, 4, 5), 5, 3, padding="same", groups=5),
        case("depthwise, two filters a channel", (2, 5, 4, 3), 6, (3, 2), groups=3),
        case("depthwise, pixels side by side", (2, 5, 12, 6), 6, 3, padding="same", groups=6),
        case("depthwise, 5 x 5 on more than a vector", (1, 7, 13, 19), 19, 5, padding="same", groups=19),
        case("depthwise, strided and dilated", (1, 7, 9, 18), 18, (3, 2), (2, 1), "same", (1, 2), groups=18),
        case("depthwise, dilated", (1, 8, 15, 17), 17, 3, padding=2, dilation_rate=2, groups=17),
        case("depthwise, windows larger than the image", (2, 2, 3, 17), 17, 5, padding=2, groups=17),
        case("three filters a channel", (2, 5, 6, 7), 21, 3, strides=2, padding="same", groups=7),
        case("one filter for two channels", (2, 5, 6, 18), 9, 3, padding="same", groups=9),
        case("groups of 2", (2, 5, 7, 22), 22, 3, padding="same", groups=11),
        case("groups of 4", (2, 5, 7, 20), 20, 3, strides=2, padding=1, groups=5),
        case("groups of 8", (1, 4, 6, 24), 24, (2, 3), dilation_rate=(1, 2), groups=3),
        case("groups of 4, pixels side by side", (1, 4, 13, 8), 8, 3, padding="same", groups=2),
        case("groups of everything", (2, 6, 7, 4), 6, (2, 3), (2, 1), ((1, 0), (0, 2)), (1, 2), 2),
        case("no bias", (2, 4, 5, 2), 3, 3, use_bias=False),
        case("a row", (2, 1, 9, 3), 4, (1, 3), padding="same"),
        case("quads", (1, 10, 10, 16), 16, 3),
        case("quads, and what is left of them", (1, 11, 12, 17), 17, 3),
        case("quads of few channels", (1, 12, 11, 2), 32, 3),
        case("quads, padded on one side", (1, 7, 8, 16), 16, 3, padding=((2, 1), (0, 3))),
        case("quads in groups", (1, 8, 9, 32), 34, 3, padding="same", groups=2),
        case("quads of a stride's phase", (1, 17, 19, 32), 24, 5, strides=2, large=True),
        case("quads of a phase, dilated", (1, 19, 21, 32), 24, 3, strides=2, dilation_rate=2, large=True),
        case("quads of many channels", (2, 9, 12, 33), 41, 3, padding=1, large=True),
        case("quads of weights in a distant cache", (2, 9, 10, 97), 98, 3, padding="same", large=True),
        case("quads in blocks", (2, 11, 12, 17), 18, 5, padding="same", large=True),
        case("quads in more blocks along than down", (2, 13, 9, 33), 16, (3, 7), padding=(0, 3), large=True),
        case("planes of few filters", (2, 7, 37, 3), 3, 3, padding=(2, 1), large=True),
        case("planes of one channel, strided down", (2, 9, 20, 1), 8, (5, 3), strides=(2, 1), large=True),
        case("across vectors", (3, 13, 15, 19), 37, (3, 5), large=True),
        case("as in a digit model", (9, 28, 28, 1), 8, 5, padding=2, large=True),
        case("shared by threads", (5, 17, 16, 35), 67, 3, padding="same", large=True),
        case("strided, shared by threads", (5, 33, 31, 17), 33, (5, 3), (2, 3), 2, large=True),
        case("quads, more of them than the cache holds", (9, 66, 65, 32), 32, 3, large=True),
        case("1 x 1, shared by threads", (6, 16, 17, 65), 67, 1, large=True),
        case("dilated, shared by threads", (5, 17, 29, 19), 35, 3, 1, "same", (2, 3), large=True),
        case("groups, shared by threads", (5, 17, 16, 38), 66, 3, padding=1, groups=2, large=True),
        case("groups of 4, shared by threads", (5, 17, 16, 36), 36, 3, padding="same", groups=9, large=True),
        case("two filters a channel, shared by threads", (5, 17, 16, 35), 70, 3, padding="same", groups=35, large=True),
        case("depthwise, more than the cache holds", (9, 66, 65, 32), 32, 3, padding="same", groups=32, large=True),
        case("depthwise, shared by threads", (7, 19, 18, 67), 67, 3, padding="same", groups=67, large=True),
    )

    def witness(self, torch, layer, x, **params):
        return {"y": torch_conv2d(torch, layer, x, **params)}

    def test_integers_differ_in_no_bit(self, case):
        assert_integers_exact(case.make(), case.shape, case.rng())


# The grid of options

KERNEL_SIZES = [1, (2, 3), (3, 1), 3]
STRIDES = [1, 2, (1, 3)]
DILATIONS = [1, 2, (1, 2)]
padding_and_groups = pytest.mark.parametrize(
    ("padding", "groups"), list(itertools.product(["valid", "same", 1, ((0, 1), (2, 0))], [1, 2, 4])), ids=str
)


def grid(filters, padding, groups, **options):
    """Layers with all other options; every other one has no bias."""
    for i, (size, strides, dilation) in enumerate(itertools.product(KERNEL_SIZES, STRIDES, DILATIONS)):
        yield conv2d(filters, size, strides, padding, dilation, groups, i % 2 == 0, **options)


def drawn(layer, shape, draw):
    """Build the layer with parameters from draw(shape); return x and dy from it."""
    layer.build(shape[1:])
    for param in layer.params.values():
        param[...] = draw(param.shape)
    x, dy = (draw(s).astype(layer.dtype) for s in (shape, (shape[0], *layer.output_shape(shape[1:]))))
    return x, dy


def both_passes(layer, x, dy):
    """y and all gradients by name."""
    y = layer.forward(x)
    for grad in layer.grads.values():
        grad.fill(np.nan)
    return {"y": y, "dx": layer.backward(dy), **{f"d{k}": v.copy() for k, v in layer.grads.items()}}


@padding_and_groups
def test_gradients_are_the_finite_differences_all_over_the_grid(padding, groups):
    rng = np.random.default_rng(0)
    for layer in grid(4, padding, groups, dtype="float64"):
        x, dy = drawn(layer, (1, 6, 5, 4), rng.standard_normal)
        results = both_passes(layer, x, dy)
        for name, array in {"x": x, **layer.params}.items():
            differences = central_differences(lambda: float((dy * layer.forward(x)).sum()), array)  # noqa: B023
            assert_close(results[f"d{name}"], differences, DIFFERENCES, f"{layer!r}, d{name}")


@padding_and_groups
def test_integers_differ_in_no_bit_all_over_the_grid(padding, groups):
    rng = np.random.default_rng(0)
    for C in (4, 20):  # depthwise among them, and across vectors
        for layer in grid(3 * C, padding, groups):
            assert_integers_exact(layer, (2, 10, 11, C), rng)


def assert_integers_exact(layer, shape, rng):
    """Numbers so small that every sum is exact, in whatever order."""
    x, dy = drawn(layer, shape, lambda s: rng.integers(-4, 5, s))
    results = []
    for name in ("compiled", "reference"):
        with nnlite.use_backend(name):
            results.append(both_passes(layer, x, dy))
    for name, compiled in results[0].items():
        assert_same_bits(compiled + 0, results[1][name] + 0, f"{layer!r}, {name}")  # + 0: -0 is 0


# The outside witness


def random_layer(rng):
    """A layer with random options, and the shape of an input that it fits."""

    def pair(high):
        return tuple(int(v) for v in rng.integers(1, high, 2)) if rng.random() < 0.7 else int(rng.integers(1, high))

    groups = int(rng.choice([1, 1, 1, 2, 3, 7]))
    C, filters = (groups * int(rng.choice([1, 2, 3, 5, 16, 19])) for _ in "xy")
    shape = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(1, 20, 2)), C)
    padding = ["valid", "same", int(rng.integers(4)), rng.integers(4, size=2).tolist(), rng.integers(4, size=(2, 2))]
    padding = padding[rng.integers(5)]
    padding = padding.tolist() if isinstance(padding, np.ndarray) else padding
    layer = conv2d(filters, pair(6), pair(4), padding, pair(4), groups, rng.random() < 0.7, dtype="float64")
    try:
        layer.output_shape(shape[1:])
    except ValueError:
        return random_layer(rng)
    return layer, shape


def random_quads(rng):
    """The same of layers whose windows go by quads, in y or in phases of dx."""
    groups = int(rng.choice([1, 1, 2]))
    C, filters = (groups * int(rng.choice([8, 16, 19, 33])) for _ in "xy")
    shape = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(16, 24, 2)), C)
    size, strides, dilation = [(3, 1, 1), (5, 1, 1), (7, 1, 1), (5, 2, 1), (3, 2, 2)][rng.integers(5)]
    padding = rng.integers(4, size=(2, 2)).tolist()
    return conv2d(filters, size, strides, padding, dilation, groups, rng.random() < 0.7, dtype="float64"), shape


def random_small_groups(rng):
    """The same of groups whose channels lie side by side in vectors."""
    D, U = [(1, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (4, 4), (8, 8)][rng.integers(8)]
    groups, size = int(rng.integers(2, 40 // D)), int(rng.integers(1, 6))
    shape = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(1, 30, 2)), groups * D)
    padding = rng.integers(4, size=(2, 2)).tolist()
    strides, dilation = [(1, 1), (1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (2, 3)][rng.integers(7)]
    layer = conv2d(groups * U, size, strides, padding, dilation, groups, rng.random() < 0.7, dtype="float64")
    try:
        layer.output_shape(shape[1:])
    except ValueError:
        return random_small_groups(rng)
    return layer, shape


@pytest.mark.parametrize("seed", range(240))
def test_pytorch_agrees_on_random_options(seed):
    rng = np.random.default_rng(seed)
    assert_pytorch_agrees(*random_layer(rng), rng)


@pytest.mark.parametrize("seed", range(40))
def test_pytorch_agrees_on_random_quads(seed):
    rng = np.random.default_rng(seed)
    assert_pytorch_agrees(*random_quads(rng), rng)


@pytest.mark.parametrize("seed", range(120))
def test_pytorch_agrees_on_random_small_groups(seed):
    rng = np.random.default_rng(seed)
    assert_pytorch_agrees(*random_small_groups(rng), rng)


def assert_pytorch_agrees(layer, shape, rng):
    torch = import_torch()
    x, dy = drawn(layer, shape, rng.standard_normal)
    tensors = {k: torch.tensor(v, requires_grad=True) for k, v in {"x": x, **layer.params}.items()}
    y = torch_conv2d(torch, layer, **tensors)
    y.backward(torch.tensor(dy))
    expected = {"y": y.detach(), **{f"d{k}": tensor.grad for k, tensor in tensors.items()}}
    for name, value in both_passes(layer, x, dy).items():
        assert_close(value, expected[name].numpy(), FLOAT64, f"{layer!r} of {shape}, {name}")


# What follows from the equations


def test_quads_are_rounded_no_worse_than_plain_sums():
    """In ordinary images: of 32 filters in quads and the same one by one, as a single filter is computed as defined."""
    layer, double = (Conv2D(32, 3, dtype=dtype) for dtype in ("float32", "float64"))
    x, _ = drawn(layer, (4, 14, 14, 16), np.random.default_rng(0).standard_normal)
    double.build(x.shape[1:])
    W = layer.params["W"]
    double.params["W"][...], double.params["b"][...] = W, layer.params["b"]
    exact = double.forward(x.astype("float64"))
    single, plain = Conv2D(1, 3), []
    single.build(x.shape[1:])
    for f in range(32):
        single.params["W"][...], single.params["b"][...] = W[..., f : f + 1], layer.params["b"][f]
        plain.append(single.forward(x))
    quads, plain = (np.square(y - exact).mean() for y in (layer.forward(x), np.concatenate(plain, axis=-1)))
    assert 0 < quads < 2 * plain


@pytest.mark.parametrize("offset", [0, 1, 4], ids="{} numbers from a cache line".format)
@float_types
def test_large_results_at_any_address(dtype, offset):
    """Past the cache only whole lines of it are written, and so only where vectors are lines."""
    rng, shape = np.random.default_rng(0), (6, 62, 62, 64)
    x, W = rng.integers(-4, 5, (6, 64, 64, 3)).astype(dtype), rng.integers(-4, 5, (3, 3, 3, 64)).astype(dtype)
    memory = np.full(math.prod(shape) + 64, np.nan, dtype)
    start = -memory.ctypes.data % 64 // memory.itemsize + offset
    y = memory[start : start + math.prod(shape)].reshape(shape)
    geometry = (1, 1), (0, 0), (1, 1), 1  # strides, padding, dilation and groups
    size = backend().conv2d.work_size(x.shape, W.shape, shape, *geometry)
    backend().conv2d.forward(x, W, None, y, np.empty(size, dtype), *geometry)
    with nnlite.use_backend("reference"):
        expected = np.empty(shape, dtype)
        backend().conv2d.forward(x, W, None, expected, np.empty(0, dtype), *geometry)
    assert_same_bits(y + 0, expected + 0)
    assert np.isnan(memory[:start]).all()
    assert np.isnan(memory[start + y.size :]).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strides": 2},
        {"padding": "same", "groups": 3},
        {"padding": "same", "groups": 6},  # three filters a channel
        {"padding": "same", "groups": 18, "channels": 18},
        {"padding": "same", "groups": 9, "channels": 18},
    ],
    ids=str,
)
@of_the_kernels
@float_types
def test_how_images_are_cut_into_batches_changes_no_bit(dtype, options):
    C, options = options.get("channels", 6), {k: v for k, v in options.items() if k != "channels"}
    layer, rng = Conv2D(18, 3, dtype=dtype, **options), np.random.default_rng(0)
    x, dy = drawn(layer, (7, 11, 13, C), rng.standard_normal)
    whole = both_passes(layer, x, dy)
    for images in (1, 2, 5):
        parts = [both_passes(layer, x[n : n + images], dy[n : n + images]) for n in range(0, 7, images)]
        for name in ("y", "dx"):
            assert_same_bits(np.concatenate([part[name] for part in parts]), whole[name], f"{name}, {images} at once")


@pytest.mark.parametrize(
    ("shape", "filters", "options"),
    [
        ((9, 14, 130), 131, {"padding": "same"}),
        ((8, 7, 129), 160, {"kernel_size": 5, "padding": 2}),
        ((12, 11, 262), 260, {"groups": 2}),
        ((35, 36, 130), 128, {}),  # more quads than are there at once
    ],
    ids=str,
)
@of_the_kernels
@float_types
def test_one_image_that_meets_many_weights_has_the_bits_that_it_has_in_a_batch(dtype, shape, filters, options):
    layer = Conv2D(filters, **({"kernel_size": 3} | options), dtype=dtype, seed=0)
    x, dy = drawn(layer, (2, *shape), np.random.default_rng(0).standard_normal)
    both = both_passes(layer, x, dy)
    for n in (1, 2, 3):
        with threads(n):
            alone = both_passes(layer, x[1:], dy[1:])
        for name in ("y", "dx"):
            assert_same_bits(alone[name][0], both[name][1], f"{name} on {n} threads")


@pytest.mark.parametrize(
    ("shape", "filters", "options"),
    [
        ((19, 7, 6, 256), 131, {"padding": "same"}),  # so many weights that a panel passes over several small images
        ((11, 9, 10, 260), 250, {"strides": 2}),
        ((12, 61, 62, 80), 48, {"kernel_size": 1}),  # a result so large that it is written past the cache
    ],
    ids=str,
)
@of_the_kernels
@float_types
def test_many_images_have_the_bits_that_each_has_alone(dtype, shape, filters, options):
    layer = Conv2D(filters, **({"kernel_size": 3} | options), dtype=dtype, seed=0)
    x, dy = drawn(layer, shape, np.random.default_rng(0).standard_normal)
    for n in (1, 2, 3):
        with threads(n):
            together = both_passes(layer, x, dy)
        for i in (0, 4, shape[0] - 1):
            alone = both_passes(layer, x[i : i + 1], dy[i : i + 1])
            for name in ("y", "dx"):
                assert_same_bits(together[name][i], alone[name][0], f"{name} on {n} threads")


@of_the_kernels
@float_types
def test_groups_of_many_weights_have_the_bits_of_convolutions_of_their_own(dtype):
    """Of so many that a panel would pass over several rows before the next, if there was one group."""
    layer = Conv2D(360, 3, strides=2, groups=2, dtype=dtype, seed=0)
    x, dy = drawn(layer, (2, 9, 9, 360), np.random.default_rng(0).standard_normal)
    together = both_passes(layer, x, dy)
    for half in (slice(180), slice(180, None)):
        alone = Conv2D(180, 3, strides=2, dtype=dtype)
        alone.build((9, 9, 180))
        for name, param in alone.params.items():
            param[...] = layer.params[name][..., half]
        found = both_passes(alone, np.ascontiguousarray(x[..., half]), np.ascontiguousarray(dy[..., half]))
        for name in ("y", "dx"):
            assert_same_bits(together[name][..., half], found[name], name)


REACH = pytest.mark.parametrize(
    "options",
    [
        *({}, {"strides": 2}, {"dilation_rate": 2}, {"padding": 1}, {"groups": 2}),
        *({"groups": 16, "filters": 16}, {"groups": 16, "filters": 32, "padding": 1}, {"groups": 4, "filters": 16}),
        {"kernel_size": 5, "padding": 2},
    ],
    ids=str,
)
CHANNELS, FILTERS = 16, 18  # so many that windows of 3 x 3 go by quads


@backends
@REACH
def test_a_pixel_reaches_the_windows_that_see_it_and_no_others(options, backend_name):
    """Not even as NaN times 0."""
    layer, rng = Conv2D(**{"filters": FILTERS, "kernel_size": 3, **options}), np.random.default_rng(0)
    x, dy = drawn(layer, (2, 10, 11, CHANNELS), rng.standard_normal)
    with nnlite.use_backend(backend_name):
        for h, w in itertools.product(range(10), range(11)):
            x[1, h, w, 3] = np.nan
            results = both_passes(layer, x, dy)
            rows, cols = (seen_from(i, n, options) for i, n in ((h, 10), (w, 11)))
            reached = only(dy.shape, [1], [o for o, _ in rows], [o for o, _ in cols], filters_of(3, options))
            np.testing.assert_array_equal(np.isnan(results["y"]), reached, f"y, from ({h}, {w})")
            channel = 3 % results["dW"].shape[2]
            taps = [tap for _, tap in rows], [tap for _, tap in cols]
            reached = only(results["dW"].shape, *taps, [channel], filters_of(3, options))
            np.testing.assert_array_equal(np.isnan(results["dW"]), reached, f"dW, from ({h}, {w})")
            x[1, h, w, 3] = 0


@backends
@REACH
def test_a_gradient_reaches_the_pixels_that_its_window_sees_and_no_others(options, backend_name):
    layer, rng = Conv2D(**{"filters": FILTERS, "kernel_size": 3, **options}), np.random.default_rng(0)
    x, dy = drawn(layer, (2, 10, 11, CHANNELS), rng.standard_normal)
    with nnlite.use_backend(backend_name):
        layer.forward(x)
        for h, w in itertools.product(range(dy.shape[1]), range(dy.shape[2])):
            dy[1, h, w, 2] = np.nan
            rows = [r for r in range(10) if h in [o for o, _ in seen_from(r, 10, options)]]
            cols = [c for c in range(11) if w in [o for o, _ in seen_from(c, 11, options)]]
            channels = [c for c in range(CHANNELS) if 2 in filters_of(c, options)]
            reached = only(x.shape, [1], rows, cols, channels)
            np.testing.assert_array_equal(np.isnan(layer.backward(dy)), reached, f"dx, from ({h}, {w})")
            dy[1, h, w, 2] = 0


def only(shape, *places):
    """True at all combinations of these indices, one list of them for each axis."""
    mask = np.zeros(shape, bool)
    mask[np.ix_(*places)] = True
    return mask


def seen_from(i, n, options):
    """Pairs (window, tap of the window) that see row i of n."""
    defaults = {"kernel_size": 3, "strides": 1, "dilation_rate": 1, "padding": 0}
    K, S, D, P = (options.get(name, value) for name, value in defaults.items())
    windows = (n + 2 * P - (K - 1) * D - 1) // S + 1
    return [(o, tap) for o in range(windows) for tap in range(K) if o * S + tap * D - P == i]


def filters_of(channel, options):
    """The filters that see this channel."""
    groups, filters = options.get("groups", 1), options.get("filters", FILTERS)
    group = channel // (CHANNELS // groups)
    return range(filters // groups * group, filters // groups * (group + 1))


@backends
@pytest.mark.parametrize("size", [3, 5, 7])
def test_infinity_reaches_the_windows_that_see_it(size, backend_name):
    """In quads, and blocks of them, it may become NaN there; elsewhere everything stays finite. As the docs say."""
    layer = Conv2D(FILTERS, size)
    x, dy = drawn(layer, (1, 15, 16, CHANNELS), np.random.default_rng(0).standard_normal)
    # Some CPUs' BLAS fills blocks up with zeros, and so meets 0 * inf in numbers that nobody sees.
    with nnlite.use_backend(backend_name), np.errstate(invalid="ignore"):
        x[0, 7, 8, 3] = np.inf
        y = layer.forward(x)
        x[0, 7, 8, 3], dy[0, 4, 5, 2] = 1, np.inf
        dx = layer.backward(dy)
    for found, (h, w), before in ((y, (7, 8), size - 1), (dx, (4, 5), 0)):
        rows = range(max(0, h - before), min(found.shape[1], h - before + size))
        cols = range(max(0, w - before), min(found.shape[2], w - before + size))
        np.testing.assert_array_equal(~np.isfinite(found), only(found.shape, [0], rows, cols, range(found.shape[3])))
        assert backend_name == "compiled" or not np.isnan(found).any()


# Strides, paddings and dilations of any size: as far as windows see anything, and as fast as that is little

M = 2**31 - 1
FAR = [
    {"strides": 40},
    {"strides": (300, 1)},
    {"strides": M},
    {"strides": M, "padding": M},
    {"strides": M - 1, "padding": ((M, 0), (0, M))},
    {"strides": (M, 2), "padding": (M, 1)},
    {"strides": 2 * 10**6, "padding": ((10**6, 0), (0, 10**6))},
    {"strides": 300, "padding": 1000},
    {"strides": 1000, "padding": "same"},
    {"dilation_rate": 2**20, "padding": 2**20},
    {"dilation_rate": M, "padding": M},
    {"dilation_rate": 2**20, "strides": 2**20 - 1, "padding": 2**20},
    {"dilation_rate": 100, "strides": 50, "padding": 200},
    {"dilation_rate": (1, 300), "padding": (0, 300)},
]


def by_definition(layer, x, dy):
    """y and all gradients, pixel by pixel."""
    W, b, (_, H, width, _) = layer.params["W"], layer.params["b"], x.shape
    (kh, kw, D, F), (top, _, left, _), groups = W.shape, layer.window.pads(H, width), layer.groups
    (sh, sw), (dh, dw), (_, OH, OW, _) = layer.window.strides, layer.window.dilation, dy.shape
    y, dx, dW = np.zeros(dy.shape) + b, np.zeros(x.shape), np.zeros(W.shape)
    for oh, ow, i, j, g in itertools.product(range(OH), range(OW), range(kh), range(kw), range(groups)):
        r, s = oh * sh + i * dh - top, ow * sw + j * dw - left
        channels, filters = slice(g * D, (g + 1) * D), slice(g * F // groups, (g + 1) * F // groups)
        if 0 <= r < H and 0 <= s < width:
            y[:, oh, ow, filters] += x[:, r, s, channels] @ W[i, j, :, filters]
            dx[:, r, s, channels] += dy[:, oh, ow, filters] @ W[i, j, :, filters].T
            dW[i, j, :, filters] += x[:, r, s, channels].T @ dy[:, oh, ow, filters]
    return {"y": y, "dx": dx, "dW": dW, "db": dy.sum(axis=(0, 1, 2))}


@backends
@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (3, 1), (6, 1), (6, 6), (6, 2)])
@pytest.mark.parametrize("options", FAR, ids=str)
def test_windows_that_reach_far_see_what_they_see(options, channels, groups, backend_name):
    rng = np.random.default_rng(0)
    layer = Conv2D(6, 3, groups=groups, dtype="float64", **options)
    x, dy = drawn(layer, (2, 8, 9, channels), rng.standard_normal)
    with nnlite.use_backend(backend_name):
        results = both_passes(layer, x, dy)
    for name, expected in by_definition(layer, x, dy).items():
        assert_close(results[name], expected, FLOAT64, f"{layer!r}, {name}")


@pytest.mark.parametrize("channels", [1, 16])
@pytest.mark.parametrize("options", [*FAR, {"strides": 500, "size": 800}, {"strides": 799, "size": 800}], ids=str)
def test_a_small_output_takes_little_time_and_memory(options, channels):
    size = options.get("size", 20)
    layer = Conv2D(16, 3, **{k: v for k, v in options.items() if k != "size"})
    x, dy = drawn(layer, (2, size, size, channels), np.ones)
    both_passes(layer, x, dy)  # compiled, and memory is there
    began = time.process_time()
    both_passes(layer, x, dy)
    assert time.process_time() - began < 5  # milliseconds; with 2 ** 31 phases, hours
    assert layer._buffers["work"].nbytes < 2**26


def test_a_kernel_as_large_as_its_stride_has_as_many_phases_as_taps():
    rng = np.random.default_rng(0)
    layer = Conv2D(6, (40, 30), strides=(40, 70), padding=((3, 0), (0, 30)), dtype="float64")
    x, dy = drawn(layer, (1, 81, 75, 5), rng.standard_normal)
    for name, value in both_passes(layer, x, dy).items():
        assert_close(value, by_definition(layer, x, dy)[name], FLOAT64, name)


def test_pixels_that_no_window_sees_have_no_gradient():
    layer = Conv2D(3, 2, strides=3)
    x, dy = drawn(layer, (1, 6, 7, 2), np.random.default_rng(0).standard_normal)
    dx = both_passes(layer, x, dy)["dx"]
    assert dx[0, :2, :2].all()
    assert not dx[0, 2].any()
    assert not dx[0, :, [2, 5, 6]].any()


def test_the_kernel_is_not_flipped():
    layer = Conv2D(1, (1, 3), use_bias=False)
    layer.build((1, 3, 1))
    layer.params["W"][0, :, 0, 0] = [1, 10, 100]
    x = np.array([1, 2, 3], "float32").reshape(1, 1, 3, 1)
    assert layer.forward(x).item() == 1 * 1 + 2 * 10 + 3 * 100


def test_a_1_x_1_convolution_is_a_dense_layer_at_every_pixel():
    conv, dense = Conv2D(7, 1, dtype="float64"), nnlite.Dense(7, dtype="float64")
    x, dy = drawn(conv, (2, 3, 4, 5), np.random.default_rng(0).standard_normal)
    dense.build((5,))
    dense.params["W"][...], dense.params["b"][...] = conv.params["W"][0, 0], conv.params["b"]
    assert_close(conv.forward(x), dense.forward(x), FLOAT64)
    assert_close(conv.backward(dy), dense.backward(dy), FLOAT64)
    assert_close(conv.grads["W"][0, 0], dense.grads["W"], FLOAT64)


def test_new_weights_are_as_small_as_glorot_says():
    layer = Conv2D(60, (3, 5), groups=2, seed=0)
    layer.build((9, 9, 8))
    limit = np.sqrt(6 / (3 * 5 * 8 / 2 + 3 * 5 * 60))
    assert limit * 0.99 < np.abs(layer.params["W"]).max() <= limit
    assert not layer.params["b"].any()


def test_images_of_any_size():
    model = nnlite.Sequential([Conv2D(3, 3, padding="same"), Conv2D(2, 3, strides=2)], input_shape=(None, None, 1))
    assert model.output_shape() == (None, None, 2)
    for H, W in ((5, 5), (9, 4)):
        y = model.forward(np.ones((2, H, W, 1), "float32"))
        assert y.shape == (2, (H - 3) // 2 + 1, (W - 3) // 2 + 1, 2)
        assert model.backward(y).shape == (2, H, W, 1)


def test_without_bias():
    layer = Conv2D(8, 5, use_bias=False)
    layer.build((32, 32, 3))
    assert list(layer.params) == ["W"]
    assert layer.parameter_count == 600
    assert "filters * (kh * kw * C) = 8 * (5 * 5 * 3) = 600" in layer.explain((32, 32, 3))


# What it says


@pytest.mark.parametrize(
    ("input_shape", "options", "lines"),
    [
        ((28, 28, 1), {"padding": "same"}, ["(28, 28, 8): ", "filters = 8", "8 * (5 * 5 * 1) + 8 = 208"]),
        ((28, 30, 4), {"groups": 2}, ["filters * (kh * kw * C/groups) + filters = 8 * (5 * 5 * 4/2) + 8 = 408"]),
        ((None, None, 3), {}, ["(any, any, 8): H_out = (H - F + 2P)/S + 1 = (H - 5 + 2*0)/1 + 1; W_out", "= 608"]),
        ((9, 9, None), {}, ["8 * (5 * 5 * C) + 8, with C of the first input"]),
    ],
)
def test_explain(input_shape, options, lines):
    text = Conv2D(8, 5, **options).explain(input_shape)
    for line in lines:
        assert line in text


IMAGES = np.zeros((2, 6, 7, 4), "float32")


@pytest.mark.parametrize(
    ("arguments", "x", "message"),
    [
        ((3, 7), IMAGES, r"Conv2D: the window is larger than .* H_out = \(H - F \+ 2P\)/S \+ 1 = \(6 - 7 \+ 2\*0\)/1"),
        ((3, (1, 8)), IMAGES, r"the window is larger than the padded image: W_out = .* = \(7 - 8 \+ 2\*0\)/1 \+ 1 = 0"),
        ((3, 3, 1, 0, 4), IMAGES, r"H_out = \(H - \(D \(F - 1\) \+ 1\) \+ 2P\)/S \+ 1 = \(6 - \(4\*\(3 - 1\) \+ 1\)"),
        ((6, 3, 1, 0, 1, 3), IMAGES, "Conv2D: groups = 3 does not divide 4 channels: each group needs as many"),
        ((3, 3), IMAGES[0], r"x: expected shape \(N, H, W, C\), got \(6, 7, 4\) with 3 axes"),
        ((3, 3), IMAGES[..., None], r"x: expected shape \(N, H, W, C\), got \(2, 6, 7, 4, 1\) with 5 axes"),
        ((3, 3), IMAGES[:, :0], "Conv2D: expected an image of at least 1 pixel, got H = 0, W = 7"),
        ((3, 3), IMAGES[..., :0], r"Conv2D: parameter W would have shape \(3, 3, 0, 3\): the input is empty"),
        ((3, 3), np.broadcast_to(np.float32(0), (2**30, 2**12, 5, 3)), "would take"),
        ((3, 1, 1, 10**8), IMAGES, "Conv2D: y: shape .* would take"),
    ],
)
def test_images_that_do_not_fit_are_refused(arguments, x, message):
    with pytest.raises(ValueError, match=message):
        conv2d(*arguments).forward(x)


def test_images_with_other_channels_than_the_first_are_refused():
    layer = Conv2D(3, 3)
    layer.forward(IMAGES)
    with pytest.raises(
        ValueError, match=r"x: expected shape \(N, H, W, C\) = \(any, any, any, 4\), got \(2, 6, 7, 3\)"
    ):
        layer.forward(IMAGES[..., :3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "filters: expected a whole number of at least 1, got 0"),
        ((3, 0), "kernel_size: expected a whole number of at least 1, or two as .*, got 0"),
        ((3, (3, 3, 3)), r"kernel_size: expected .*, got \(3, 3, 3\)"),
        ((3, 2.0), "kernel_size: expected .*, got 2.0"),
        ((3, 3, 0), "strides: expected a whole number of at least 1"),
        ((3, 3, 1, "full"), "padding: expected .*, got 'full'"),
        ((3, 3, 1, -1), "padding: expected .* of at least 0, got -1"),
        ((3, 3, 1, 0, 0), "dilation_rate: expected a whole number of at least 1"),
        ((3, 3, 1, 0, 1, 0), "groups: expected a whole number of at least 1, got 0"),
        ((3, 3, 1, 0, 1, 2), "groups: 2 does not divide 3 filters: each group needs as many"),
    ],
)
def test_options_that_make_no_convolution_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        conv2d(*arguments)


@pytest.mark.parametrize("input_shape", [(28, 28), (2, 28, 28, 1), ()])
def test_a_shape_that_is_no_image_is_refused(input_shape):
    with pytest.raises(ValueError, match=r"Conv2D: expected input_shape \(H, W, C\), got .*: the batch axis is not"):
        Conv2D(3, 3).build(input_shape)
