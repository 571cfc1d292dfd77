"""nnlite.utils: to_categorical and set_random_seed."""

import random

import numpy as np
import pytest
from numeric import assert_same_bits

from nnlite import Dense, Dropout, Sequential, seeds, utils


@pytest.fixture(autouse=True)
def _no_seed_stays():
    state, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    random.setstate(state)
    np.random.set_state(numpys)  # noqa: NPY002
    seeds.set_start(None)


def test_labels_as_one_hot_vectors():
    for labels in ([0, 2, 1], np.array([[0], [2], [1]], "uint8")):
        assert_same_bits(utils.to_categorical(labels), np.eye(3, dtype="float32")[[0, 2, 1]])
    assert utils.to_categorical([[1, 0]], 4).tolist() == [[[0, 1, 0, 0], [1, 0, 0, 0]]]


@pytest.mark.parametrize(
    ("x", "num_classes", "message"),
    [
        ([0, 3], 3, "to_categorical: x: expected labels in 0 .. 2, got 3 at"),
        ([-1], None, "to_categorical: x: expected labels in 0 .. 0, got -1"),
        ([0.5], None, "to_categorical: x: expected integers"),
        (["a"], None, "np.unique"),
        ([], None, "to_categorical: x: expected at least one label, got none: give num_classes"),
        (3, None, "got a single number"),
    ],
)
def test_what_are_no_labels_is_refused(x, num_classes, message):
    with pytest.raises((TypeError, ValueError, IndexError), match=message):
        utils.to_categorical(x, num_classes)


def numbers():
    model = Sequential([Dense(5), Dropout(0.5)], input_shape=(3,))
    y = model.forward(np.ones((2, 3)), training=True)
    return [y, Dense(2, input_shape=(3,)).rng.random(), random.random(), np.random.rand()]  # noqa: NPY002


def test_the_same_seed_gives_the_same_program():
    utils.set_random_seed(7)
    first = [*numbers(), *numbers()]
    utils.set_random_seed(7)
    for one, other in zip(first, [*numbers(), *numbers()], strict=True):
        np.testing.assert_array_equal(one, other)
    utils.set_random_seed(8)
    assert (numbers()[0] != first[0]).any()


def test_a_seed_that_holds_itself():
    """NumPy crashes at it."""
    within: list = []
    within.append(within)
    for seed in (within, [[1]], np.ones((2, 2), int)):
        for make in (lambda seed: Dense(2, seed=seed), lambda seed: utils.from_seed("seed", seed)):
            with pytest.raises(TypeError, match=r"seed: expected a whole number of at least 0, .*, got"):
                make(seed)
    assert utils.from_seed("seed", [1, 2]).random() == np.random.default_rng([1, 2]).random()


@pytest.mark.parametrize("seed", [2**31 + 5, 2**32 + 5])
def test_large_seeds(seed):
    """NumPy's takes 32 bits, and Python's takes all."""
    utils.set_random_seed(seed)
    assert np.random.rand() == np.random.RandomState(seed % 2**32).rand()  # noqa: NPY002
    assert random.random() == random.Random(seed).random()


def test_models_differ_from_each_other_and_a_seed_of_their_own_comes_first():
    utils.set_random_seed(7)
    one, two = (Sequential([Dense(5)], input_shape=(3,)) for _ in range(2))
    assert (one.params["dense.W"] != two.params["dense.W"]).any()
    own = Sequential([Dense(5)], input_shape=(3,), seed=0)
    seeds.set_start(None)
    assert_same_bits(own.params["dense.W"], Sequential([Dense(5)], input_shape=(3,), seed=0).params["dense.W"])


def test_a_seed_is_a_whole_number():
    with pytest.raises(ValueError, match="set_random_seed: seed: expected a whole number of at least 0, got 'a'"):
        utils.set_random_seed("a")


def test_a_seed_of_a_layer_is_no_text():
    with pytest.raises(TypeError, match=r"seed: expected a whole number of at least 0, .*, got 'one'"):
        Dense(2, seed="one")
