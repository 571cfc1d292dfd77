"""A function that stands in for a network's loss where a training loop is graded: it is told apart from any other
loop by what it is called with, and knows no answer. The child finds this module without nnlite."""

import numpy as np


def toy_loss(inputs, targets, state, params):
    """A loss, its gradients for the dict `params` (W (V,3), b (3)), and the next state (3)."""
    W, b = params["W"], params["b"]
    state = np.zeros(3) if state is None else state
    signs = np.where(np.arange(len(inputs)) % 2, -1.0, 1.0)
    seen, wanted = W[inputs], np.cos(1.0 + np.asarray(targets))[:, None]
    off = seen * (1 + state) + b - wanted
    gradient = np.zeros_like(W)
    np.add.at(gradient, inputs, 4 * signs[:, None] * off)
    loss = float((off**2).sum() + state.sum())
    new = np.tanh(seen.sum(axis=0) + 0.5 * state + 0.1 * np.sum(targets))
    return loss, {"W": gradient, "b": 3 * off.sum(axis=0)}, new


REPLACED = {"toy_loss": toy_loss}
