"""What a model and its layers hold on to: the weights, and no data of the user's."""

import contextlib
import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import nnlite
from nnlite.callbacks import EarlyStopping, ModelCheckpoint

SAMPLES = 4000
X = np.random.default_rng(0).standard_normal((SAMPLES, 64)).astype("float32")
Y = np.random.default_rng(1).integers(5, size=SAMPLES)


def model():
    made = nnlite.Sequential([nnlite.Dense(16), nnlite.Tanh(), nnlite.Dense(5)], seed=0)
    made.compile("sgd", nnlite.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return made


def used(network, x, y):
    network.fit(x, y, batch_size=1000, validation_data=(x, y), shuffle=False, verbose=0, callbacks=[EarlyStopping()])
    network.evaluate(x, y, batch_size=SAMPLES)
    network.predict(x, batch_size=SAMPLES)
    return network


@pytest.mark.parametrize("last", ["fit", "forward", "train_on_batch"])
def test_a_pickle_is_as_small_as_the_weights(last):
    network = used(model(), X, Y)
    if last == "forward":
        network.forward(X)
    elif last == "train_on_batch":
        network.train_on_batch(X, Y)
    size = sum(param.nbytes for param in network.params.values())
    assert len(pickle.dumps(network)) < 2 * size + 8000  # with the gradients
    for layer in network.layers:
        assert len(pickle.dumps(layer)) < 2 * size + 4000


@pytest.mark.parametrize("hold", ["model", "history", "a copy"])
def test_no_data_stay_behind(hold):
    folds = []
    for _ in range(3):
        x, y = X.copy(), Y.copy()
        network = used(model(), x, y)
        held = {"model": network, "history": network.history, "a copy": copy.deepcopy(network)}[hold]
        folds.append((held, weakref.ref(x), weakref.ref(y)))
        del x, y, network, held
    gc.collect()
    assert [(x(), y()) for _, x, y in folds] == [(None, None)] * 3


def test_nor_after_an_error():
    class Fail(nnlite.Callback):
        def on_train_batch_begin(self, batch, logs):
            raise ZeroDivisionError

    x, y, fail = X.copy(), Y.copy(), Fail()
    network = used(model(), x, y)
    with contextlib.suppress(ZeroDivisionError):
        network.fit(x, y, shuffle=False, callbacks=[fail], verbose=0)
    data = weakref.ref(x), weakref.ref(y)
    del x, y, network
    gc.collect()
    assert fail.loop.current is None
    assert all(array() is None for array in data)


@pytest.mark.parametrize(
    ("layer", "inner"),
    [(nnlite.TimeDistributed(nnlite.Dense(2)), "layer"), (nnlite.Dense(2, activation="gelu"), "activation")],
)
def test_nor_in_what_a_layer_holds(layer, inner):
    network = nnlite.Sequential([layer], seed=0)
    network.compile("sgd", "mse")
    network.fit(np.ones((2, 4, 3), "float32"), np.ones((2, 4, 2), "float32"), verbose=0)
    assert getattr(layer, inner).kept is None


@pytest.mark.parametrize(
    ("layer", "inner"),
    [(nnlite.TimeDistributed(nnlite.Dense(99)), "layer"), (nnlite.Bidirectional(nnlite.LSTM(9)), "forward_layer")],
    ids=["TimeDistributed", "Bidirectional"],
)
def test_of_a_file_nothing_stays_behind(layer, inner, tmp_path):
    network = nnlite.Sequential([layer], input_shape=(4, 99))
    network.save(tmp_path / "m.safetensors")
    for made in (network, nnlite.load_model(tmp_path / "m.safetensors")):
        one = getattr(made.layers[0], inner)
        assert len(pickle.dumps(one)) < 2 * sum(param.nbytes for param in one.params.values()) + 4000


def test_a_copied_optimizer_takes_no_weights_along():
    assert len(pickle.dumps(used(model(), X, Y).optimizer)) < 1000


def test_a_copied_history_is_the_same():
    history = used(model(), X, Y).history
    twin = pickle.loads(pickle.dumps(history))
    assert (twin.history, twin.epoch) == (history.history, history.epoch)
    assert (twin.model, twin.loop) == (None, None)
    assert copy.deepcopy(history).history == history.history


def test_a_shallow_copy_shares_the_layers():
    network = used(model(), X, Y)
    copied = copy.copy(network)
    assert type(copied) is type(network)
    assert all(one is other for one, other in zip(copied.layers, network.layers, strict=True))
    np.testing.assert_array_equal(copied.predict(X), network.predict(X))


def test_a_checkpoint_callback_can_be_copied_and_pickled_after_a_training(tmp_path):
    """It knows by a weak reference which model its best belongs to."""
    saver = ModelCheckpoint(tmp_path / "best.safetensors", "loss", save_best_only=True)
    model().fit(X, Y, batch_size=1000, verbose=0, callbacks=[saver])
    for other in (copy.deepcopy(saver), pickle.loads(pickle.dumps(saver))):
        assert other.best == saver.best
