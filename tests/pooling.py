"""What the tests of the pooling layers share: inputs without ties, PyTorch as a witness, and random configurations."""

import functools
import itertools

import numpy as np
from numeric import assert_close

import nnlite
from nnlite import MaxPool2D

# Where in an image of 4 x 4 a block of 3 x 3 ones lies, and the means of its four 2 x 2 windows.
CORNERS = {
    "top left": (np.s_[:3, :3], [[1, 0.5], [0.5, 0.25]]),
    "top right": (np.s_[:3, 1:], [[0.5, 1], [0.25, 0.5]]),
    "bottom right": (np.s_[1:, 1:], [[0.25, 0.5], [0.5, 1]]),
    "bottom left": (np.s_[1:, :3], [[0.5, 0.25], [1, 0.5]]),
}


def distinct(shape):
    """Inputs that differ by at least 0.01: no step of a finite difference changes which is the largest."""

    def draw(rng):
        size = int(np.prod(shape))
        return {"x": 0.01 * (rng.permutation(size) - size // 2).reshape(shape)}

    return draw


def block_in_a_corner(corner):
    """An image of 4 x 4 with a block of ones, (1, 4, 4, 1), and the means of its windows."""
    block, means = CORNERS[corner]
    image = np.zeros((4, 4), "float32")
    image[block] = 1
    return image.reshape(1, 4, 4, 1), means


def torch_max(torch, x, size, strides, pads):
    """Max pooling in PyTorch. Its own padding is symmetric and at most half a window, so it is added before."""
    return _channels_last(torch.nn.functional.max_pool2d(_padded(torch, x, pads, -np.inf), size, strides))


def torch_average(torch, x, size, strides, pads, include_pad):
    """Average pooling in PyTorch; without the padding in the count, by how much of each window is image."""
    pool = torch.nn.functional.avg_pool2d
    y = pool(_padded(torch, x, pads, 0), size, strides)
    if not include_pad:
        y = y / pool(_padded(torch, torch.ones_like(x), pads, 0), size, strides)
    return _channels_last(y)


def _padded(torch, x, pads, value):
    top, bottom, left, right = pads
    return torch.nn.functional.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom), value=value)


def _channels_last(y):
    return y.permute(0, 2, 3, 1)


@functools.cache
def configurations(count, seed):
    """Random layers' arguments with a shape that they fit, as (arguments, shape)."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        a, b, c, d = map(int, rng.integers(0, 4, 4))
        size = tuple(map(int, rng.integers(1, 5, 2)))
        arguments = {
            "pool_size": [size, size[0], (2, 2), (3, 3)][rng.integers(4)],
            "strides": [None, 1, 2, (1 + a, 1 + b)][rng.integers(4)],
            "padding": ["valid", "same", a, (a, b), ((a, b), (c, d))][rng.integers(5)],
        }
        shape = (*map(int, rng.integers([1, 1, 1], [4, 12, 12])), int(rng.choice([1, 2, 7, 8, 16, 19, 33])))
        try:
            MaxPool2D(**arguments).output_shape(shape[1:])
        except ValueError:  # the window does not fit, or lies wholly in the padding
            continue
        found.append((arguments, shape))
    return found


# Every kind of option with every other: windows that overlap, touch and leave gaps, and do not divide the image.
GRID = [
    {"pool_size": size, "strides": strides, "padding": padding}
    for size, strides, padding in itertools.product(
        [2, (3, 2)], [None, 1, (1, 3), (4, 2)], ["valid", "same", 1, (0, 1), ((1, 0), (0, 1))]
    )
]


M = 2**31 - 1
# Pool size, strides and padding, far beyond an image.
FAR = [
    (2, M),
    (2, 500, 1),
    ((1, M), None, "same"),
    ((1, M), 1, "same"),
    ((M, 1), (M, 2), ((M - 1, 0), (0, 0))),
    ((1, 10**5), (1, 10**4), (0, 10**5 - 1)),
    (40000, None, "same"),
    (40000, 30000, 39999),
]


def assert_far_windows_agree(pool, arguments):
    """Compiled and reference, both passes; each in an instant, or the test takes hours."""
    x, results = np.random.default_rng(0).standard_normal((2, 7, 9, 3)), []
    for name in ("compiled", "reference"):
        layer = pool(*arguments, dtype="float64")
        with nnlite.use_backend(name):
            y = layer.forward(x)
            results.append((y, layer.backward(np.arange(1.0, y.size + 1).reshape(y.shape))))
    for compiled, reference in zip(*results, strict=True):
        assert_close(compiled, reference, 1e-12)
