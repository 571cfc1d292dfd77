"""Where something is wrong in x or y, it is said by its place in the user's arrays, with the epoch and the batch."""

import re

import numpy as np
import pytest

import nnlite
from nnlite import GRU, LSTM, SGD, Dense, Embedding, Flatten, OneHot, Sequential, SparseCategoricalCrossentropy

V = 5
rng = np.random.default_rng(0)
X = rng.standard_normal((12, 4)).astype("float32")
IDS, LABELS = rng.integers(V, size=(2, 12, 3))


def regressor():
    return Sequential([Dense(3), Dense(2)], input_shape=(4,), seed=0)


def reader():
    model = Sequential([Embedding(V, 4), LSTM(3, return_sequences=True), Dense(V)], input_shape=(None,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
    return model


def classifier():
    model = Sequential([Dense(3)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("make", [regressor, lambda: Sequential([Flatten(), Dense(2)], seed=0)])
@pytest.mark.parametrize("name", ["x", "y"])
def test_nan_is_reported_where_the_user_has_it(name, make):
    model, arrays = make(), {"x": rng.standard_normal((60, 4)), "y": rng.standard_normal((60, 2))}
    model.compile(SGD(0.1), "mse")
    arrays[name][50, 1] = np.nan
    order = np.random.default_rng()
    order.bit_generator.state = model.rng.bit_generator.state
    batch = int(np.flatnonzero(order.permutation(60) == 50)[0]) // 9 + 1
    message = rf"epoch 1, batch {batch}: the loss is nan, because {name} holds nan at \(50, 1\)"
    with pytest.raises(nnlite.NonFiniteLossError, match=message):
        model.fit(**arrays, batch_size=9, verbose=0)
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"batch 6: .* {name} holds nan at \(50, 1\)"):
        make_compiled(make).fit(**arrays, batch_size=9, shuffle=False, verbose=0)
    good = rng.standard_normal((60, 4)), rng.standard_normal((60, 2))
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"epoch 1, validation: .* {name} holds nan at \(50, 1\)"):
        make_compiled(make).fit(*good, validation_data=(arrays["x"], arrays["y"]), batch_size=9, verbose=0)
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"^the loss is nan, because {name} holds nan at \(50, 1\)"):
        make_compiled(make).train_on_batch(**arrays)


def make_compiled(make):
    model = make()
    model.compile(SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("name", ["x", "y"])
def test_nan_in_a_later_batch_of_a_validation_generator_is_found(name):
    arrays = {"x": rng.standard_normal((6, 4)), "y": rng.standard_normal((6, 2))}
    bad = {key: array.copy() for key, array in arrays.items()}
    bad[name][3, 1] = np.nan
    batches = ((batch["x"], batch["y"]) for batch in (arrays, bad))
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"epoch 1, validation: .* {name} holds nan at \(3, 1\)"):
        make_compiled(regressor).fit(**arrays, validation_data=batches, validation_steps=2, verbose=0)


def test_nan_in_a_padded_sequence_is_reported_where_the_user_has_it():
    model = Sequential([GRU(3, return_sequences=True), Dense(2)], seed=0)
    model.compile(SGD(0.1), "mse")
    x, y, lengths = rng.standard_normal((20, 4, 3)), rng.standard_normal((20, 4, 2)), np.full(20, 3)
    x[:, 3] = np.nan  # padding
    model.fit(x, y, lengths=lengths, batch_size=3, verbose=0)
    x[17, 1, 2] = np.nan
    with pytest.raises(nnlite.NonFiniteLossError, match=r"because x holds nan at \(17, 1, 2\)"):
        model.fit(x, y, lengths=lengths, batch_size=3, verbose=0)


WRONG_LABELS = [(7, (50,)), (-1, (3,)), (3, (59,))]


@pytest.mark.parametrize(("label", "where"), WRONG_LABELS)
@pytest.mark.parametrize("shape", [(60,), (60, 1)])
@pytest.mark.parametrize("is_built", [False, True])
def test_labels_are_checked_before_the_first_epoch(label, where, shape, is_built):
    x, y = rng.standard_normal((60, 4)), rng.integers(3, size=60)
    y[where] = label
    y = y.reshape(shape)
    at = where if shape == (60,) else (*where, 0)
    message = re.escape(f"y: expected labels in 0 .. 2, got {label} at {at}")
    events = []

    class Watch(nnlite.Callback):
        def on_train_begin(self, logs):
            events.append("begin")

    def made():
        model = Sequential([Dense(3)], input_shape=(4,) if is_built else None, seed=0)
        model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        return model

    for data in (y, y.tolist(), y.astype("int16")):
        with pytest.raises(IndexError, match=f"^fit: {message}"):
            made().fit(x, data, batch_size=8, callbacks=[Watch()], verbose=0)
        with pytest.raises(IndexError, match=f"^fit: validation_data: {message}"):
            made().fit(x, np.zeros(60, int), batch_size=8, validation_data=(x, data), callbacks=[Watch()], verbose=0)
        with pytest.raises(IndexError, match=f"^evaluate: {message}"):
            made().evaluate(x, data, batch_size=8)
    assert events == []


def test_ids_are_checked_before_the_first_epoch():
    x, y = rng.integers(V, size=(60, 3)), rng.integers(V, size=(60, 3))
    x[50, 2] = V
    for first in (
        [Embedding(V, 2), LSTM(3, return_sequences=True)],
        [LSTM(3, return_sequences=True, input_dim=V)],
        [OneHot(V), GRU(3, return_sequences=True)],
        [nnlite.Bidirectional(GRU(3, return_sequences=True, input_dim=V))],
    ):
        model = Sequential([*first, Dense(V)], seed=0)
        model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
        before = model.rng.bit_generator.state
        message = re.escape("x: expected ids in 0 .. 4, got 5 at (50, 2)")
        for where, run in {
            "fit": lambda model=model: model.fit(x, y, batch_size=7, verbose=0),
            "fit: validation_data": lambda model=model: model.fit(y, y, validation_data=(x, y), verbose=0),
            "evaluate": lambda model=model: model.evaluate(x, y),
            "predict": lambda model=model: model.predict(x),
        }.items():
            with pytest.raises(IndexError, match=f"^{where}: {message}"):
                run()
        assert model.rng.bit_generator.state == before
        model.predict(x, lengths=np.full(60, 2))  # there it is padding


def test_labels_in_padding_are_not_checked():
    y = LABELS.copy()
    y[:, 2] = -100
    reader().fit(IDS, y, lengths=np.full(12, 2), verbose=0)
    with pytest.raises(IndexError, match=r"fit: y: expected labels in 0 \.\. 4, got -100 at \(0, 2\)"):
        reader().fit(IDS, y, lengths=np.full(12, 3), verbose=0)


def test_more_labels_than_are_checked_at_once():
    y = np.zeros(40_000, int)
    y[35_000] = 3
    with pytest.raises(IndexError, match=r"fit: y: expected labels in 0 \.\. 2, got 3 at \(35000,\)"):
        classifier().fit(np.zeros((40_000, 4), "float32"), y, verbose=0)


def test_a_model_that_does_not_say_its_shapes_is_not_refused_early():
    """Nor one with a layer of one's own, or that does otherwise with x: only its loss knows then."""

    class Widens(nnlite.Layer):
        def forward(self, x, training=False):
            return np.concatenate([x, x], axis=-1)

        def backward(self, dy):
            return dy[:, :4] + dy[:, 4:]

        def output_shape(self, input_shape):
            return (8,)

    class Shifted(Sequential):
        backward = Sequential.backward

        def forward(self, x, training=False, lengths=None):
            return super().forward(x - 1, training)

    wide = Sequential([Widens()])
    wide.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
    wide.fit(X, np.full(12, 7), verbose=0)
    with pytest.raises(IndexError, match=r"y_true: expected labels in 0 \.\. 7, got 8"):
        wide.fit(X, np.full(12, 8), verbose=0)
    shifted = Shifted([Embedding(V, 2), Flatten(), Dense(3)], seed=0)
    shifted.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
    shifted.fit(IDS + 1, np.zeros(12, int), verbose=0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_labels_at_the_ends_of_their_range_pass(dtype):
    y = np.array([0, 2] * 6, dtype)
    assert classifier().evaluate(X, y) == classifier().evaluate(X, y.astype(int))
    y[5] = np.iinfo(dtype).max
    with pytest.raises(IndexError, match=rf"evaluate: y: expected labels in 0 \.\. 2, got {y[5]} at \(5,\)"):
        classifier().evaluate(X, y)


# Any error inside of fit


class Refused(Exception):
    """An error of one's own, with a message of its own."""

    def __init__(self, size):
        self.size = size

    def __str__(self):
        return f"{self.size} are too many"


class Raises(nnlite.Layer):
    """Raises at a batch of training, counted from 1, or in the validation."""

    def __init__(self, error, at):
        super().__init__()
        self.error, self.at, self.count = error, at, 0

    def forward(self, x, training=False):
        self.count += training
        if self.count == self.at if training else self.at == "validation":
            raise self.error
        return x

    def backward(self, dy):
        return dy


def told(error):
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


@pytest.mark.parametrize(
    ("at", "place"),
    [(1, "epoch 1, batch 1: "), (5, "epoch 2, batch 2: "), ("validation", "epoch 1, validation_data: ")],
)
@pytest.mark.parametrize(
    "error",
    [ValueError("no"), Refused(7), OSError(2, "no", "name"), KeyError("no"), ZeroDivisionError(), LookupError(7)],
)
def test_any_error_names_epoch_and_batch_and_keeps_its_type(error, at, place):
    model = nnlite.Sequential([Raises(error, at), nnlite.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((9, 2), "float32")
    with pytest.raises(type(error)) as raised:
        model.fit(x, x[:, 0], batch_size=3, epochs=3, validation_data=(x, x[:, 0]), verbose=0)
    assert raised.value is error
    assert place in told(error)
    assert "raises" in told(error)  # the layer


@pytest.mark.parametrize(
    ("event", "place"),
    [
        ("on_epoch_begin", "epoch 1: "),
        ("on_train_batch_begin", "epoch 1, batch 1: "),
        ("on_train_batch_end", "epoch 1, batch 1: "),
        ("on_test_begin", "epoch 1: "),
        ("on_epoch_end", "epoch 1: "),
    ],
)
def test_errors_of_callbacks_do_too(event, place):
    def fails(self, *args):
        raise RuntimeError("full")

    callback = type("Fails", (nnlite.Callback,), {event: fails})()
    model = nnlite.Sequential([nnlite.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((9, 2), "float32")
    with pytest.raises(RuntimeError, match=f"^{place}full$"):
        model.fit(x, x[:, 0], validation_data=(x, x[:, 0]), callbacks=[callback], verbose=0)


def test_a_generators_wrong_batch_is_named():
    def batches():
        x = np.zeros((4, 2), "float32")
        for count in range(99):
            yield (x, x[:, 0]) if count < 4 else (x, x[:1, 0])

    model = nnlite.Sequential([nnlite.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"^epoch 2, batch 2: fit: batch 5 of the generator: y: expected one label"):
        model.fit(batches(), steps_per_epoch=3, epochs=3, verbose=0)


def test_labels_that_are_found_late_have_their_place_in_the_users_array():
    class Same(nnlite.Layer):
        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy

    model = nnlite.Sequential([nnlite.Dense(3), Same()], seed=0)
    model.compile("sgd", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.zeros((12, 2), "float32"), np.zeros(12, int)
    y[7] = 3
    with pytest.raises(
        IndexError, match=r"^epoch 1, batch \d: .* got 3 at \(\d,\) \(row \d of the batch is sample 7 of x"
    ):
        model.fit(x, y, batch_size=5, verbose=0)
