"""What a first exercise about convolution and pooling asks, answered by the calls that a student would make."""

import numpy as np
import pytest
from pooling import CORNERS, block_in_a_corner

from nnlite import AvgPool2D, Conv2D, MaxPool2D, Sequential

IMAGE = (32, 32, 3)


def test_eight_filters_of_5_x_5_x_3_have_608_parameters():
    layer = Conv2D(8, 5)
    layer.build(IMAGE)
    assert layer.params["W"].size == 8 * (5 * 5 * 3) == 600
    assert layer.params["b"].size == 8
    assert layer.parameter_count == 608
    assert layer.explain(IMAGE).endswith("filters * (kh * kw * C) + filters = 8 * (5 * 5 * 3) + 8 = 608")


def test_the_size_of_the_image_does_not_matter_for_the_parameters():
    for side in (5, 28, 224):
        layer = Conv2D(8, 5)
        layer.build((side, side, 3))
        assert layer.parameter_count == 608


def test_the_output_is_28_x_28_x_8():
    layer = Conv2D(8, 5)
    assert layer.output_shape(IMAGE) == (28, 28, 8)
    assert layer.forward(np.zeros((1, *IMAGE), "float32")).shape == (1, 28, 28, 8)
    assert "W_out = (W - F + 2P)/S + 1 = (32 - 5 + 2*0)/1 + 1 = 28" in layer.explain(IMAGE)


@pytest.mark.parametrize("W", [5, 6, 32])
@pytest.mark.parametrize("F", [1, 3, 5])
@pytest.mark.parametrize("P", [0, 1, 2])
@pytest.mark.parametrize("S", [1, 2, 3])
def test_the_width_of_the_output_is_as_the_formula_says(W, F, P, S):
    assert Conv2D(8, F, strides=S, padding=P).output_shape((W, W, 3)) == ((W - F + 2 * P) // S + 1,) * 2 + (8,)


def test_a_window_that_does_not_fit_is_told_with_the_formula_and_its_numbers():
    with pytest.raises(ValueError, match=r"H_out = \(H - F \+ 2P\)/S \+ 1 = \(4 - 5 \+ 2\*0\)/1 \+ 1 = 0\."):
        Conv2D(8, 5).output_shape((4, 32, 3))
    with pytest.raises(ValueError, match=r"AvgPool2D: the window is larger .* \(3 - 4 \+ 2\*0\)/4 \+ 1"):
        Sequential([Conv2D(8, 3), AvgPool2D(4)], input_shape=(5, 5, 1))


@pytest.mark.parametrize("corner", CORNERS)
def test_average_pooling_shows_the_shift_that_max_pooling_hides(corner):
    image, means = block_in_a_corner(corner)
    assert AvgPool2D(2, strides=2).forward(image)[0, :, :, 0].tolist() == means
    assert MaxPool2D(2, strides=2).forward(image)[0, :, :, 0].tolist() == [[1, 1], [1, 1]]
