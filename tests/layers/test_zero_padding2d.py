"""ZeroPadding2D."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust

from nnlite import ZeroPadding2D


def padding(value):
    return lambda **kwargs: ZeroPadding2D(value, **kwargs)


class TestZeroPadding2D(ChainOfTrust):
    cases = (
        Case("all sides alike", padding(1), (2, 3, 4, 5)),
        Case("height and width", padding((2, 1)), (3, 2, 5, 1)),
        Case("four numbers", padding(((0, 3), (2, 1))), (2, 3, 1, 7)),
        Case("none", padding(0), (2, 3, 4, 2)),
    )

    def witness(self, torch, layer, x):
        (top, bottom), (left, right) = layer.padding
        return {"y": torch.nn.functional.pad(x, (0, 0, left, right, top, bottom))}


def test_the_frame_is_zero_and_x_lies_inside():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype("float32")
    y = ZeroPadding2D(((1, 2), (3, 0))).forward(x)
    assert y.shape == (2, 6, 7, 5)
    assert (y[:, 1:4, 3:] == x).all()
    assert (y != 0).sum() == (x != 0).sum()


@pytest.mark.parametrize(
    ("given", "written"),
    [(1, "1"), ((1, 1), "1"), ((1, 2), "[1, 2]"), (((1, 2), (3, 3)), "[[1, 2], 3]")],
)
def test_repr_is_short(given, written):
    assert repr(ZeroPadding2D(given)) in (f"ZeroPadding2D(padding={written})", "ZeroPadding2D()")


@pytest.mark.parametrize("given", [-1, 1.5, "same", (1, 2, 3), ((1, -1), 0), None, True])
def test_other_paddings_are_refused(given):
    message = r"padding: expected a whole number, \(height, width\) or \(\(top, bottom\), .* numbers of at least 0, got"
    with pytest.raises(ValueError, match=message):
        ZeroPadding2D(given)


def test_sizes_that_vary():
    layer = ZeroPadding2D(1)
    assert layer.output_shape((None, 4, 3)) == (None, 6, 3)
    assert "H_out = top + H + bottom = 1 + H + 1; W_out = left + W + right = 1 + 4 + 1 = 6" in layer.explain(
        (None, 4, 3)
    )


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match=r"ZeroPadding2D: expected input_shape \(H, W, C\), got \(28, 28\)"):
        ZeroPadding2D(1).output_shape((28, 28))
    with pytest.raises(ValueError, match=r"x: expected shape \(N, H, W, C\), got \(2, 28, 28\)"):
        ZeroPadding2D(1).forward(np.zeros((2, 28, 28), "float32"))
    with pytest.raises(ValueError, match=r"ZeroPadding2D: y: shape .* would take"):
        ZeroPadding2D(2**30).forward(np.zeros((1, 1, 1, 1), "float32"))


def test_dx_is_no_part_of_dy():
    layer = ZeroPadding2D()
    dy = np.ones_like(layer.forward(np.ones((1, 2, 2, 1), "float32")))
    assert not np.shares_memory(layer.backward(dy), dy)
