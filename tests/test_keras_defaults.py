"""Defaults are Keras' numbers: Keras 3 itself, on PyTorch, is the witness."""

import inspect
import os

import numpy as np
import pytest
from extras import import_extra

import nnlite
from nnlite import callbacks, layers, losses, metrics, optimizers

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = import_extra("keras", "peers")

PAIRS = [
    *[
        (getattr(layers, name), getattr(keras.layers, name))
        for name in (
            *("Dense", "Conv2D", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "Embedding", "Dropout", "Flatten"),
            *("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "ZeroPadding2D"),
            *("BatchNormalization", "LayerNormalization", "Softmax", "LeakyReLU", "TimeDistributed", "RepeatVector"),
        )
    ],
    *[
        (getattr(optimizers, name), getattr(keras.optimizers, name))
        for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
    ],
    *[
        (getattr(losses, name), getattr(keras.losses, name))
        for name in (
            *("SparseCategoricalCrossentropy", "CategoricalCrossentropy", "BinaryCrossentropy"),
            *("MeanSquaredError", "MeanAbsoluteError"),
        )
    ],
    *[
        (getattr(callbacks, name), getattr(keras.callbacks, name))
        for name in ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "CSVLogger", "LearningRateScheduler")
    ],
    *[
        (getattr(metrics, name), getattr(keras.metrics, name))
        for name in ("BinaryAccuracy", "SparseTopKCategoricalAccuracy")
    ],
]

NOT_COMPARED = {
    "name",  # ours is found from the class
    "dtype",  # Keras' None is its global float32
    "seed",  # also a generator here
}


def short(value):
    """A value as both write it: without the difference between 2 and (2, 2), of names and of their objects."""
    if isinstance(value, tuple | list) and len(set(value)) == 1:
        return short(value[0])
    return None if value in (None, "linear", "auto") else value


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: cls.__name__)
def test_defaults_are_those_of_keras(ours, theirs):
    mine, keras_own = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    shared = [name for name in mine if name in keras_own and name not in NOT_COMPARED]
    different = {}
    for name in shared:
        a, b = mine[name].default, keras_own[name].default
        if a is inspect.Parameter.empty or b is inspect.Parameter.empty:
            continue
        if short(a) != short(b):
            different[name] = (a, b)
    assert not different


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras with NumPy 2
def test_the_same_weights_give_the_same_numbers():
    """A small model of both, with the weights of ours set in Keras' as they are."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 6, 4)).astype("float32")
    ours = nnlite.Sequential([nnlite.LSTM(5, return_sequences=True), nnlite.GRU(4), nnlite.Dense(2, activation="tanh")])
    expected = ours(x)
    theirs = keras.Sequential(
        [keras.layers.LSTM(5, return_sequences=True), keras.layers.GRU(4), keras.layers.Dense(2, activation="tanh")]
    )
    theirs(x)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(np.asarray(theirs.predict(x, verbose=0)), expected, rtol=1e-4, atol=1e-5)
