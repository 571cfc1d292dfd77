"""A model as a container: layers are added, found and taken out, and a model is a layer of another."""

import copy
import json
import pickle

import numpy as np
import pytest
from numeric import assert_same_bits

from nnlite import (
    LSTM,
    SGD,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    Input,
    MeanSquaredError,
    Sequential,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    gradcheck,
    inspect,
    load_model,
)
from nnlite.layers import InputLayer
from nnlite.text import Vocabulary, generate

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4))
Y = rng.normal(size=(12, 2))


def nested(dtype="float64", seed=0):
    inner = Sequential([Dense(3), Tanh(), BatchNorm()], name="inner")
    return Sequential([Dense(4), inner, Dense(2)], dtype=dtype, seed=seed)


# One after the other


def test_add_makes_what_a_list_makes():
    listed = Sequential([Dense(3), Tanh(), Dense(2)], input_shape=(4,), seed=1)
    added = Sequential(seed=1)
    for layer in (Input((4,)), Dense(3), Tanh(), Dense(2)):
        added.add(layer)
    assert list(added.params) == list(listed.params) == ["dense.W", "dense.b", "dense_1.W", "dense_1.b"]
    assert all((added.params[name] == listed.params[name]).all() for name in listed.params)
    assert len(added) == 3
    assert [*added] == added.layers


def test_add_gives_a_layer_the_models_dtype_and_generator():
    model = Sequential(dtype="float64", seed=0)
    model.add(Dense(2))
    assert model.layers[0].dtype == model.dtype == np.float64
    assert model.layers[0].rng is model.rng


def test_a_layer_that_does_not_fit_is_not_added():
    model = Sequential([Dense(3)], input_shape=(4,))
    with pytest.raises(ValueError, match="lstm, which got"):
        model.add(LSTM(2))
    assert [layer.name for layer in model] == ["dense"]
    model.add(Dense(2))
    assert model.output_shape() == (2,)


def test_pop_gives_the_last_layer_back():
    model = Sequential([Dense(3), Dense(2)], input_shape=(4,))
    assert model.pop().units == 2
    assert model.output_shape() == (3,)
    model.add(Softmax())
    assert model.predict(X).shape == (12, 3)
    with pytest.raises(IndexError, match="pop: sequential has no layers"):
        Sequential().pop()


@pytest.mark.parametrize("first", [Input((4,)), Input(shape=(4,)), InputLayer(input_shape=(4,)), InputLayer((4,))])
def test_input_builds_the_layers(first):
    model = Sequential([first, Dense(3)])
    assert model.built
    assert model.input_shape == (4,)
    assert model.layers[0].units == 3


def test_a_first_layer_may_know_its_input_shape():
    first, second = Dense(3), Dense(3)
    first._input_shape = second._input_shape = (4,)
    assert Sequential([first]).input_shape == (4,)
    assert Sequential([Dense(3), second]).input_shape is None
    assert Sequential([Sequential([Dense(3)], input_shape=(4,)), Dense(2)]).input_shape == (4,)


def test_layers_are_found_by_number_and_name():
    model = nested()
    assert model[0] is model.layers[0] is model["dense"] is model.get_layer("dense") is model.get_layer(index=0)
    assert model[-1] is model.get_layer(index=-1)
    assert model["inner.dense"] is model["inner"][0] is model.all_layers["inner.dense"]
    assert model[:2] == model.layers[:2]
    assert Sequential()


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda m: m[3], IndexError, "sequential has 3 layers, dense, inner, dense_1, got index 3"),
        (lambda m: m["densse"], ValueError, "expected the name of a layer, dense, inner, dense_1, got 'densse'"),
        (lambda m: m.get_layer(0), TypeError, r"use index=0, or model\[0\]"),
        (lambda m: m.get_layer(), ValueError, "give one of the two"),
        (lambda m: m.add(Input((3,))), TypeError, "Input comes first"),
        (lambda m: m.add(m[1]), ValueError, r"layers\[3\]: this Sequential is in the list already"),
        (lambda m: m.add(m["inner.dense"]), ValueError, r"layers\[3\]: this Dense is in the list already"),
        (lambda m: m.add(Dense(2, name="inner.dense")), ValueError, "cannot begin with that of the model 'inner'"),
        (lambda m: m.parameter_count, ValueError, "sequential is not built, so the size of dense is not known"),
        (lambda m: m.count_params(), ValueError, "is not built"),
        (lambda m: m.set_weights([]), ValueError, "sequential is not built"),
        (lambda _: Sequential(Dense(1), Dense(2)), TypeError, r"give a list, Sequential\(\[Dense\(...\), ...\]\)"),
        (lambda _: Sequential()(X), ValueError, "sequential has no layers: add some"),
        (lambda _: Input(4), TypeError, r"Input: shape: .* use \(4,\)"),
        (lambda _: Dense(3)(Input((4,))), TypeError, r"put them into a list, Sequential\(\[Input\(...\), ...\]\)"),
    ],
)
def test_what_is_not_there(ask, error, message):
    with pytest.raises(error, match=message):
        ask(nested())


# Weights


def test_weights_are_given_and_set_in_order():
    model, other = nested(), nested(seed=1)
    for each in (model, other):
        each.build((4,))
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(4, 4), (4,), (4, 3), (3,), (3,), (3,), (3,), (3,), (3, 2), (2,)]
    other.set_weights(weights)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    weights[0][...] = 0
    assert model.params["dense.W"].any()
    assert model.count_params() == sum(w.size for w in weights) == model.parameter_count + 6


def test_weights_that_do_not_fit_change_nothing():
    model = Sequential([Dense(3), Dense(2)], input_shape=(4,))
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"set_weights: dense_1.W: expected shape .* = \(3, 2\), got \(2, 3\)"):
        model.set_weights([np.zeros((4, 3)), np.zeros(3), np.zeros((2, 3)), np.zeros(2)])
    with pytest.raises(ValueError, match=r"expected a list of 4 arrays, dense.W \(4, 3\), .*, got 1 arrays"):
        model.set_weights(before[:1])
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_frozen_layers_are_not_stepped_and_show_it(capsys):
    model = nested()
    model.build((4,))
    model.compile(SGD(0.1, momentum=0.9), MeanSquaredError())
    model["inner"].trainable = False
    assert model.trainable
    assert not model["inner"].trainable
    before = {name: param.copy() for name, param in model.params.items()}
    model.fit(X, Y, verbose=0)
    changed = [name for name, param in model.params.items() if (before[name] != param).any()]
    assert changed == ["dense.W", "dense.b", "dense_1.W", "dense_1.b"]
    model.summary()
    assert "21 frozen" in capsys.readouterr().out
    model.trainable = False
    assert not any(layer.trainable for layer in model.all_layers.values())


def test_frozen_layers_survive_a_file_whenever_they_were_frozen(tmp_path):
    model, path = nested(), tmp_path / "m.safetensors"
    model.build((4,))
    model.compile(SGD(0.1, momentum=0.9), MeanSquaredError())
    model["inner"].trainable = False
    model.fit(X, Y, verbose=0)
    for trainable in (False, True):
        model["inner"].trainable = trainable
        model.save(path)
        twin = load_model(path)
        twin["inner"].trainable = trainable
        for each in (model, twin):
            each.fit(X, Y, verbose=0)
        assert all((a == b).all() for a, b in zip(model.get_weights(), twin.get_weights(), strict=True))


def test_nothing_is_computed_below_the_first_layer_that_learns():
    class Frozen(Dense):
        def backward(self, dy, needs_dx=True):
            raise AssertionError("nobody needs this")

    model = Sequential([Frozen(3), Dense(2)], seed=0)
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)


# A model in a model


def test_a_nested_model_computes_what_its_layers_do():
    flat = Sequential([Dense(4), Dense(3), Tanh(), BatchNorm(), Dense(2)], dtype="float64", seed=0)
    model = nested()
    for each in (model, flat):
        each.compile(SGD(0.1), MeanSquaredError())
        each.fit(X, Y, batch_size=4, epochs=3, verbose=0)
    for a, b in zip(model.get_weights(), flat.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "inner.dense.W" in model.params
    assert "inner.batch_norm.moving_mean" in model.statistics
    model.params["inner.dense.b"] = [1, 2, 3]
    np.testing.assert_array_equal(model["inner.dense"].params["b"], [1, 2, 3])


@pytest.mark.parametrize("training", [False, True])
def test_a_nested_model_is_checked(training):
    report = gradcheck(nested(), X, training=training)
    assert "parameter inner.dense.W" in [row.name for row in report.rows]


def test_gradcheck_names_the_layer_inside():
    class Wrong(Dense):
        def backward(self, dy, needs_dx=True):
            return 2 * super().backward(dy)

    model = Sequential([Sequential([Dense(3), Wrong(2)], name="inner"), Dense(2)], dtype="float64")
    with pytest.raises(AssertionError, match="Wrong 'wrong' of Sequential 'inner' of Sequential"):
        gradcheck(model, X)


def test_a_nested_model_is_saved_and_loaded(tmp_path):
    model, path = nested("float32"), tmp_path / "m.safetensors"
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(path)
    twin = load_model(path)
    for each in (model, twin):
        each.fit(X, Y, epochs=2, verbose=0)
    assert all((a == b).all() for a, b in zip(model.get_weights(), twin.get_weights(), strict=True))
    assert twin.get_config() == model.get_config()
    again = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    assert list(again.params) == list(model.params)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_nested_model_is_copied(copied):
    model = nested()
    model.predict(X)
    twin = copied(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert twin["inner.dense"] is not model["inner.dense"]
    assert twin["inner"].rng is twin.rng


def test_a_nested_model_is_shown(capsys):
    model = nested()
    model.build((4,))
    assert model.summary() is None
    rows = [line.split("│")[1] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [row.rstrip() for row in rows] == [
        " dense", " inner", "   dense", "   tanh", "   batch_norm", " dense_1", " total",
    ]  # fmt: skip
    text = model.explain()
    assert "inner: Sequential of 3 layers\n  dense: Dense(units=3)\n    output   (3,)" in text


def test_recurrent_layers_inside_carry_states_write_and_are_traced(tmp_path):
    vocabulary = Vocabulary("abc")
    inner = Sequential([LSTM(4, return_sequences=True, stateful=True, input_dim=3), Dropout(0.2)], name="inner")
    model = Sequential([inner, Dense(3), Softmax()], seed=0)
    ids = rng.integers(3, size=(2, 5))
    model.compile("sgd", SparseCategoricalCrossentropy())
    model.fit(ids, ids, batch_size=2, shuffle=False, verbose=0)
    assert [layer.name for layer in model.stateful_layers] == ["lstm"]
    state = model["inner.lstm"].state
    assert len(generate(model, vocabulary, "a", 7, rng=0)) == 7
    np.testing.assert_array_equal(model["inner.lstm"].state[0], state[0])
    assert list(inspect.trace(model, ids)) == ["inner.lstm"]
    model.save(tmp_path / "m.safetensors")
    twin = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(twin["inner.lstm"].state[0], state[0])


def test_a_model_of_ones_own_is_a_layer_too():
    class Block(Sequential):
        def __init__(self):
            super().__init__([Dense(3), Tanh()], name="block")

    for input_shape in (None, (4,)):
        model = Sequential([Block(), Dense(2)], input_shape, seed=0)
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0)
        assert list(model.params) == ["block.dense.W", "block.dense.b", "dense.W", "dense.b"]


def test_lengths_go_through_a_nested_model():
    lengths, x = np.array([2, 5, 3]), rng.normal(size=(3, 5, 4))
    for last in (False, True):
        layers = lambda last=last: [LSTM(3, return_sequences=not last), Tanh()]  # noqa: E731
        flat = Sequential([*layers(), Dense(2)], dtype="float64", seed=0)
        model = Sequential([Sequential(layers()), Dense(2)], dtype="float64", seed=0)
        np.testing.assert_array_equal(flat(x, lengths=lengths), model(x, lengths=lengths))
        assert model.keeps_steps == flat.keeps_steps


# The optimizer's state, where layers are replaced


def adapted(make, replace, again=False):
    """A model trained for two steps, whose last layer is replaced, and its parameters after one more step."""
    x, y = np.ones((4, 2), "float32"), np.zeros((4, 3), "float32")
    model = Sequential([Dense(5), Dense(3)], input_shape=(2,), seed=0)
    model.compile(make(), "mse")
    for _ in range(2):
        model.train_on_batch(x, y)
    if again:  # from a file or a copy, nothing is remembered but names
        model = copy.deepcopy(model)
    replace(model)
    model.layers[-1].params["W"][...] = 0.5
    model.layers[-1].params["b"][...] = 0.5
    if again is None:
        model.optimizer.state = {
            k: np.zeros_like(v) if "dense_1." in k else v for k, v in model.optimizer.state.items()
        }
    model.train_on_batch(x, y)
    return model


def pop_and_add(model):
    model.pop()
    model.add(Dense(3))


def put_in_its_place(model):
    fresh = Dense(3, name="dense_1")
    fresh.build((5,))
    model.layers[-1] = fresh


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("replace", [pop_and_add, put_in_its_place])
@pytest.mark.parametrize("make", [Adam, lambda: SGD(0.1, momentum=0.9)])
def test_a_fresh_layer_begins_without_the_moments_of_the_one_before(make, replace, again):
    found = adapted(make, replace, again)
    expected = adapted(make, lambda model: None, again=None)
    assert found.params.keys() == expected.params.keys()
    for name, param in expected.params.items():
        assert_same_bits(found.params[name], param, name)


def test_the_same_layer_goes_on_with_its_moments():
    found = adapted(Adam, lambda model: model.add(model.pop()))
    expected = adapted(Adam, lambda model: None)
    for name, param in expected.params.items():
        assert_same_bits(found.params[name], param, name)


def test_a_layer_of_another_size_needs_no_other_optimizer():
    x = np.ones((4, 2), "float32")
    model = Sequential([Dense(5), Dense(3)], input_shape=(2,), seed=0)
    model.compile("adam", "mse")
    model.fit(x, np.zeros((4, 3)), verbose=0)
    model.pop()
    model.add(Dense(2))
    model.fit(x, np.zeros((4, 2)), verbose=0)
    assert model.optimizer.state["momentum/dense_1.W"].shape == (5, 2)
