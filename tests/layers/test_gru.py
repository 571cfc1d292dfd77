"""GRU, link by link: with an initial state in, and gradients from the final state, in every case."""

import numpy as np
from recurrent import RecurrentChain, carried_on, usual_cases

from nnlite import GRU


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
