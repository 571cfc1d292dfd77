"""RNN, link by link: with an initial state in, and gradients from the final state, in every case."""

import numpy as np
import pytest
from recurrent import DropsAndReverses, RecurrentChain, carried_on, case, dropped_and_reversed_cases, usual_cases

import nnlite
from nnlite import RNN


class TestRNN(RecurrentChain):
    layer = RNN
    variants = ({}, {"activation": "relu"})
    cases = (
        *usual_cases(RNN),
        case(RNN, "ReLU", 3, 4, 5, 7, activation="relu", return_sequences=True),
        case(RNN, "lengths, ReLU", 6, 4, 3, 5, lengths=True, activation="relu"),
        case(RNN, "ReLU of ids", 3, 4, 5, 7, ids=True, activation="relu"),
        case(RNN, "ReLU shared by threads", 33, 9, 38, 67, ids=True, activation="relu", large=True),
    )

    def witness(self, torch, layer, x, h0, Wx, Wh, b, lengths=None):
        rnn = torch.nn.RNN(len(Wx), layer.units, nonlinearity=layer.activation, batch_first=True, dtype=torch.float64)
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, len(Wx)).double()
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        weights = dict(zip(names, [Wx.T, Wh.T, b, torch.zeros_like(b)], strict=True))
        y, _ = torch.func.functional_call(rnn, weights, (x, h0[None]))
        return carried_on(torch, layer, y, h0, lengths)


class TestDroppedAndReversed(DropsAndReverses, TestRNN):
    cases = dropped_and_reversed_cases(RNN)


def test_huge_numbers_saturate():
    x = np.full((2, 3, 4), 1e30, "float32")
    assert (np.abs(RNN(17, seed=0).forward(x)) == 1).all()


@pytest.mark.parametrize("activation", ["sigmoid", "Tanh", None, 1, np.tanh])
def test_other_activations_are_refused(activation):
    with pytest.raises(ValueError, match="activation: expected 'tanh' or 'relu', got"):
        RNN(4, activation=activation)


def test_as_one_would_write_it():
    layer = RNN(4, activation="relu", return_sequences=True)
    assert repr(layer) == "RNN(units=4, activation='relu', return_sequences=True)"


def test_a_gradient_vanishes_or_explodes_with_the_recurrent_weights():
    """Back over T steps, each of which multiplies by Wh' = s * I and, with h = 0, by tanh'(0) = 1."""
    for s in (0.5, 1.0, 1.5):
        layer = RNN(3, dtype="float64", seed=0)
        layer.build((20, 2))
        layer.params["Wh"][...] = s * np.eye(3)
        layer.forward(np.zeros((1, 20, 2)))
        layer.backward(np.ones((1, 3)))
        np.testing.assert_allclose(layer.dinitial_state[0], np.full((1, 3), s**20), rtol=1e-12)


@pytest.mark.parametrize("backend_name", ["compiled", "reference"])
def test_relu_hands_back_a_gradient_where_the_state_is_nan(backend_name):
    """As the layer ReLU does: NaN is not a number below 0, and what is wrong shows in every gradient."""
    layer = RNN(2, activation="relu", dtype="float64")
    layer.build((None, 1))
    layer.params["Wx"][...], layer.params["Wh"][...] = [[1, 1]], 0
    x = np.array([[[np.nan]]])
    with nnlite.use_backend(backend_name):
        layer.forward(x)
        layer.backward(np.array([[3.0, 5.0]]))
    assert layer.grads["b"].tolist() == [3, 5]
