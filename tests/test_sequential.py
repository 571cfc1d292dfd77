"""Sequential: layers in a row, their parameters under one roof, and what a model says about itself."""

import contextlib
import copy
import json
from types import SimpleNamespace

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite.layers import LSTM, BatchNorm, Dense, Dropout, Embedding, Input, OneHot, Softmax, Tanh, TimeDistributed
from nnlite.layers.base.layer import Layer
from nnlite.models.sequential import Sequential
from nnlite.models.summary import _size


class Double(Layer):
    def forward(self, x, training=False):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


def ones(*shape, dtype="float32"):
    return np.ones(shape, dtype)


def test_forward_and_backward_are_those_of_the_layers_in_turn():
    rng = np.random.default_rng(0)
    model = Sequential([Dense(5), Tanh(), Dense(2)], dtype="float64", seed=1)
    x, dy = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    y = model.forward(x)
    first, tanh, last = model.layers
    np.testing.assert_array_equal(y, last.forward(tanh.forward(first.forward(x))))
    dx = model.backward(dy)
    np.testing.assert_array_equal(dx, first.backward(tanh.backward(last.backward(dy))))
    np.testing.assert_array_equal(model(x), y)


def test_params_and_grads_are_the_layers_own_arrays():
    model = Sequential([Dense(3), Tanh(), Dense(2)], input_shape=(4,))
    assert list(model.params) == list(model.grads) == ["dense.W", "dense.b", "dense_1.W", "dense_1.b"]
    assert model.params["dense_1.W"] is model.layers[2].params["W"]
    assert model.grads["dense_1.W"] is model.layers[2].grads["W"]
    assert model.parameter_count == 4 * 3 + 3 + 3 * 2 + 2


def test_names_are_made_unique_and_own_names_stay():
    layers = [Dense(1), Dense(1), Dense(1, name="dense_1"), Dense(1, name="head"), Dense(1)]
    names = [layer.name for layer in Sequential(layers).layers]
    assert names == ["dense", "dense_1", "dense_1_1", "head", "dense_2"]
    assert [layer.name for layer in Sequential(layers[:2]).layers] == ["dense", "dense_1"]


@pytest.mark.parametrize(
    "make", [lambda: Dense(1, name="head"), lambda: LSTM(1, name="head"), lambda: Sequential([Dense(1)], name="head")]
)
def test_a_name_of_ones_own_is_given_once(make):
    message = "name: expected another name for each layer, got 'head' twice: give one of them another"
    with pytest.raises(ValueError, match=message):
        Sequential([Dense(1, name="head"), make()])
    model = Sequential([Dense(1, name="head")])
    with pytest.raises(ValueError, match=message):
        model.add(make())
    assert [layer.name for layer in model.layers] == ["head"]
    assert [layer.name for layer in Sequential([make(), Sequential([make()], name="other")]).layers] == [
        "head",
        "other",
    ]


def test_seed_decides_all_weights_and_layers_share_the_generator():
    def make(seed):
        return Sequential([Dense(3), Dense(2)], input_shape=(4,), seed=seed)

    first, same, other = make(1), make(1), make(2)
    assert all(layer.rng is first.rng for layer in first.layers)
    assert all((first.params[name] == same.params[name]).all() for name in first.params)
    assert (first.params["dense.W"] != other.params["dense.W"]).all()


def test_a_layer_in_two_models_shares_its_weights_and_draws_from_the_newer_one():
    whole = Sequential([Dense(3), Dropout(0.5), Dense(2)], input_shape=(4,), seed=1)
    front = Sequential(whole.layers[:2], input_shape=(4,), seed=2)
    assert front.params["dense.W"] is whole.params["dense.W"]
    assert front.layers[1].rng is front.rng
    x = ones(2, 4)
    np.testing.assert_array_equal(whole.layers[2].forward(front.forward(x)), whole.forward(x))
    before = whole.rng.bit_generator.state
    whole.forward(x, training=True)
    assert whole.rng.bit_generator.state == before


def test_layers_are_built_by_the_first_input_as_by_input_shape():
    early, late = (Sequential([Dense(3), Dense(2)], shape, seed=5) for shape in ((4,), None))
    assert early.built
    assert not late.built
    assert (early.forward(ones(2, 4)) == late.forward(ones(2, 4))).all()
    assert late.built
    assert late.input_shape == (4,)


def test_dtype_is_given_to_all_layers():
    model = Sequential([Dense(3), Tanh()], input_shape=(2,), dtype="float64")
    assert model.dtype == np.float64
    for dtype in ("float64", "float32"):
        assert model.forward(ones(1, 2, dtype=dtype)).dtype == np.float64


@pytest.mark.parametrize("inside", [lambda: Dropout(0.5), nnlite.Flatten, lambda: TimeDistributed(nnlite.Flatten())])
@pytest.mark.parametrize("wrap", [lambda layer: layer, lambda layer: Sequential([layer])])
def test_what_a_call_returns_is_the_callers_own(inside, wrap):
    x = np.ones((2, 3, 4), "float32")
    called = wrap(inside())
    for given in (x, memoryview(x)):
        y = called(given)
        y[...] = 5
        assert (x == 1).all()


def test_step_and_reset_state():
    model = Sequential([LSTM(4, return_sequences=True, input_dim=6), Dense(6)], seed=0)
    for param in model.params.values():  # biases of 0 would hide that one is left out
        param += np.random.default_rng(0).standard_normal(param.shape).astype("float32") / 4
    ids = np.array([[1, 5, 2]])
    whole = model.forward(ids)
    model.reset_state()
    steps = [model.step(ids[:, t]) for t in range(3)]
    np.testing.assert_allclose(np.stack(steps, axis=1), whole, rtol=1e-5)
    model.reset_state()
    assert (model.step(ids[:, 0]) == steps[0]).all()


def test_a_layer_of_ones_own():
    model = Sequential([Dense(3), Double()], input_shape=(2,), seed=0)
    np.testing.assert_array_equal(model.forward(ones(1, 2)), 2 * model.layers[0].forward(ones(1, 2)))
    config = model.get_config()
    with pytest.raises(ValueError, match=r"'Double' is not in nnlite.layers.*custom_objects"):
        Sequential.from_config(config)
    assert isinstance(Sequential.from_config(config, {"Double": Double}).layers[1], Double)


def test_config_survives_json():
    model = Sequential([LSTM(4, input_dim=6), Dense(2, name="head")], (10,), "float64", name="poet")
    again = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()
    assert again.dtype == np.float64
    assert {name: a.shape for name, a in again.params.items()} == {name: a.shape for name, a in model.params.items()}


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Dense(2), "Dense(units=2)"),
        (Dense(2, kernel_initializer="zeros"), "Dense(units=2, kernel_initializer='zeros')"),
        (Dense(2, kernel_initializer=lambda shape, rng: np.ones(shape)), "Dense(units=2)"),
        (
            Embedding(3, 2, embeddings_initializer="glorot_uniform"),
            "Embedding(vocabulary_size=3, units=2, embeddings_initializer='glorot_uniform')",
        ),
        (LSTM(2, stateful=True), "LSTM(units=2, stateful=True)"),
        (Dropout(0.5, seed=3), "Dropout(rate=0.5)"),
    ],
)
def test_config_and_repr_hold_what_was_given(layer, text):
    config = json.loads(json.dumps(layer.get_config()))
    assert repr(layer) == repr(type(layer).from_config(config)) == text


@pytest.mark.parametrize("name", ["zeros", "glorot_uniform", "uniform", "orthogonal"])
def test_a_layer_from_a_config_starts_as_the_first_one_did(name):
    for layer in (Dense(2, kernel_initializer=name, seed=0), Embedding(4, 2, embeddings_initializer=name, seed=0)):
        again = type(layer).from_config({**layer.get_config(), "seed": 0})
        for twin in (layer, again):
            twin.build((4,))
        assert (again.params["W"] == layer.params["W"]).all()


def test_config_makes_layers_and_nothing_else():
    config = Sequential([Dense(1)]).get_config()
    for name in ("Layer", "Input", "np", "__builtins__", "dense", "Model"):
        config["layers"][0]["class"] = name
        with pytest.raises(ValueError, match=r"is not in nnlite.layers"):
            Sequential.from_config(config)


def test_summary(capsys):
    model = Sequential([LSTM(200, return_sequences=True), Dense(38)], input_shape=(40, 38))
    assert model.summary() is None
    table = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if "│" in line]
    assert rows == [
        ["lstm", "LSTM", "(N, 40, 200)", "191,200"],
        ["dense", "Dense", "(N, 40, 38)", "7,638"],
        ["total", "", "795 kB of float32", "198,838"],
    ]


def test_summary_counts_statistics_apart(capsys):
    model = Sequential([Dense(3), BatchNorm()], input_shape=(4,))
    model.summary()
    out = capsys.readouterr().out
    assert "Not counted: 6 statistics" in " ".join(out.split())
    assert model.parameter_count == 4 * 3 + 3 + 2 * 3


def test_summary_before_the_layers_are_built(capsys):
    Sequential([Dense(3)]).summary()
    out = capsys.readouterr().out
    assert "?" in out
    assert "built by its first input" in out


def test_explain():
    model = Sequential([Dense(3), Dense(2)], input_shape=(4,))
    text = model.explain()
    assert "dense: Dense(units=3)" in text
    assert "3 * 2 + 2 = 8" in text
    assert text == Sequential([Dense(3), Dense(2)]).explain((4,))
    assert model.output_shape() == (2,)
    with pytest.raises(ValueError, match="give input_shape"):
        Sequential([Dense(3)]).explain()


@pytest.mark.parametrize(
    ("layer", "input_shape", "lines"),
    [
        (Dense(3), (None,), ["(3,): ", "F * units + units = F * 3 + 3, with F of the first input"]),
        (Dense(3), (None, 4), ["(any, 3): ", "= 4 * 3 + 3 = 15"]),
        (LSTM(3, return_sequences=True), (None, 4), ["(any, 3): any number T of steps of units = 3", "= 96"]),
        (LSTM(3), (5, None), ["the last of T steps", "4 * (F * 3 + 3 * 3 + 3), with F of the first input"]),
        (LSTM(3, input_dim=4), (None,), ["the last of T steps", "= 96"]),
        (LSTM(3, input_dim=4), (None, None), ["the last of T steps", "= 96"]),
        (Embedding(4, 3), (None,), ["(any, 3): "]),
        (OneHot(4), (None,), ["(any, 4): "]),
        (Softmax(), (None,), ["(any,): ", "each row of V numbers"]),
        (Tanh(), (None, 4), ["(any, 4): "]),
    ],
)
def test_explain_sizes_that_vary(layer, input_shape, lines):
    text = Sequential([layer]).explain(input_shape)
    assert "None" not in text
    for line in lines:
        assert line in text


def test_sizes_that_vary():
    model = Sequential([LSTM(3, return_sequences=True), Dense(2)], input_shape=(None, 4))
    assert model.output_shape() == (None, 2)
    assert model.forward(ones(1, 7, 4)).shape == (1, 7, 2)


def twice(layer):
    return [layer, Tanh(), layer]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sequential([Dense(1), 3]), TypeError, r"layers\[1\]: expected a layer, got 3"),
        (lambda: Sequential([Dense]), TypeError, r"make one, Dense\(...\)"),
        (lambda: Sequential(Dense(1)), TypeError, "layers: expected a list of layers, got Dense"),
        (lambda: Sequential(twice(Dense(1))), ValueError, r"layers\[2\]: this Dense is in the list already"),
        (lambda: Sequential([Dense(1), Dense(1, dtype="float64")]), ValueError, "give the model one, dtype="),
        (lambda: Sequential([Dense(1)], dtype="float16"), ValueError, "expected 'float32' or 'float64'"),
        (lambda: Sequential([Dense(1, name="a/b")]), ValueError, "cannot have a '/'"),
        (lambda: Sequential([Dense(1)], input_shape=4), TypeError, "expected a tuple without the batch axis"),
        (lambda: Sequential([Dense(1)], input_shape="4"), TypeError, "expected a tuple without the batch axis"),
        (lambda: Sequential([Dense(1)], input_shape=(0,)), ValueError, "at least 1, got 0"),
        (lambda: Sequential([LSTM(3), LSTM(2)], input_shape=(5, 4)), ValueError, "use return_sequences=True in lstm"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---------------------------------------------------------------------------------------------- seeds of layers


def seeded_layers():
    inner = Sequential([Dense(3, name="in")], seed=3)
    return [Dense(4, seed=1), Dropout(0.5, seed=2), inner, TimeDistributed(Dense(3, seed=4)), Dense(2, name="last")]


def test_a_layer_with_a_seed_draws_from_it_in_a_model_too():
    one, other = (Sequential(seeded_layers(), input_shape=(5, 4), seed=seed) for seed in (10, 11))
    same = {name for name in one.params if (one.params[name] == other.params[name]).all() and "W" in name}
    assert same == {"dense.W", "sequential.in.W", "time_distributed.W"}
    alone = Dense(4, seed=1)
    alone.build((5, 4))
    assert_same_bits(alone.params["W"], one.params["dense.W"])
    x = np.ones((2, 5, 4), np.float32)
    masks = [np.sign(model.get_layer("dropout").forward(x, training=True)) for model in (one, other)]
    assert_same_bits(*masks)
    assert one.get_layer("last").rng is one.rng


def test_a_training_with_seeds_of_layers_resumes_where_it_stopped(tmp_path):
    class Stop(nnlite.Callback):
        def on_train_batch_end(self, batch, logs):
            if self.model.optimizer.iterations == 5:
                raise KeyboardInterrupt

    x, y = np.random.default_rng(0).normal(size=(12, 5, 4)), np.zeros((12, 5, 2))

    def trained(*callbacks):
        model = Sequential(seeded_layers(), input_shape=(5, 4), seed=10)
        model.compile(nnlite.SGD(0.1), "mse")
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=callbacks)
        return model

    expected, backup = trained(), tmp_path / "backup.safetensors"
    trained(nnlite.BackupAndRestore(backup, save_freq=1), Stop())
    resumed = trained(nnlite.BackupAndRestore(backup, save_freq=1))
    for name, array in expected.params.items():
        assert_same_bits(resumed.params[name], array)


def test_a_loaded_model_draws_on_where_the_saved_one_would(tmp_path):
    model = Sequential(seeded_layers(), input_shape=(5, 4), seed=10)
    model.save(tmp_path / "model.safetensors")
    loaded = nnlite.load_model(tmp_path / "model.safetensors")
    x = np.ones((2, 5, 4), np.float32)
    for _ in range(2):
        assert_same_bits(model.forward(x, training=True), loaded.forward(x, training=True))
    assert loaded.get_layer("last").rng is loaded.rng
    inner = [one.get_layer("sequential").get_layer("in").rng for one in (model, loaded)]
    assert inner[0].random() == inner[1].random()


def test_a_shallow_copy_has_a_list_of_layers_of_its_own():
    model = Sequential([Dense(2)])
    twin = copy.copy(model)
    twin.layers.clear()
    assert len(model.layers) == 1


def test_a_thousand_bytes_are_a_kilobyte(capsys):
    Sequential([Dense(25)], input_shape=(9,)).summary()
    assert "1 kB of float32" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("count", "size"),
    [
        *((0, "0 bytes"), (249, "996 bytes"), (250, "1 kB"), (249_874, "999 kB"), (249_875, "1 MB")),
        *((300_000, "1.2 MB"), (3 * 10**8, "1.2 GB")),
    ],
)
def test_the_size_of_a_model_is_three_digits_and_a_unit(count, size):
    model = SimpleNamespace(built=True, parameter_count=count, dtype=np.dtype("float32"))
    assert _size(model) == f"{size} of float32"


def test_a_model_has_the_dtype_and_the_input_of_its_first_layer():
    assert Sequential().dtype == np.float32
    inner = Sequential([Dense(3, dtype="float64")], input_shape=(4,))
    model = Sequential([inner, Dense(2, dtype="float64")])
    assert (model.dtype, model.input_shape, inner.input_shape) == (np.float64, (4,), (4,))
    with pytest.raises(TypeError, match="layers: expected a list of layers, got Sequential"):
        Sequential(inner)


def test_a_model_in_a_model_draws_from_the_outer_ones_generator_unless_it_has_a_seed():
    free, seeded = Sequential([Dense(2)]), Sequential([Dense(2)], seed=1)
    model = Sequential([free, seeded], seed=0)
    assert (free.rng is model.rng, free.layers[0].rng is model.rng) == (True, True)
    assert (seeded.rng is model.rng, seeded.layers[0].rng is seeded.rng) == (False, True)


def test_an_input_shape_counts_more_than_an_input_layer():
    assert Sequential([Input((4,)), Dense(2)], input_shape=(5,)).input_shape == (5,)
    with pytest.raises(ValueError, match=r"sequential has no layers: add some"):
        Sequential([Input((4,))]).forward(ones(1, 4))


def test_ids_are_integers_of_any_kind():
    model = Sequential([Embedding(5, 2)], seed=0)
    assert_same_bits(model.forward(np.arange(4, dtype="uint8")), model.forward(np.arange(4)))
