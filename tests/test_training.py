"""compile, fit, evaluate, predict: what they compute, and what they say when they cannot."""

import inspect
import math
import pickle

import numpy as np
import pytest

from nnlite.callbacks import BackupAndRestore, Callback, ModelCheckpoint
from nnlite.divergence import NonFiniteLossError
from nnlite.layers import LSTM, Dense, Dropout, Softmax, Tanh
from nnlite.losses import MeanSquaredError, SparseCategoricalCrossentropy
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import SGD, Adam

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")
LABELS = X[:, :3].argmax(axis=1)
TARGETS = X @ rng.normal(size=(4, 2)).astype("float32")


def classifier(seed=0, optimizer=None):
    model = Sequential([Dense(8), Tanh(), Dropout(0.2), Dense(3)], input_shape=(4,), seed=seed)
    model.compile(optimizer or Adam(0.01), SparseCategoricalCrossentropy(from_logits=True))
    return model


def regressor(seed=0, learning_rate=0.1):
    model = Sequential([Dense(2)], input_shape=(4,), seed=seed)
    model.compile(SGD(learning_rate), MeanSquaredError())
    return model


def character_model(stateful=False, seed=0):
    lstm = LSTM(6, return_sequences=True, stateful=stateful, input_dim=5)
    model = Sequential([lstm, Dense(5)], input_shape=(4,), seed=seed)
    model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
    return model


def weights(model):
    return {name: param.copy() for name, param in model.params.items()}


def same(first, second):
    return all((first[name] == second[name]).all() for name in first)


class Record(Callback):
    """Writes down what is called, and with what."""

    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs):
        self.calls.append("begin")

    def on_train_end(self, logs):
        self.calls.append("end")

    def on_epoch_begin(self, epoch, logs):
        self.calls.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch, logs):
        self.calls.append(f"epoch {epoch} done: {', '.join(logs)}")

    def on_train_batch_begin(self, batch, logs):
        self.calls.append(f"batch {batch}")

    def on_train_batch_end(self, batch, logs):
        self.calls.append(f"batch {batch} done: {', '.join(logs)}")


def test_fit_learns():
    model = regressor()
    history = model.fit(X, TARGETS, epochs=60, verbose=0)
    assert history.history["loss"][-1] < 1e-3 < history.history["loss"][0]
    assert model.history is history
    assert history.epoch == list(range(60))
    np.testing.assert_allclose(model.predict(X), TARGETS, atol=0.1)


def test_fit_is_train_on_batch_over_slices():
    model, by_hand = regressor(), regressor()
    history = model.fit(X, TARGETS, batch_size=20, epochs=2, shuffle=False, verbose=0).history
    means = []
    for _ in range(2):
        losses = [by_hand.train_on_batch(X[i : i + 20], TARGETS[i : i + 20]) for i in (0, 20, 40)]
        means.append((20 * losses[0] + 20 * losses[1] + 10 * losses[2]) / 50)  # the last batch is a smaller one
    assert same(model.params, by_hand.params)
    assert history["loss"] == pytest.approx(means, rel=1e-12)


def test_shuffle_takes_every_sample_once_an_epoch_in_a_new_order():
    class Spy(Sequential):
        def train_step(self, batch):
            seen.extend(batch.x[:, 0].tolist())
            return super().train_step(batch)

    seen = []
    model = Spy([Dense(1)], seed=3)
    model.compile("sgd", "mse")
    x = np.arange(50, dtype="float32").reshape(50, 1) / 50
    model.fit(x, x, batch_size=8, epochs=2, verbose=0)
    first, second = seen[:50], seen[50:]
    assert sorted(first) == sorted(second) == x[:, 0].tolist()
    assert first != second
    assert first != x[:, 0].tolist()


def test_same_seed_same_bits():
    models = [classifier(seed=7) for _ in range(2)]
    histories = [model.fit(X, LABELS, batch_size=16, epochs=3, verbose=0).history for model in models]
    assert histories[0] == histories[1]
    assert same(models[0].params, models[1].params)


def test_fit_goes_on_where_it_was():
    model, longer = regressor(), regressor()
    for _ in range(2):
        model.fit(X, TARGETS, epochs=2, verbose=0)
    longer.fit(X, TARGETS, epochs=4, verbose=0)
    assert same(model.params, longer.params)


def test_an_epoch_of_one_sample_has_its_loss():
    model = regressor()
    expected = model.evaluate(X[:1], TARGETS[:1])
    assert model.fit(X[:1], TARGETS[:1], verbose=0).history["loss"] == pytest.approx([expected])


def test_history_of_a_cross_entropy_has_perplexity():
    model = classifier()
    history = model.fit(X, LABELS, epochs=2, validation_data=(X[:9], LABELS[:9]), verbose=0).history
    assert list(history) == ["loss", "val_loss", "perplexity", "val_perplexity"]
    assert history["perplexity"] == [math.exp(loss) for loss in history["loss"]]
    assert history["val_loss"][-1] == model.evaluate(X[:9], LABELS[:9])
    assert list(regressor().fit(X, TARGETS, verbose=0).history) == ["loss"]


def test_the_perplexity_of_a_large_loss_is_finite():
    model = Sequential([Dense(2, bias_initializer=lambda shape, rng: np.array([0.0, 2000.0]))], input_shape=(3,))
    model.compile(SGD(0.0), SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(np.zeros((4, 3)), np.zeros(4, int), verbose=0).history
    assert history == {"loss": [2000.0], "perplexity": [math.exp(700)]}


def test_validation_changes_nothing():
    with_validation, without = classifier(), classifier()
    with_validation.fit(X, LABELS, epochs=3, validation_data=(X, LABELS), verbose=0)
    without.fit(X, LABELS, epochs=3, verbose=0)
    assert same(with_validation.params, without.params)


def test_evaluate_averages_over_samples():
    model = regressor()
    whole = float(((model.forward(X).astype("float64") - TARGETS) ** 2).mean())
    assert model.evaluate(X, TARGETS, batch_size=50) == pytest.approx(whole, rel=1e-5)
    assert model.evaluate(X, TARGETS, batch_size=7) == pytest.approx(whole, rel=1e-5)


def test_evaluate_and_predict_do_not_drop_out():
    model = classifier()
    assert model.evaluate(X, LABELS) == model.evaluate(X, LABELS)
    assert (model.predict(X) == model.predict(X)).all()


def test_predict_in_batches_is_predict_at_once():
    model = classifier()
    np.testing.assert_allclose(model.predict(X, batch_size=7), model.forward(X), rtol=1e-5, atol=1e-6)
    assert model.predict(X[:0]).shape == (0, 3)


def test_names_for_optimizer_and_loss():
    model = Sequential([Dense(3), Softmax()], input_shape=(4,))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    assert isinstance(model.optimizer, Adam)
    assert isinstance(model.loss, SparseCategoricalCrossentropy)


def test_ids_and_labels_at_every_step():
    model = character_model()
    text = rng.integers(5, size=(20, 5))
    x, y = text[:, :-1], text[:, 1:]
    losses = model.fit(x, y, batch_size=8, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] < 2
    assert losses[0] == pytest.approx(math.log(5), abs=0.3)


def test_callbacks_are_called_in_order():
    record = Record()
    regressor().fit(X, TARGETS, 30, 2, (X, TARGETS), [record], verbose=0)
    epoch = ["batch 0", "batch 0 done: loss", "batch 1", "batch 1 done: loss"]
    expected = ["begin", "epoch 0", *epoch, "epoch 0 done: loss, val_loss", "epoch 1", *epoch]
    assert record.calls == [*expected, "epoch 1 done: loss, val_loss", "end"]


def test_stop_training_ends_after_the_batch():
    class Stop(Record):
        def on_train_batch_end(self, batch, logs):
            super().on_train_batch_end(batch, logs)
            self.model.stop_training = self.loop.epoch == 1 and batch == 0

    stop = Stop()
    history = regressor().fit(X, TARGETS, 10, 5, callbacks=[stop], verbose=0)
    assert stop.calls[-4:] == ["batch 0", "batch 0 done: loss", "epoch 1 done: loss", "end"]
    assert len(history.history["loss"]) == 2


def test_a_callback_is_closed_after_an_error():
    class Fragile(Callback):
        closed = False

        def on_epoch_end(self, epoch, logs):
            raise ZeroDivisionError

        def close(self):
            self.closed = True

    fragile = Fragile()
    with pytest.raises(ZeroDivisionError):
        regressor().fit(X, TARGETS, callbacks=[fragile], verbose=0)
    assert fragile.closed


# Stateful layers


class States(Callback):
    """Writes down whether the first layer has no state, before each batch."""

    def __init__(self):
        self.fresh = []

    def on_train_batch_begin(self, batch, logs):
        self.fresh.append(self.model.layers[0].state is None)


def test_stateful_layers_carry_their_state_through_an_epoch_and_start_the_next_from_zeros():
    states, model, text = States(), character_model(stateful=True), rng.integers(5, size=(6, 5))
    model.fit(text[:, :-1], text[:, 1:], 2, 2, (text[:4, :-1], text[:4, 1:]), [states], shuffle=False, verbose=0)
    assert states.fresh == [True, False, False] * 2


def test_evaluate_and_predict_leave_a_state_alone():
    model, ids = character_model(stateful=True), rng.integers(5, size=(4, 4))
    model.forward(ids)
    state = model.layers[0].state
    first = model.evaluate(ids, ids, batch_size=2)
    assert model.evaluate(ids, ids, batch_size=2) == first
    assert (model.predict(ids) == model.predict(ids)).all()
    assert model.layers[0].state is state
    with pytest.raises(IndexError):
        model.predict(ids + 5)
    assert model.layers[0].state is state


def test_stateful_layers_need_whole_batches_in_order():
    model, ids = character_model(stateful=True), rng.integers(5, size=(5, 4))
    with pytest.raises(ValueError, match=r"stateful layers \(lstm\).*use shuffle=False"):
        model.fit(ids, ids, batch_size=5, verbose=0)
    with pytest.raises(ValueError, match="5 samples leave 1 for the last: drop 1 samples"):
        model.fit(ids, ids, batch_size=2, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="fit: validation_data: stateful layers"):
        model.fit(ids[:4], ids[:4], 2, validation_data=(ids, ids), shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="predict: stateful layers"):
        model.predict(ids, batch_size=2)
    with pytest.raises(ValueError, match="evaluate: stateful layers"):
        model.evaluate(ids, ids, batch_size=2)


def test_predict_carries_states_from_batch_to_batch_and_leaves_them_as_they_were():
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")
    model = Sequential([LSTM(2, stateful=True)], seed=0)
    y = model(x[:2])
    state = model.layers[0].state
    expected = []
    for source in (x, (x[start : start + 2] for start in (0, 2, 4))):
        options = {"batch_size": 2} if source is x else {"steps": 3}
        expected.append(model.predict(source, **options))
        assert model.layers[0].state is state
    np.testing.assert_array_equal(*expected)
    np.testing.assert_array_equal(expected[0][:2], y)
    np.testing.assert_array_equal(model(x[2:4]), expected[0][2:4])  # which goes on from the call before


def test_layers_that_are_stateful_in_training_are_judged_without_a_state():
    states, model, plain = States(), character_model(stateful="training"), character_model()
    text = rng.integers(5, size=(6, 5))
    odd = tuple(rng.integers(5, size=(2, 7, 4)))  # seven samples, in batches of two
    history = model.fit(text[:, :-1], text[:, 1:], 2, 2, odd, [states], shuffle=False, verbose=0).history
    assert states.fresh == [True, False, False] * 2
    for name, param in plain.params.items():
        param[...] = model.params[name]
    assert history["val_loss"][-1] == plain.evaluate(*odd, batch_size=2)
    state = model.layers[0].state
    assert (model.predict(odd[0], batch_size=2) == plain.predict(odd[0])).all()
    assert model.layers[0].state is state
    with pytest.raises(ValueError, match=r"stateful layers \(lstm\).*use shuffle=False"):
        model.fit(*odd, batch_size=7, verbose=0)
    with pytest.raises(ValueError, match=r"fit: stateful layers .* 7 samples leave 1 for the last"):
        model.fit(*odd, batch_size=2, shuffle=False, verbose=0)


# Numbers that are none


def test_nan_in_the_data_stops_before_the_update(tmp_path):
    x = X.copy()
    x[33, 2] = np.nan
    model, twin = regressor(), regressor()
    with pytest.raises(
        NonFiniteLossError, match=r"epoch 1, batch 4: the loss is nan, because x holds nan at \(33, 2\)"
    ):
        model.fit(x, TARGETS, batch_size=10, shuffle=False, verbose=0)
    for i in (0, 10, 20):
        twin.train_on_batch(X[i : i + 10], TARGETS[i : i + 10])
    assert same(model.params, twin.params)


def test_steps_that_are_too_large_stop_and_the_last_good_checkpoint_stays(tmp_path):
    class Explode(Callback):
        def on_epoch_begin(self, epoch, logs):
            if epoch == 2:
                self.model.optimizer.learning_rate = 1e30

    good, backup = tmp_path / "model.safetensors", tmp_path / "backup.safetensors"
    callbacks = [Explode(), ModelCheckpoint(good, monitor="loss"), BackupAndRestore(backup, save_freq=1)]
    model = regressor()
    with pytest.raises(NonFiniteLossError) as caught, np.errstate(all="ignore"):
        model.fit(X, TARGETS, batch_size=10, epochs=5, callbacks=callbacks, verbose=0)
    assert caught.value.epoch == 3
    assert caught.value.batch > 1
    assert "try a smaller learning_rate (now 1e+30), or clip the gradients" in str(caught.value)
    twin = regressor()
    twin.fit(X, TARGETS, batch_size=10, epochs=2, verbose=0)
    assert same(load_model(good).params, twin.params)
    assert all(np.isfinite(param).all() for param in load_model(backup).params.values())


def test_a_checkpoint_of_parameters_that_are_not_finite_is_refused(tmp_path):
    class Poison(Callback):
        def on_train_batch_end(self, batch, logs):
            if batch == 3:
                self.model.params["dense.W"][0, 0] = np.nan

    model, path = regressor(), tmp_path / "backup.safetensors"
    with pytest.raises(
        NonFiniteLossError,
        match=r"^epoch 1, batch 4: the last .*dense.W NaN or infinite; the checkpoint was not written",
    ):
        model.fit(X, TARGETS, 10, callbacks=[Poison(), BackupAndRestore(path, save_freq=1)], verbose=0)
    assert np.isfinite(load_model(path).params["dense.W"]).all()


def test_no_model_is_saved_whose_parameters_are_not_finite(tmp_path):
    class Poison(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.params["dense.W"][0, 0] = np.nan

    path = tmp_path / "model.safetensors"
    with pytest.raises(NonFiniteLossError, match=r"epoch 1: .*dense.W NaN or infinite; the checkpoint was not written"):
        regressor().fit(X, TARGETS, 10, callbacks=[Poison(), ModelCheckpoint(path)], verbose=0)
    assert not path.exists()


def test_a_last_update_that_goes_wrong_is_noticed():
    """Nothing computes a loss after it: without a look at the parameters `fit` would return as if all were well."""
    model, record = regressor(learning_rate=1e38), Record()
    message = r"epoch 1: the last update made dense.W NaN or infinite; the model cannot be used any more.*learning_rate"
    with pytest.raises(NonFiniteLossError, match=message), np.errstate(all="ignore"):
        model.fit(1e3 * X, TARGETS, batch_size=50, callbacks=[record], verbose=0)
    assert "end" not in record.calls


def test_gradients_without_a_norm_stop_before_the_update():
    model = Sequential([Dense(2)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1, global_clipnorm=1.0), "mse")
    model.backward = lambda dy, needs_dx: model.grads["dense.W"].fill(np.inf)
    before = weights(model)
    with pytest.raises(
        NonFiniteLossError, match=r"epoch 1, batch 1: gradient of dense.W: expected a finite norm to clip"
    ):
        model.fit(X, TARGETS, verbose=0)
    assert same(model.params, before)


@pytest.mark.parametrize("limit", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_who_clips_is_not_told_to(limit):
    model = Sequential([Dense(2)], input_shape=(4,), seed=0)
    model.compile(SGD(1e38, **{limit: 1e30}), "mse")
    message = r"try a smaller learning_rate \(now 1e\+38\)$"
    with pytest.raises(NonFiniteLossError, match=message), np.errstate(all="ignore"):
        model.fit(1e3 * X, TARGETS, verbose=0)


def test_a_validation_loss_that_is_not_finite_stops():
    bad = np.full_like(TARGETS, np.inf)
    with pytest.raises(NonFiniteLossError, match="epoch 1, validation: the loss is inf, because y holds inf"):
        regressor().fit(X, TARGETS, validation_data=(X, bad), verbose=0)


def test_finite_validation_losses_without_a_finite_mean_stop():
    model = Sequential([Dense(2, dtype="float64")], input_shape=(4,), seed=0)
    model.compile("sgd", "mse")
    far = np.full_like(TARGETS, 8e153, dtype="float64")  # a loss of 6e307 each
    with pytest.raises(NonFiniteLossError, match="epoch 1, validation: the loss is inf: the numbers grew too large"):
        model.fit(X, TARGETS, validation_data=(X, far), validation_batch_size=1, verbose=0)


def test_the_error_of_a_loss_comes_back_from_a_pickle():
    error = NonFiniteLossError("the loss is nan", "Clean the data", 2, "validation")
    same = pickle.loads(pickle.dumps(error))
    assert (str(same), same.epoch, same.batch) == (str(error), 2, "validation")


# Arguments that do not fit

FIT_ERRORS = [
    ({"y": TARGETS[:49]}, ValueError, "fit: y: expected one label for each of the 50 samples of x, got 49"),
    ({"x": X[:0], "y": TARGETS[:0]}, ValueError, "fit: x: expected at least one sample, got none"),
    ({"x": [[1.0], [1.0, 2.0]]}, ValueError, "fit: x: expected lists of one length, .*: pad them"),
    ({"x": X.astype(complex)}, TypeError, r"fit: x: expected numbers, got an array of complex128: use np\.real\(x\)"),
    ({"x": "data.csv"}, TypeError, "fit: x: expected numbers, got str: use an array or a list of numbers"),
    ({"y": None}, TypeError, "fit: y: expected numbers, got NoneType: use an array or a list of numbers"),
    ({"x": np.array(3.0)}, ValueError, "fit: x: expected an array of samples, got a single number"),
    ({"x": np.full(X.shape, 1e39)}, ValueError, r"x: expected numbers up to 3\.4e\+38, got 1e\+39: scale them, or"),
    ({"x": X[:, :3]}, ValueError, "x: expected shape"),
    ({"y": TARGETS[:, :1]}, ValueError, "shape"),
    ({"batch_size": 0}, ValueError, "batch_size: expected a whole number of at least 1, got 0"),
    ({"batch_size": 2.5}, ValueError, "batch_size: expected a whole number of at least 1, got 2.5"),
    ({"batch_size": True}, ValueError, "batch_size: expected a whole number"),
    ({"epochs": 0}, ValueError, "epochs: expected a whole number of at least 1, got 0"),
    ({"epochs": -1}, ValueError, "epochs: expected a whole number of at least 1, got -1"),
    ({"validation_data": X}, ValueError, r"expected a pair \(x, y\), or \(x, y, lengths\), got ndarray"),
    ({"validation_data": (X,)}, ValueError, r"expected a pair \(x, y\), or \(x, y, lengths\), got 1 items"),
    (
        {"validation_data": (X, TARGETS[:3])},
        ValueError,
        "validation_data: y: expected one label for each of the 50 samples of x, got 3",
    ),
    (
        {"validation_data": (X[:0], TARGETS[:0])},
        ValueError,
        "validation_data: x: expected at least one sample, got none",
    ),
    ({"callbacks": [Record]}, TypeError, "callbacks: expected a list of Callback objects"),
    ({"verbose": 3}, ValueError, "verbose: expected 'auto', 0, 1 or 2, got 3"),
    ({"verbose": [2]}, ValueError, r"verbose: expected 'auto', 0, 1 or 2, got \[2\]"),
]


@pytest.mark.parametrize(("changed", "error", "message"), FIT_ERRORS)
def test_fit_refuses(changed, error, message):
    model = regressor()
    before = weights(model)
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": TARGETS, "verbose": 0, **changed})
    assert same(model.params, before)


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        (LABELS + 1, IndexError),
        (LABELS - 1, IndexError),
        (LABELS.astype("float32"), TypeError),
        (np.stack([LABELS, LABELS], axis=1), ValueError),
    ],
)
def test_labels_that_do_not_fit(labels, error):
    with pytest.raises(error):
        classifier().fit(X, labels, verbose=0)


@pytest.mark.parametrize(
    ("method", "defaults"),
    [
        ("compile", {"optimizer": "rmsprop", "loss": None, "metrics": None}),
        ("fit", {"epochs": 1, "shuffle": True, "verbose": "auto", "validation_split": 0.0, "initial_epoch": 0}),
        ("evaluate", {"return_dict": False, "verbose": 0}),
        ("predict", {"verbose": 0}),
        ("train_on_batch", {"return_dict": False}),
        ("forward", {"training": False}),
        ("backward", {"needs_dx": True}),
    ],
)
def test_the_defaults_are_keras(method, defaults):
    parameters = inspect.signature(getattr(Sequential, method)).parameters
    assert {name: parameters[name].default for name in defaults} == defaults


def test_a_batch_has_32_samples_by_default():
    model = regressor()
    model.fit(np.zeros((65, X.shape[1])), np.zeros((65, TARGETS.shape[1])), verbose=0)
    assert model.optimizer.iterations == 3


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
def test_compile_comes_first(method):
    with pytest.raises(RuntimeError, match=rf"{method} needs an optimizer and a loss: call compile\(optimizer, loss\)"):
        getattr(Sequential([Dense(1)]), method)(X, TARGETS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("adams", "mse"), "optimizer.*'adams'"),
        ((Adam, "mse"), "optimizer"),
        (("adam", "nll"), "loss.*'nll'"),
    ],
)
def test_compile_refuses(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Sequential([Dense(1)]).compile(*arguments)


def test_predict_refuses():
    with pytest.raises(TypeError, match="predict: x: expected numbers, got an array of texts"):
        classifier().predict([["a", "b", "c", "d"]])
    with pytest.raises(ValueError, match="batch_size"):
        classifier().predict(X, batch_size=0)
