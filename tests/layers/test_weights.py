"""trainable, parameter_count, get_weights and set_weights."""

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import SGD, Adam, BatchNorm, Bidirectional, Conv2D, Dense, Flatten, LayerNorm, ReLU, Sequential
from nnlite.layers import GRU, LSTM, Dropout, Embedding, MaxPool2D

X, Y = np.random.default_rng(0).standard_normal((9, 5, 5, 1)).astype("float32"), np.arange(9) % 3


def model(optimizer="adam"):
    layers = [Conv2D(3, 3, activation="relu"), BatchNorm(), Flatten(), Dense(4), Dense(3, activation="softmax")]
    made = Sequential(layers, input_shape=(5, 5, 1), seed=0)
    made.compile(optimizer, "sparse_categorical_crossentropy")
    return made


def copies(made):
    return {name: array.copy() for name, array in (made.params | made.statistics).items()}


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", "adamw", "rmsprop", "adagrad", SGD(0.1, momentum=0.9), Adam(0.1, global_clipnorm=1.0)]
)
@pytest.mark.parametrize("frozen", [["conv2d"], ["dense"], ["batch_norm"], ["conv2d", "dense", "batch_norm"]])
def test_a_frozen_layer_keeps_its_numbers(optimizer, frozen):
    made = model(
        nnlite.optimizers.get(optimizer) if isinstance(optimizer, str) else type(optimizer)(**optimizer.get_config())
    )
    made.fit(X, Y, verbose=0)  # momentum may push on
    for layer in made.layers:
        layer.trainable = layer.name not in frozen
    before = copies(made)
    made.fit(X, Y, epochs=3, verbose=0)
    for name, array in (made.params | made.statistics).items():
        changed = not np.array_equal(array, before[name])
        assert changed == (name.split(".")[0] not in frozen), name
    for layer in made.layers:
        layer.trainable = True
    made.fit(X, Y, verbose=0)
    assert all((made.params[name] != before[name]).any() for name in made.params)


def test_no_weight_gradient_is_computed_and_dx_is():
    made = model()
    made.layers[3].trainable = False
    for grad in made.grads.values():
        grad.fill(0)
    made.train_on_batch(X, Y)
    assert not made.grads["dense.W"].any()
    assert not made.grads["dense.b"].any()
    assert made.grads["conv2d.W"].any()
    free = model()
    free.train_on_batch(X, Y)
    assert_same_bits(made.grads["conv2d.W"], free.grads["conv2d.W"])


@pytest.mark.parametrize("backend", ["compiled", "reference"])
@pytest.mark.parametrize("make", [lambda: Dense(4), lambda: Conv2D(4, 3)])
def test_dx_of_a_frozen_layer_is_the_same(make, backend):
    x = X if isinstance(make(), Conv2D) else X[:, 0, :, 0]
    with nnlite.use_backend(backend):
        layer = make()
        y = layer.forward(x)
        expected = layer.backward(y)
        layer.trainable = False
        for grad in layer.grads.values():
            grad.fill(7)
        layer.forward(x)
        assert_same_bits(layer.backward(y), expected)
        assert layer.backward(y, needs_dx=False) is None
        assert all((grad == 7).all() for grad in layer.grads.values())
        layer.forward(x[:0])
        assert layer.backward(y[:0]).shape == x[:0].shape


def test_backward_stops_at_the_first_layer_that_learns(monkeypatch):
    made = model()
    called = []
    for layer in made.layers:
        layer.trainable = layer.name == "dense_1"
        backward = layer.backward
        monkeypatch.setattr(
            layer, "backward", lambda *a, n=layer.name, b=backward, **kw: called.append(n) or b(*a, **kw)
        )
    before = copies(made)
    made.train_on_batch(X, Y)
    assert called == ["dense_1"]
    assert (made.params["dense_1.W"] != before["dense_1.W"]).any()
    called.clear()
    made.layers[4].trainable = False
    made.train_on_batch(X, Y)
    assert not called


def test_a_frozen_batch_norm_computes_as_outside_of_training():
    layer = BatchNorm(trainable=False, dtype="float64")
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert_same_bits(layer.forward(x, training=True), layer.forward(x))
    assert not layer.statistics["moving_mean"].any()


def test_shown_saved_and_loaded(tmp_path, capsys):
    made = model()
    made.layers[0].trainable = False
    made.summary()
    assert "30 frozen" in capsys.readouterr().out
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "m.safetensors")
    same = nnlite.load_model(tmp_path / "m.safetensors")
    assert [layer.trainable for layer in same.layers] == [False, True, True, True, True]
    for each in (made, same):
        each.fit(X, Y, verbose=0)
    assert_same_bits(same.predict(X), made.predict(X))
    assert "trainable=False" in repr(made.layers[0])
    assert "trainable" not in Dense(2).get_config()
    same.layers[0].trainable = True  # what was frozen can be set free, saved and loaded
    same.save(tmp_path / "n.safetensors")
    assert nnlite.load_model(tmp_path / "n.safetensors").layers[0].trainable


def test_gradcheck_leaves_frozen_parameters_out():
    made = Sequential([Dense(3, trainable=False), Dense(2)], dtype="float64", seed=0)
    rows = nnlite.gradcheck(made, X[:3, 0, :, 0].astype("float64")).rows
    assert [row.name for row in rows] == ["input x", "parameter dense_1.W", "parameter dense_1.b"]
    layer = Dense(2, trainable=False, dtype="float64")
    assert [row.name for row in nnlite.gradcheck(layer, X[:3, 0, :, 0].astype("float64")).rows] == ["input x"]


def test_trainable_is_true_or_false():
    for wrong in ("no", 0, None):
        with pytest.raises(TypeError, match="trainable: expected True or False, got"):
            Dense(2, trainable=wrong)
        with pytest.raises(TypeError, match="trainable: expected True or False, got"):
            Dense(2).trainable = wrong


@pytest.mark.parametrize("make", [lambda: Dense(3), lambda: LSTM(3), lambda: Bidirectional(GRU(2)), LayerNorm])
def test_what_is_not_built_has_no_count(make):
    layer = make()
    for ask in (lambda: layer.parameter_count, layer.count_params, layer.get_weights, lambda: layer.set_weights([])):
        with pytest.raises(ValueError, match=rf"{layer.name}: its .* are not known before it is built: give the model"):
            ask()
    layer.build((2, 4))
    assert layer.count_params() == layer.parameter_count > 0


def test_what_never_has_parameters_has_none():
    for layer in (ReLU(), Dropout(0.5), Flatten(), MaxPool2D()):
        assert layer.parameter_count == 0
        assert layer.get_weights() == []
        layer.set_weights([])


def test_weights_go_out_and_in_in_keras_order():
    layer, other = BatchNorm(), BatchNorm()
    for each in (layer, other):
        each.forward(X, training=True)
    new = [np.full(1, value) for value in (1.0, 2.0, 3.0, 4.0)]
    layer.set_weights(new)
    assert [layer.params["gamma"], layer.params["beta"], *layer.statistics.values()] == new
    other.set_weights(layer.get_weights())
    assert_same_bits(other.forward(X), layer.forward(X))
    weights = layer.get_weights()
    weights[0][...] = 9
    assert layer.params["gamma"] == 1, "they are copies"


def test_weights_may_be_set_from_each_other():
    layer = LayerNorm()
    layer.build((2,))
    layer.params["beta"][...] = 5
    layer.set_weights([layer.params["beta"], layer.params["gamma"]])
    assert layer.params["gamma"].tolist() == [5, 5]
    assert layer.params["beta"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.ones((3, 2))], r"set_weights: expected a list of 2 arrays, W \(3, 2\), b \(2,\), got 1 arrays"),
        (None, "got NoneType"),
        (np.array(1.0), "expected a list of 2 arrays, .*, got ndarray"),
        ([np.ones((3, 2)), np.ones(3)], r"set_weights: b: expected shape"),
        ([np.ones((3, 2)), ["a", "b"]], "set_weights: b: expected numbers"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(weights, message):
    layer = Dense(2)
    layer.build((3,))
    before = layer.get_weights()
    with pytest.raises((TypeError, ValueError), match=message):
        layer.set_weights(weights)
    for array, kept in zip(layer.get_weights(), before, strict=True):
        assert_same_bits(array, kept)


def test_keras_names_of_the_sizes_of_an_embedding():
    assert repr(Embedding(input_dim=10, output_dim=4)) == "Embedding(vocabulary_size=10, units=4)"
    with pytest.raises(TypeError, match="Embedding: unknown argument 'input_length': any length will do"):
        Embedding(10, 4, input_length=5)


def test_the_input_shape_of_a_first_layer_is_kept():
    assert Dense(3, input_shape=(4,))._input_shape == (4,)
    assert Bidirectional(LSTM(3), input_shape=(7, 4))._input_shape == (7, 4)
    assert Bidirectional(LSTM(3, input_shape=(7, 4)))._input_shape == (7, 4)
    assert Dense(3)._input_shape is None
    assert "input_shape" not in Dense(3, input_shape=(4,)).get_config()


def test_the_weights_of_a_model():
    made, other = model(), model()
    made.fit(X, Y, verbose=0)
    weights = made.get_weights()
    assert [array.shape for array in weights] == [
        (3, 3, 1, 3), (3,), (3,), (3,), (3,), (3,), (27, 4), (4,), (4, 3), (3,),
    ]  # fmt: skip
    other.set_weights(weights)
    assert_same_bits(other.predict(X), made.predict(X))
    assert made.count_params() == made.parameter_count + 6  # Keras counts the moving averages, too
    with pytest.raises(ValueError, match="sequential is not built, so the size of conv2d is not known"):
        Sequential([Conv2D(3, 3)]).get_weights()


def test_weights_that_do_not_fit_a_model_change_nothing():
    made = model()
    before, weights = made.get_weights(), [array + 1 for array in made.get_weights()]
    for wrong, message in (
        (
            weights[:-1],
            r"set_weights: expected a list of 10 arrays, conv2d.W \(3, 3, 1, 3\), .*, got 9",
        ),
        ([*weights[:-1], np.ones(7)], "set_weights: dense_1.b: expected shape"),
        (None, "got NoneType"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            made.set_weights(wrong)
        for array, kept in zip(made.get_weights(), before, strict=True):
            assert_same_bits(array, kept)


def test_a_whole_model_is_frozen():
    made = model()
    made.trainable = False
    assert not made.trainable
    assert not any(layer.trainable for layer in made.layers)
    before = made.get_weights()
    made.fit(X, Y, verbose=0)
    for array, kept in zip(made.get_weights(), before, strict=True):
        assert_same_bits(array, kept)
    made.layers[-1].trainable = True
    assert made.trainable
    with pytest.raises(TypeError, match="trainable: expected True or False, got 'no'"):
        made.trainable = "no"


@pytest.mark.parametrize("layers", [[Dense(3), Dense(2)], [Sequential([Dense(3), Dense(2)])]], ids=["flat", "nested"])
def test_an_optimizer_that_is_called_by_hand_leaves_frozen_parameters_alone(layers):
    model = Sequential(layers, input_shape=(4,), seed=0)
    for gradient in model.grads.values():
        gradient[...] = 1
    next(iter(model.all_layers.values())).trainable = False
    before = copies(model)
    nnlite.optimizers.SGD(0.1).apply(model.grads, model.params)
    assert [(array != before[name]).any() for name, array in model.params.items()] == [False, False, True, True]
