"""Defaults are Keras' numbers: Keras 3 itself, on PyTorch, is the witness."""

import inspect
import os

import pytest
from extras import import_extra

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
