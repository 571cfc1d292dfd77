"""Keras on PyTorch, computing in float64: for the tests that take it for a witness."""

import pytest


@pytest.fixture(autouse=True)
def keras_in_float64(monkeypatch):
    """On PyTorch Keras computes products of float64 in float32, whatever it is asked for, unless its table says so."""
    import keras
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)
