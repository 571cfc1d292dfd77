"""Flatten and Reshape."""

import json

import numpy as np
import pytest
from chain import Case, ChainOfTrust

from nnlite import Dense, Flatten, Reshape, Sequential


def reshape(*target_shape):
    return lambda **kwargs: Reshape(target_shape, **kwargs)


class TestFlatten(ChainOfTrust):
    cases = (
        Case("images", Flatten, (2, 3, 5, 7)),
        Case("sequences", Flatten, (3, 4, 5)),
        Case("rows stay", Flatten, (3, 4)),
    )

    def witness(self, torch, layer, x):
        return {"y": torch.flatten(x, 1)}


class TestReshape(ChainOfTrust):
    cases = (
        Case("to images", reshape(3, 4, 2), (2, 24)),
        Case("one size left over", reshape(5, -1), (2, 3, 5, 7)),
        Case("nothing but the one left over", reshape(-1), (2, 3, 5)),
        Case("with axes of one", reshape(1, 6, 1), (3, 2, 3)),
    )

    def witness(self, torch, layer, x):
        return {"y": torch.reshape(x, (len(x), *layer.target_shape))}


@pytest.mark.parametrize("layer", [Flatten(), Reshape((6,))])
def test_no_number_is_copied(layer):
    x = np.arange(12, dtype="float32").reshape(2, 2, 3)
    y = layer.forward(x)
    assert np.shares_memory(x, y)
    assert y.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    dy = np.ones_like(y)
    assert np.shares_memory(layer.backward(dy), dy)


def test_no_layer_writes_to_what_it_shares():
    """Between layers that keep their inputs: what each has given stays as it is in a whole training step."""
    model = Sequential([Dense(4), Reshape((2, 6)), Dense(3), Flatten(), Dense(2)], input_shape=(3, 2), seed=0)
    x = np.random.default_rng(0).standard_normal((5, 3, 2)).astype("float32")
    passed = [x]
    for layer in model.layers:
        passed.append(layer.forward(passed[-1], training=True))
    dpassed = [np.ones_like(passed[-1])]
    copies = [array.copy() for array in passed]
    for layer in reversed(model.layers):
        dpassed.append(layer.backward(dpassed[-1]))
        dcopies = [array.copy() for array in dpassed]
        layer.backward(dpassed[-2])
        assert all((array == copy).all() for array, copy in zip(passed + dpassed, copies + dcopies, strict=True))


def test_numbers_without_further_axes():
    assert Flatten().forward(np.ones(3, "float32")).shape == (3, 1)
    assert Reshape((1, 1)).forward(np.ones(3, "float32")).shape == (3, 1, 1)
    assert Reshape(()).forward(np.ones((3, 1), "float32")).shape == (3,)


def test_sizes_that_vary():
    assert Flatten().output_shape((None, 3)) == (None,)
    assert Reshape((-1, 6)).output_shape((None, 3)) == (None, 6)
    assert "left open" in Flatten().explain((None, 3))
    assert "the same numbers" in Reshape((-1, 6)).explain((None, 3))
    assert "(3,): 3 numbers" in Flatten().explain((3,))


@pytest.mark.parametrize(
    ("target_shape", "input_shape", "message"),
    [
        ((4, 4), (3, 5), r"\(4, 4\) needs 4 \* 4 = 16 numbers an example, and an input of \(3, 5\) has 15"),
        ((4, -1), (3, 5), r"\(4, -1\) needs a multiple of 4 numbers an example, and an input of \(3, 5\) has 15"),
        ((), (2,), r"\(\) needs 1 numbers an example, and an input of \(2,\) has 2"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(target_shape, input_shape, message):
    layer = Reshape(target_shape)
    with pytest.raises(ValueError, match=message):
        layer.output_shape(input_shape)
    with pytest.raises(ValueError, match=message):
        layer.forward(np.zeros((7, *input_shape), "float32"))


@pytest.mark.parametrize(
    ("target_shape", "error", "message"),
    [
        (7, TypeError, "target_shape: expected sizes without the batch axis"),
        ("77", TypeError, "target_shape: expected sizes"),
        ((-1, -1), ValueError, "at most one -1"),
        ((0, 2), ValueError, "target_shape: expected a whole number of at least 1, got 0"),
        ((None, 2), ValueError, "target_shape: expected a whole number of at least 1, got None"),
    ],
)
def test_target_shapes_that_are_none(target_shape, error, message):
    with pytest.raises(error, match=message):
        Reshape(target_shape)


def test_config_survives_json():
    layer = Reshape((2, -1))
    again = Reshape.from_config(json.loads(json.dumps(layer.get_config())))
    assert repr(again) == repr(layer) == "Reshape(target_shape=[2, -1])"


def test_what_a_call_returns_is_in_memory_of_its_own():
    x = np.ones((2, 3, 4), "float32")
    Flatten()(x)[...] = 0
    assert x.all()
