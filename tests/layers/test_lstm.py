"""LSTM, link by link: with an initial state in, and gradients from the final state, in every case."""

import numpy as np
import pytest
from recurrent import DropsAndReverses, RecurrentChain, dropped_and_reversed_cases, usual_cases
from sequences import torch_sequences

from nnlite import LSTM


class TestLSTM(RecurrentChain):
    layer = LSTM
    cases = usual_cases(LSTM)

    def witness(self, torch, layer, x, h0, c0, Wx, Wh, b, lengths=None):
        lstm = torch.nn.LSTM(len(Wx), layer.units, batch_first=True, dtype=torch.float64)
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, len(Wx)).double()
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        weights = dict(zip(names, [Wx.T, Wh.T, b, torch.zeros_like(b)], strict=True))
        y, (h, c) = torch_sequences(torch, lstm, weights, x, (h0[None], c0[None]), lengths)
        return {"y": y if layer.return_sequences else h[0], "h": h[0], "c": c[0]}


class TestDroppedAndReversed(DropsAndReverses, TestLSTM):
    cases = dropped_and_reversed_cases(LSTM)


def test_a_new_lstm_remembers():
    layer = LSTM(3, seed=0)
    layer.build((5, 2))
    assert layer.params["b"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(layer.params["Wh"] @ layer.params["Wh"].T, np.eye(3), atol=1e-6)
    assert layer.parameter_count == 4 * (2 * 3 + 3 * 3 + 3)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of NumPy, where there are no kernels
def test_huge_numbers_saturate_and_nan_shows():
    layer = LSTM(17, seed=0)
    assert np.isfinite(layer.forward(np.full((2, 3, 4), 1e30, "float32"))).all()
    assert np.isnan(layer.forward(np.full((2, 3, 4), np.nan, "float32"))).all()


STATE = np.zeros((2, 4), "float32")


@pytest.mark.parametrize(
    ("x", "state", "error", "message"),
    [
        (
            np.zeros((2, 3), "float32"),
            None,
            ValueError,
            r"x: expected shape \(N, T, F\), or ids \(N, T\), got float32 of shape \(2, 3\): use .*np.asarray\(x, int",
        ),
        (np.zeros((2, 3, 5, 1), int), None, ValueError, r"x: expected shape \(N, T, F\), got .* with 4 axes"),
        (np.zeros((2, 3, 6), "float32"), None, ValueError, r"x: expected shape \(N, T, F\) = \(any, any, 5\), got"),
        (np.zeros((2, 0, 5), "float32"), None, ValueError, "at least one time step, got T = 0"),
        (np.zeros((2, 0), int), None, ValueError, "at least one time step, got T = 0"),
        (np.zeros((2, 3, 5), "complex64"), None, TypeError, "x: expected numbers, got an array of complex64"),
        (np.full((2, 3, 5), 1e39), None, ValueError, r"x: expected numbers up to 3\.4e\+38, got 1e\+39: scale them"),
        (np.array([[0, 5]]), None, IndexError, r"x: expected ids in 0 \.\. 4, got 5 at \(0, 1\)"),
        (np.array([[0, -1]]), None, IndexError, r"x: expected ids in 0 \.\. 4, got -1 at \(0, 1\)"),
        (
            np.array([[0, 2**64 - 1]], "uint64"),
            None,
            IndexError,
            r"x: expected ids in 0 \.\. 4, got 18446744073709551615 at \(0, 1\)",
        ),
        ([[0, 5]], None, IndexError, r"x: expected ids in 0 \.\. 4, got 5 at \(0, 1\)"),
        ([[0, 1], [2]], None, ValueError, "x: expected lists of one length, got .* pad them, as nnlite.text.pad_seq"),
        (np.zeros((2, 3, 5), "float32"), STATE, ValueError, r"initial_state: expected \(h, c\)"),
        (np.zeros((2, 3, 5), "float32"), (STATE, STATE[:1]), ValueError, r"initial_state c: expected shape \(N, H\)"),
        (np.zeros((2, 3, 5), "float32"), (STATE, STATE * 1.0j), TypeError, "initial_state c: expected numbers, got"),
        (np.broadcast_to(np.float32(0), (2**30, 2**20, 5)), None, ValueError, "would take"),
    ],
)
def test_bad_input_is_refused_before_a_kernel_runs(x, state, error, message):
    layer = LSTM(4, input_dim=5)
    layer.build((3, 5))
    with pytest.raises(error, match=message):
        layer.forward(x, initial_state=state)


def test_ids_without_input_dim_say_what_is_missing():
    with pytest.raises(ValueError, match=r"integer ids need LSTM\(\.\.\., input_dim=F\)"):
        LSTM(4).forward(np.zeros((2, 3), int))


def test_backward_before_forward_says_so():
    with pytest.raises(RuntimeError, match="LSTM: backward needs a forward before it"):
        LSTM(4).backward(np.zeros((2, 4), "float32"))


@pytest.mark.parametrize("units", [0, -1, 1.5, True, "4", None])
def test_units_must_count_something(units):
    with pytest.raises(ValueError, match="units: expected a whole number of at least 1"):
        LSTM(units)
