"""Which models the page of digits takes, and what it says of others."""

import pytest

import nnlite
from nnlite import layers as L
from nnlite.play import PlayError, digits_page


class Own(L.ReLU):
    """A layer of one's own computes what it likes."""


@pytest.mark.parametrize(
    ("layers", "input_shape", "message"),
    [
        ([L.Embedding(5, 4), L.Flatten(), L.Dense(3)], (9,), "embedding: expected a layer of images, such as Conv2D"),
        ([L.Reshape((8, 8)), L.LSTM(4), L.Dense(3)], (64,), "lstm: expected a layer of images"),
        ([L.Conv2D(2, 3), Own(), L.Flatten(), L.Dense(2)], (8, 8, 1), "own: expected a layer of images"),
        (
            [L.Dense(4)],
            (10,),
            r"model: expected one that reads images of one size, \(H, W, C\), got input_shape \(10,\)",
        ),
        ([L.Conv2D(2, 3), L.GlobalAvgPool2D()], (None, 8, 1), "model: expected one that reads images of one size"),
        ([L.Conv2D(2, 3)], (8, 8, 1), r"model: expected one that ends in a number for each .* \(6, 6, 2\)"),
        ([L.Flatten(), L.Dense(1)], (8, 8, 1), "model: expected one that ends in a number for each"),
        ([L.Flatten(), L.Dense(40_000)], (11, 11, 1), "model: expected at most 4,000,000 numbers, got 4,880,000"),
        ([L.GlobalAvgPool2D()], (200, 200, 3), "model: expected images of at most 16,384 pixels, got 200 x 200"),
    ],
)
def test_others_are_refused_with_a_sentence(layers, input_shape, message):
    with pytest.raises(PlayError, match=message):
        digits_page(nnlite.Sequential(layers, input_shape=input_shape))


def test_a_model_that_is_not_built():
    with pytest.raises(PlayError, match="model: expected one that is built"):
        digits_page(nnlite.Sequential([L.Flatten(), L.Dense(10)]))
    with pytest.raises(PlayError, match=r"model: expected a Sequential, got 'model\.safetensors'"):
        digits_page("model.safetensors")


@pytest.mark.parametrize("name", ["dense.b", "batch_norm.moving_variance"])
def test_a_training_that_has_diverged(name):
    model = nnlite.Sequential([L.BatchNorm(), L.Flatten(), L.Dense(10)], input_shape=(8, 8, 1))
    {**model.params, **model.statistics}[name][0] = float("nan")
    with pytest.raises(PlayError, match="model: expected finite weights, got NaN or infinity"):
        digits_page(model)


def test_a_name_for_each_class():
    model = nnlite.Sequential([L.Flatten(), L.Dense(3)], input_shape=(8, 8, 1))
    assert '"labels":["a","b","c"]' in digits_page(model, "abc")
    with pytest.raises(PlayError, match="labels: expected 3, one for each class, got 2"):
        digits_page(model, ["a", "b"])
