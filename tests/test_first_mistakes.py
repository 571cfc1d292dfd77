"""What goes wrong in the first hour: each message says what to type, or what is wrong with the data."""

import numpy as np
import pytest
from test_habits import NAMES

import nnlite
from nnlite import Dense, Layer, Optimizer, Sequential, Softmax

X, LABELS = np.random.default_rng(0).normal(size=(6, 4)), np.arange(6) % 3
IMAGES = np.random.default_rng(1).normal(size=(6, 8, 8))


class InPyTorchsOrder(Optimizer):
    def update(self, p, g):
        p -= self.learning_rate * g


class Forgetful(Layer):
    """Has a parameter, and leaves its gradient out."""

    def build(self, input_shape):
        self.params["g"] = np.ones(input_shape[-1], self.dtype)

    def forward(self, x, training=False):
        return x * self.params["g"]

    def backward(self, dy):
        return dy * self.params["g"]


def fit(layers, x, y, loss="sparse_categorical_crossentropy", **options):
    model = Sequential(layers)
    model.compile("adam", loss)
    model.fit(x, y, verbose=0, **options)
    return model


MISTAKES = [
    # Arguments.
    ("load_model('m', compile=False)", "load_model: unknown argument 'compile': .*: leave it out"),
    ("Sequential([]).save('m', overwrite=True)", "save: .*'overwrite': the file is always overwritten, atomically: le"),
    ("save_model(Sequential([]), 'm', overwrite=True)", "save_model: .*'overwrite': the file is always overwritten"),
    ("LSTM(3)(np.ones((2, 3, 4)), mask=np.ones((2, 3), bool))", "LSTM: unknown argument 'mask': use lengths="),
    ("Sequential([LSTM(3)])(np.ones((2, 3, 4)), mask=1)", "Sequential: unknown argument 'mask': use lengths="),
    ("Dense(3)(X, mask=1)", "Dense: unknown argument 'mask': use lengths="),
    ("Dense(3)(X, mode=1)", "Dense: unknown argument 'mode': use \\['x', 'training'\\]"),
    ("LSTM(3)(X, states=1)", "LSTM: unknown argument 'states': use \\['x', 'training'"),
    ("save_model(Sequential([]), 'm', fast=True)", "save_model: unknown argument 'fast': use \\['model', 'path'\\]"),
    ("Conv2D(3, 16, kernel_size=3)", r"Conv2D: kernel_size: .*PyTorch's order.*: write Conv2D\(16, 3\)"),
    ("Conv2D(3, filters=16)", "Conv2D: filters: expected it once, got 3 without a name and filters=16: leave one out"),
    ("Dense(3, units=2)", "Dense: units: expected it once, got 3 without a name and units=2: leave one out"),
    ("InPyTorchsOrder(0.1)", r"update: expected the arguments \(grad, param, .*got \(p, g\): write def update"),
    # Axes.
    ("fit([Dense(1, input_shape=(1,))], np.arange(10.0), np.arange(10.0), 'mse')", r"x\[:, None\] makes \(10, 1\)"),
    ("fit([Dense(1)], np.arange(10.0), np.arange(10.0), 'mse')", r"x\[:, None\] makes \(10, 1\) of it"),
    ("Sequential([Dense(1)], input_shape=(1,)).predict([1.0])", r"x\[:, None\] makes \(1, 1\) of it"),
    ("Sequential([Dense(1)], input_shape=(4,)).predict(X[0])", r"x\[None\], a batch of one"),
    ("fit([Conv2D(4, 3), Flatten(), Dense(3), Softmax()], IMAGES, LABELS)", r"last axis: use x\[..., None\]"),
    ("Sequential([Conv2D(4, 3, input_shape=(8, 8))])", r"need \(8, 8, 1\), and x\[..., None\]"),
    ("Sequential([Conv2D(4, 3)], input_shape=(8, 8, 1)).predict(IMAGES[..., None][0])", r"x\[None\], a batch of one"),
    ("Sequential([Conv2D(4, 3)], input_shape=(1, 8, 8))", r"The channels come last: is it \(8, 8, 1\)\?"),
    ("Sequential([MaxPool2D(5)], input_shape=(3, 8, 8))", r"The channels come last: is it \(8, 8, 3\)\?"),
    ("Sequential([Conv2D(4, 3)], input_shape=(1, 8, 1))", "Take a smaller window"),
    ("fit([Conv2D(4, 3), Dense(3), Softmax()], IMAGES[..., None], LABELS)", r"put Flatten\(\) before dense"),
    ("fit([Conv2D(4, 3), Dense(1)], IMAGES[..., None], LABELS, 'mse')", r"put Flatten\(\) before dense"),
    # Labels and scores.
    ("metrics.confusion_matrix(LABELS, np.ones((6, 3)) / 3)", r"got scores \(6, 3\): use y_pred.argmax\(axis=-1\)"),
    ("metrics.accuracy(LABELS, LABELS)", r"y_pred: expected scores.*got labels.*np.mean\(y_true == y_pred\)"),
    ("metrics.sparse_categorical_accuracy(LABELS, LABELS)", r"sparse_.*got labels.*np.mean\(y_true == y_pred\)"),
    ("metrics.accuracy(LABELS.reshape(2, 3), LABELS.reshape(2, 3))", r"accuracy.*got labels, \(2, 3\)"),
    # Models.
    ("fit([Dense(3), Forgetful(), Softmax()], X, LABELS)", r"Forgetful.backward did not set self.grads\['g'\]"),
    (
        "fit([Dense(3), Softmax()], X, LABELS, validation_data=(X[:, :3], LABELS))",
        "^epoch 1, validation_data: dense, which",
    ),
    (
        "fit([Dense(3, input_shape=(4,)), Softmax()], X, LABELS, validation_data=(X[:, :3], LABELS))",
        r"^fit: validation_data: x: expected \(N, 4\), as the model's input, got \(6, 3\)",
    ),
    ("LSTM(3).reset_states()", r"use reset_state\(\)"),
]


@pytest.mark.parametrize(("code", "message"), MISTAKES, ids=[code for code, _ in MISTAKES])
def test_the_message_says_what_to_type(code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError, AttributeError), match=message):
        exec(code, {**NAMES, **globals()})


def test_labels_0_and_1_and_integer_scores_are_taken_as_before():
    assert nnlite.metrics.accuracy([0, 1, 1], np.array([0, 1, 0])) == pytest.approx(2 / 3)
    assert nnlite.metrics.accuracy(np.eye(3, dtype=int), 5 * np.eye(3, dtype=int)) == 1


def test_validation_of_ids_may_have_fewer_steps():
    model = Sequential([nnlite.LSTM(3, input_dim=4), Dense(3), Softmax()])
    model.compile("adam", "sparse_categorical_crossentropy")
    ids = np.zeros((6, 4), int)
    model.fit(ids, LABELS, verbose=0)
    model.fit(ids, LABELS, verbose=0, validation_data=(ids[:, :3], LABELS))


@pytest.mark.parametrize("base", [nnlite.Sequential, nnlite.Dense])
def test_a_call_that_nobody_would_call_is_refused(base):
    with pytest.raises(
        TypeError, match=f"Mine.call would never be used, as {base.__name__}.forward stands for Keras' call"
    ):
        type("Mine", (base,), {"call": lambda self, x: x})
