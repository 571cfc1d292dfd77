"""The window's arithmetic: as in a textbook, as Keras pads, as one counts by hand, and what it says where none fits."""

import itertools
import json

import numpy as np
import pytest

from nnlite.layers.base.sliding_window import Window2D, pair, short, sides


def window(size=3, strides=1, padding="valid", dilation=1):
    return Window2D("Conv2D", size, strides, padding, dilation)


def test_the_convolution_of_the_homework():
    assert window(5).output_size(32, 32) == (28, 28)
    assert window(5).rule(32, 32) == "H_out = W_out = (W - F + 2P)/S + 1 = (32 - 5 + 2*0)/1 + 1 = 28"


@pytest.mark.parametrize("padding", ["valid", 1, (1, 2), ((0, 1), (2, 0))], ids=str)
@pytest.mark.parametrize("strides", [1, 2, (3, 1)], ids=str)
@pytest.mark.parametrize("dilation", [1, (2, 3)], ids=str)
def test_sizes_are_as_counted(padding, strides, dilation):
    """Every position whose last pixel still lies on the padded image."""
    w = window((2, 3), strides, padding, dilation)
    for H, W in itertools.product(range(7, 13), repeat=2):
        top, bottom, left, right = w.pads(H, W)
        counts = w.output_size(H, W)
        for n, counted, axis in (
            (top + H + bottom, counts[0], 0),
            (left + W + right, counts[1], 1),
        ):
            last = w.dilation[axis] * (w.size[axis] - 1)
            assert counted == sum(start + last < n for start in range(0, n, w.strides[axis]))


# n, F, S, D -> before, after, n_out: by the rule that TensorFlow documents.
SAME = {
    (5, 3, 1, 1): (1, 1, 5),
    (5, 2, 1, 1): (0, 1, 5),
    (5, 2, 2, 1): (0, 1, 3),
    (6, 2, 2, 1): (0, 0, 3),
    (5, 3, 2, 1): (1, 1, 3),
    (6, 3, 2, 1): (0, 1, 3),
    (28, 5, 1, 1): (2, 2, 28),
    (7, 1, 3, 1): (0, 0, 3),
    (8, 1, 3, 1): (0, 0, 3),
    (1, 9, 4, 1): (4, 4, 1),
    (9, 3, 1, 2): (2, 2, 9),
    (9, 4, 2, 3): (4, 5, 5),
}


@pytest.mark.parametrize(("sizes", "expected"), SAME.items(), ids=str)
def test_same_is_that_of_keras(sizes, expected):
    n, F, S, D = sizes
    before, after, out = expected
    w = window((F, 1), (S, 1), "same", (D, 1))
    assert w.pads(n, 10) == (before, after, 0, 0)
    assert w.output_size(n, 10) == (out, 10)
    w = window((1, F), (1, S), "same", (1, D))
    assert w.pads(10, n) == (0, 0, before, after)
    assert w.output_size(10, n) == (10, out)


RULES = {
    "H_out = W_out = (W - F + 2P)/S + 1 = (7 - 2 + 2*0)/2 + 1 = 3.5, rounded down to 3": (window(2, 2), 7, 7),
    "H_out = W_out = W/S = 28/1 = 28, since 'same' pads 2 on each side": (window(5, padding="same"), 28, 28),
    "H_out = H/S = 5/2 = 2.5, rounded up to 3, since 'same' pads 0 at the top and 1 at the bottom; "
    "W_out = W/S = 4/2 = 2, since 'same' pads 0 on each side": (window(2, 2, "same"), 5, 4),
    "H_out = (H - F + P_top + P_bottom)/S + 1 = (9 - 3 + 0 + 1)/1 + 1 = 8; "
    "W_out = (W - F + 2P)/S + 1 = (9 - 3 + 2*2)/1 + 1 = 11": (window(3, 1, ((0, 1), 2)), 9, 9),
    "H_out = W_out = (W - (D (F - 1) + 1) + 2P)/S + 1 = (9 - (2*(3 - 1) + 1) + 2*0)/1 + 1 = 5": (
        window(3, dilation=2),
        9,
        9,
    ),
    "H_out = (H - F + 2P)/S + 1 = (H - 3 + 2*1)/2 + 1, rounded down; "
    "W_out = (W - F + 2P)/S + 1 = (8 - 3 + 2*1)/1 + 1 = 8": (window(3, (2, 1), 1), None, 8),
    "H_out = H/S = H/1; W_out = W/S = W/2, rounded up": (window(3, (1, 2), "same"), None, None),
}


@pytest.mark.parametrize("text", RULES)
def test_the_rule_word_for_word(text):
    w, H, W = RULES[text]
    assert w.rule(H, W) == text


def test_unknown_sizes_stay_unknown():
    assert window(5).output_size(None, 32) == (None, 28)
    assert window(5, padding="same").output_size(None, None) == (None, None)


def test_what_does_not_fit_is_explained():
    with pytest.raises(ValueError, match=r"^Conv2D: the window is larger than the padded image: ") as error:
        window(5, 2).output_size(4, 9)
    assert "H_out = (H - F + 2P)/S + 1 = (4 - 5 + 2*0)/2 + 1 = 0.5, rounded down to 0. Take a smaller" in str(
        error.value
    )
    with pytest.raises(ValueError, match=r"W_out = \(W - F \+ 2P\)/S \+ 1 = \(1 - 5 \+ 2\*1\)/1 \+ 1 = -1\."):
        window(5, 1, 1).output_size(9, 1)
    with pytest.raises(ValueError, match=r"= \(4 - \(2\*\(3 - 1\) \+ 1\) \+ 2\*0\)/1 \+ 1 = 0\."):
        window(3, dilation=2).output_size(9, 4)


@pytest.mark.parametrize(("H", "W", "C"), [(4, 9, 9), (3, 9, 3), (1, 9, 1)])
def test_what_does_not_fit_and_may_be_no_image_of_pytorchs_is_not_turned(H, W, C):
    with pytest.raises(ValueError, match="Take a smaller window, more padding or a larger image"):
        window(5).output_size(H, W, C)


@pytest.mark.parametrize("padding", ["valid", "same", 3])
@pytest.mark.parametrize(("H", "W"), [(0, 5), (5, 0)])
def test_an_image_without_pixels(padding, H, W):
    with pytest.raises(ValueError, match=f"Conv2D: expected an image of at least 1 pixel, got H = {H}, W = {W}"):
        window(1, 1, padding).output_size(H, W)


NO_PAIRS = [0, -1, 1.0, True, None, "2", (), (1,), (1, 2, 3), (2, 0), (2, True), (2, 1.5), ((1, 1), 1), np.ones(2, int)]


@pytest.mark.parametrize("value", NO_PAIRS, ids=repr)
def test_no_pair(value):
    with pytest.raises(ValueError, match=r"^kernel_size: expected a whole number of at least 1, or two as \(height, w"):
        pair("kernel_size", value)
    for argument, name in (("size", "size"), ("strides", "strides"), ("dilation", "dilation_rate")):
        with pytest.raises(ValueError, match=f"^{name}: expected a whole number of at least 1"):
            window(**{argument: value})


def test_pairs_are_ints():
    assert pair("strides", np.int64(3)) == (3, 3)
    assert type(pair("strides", (1, np.uint8(2)))[1]) is int
    assert pair("strides", [1, 2]) == (1, 2)


NO_PADDING = [-1, 1.0, True, None, "SAME", "full", (), (1,), (1, -1), (1, 2, 3, 4), (("same", 1), 1), np.ones(2, int)]


@pytest.mark.parametrize("value", NO_PADDING, ids=repr)
def test_no_padding(value):
    with pytest.raises(ValueError, match=r'^padding: expected "valid", "same", a whole number, \(height, width\) or'):
        window(padding=value)


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", (0, 0, 0, 0)),
        (2, (2, 2, 2, 2)),
        ((1, 2), (1, 1, 2, 2)),
        ([[1, 2], [3, 4]], (1, 2, 3, 4)),
        (((1, 2), 3), (1, 2, 3, 3)),
    ],
    ids=str,
)
def test_paddings(padding, expected):
    assert window(padding=padding).pads(9, 9) == expected
    if padding != "valid":
        assert sides("padding", padding) == (expected[:2], expected[2:])


@pytest.mark.parametrize("padding", ["same", 2, (1, 2), (2, 2), ((1, 2), (1, 2)), ((1, 1), (0, 3))], ids=str)
def test_a_configuration_goes_through_json(padding):
    w = window((2, 3), 2, padding)
    config = [short(v) for v in (w.size, w.strides, w.padding)]
    assert json.loads(json.dumps(config)) == config
    again = window(*config)
    assert [short(v) for v in (again.size, again.strides, again.padding)] == config
    assert again.pads(9, 8) == w.pads(9, 8)
    assert window(padding=[[1, 2], [3, 4]]).padding == ((1, 2), (3, 4))
    assert short((2, 2)) == 2
    assert short(((1, 2), (1, 2))) == [[1, 2], [1, 2]]
