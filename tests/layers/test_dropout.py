"""Dropout."""

import itertools

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends, float_types

import nnlite
from nnlite import Dropout


def dropout(rate):
    return lambda **kwargs: Dropout(rate, **kwargs)


class TestDropout(ChainOfTrust):
    cases = (
        Case("one number", dropout(0.5), (1, 1), training=True),
        Case("a quarter", dropout(0.25), (3, 5, 17), training=True),
        Case("most", dropout(0.9), (7, 33), training=True),
        Case("none", dropout(0.0), (3, 17), training=True),
        Case("large", dropout(0.3), (501, 333), training=True, large=True),
    )

    def witness(self, torch, layer, x):
        """PyTorch draws other numbers: what was dropped is taken from the layer."""
        kept = layer.forward(x.detach().numpy(), training=True) != 0
        return {"y": x * torch.tensor(kept) / (1 - layer.rate)}


@float_types
@backends
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_share_and_mean(rate, dtype, backend_name):
    x = np.ones((100, 1000), dtype)
    with nnlite.use_backend(backend_name):
        y = Dropout(rate, dtype=dtype, seed=1).forward(x, training=True)
    sigma = np.sqrt(rate * (1 - rate) / x.size)
    assert abs((y == 0).mean() - rate) < 4 * sigma
    assert abs(y.mean(dtype="float64") - 1) < 4 * sigma / (1 - rate)
    assert set(np.unique(y)) == {0, np.dtype(dtype).type(1 / (1 - rate))}


def test_every_pass_draws_anew_and_the_seed_repeats_it():
    x = np.ones((10, 100), "float32")
    one, other = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
    first, second = (one.forward(x, training=True) for _ in range(2))
    assert (first != second).any()
    assert (other.forward(x, training=True) == first).all()
    assert (other.forward(x, training=True) == second).all()
    assert (Dropout(0.5, seed=4).forward(x, training=True) != first).any()


def test_masks_are_independent():
    """Neighbours, rows and passes: products of centred masks have the mean 0, within 4 standard deviations."""
    layer, x = Dropout(0.5, seed=5), np.ones((256, 256), "float32")
    masks = [layer.forward(x, training=True) - 1 for _ in range(8)]  # -1 or 1
    for a, b in itertools.pairwise(masks):
        assert abs((a * b).mean()) < 4 / 256
    for mask in masks:
        for axis in (0, 1):
            for distance in (1, 2, 3, 16, 64):
                assert abs((mask * np.roll(mask, distance, axis)).mean()) < 4 / 256
        assert np.abs(mask.mean(axis=0)).max() < 6 / 16
        assert np.abs(mask.mean(axis=1)).max() < 6 / 16


def test_backward_drops_what_forward_dropped():
    layer = Dropout(0.5, seed=0)
    y = layer.forward(np.ones((8, 40), "float32"), training=True)
    assert (layer.backward(np.ones((8, 40), "float32")) == y).all()


def test_outside_training_nothing_is_drawn():
    layer, x = Dropout(0.5, seed=0), np.ones((2, 3), "float32")
    before = layer.rng.bit_generator.state
    assert (layer.forward(x) == x).all()
    assert (layer.step(x) == x).all()
    assert (layer.backward(2 * x) == 2 * x).all()
    assert layer.rng.bit_generator.state == before


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
def test_rates_out_of_range_are_refused(rate):
    with pytest.raises(ValueError, match=r"rate: expected a number in \[0, 1\)"):
        Dropout(rate)


def test_a_rate_is_a_number():
    with pytest.raises(TypeError, match="rate: expected a number"):
        Dropout("0.5")


def test_where_nothing_is_dropped_nothing_is_drawn():
    layer, x = Dropout(0, seed=0), np.ones((2, 3), "float32")
    before = layer.rng.bit_generator.state
    assert (layer.forward(x, training=True) == x).all()
    assert layer.rng.bit_generator.state == before


def test_a_call_may_be_one_in_a_training():
    x = np.ones((4, 5), "float32")
    assert (Dropout(0.5, seed=1)(x, training=True) == Dropout(0.5, seed=1).forward(x, training=True)).all()
    assert (Dropout(0.5, seed=1)(x) == x).all()
