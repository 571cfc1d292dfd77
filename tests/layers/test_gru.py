"""GRU, link by link: with an initial state in, and gradients from the final state, in every case."""

import numpy as np
import pytest
from chain import FLOAT64, backends, randomized
from numeric import assert_close
from recurrent import DropsAndReverses, RecurrentChain, carried_on, dropped_and_reversed_cases, usual_cases
from written_out import run

from nnlite import GRU, use_backend


class TestGRU(RecurrentChain):
    layer = GRU
    cases = usual_cases(GRU)

    def witness(self, torch, layer, x, h0, Wx, Wh, b, lengths=None):
        """PyTorch's gates stand in the order r, z, n, and its h_t is (1 - z) * n + z * h_{t-1}: the same."""
        gru = torch.nn.GRU(len(Wx), layer.units, batch_first=True, dtype=torch.float64)
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, len(Wx)).double()
        arrays = {"weight_ih_l0": Wx.T, "weight_hh_l0": Wh.T, "bias_ih_l0": b[0], "bias_hh_l0": b[1]}
        weights = {}
        for name, array in arrays.items():
            z, r, h = array.chunk(3)
            weights[name] = torch.cat([r, z, h])
        y, _ = torch.func.functional_call(gru, weights, (x, h0[None]))
        return carried_on(torch, layer, y, h0, lengths)


class TestDroppedAndReversed(DropsAndReverses, TestGRU):
    cases = dropped_and_reversed_cases(GRU)


class ResetBefore(GRU):
    """With the option as a default, for `RecurrentChain.layer`."""

    kernel = "gru_reset_before"

    def __init__(self, units, *, reset_after=False, **options):
        super().__init__(units, reset_after=reset_after, **options)


class TestResetBefore(RecurrentChain):
    layer = ResetBefore
    cases = usual_cases(ResetBefore)

    def witness(self, torch, layer, x, h0, Wx, Wh, b, lengths=None):
        """PyTorch has no such GRU: its arithmetic and its gradients, with the equations written out."""
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, len(Wx)).double()
        return carried_on(torch, layer, hs(torch, x, h0, (Wx, Wh, b)), h0, lengths)


class TestResetBeforeDroppedAndReversed(DropsAndReverses, TestResetBefore):
    cases = dropped_and_reversed_cases(ResetBefore)


def hs(xp, x, h0, weights):
    """h of all steps, (N, T, H), without a layer, in NumPy or PyTorch."""
    nudge = {name: xp.zeros((*x.shape[:2], h0.shape[1])) for name in "zrgvh"} | {"h0": xp.zeros(h0.shape)}
    return run(xp, "GRU, reset before", x, xp.ones((*x.shape[:2], 1)), weights, {"h": h0}, nudge)["h"]


@backends
def test_reset_before_is_what_its_equations_say(backend_name):
    rng = np.random.default_rng(0)
    layer = GRU(7, reset_after=False, return_sequences=True, dtype="float64")
    layer.build((6, 5))
    weights = [*randomized(layer).params.values()]
    x, h0 = rng.standard_normal((3, 6, 5)), rng.standard_normal((3, 7))
    with use_backend(backend_name):
        y = layer.forward(x, initial_state=h0)
    assert_close(y, hs(np, x, h0, weights), FLOAT64)
    after = GRU(7, return_sequences=True, dtype="float64")
    after.build((6, 5))
    after.params["Wx"], after.params["Wh"] = weights[:2]
    after.params["b"] = np.stack([weights[2], np.zeros(21)])
    assert np.abs(after.forward(x, initial_state=h0) - y).max() > 0.01, "where the gate is matters"


def test_both_agree_where_the_reset_gate_is_open():
    """r = 1 is the same before and after the product."""
    x = np.random.default_rng(0).standard_normal((3, 6, 5))
    layers = [GRU(7, reset_after=after, return_sequences=True, dtype="float64", seed=0) for after in (True, False)]
    for layer in layers:
        layer.build((6, 5))
        layer.params["Wx"][:, 7:14] = layer.params["Wh"][:, 7:14] = 0
        layer.params["b"].reshape(-1)[7:14] = 100
    assert_close(*(layer.forward(x) for layer in layers), FLOAT64)


def test_reset_before_has_keras_weights():
    """Of Keras' GRU(4, reset_after=False): kernel (3, 12), recurrent_kernel (4, 12), bias (12,)."""
    layer = GRU(4, reset_after=False)
    layer.build((None, 3))
    assert {name: param.shape for name, param in layer.params.items()} == {"Wx": (3, 12), "Wh": (4, 12), "b": (12,)}
    assert layer.explain((2, 3)).endswith("3 gates * (F * H + H * H + H) = 3 * (3 * 4 + 4 * 4 + 4) = 96")
    assert repr(layer) == "GRU(units=4, reset_after=False)"
    with pytest.raises(AttributeError, match="reset_after"):
        layer.reset_after = True


def test_reset_after_is_the_default():
    layer = GRU(4)
    assert layer.reset_after is True
    assert layer.get_config() == GRU.from_config({"units": 4, "dtype": "float32", "name": "gru"}).get_config()


def test_huge_numbers_saturate():
    x = np.full((2, 3, 4), 1e30, "float32")
    assert np.isfinite(GRU(17, seed=0).forward(x)).all()


def test_a_closed_update_gate_carries_the_state_and_its_gradient_through():
    layer = GRU(3, dtype="float64", seed=0)
    layer.build((50, 2))
    layer.params["b"][0, :3] = 100  # z = 1
    h = np.array([[0.5, -2.0, 7.0]])
    y = layer.forward(np.ones((1, 50, 2)), initial_state=(h,))
    np.testing.assert_array_equal(y, h)
    layer.backward(np.ones((1, 3)))
    np.testing.assert_array_equal(layer.dinitial_state[0], np.ones((1, 3)))
