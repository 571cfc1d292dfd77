"""saturate_gates sets gates to fixed values, whatever the input."""

import numpy as np
import pytest
from numeric import assert_same_bits

from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Sequential
from nnlite.inspect import saturate_gates, trace

H, F = 7, 3


def built(dtype="float64"):
    layer = LSTM(H, return_sequences=True, dtype=dtype, seed=0)
    layer.build((None, F))
    return layer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [0, 1, 1e4])
def test_gates_stay_where_they_are_told_to_whatever_comes_in(dtype, scale):
    layer = built(dtype)
    saturate_gates(layer, input=0.25, forget=1, output=0)
    x = (scale * np.random.default_rng(0).standard_normal((2, 30, F))).astype(dtype)
    seen = trace(layer, x)["lstm"]
    np.testing.assert_allclose(seen["i"], 0.25, rtol=1e-6)
    np.testing.assert_allclose(1 - seen["f"], 1e-7, atol=1e-7 if dtype == "float32" else 1e-15)
    np.testing.assert_allclose(seen["o"], 1e-7, rtol=1e-4 if dtype == "float32" else 1e-9)


def test_with_its_usual_gates_the_cell_stays_as_it_is():
    layer = built()
    saturate_gates(layer)
    x = np.random.default_rng(0).standard_normal((2, 200, F))
    layer.stateful = True
    layer.state = tuple(np.random.default_rng(1).standard_normal((2, 2, H)))
    seen = trace(layer, x, fresh_state=False)["lstm"]
    np.testing.assert_allclose(seen["c"], np.broadcast_to(seen.initial["c"][:, None], seen["c"].shape), atol=2e-4)
    assert np.abs(seen["h"]).max() <= 1e-7


def test_what_it_is_not_told_stays():
    layer, untouched = built(), built()
    saturate_gates(layer, input=None, forget=0.5, output=None)
    for name, param in layer.params.items():
        blocks, before = (np.split(array, 4, axis=-1) for array in (param, untouched.params[name]))
        for gate in (0, 2, 3):
            assert_same_bits(blocks[gate], before[gate], f"{name}, block {gate}")
        assert not blocks[1].any(), name  # sigmoid(0) is 0.5


WRONG = {
    "rnn": (lambda: saturate_gates(RNN(2)), TypeError, "has no gates: Wh alone decides what its state keeps"),
    "gru": (
        lambda: saturate_gates(GRU(2)),
        TypeError,
        "its update gate z keeps the state if z is near 1, as f near 1 does",
    ),
    "both ways": (lambda: saturate_gates(Bidirectional(LSTM(2))), TypeError, "its forward_layer or its backward_layer"),
    "dense": (lambda: saturate_gates(Dense(2)), TypeError, r"expected an LSTM, got Dense\("),
    "a model": (
        lambda: saturate_gates(Sequential([LSTM(2)])),
        TypeError,
        r"got Sequential\(.*: give one of its layers, such as model\.layers\[0\]",
    ),
    "a class": (lambda: saturate_gates(LSTM), TypeError, "expected an LSTM, got <class"),
    "not built": (lambda: saturate_gates(LSTM(2)), ValueError, r"which is not built: call layer.build\(\(None, F\)\)"),
    "above 1": (
        lambda: saturate_gates(built(), forget=1.1),
        ValueError,
        r"forget: expected a number in \[0, 1\], got 1.1",
    ),
    "below 0": (lambda: saturate_gates(built(), output=-0.1), ValueError, r"output: expected a number in \[0, 1\]"),
    "no number": (lambda: saturate_gates(built(), input="open"), TypeError, "input: expected a number, got 'open'"),
    "nan": (lambda: saturate_gates(built(), input=np.nan), ValueError, "input: expected a number in"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said(name):
    run, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        run()


def test_what_does_not_fit_changes_nothing():
    layer = built()
    before = {name: param.copy() for name, param in layer.params.items()}
    with pytest.raises(ValueError, match="output"):
        saturate_gates(layer, output=2)
    for name, param in layer.params.items():
        assert_same_bits(param, before[name], name)
