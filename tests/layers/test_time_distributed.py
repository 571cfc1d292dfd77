"""TimeDistributed, held by the chain of trust with other layers inside."""

import copy

import numpy as np
import pytest
from chain import Case, ChainOfTrust
from numeric import assert_same_bits

import nnlite
from nnlite import GRU, LSTM, BatchNorm, Conv2D, Dense, Dropout, MaxPool2D, Sequential, TimeDistributed


def case(name, inner, shape, **options):
    return Case(name, lambda dtype, seed: TimeDistributed(inner(), dtype=dtype, seed=seed), shape, **options)


class TestTimeDistributed(ChainOfTrust):
    cases = (
        case("Dense", lambda: Dense(3), (2, 5, 4)),
        case("Dense with an activation", lambda: Dense(3, activation="tanh"), (2, 5, 4)),
        case("Conv2D", lambda: Conv2D(2, 3), (2, 3, 5, 4, 2)),
    )

    def witness(self, torch, layer, x, **params):
        if isinstance(layer.layer, Dense):
            z = x @ params["W"] + params["b"]
            return {"y": z if layer.layer.activation is None else torch.tanh(z)}
        images, W = x.reshape(-1, *x.shape[2:]).movedim(-1, 1), params["W"].permute(3, 2, 0, 1)
        y = torch.nn.functional.conv2d(images, W, params["b"]).movedim(1, -1)
        return {"y": y.reshape(*x.shape[:2], *y.shape[1:])}


def test_each_step_is_what_the_layer_makes_of_it():
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 6, 2)).astype("float32")
    layer = TimeDistributed(MaxPool2D())
    y = layer.forward(x)
    for t in range(3):
        assert_same_bits(y[:, t], MaxPool2D().forward(np.ascontiguousarray(x[:, t])))


def test_in_a_model_it_is_trained_saved_and_loaded(tmp_path):
    x, y = np.random.default_rng(0).standard_normal((8, 3, 4)).astype("float32"), np.arange(8) % 2
    layers = [TimeDistributed(Dense(5, activation="relu")), TimeDistributed(BatchNorm()), TimeDistributed(Dropout(0.2))]
    model = Sequential([*layers, nnlite.Flatten(), Dense(2, activation="softmax")], input_shape=(3, 4), seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = {name: array.copy() for name, array in model.params.items()}
    model.fit(x, y, epochs=2, verbose=0)
    assert all((before[name] != array).any() for name, array in model.params.items())
    model.save(tmp_path / "m.safetensors")
    for same in (nnlite.load_model(tmp_path / "m.safetensors"), copy.deepcopy(model)):
        assert_same_bits(same.predict(x), model.predict(x))
        same.params["time_distributed.W"] = np.zeros((4, 5))
        assert not same.layers[0].layer.params["W"].any()


def test_its_layer_has_the_flag_trainable(tmp_path, capsys):
    x, y = np.random.default_rng(0).standard_normal((8, 3, 4)).astype("float32"), np.arange(8) % 2
    later = TimeDistributed(Dense(4))
    later.layer.trainable = False
    frozen = [
        TimeDistributed(Dense(4, trainable=False)),
        TimeDistributed(BatchNorm(trainable=False)),
        TimeDistributed(Dense(4), trainable=False),
        later,
    ]
    model = Sequential([*frozen, nnlite.Flatten(), Dense(2)], input_shape=(3, 4), seed=0)
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    before = [array.copy() for layer in frozen for array in layer.get_weights()]
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    same = nnlite.load_model(tmp_path / "m.safetensors")
    for layers in (frozen, same.layers[:4]):
        assert not any(layer.trainable or layer.layer.trainable for layer in layers)
        for array, old in zip([array for layer in layers for array in layer.get_weights()], before, strict=True):
            assert_same_bits(array, old)
    model.summary()
    assert capsys.readouterr().out.count(" frozen") == 4
    frozen[0].trainable = True
    model.fit(x, y, verbose=0)
    assert (frozen[0].params["W"] != before[0]).any()
    assert frozen[0].layer.trainable


def test_what_it_does_not_take_is_refused():
    for recurrent in (LSTM(3), GRU(3)):
        with pytest.raises(TypeError, match=r"TimeDistributed: expected a layer, .*: a recurrent layer reads"):
            TimeDistributed(recurrent)
    with pytest.raises(TypeError, match=r"got Sequential\(.*: wrap each of the model's layers that needs it, as Time"):
        TimeDistributed(Sequential([Dense(3)]))
    with pytest.raises(TypeError, match=r"got <class .*Dense'>: make one, Dense\(\.\.\.\)"):
        TimeDistributed(Dense)
    with pytest.raises(ValueError, match=r"x: expected shape \(N, T, \.\.\.\) with the shape of a step, got \(2, 3\)"):
        TimeDistributed(Dense(2)).forward(np.ones((2, 3)))


def test_an_input_without_time_steps_is_refused():
    with pytest.raises(ValueError, match=r"TimeDistributed: expected input_shape \(T, \.\.\.\) .* got \(4,\)"):
        TimeDistributed(Dense(2)).output_shape((4,))


def test_it_takes_single_steps():
    model = Sequential([TimeDistributed(Dense(5)), LSTM(4, return_sequences=True), TimeDistributed(Dense(3))], seed=0)
    x = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
    y = model.predict(x)
    model.reset_state()
    step = model.stepper(2)
    for t in range(6):
        np.testing.assert_allclose(step(x[:, t]), y[:, t], rtol=1e-5, atol=1e-6)


def test_of_a_layer_that_is_built_it_is_built():
    layer = Dense(2)
    layer.build((3,))
    assert TimeDistributed(layer).built
    assert not TimeDistributed(Dense(2)).built


def test_its_configuration_says_of_the_layer_in_which_dtype_it_computes():
    layer = TimeDistributed(Dense(2), dtype="float64")
    assert layer.get_config()["layer"]["config"]["dtype"] == "float64"


def test_in_a_training_its_layer_trains_with_its_random_numbers():
    x = np.ones((4, 3, 5), "float32")
    y = TimeDistributed(Dropout(0.5), seed=1).forward(x, training=True)
    assert_same_bits(y, Dropout(0.5, seed=1).forward(x.reshape(12, 5), training=True).reshape(4, 3, 5))
    assert (y == 0).any()
