"""The minimal recipe twice, side by side: plain NumPy, and nnlite's layers.

Left alone, the two would part, however right both are: they add the same numbers in another order, so the 16th digit
differs, and the recipe's first steps are so large that such a difference grows tenfold in each of them. Two runs of the
plain program whose first weights differ by 1e-15 do the same. So each iteration begins with the same weights in both,
those that nnlite's training has reached, and everything that comes of it is compared: the loss, all gradients, and the
weights after the update.
"""

import time
from typing import NamedTuple

import numpy as np

from . import plain_rnn
from .minimal_rnn import MinimalRNN

# What the plain program calls the model's parameters.
NAMES = {"rnn.Wx": "Wx", "rnn.Wh": "Wh", "rnn.b": "b", "dense.W": "Wy", "dense.b": "by"}


class Pair(NamedTuple):
    """One iteration in both programs.

    Attributes:
        iteration: from 0.
        plain_loss, loss: of the window, summed over its characters.
        alone: the loss of the plain program where it has gone on from its own weights since iteration 0.
        gradients, weights: the largest difference between two numbers of them; weights after the update.
        plain_seconds, seconds: that the iteration took.
    """

    iteration: int
    plain_loss: float
    loss: float
    alone: float
    gradients: float
    weights: float
    plain_seconds: float
    seconds: float

    @property
    def difference(self):
        """Of the losses."""
        return abs(self.plain_loss - self.loss)


def reproduce(iterations=1000, units=plain_rnn.H, seed=0, corpus=None):
    """Train by the recipe in float64, and do each iteration in plain NumPy, too. Yield a `Pair` an iteration.

    Args:
        iterations: how many windows are read.
        units: hidden size.
        seed: of the first weights.
        corpus: what to learn from; by default the sonnets.

    Example:
        >>> from nnlite.experiment import reproduce
        >>> max(pair.difference for pair in reproduce(20, units=8)) < 1e-9
        True
    """
    settings = MinimalRNN.Settings(units=units, length=plain_rnn.T, iterations=iterations, seed=seed)
    experiment = MinimalRNN("unused", settings, corpus)
    model, (x, y) = experiment.model("float64"), experiment.data()
    alone = plain_rnn.train(experiment.vocabulary.encode(experiment.corpus.text), _plain(model.params))
    memory = {name: np.zeros_like(param) for name, param in model.params.items()}
    for iteration in range(iterations):
        window = iteration % len(x)
        if window == 0:
            model.reset_state()
        weights, plain_memory = _plain(model.params), _plain(memory)
        h = np.zeros(units) if model.layers[0].state is None else model.layers[0].state[0][0]
        start = time.perf_counter()
        plain_loss, hs, p = plain_rnn.forward(weights, x[window], y[window], h)
        gradients = plain_rnn.backward(weights, x[window], y[window], h, hs, p)
        plain_rnn.adagrad(weights, gradients, plain_memory)
        middle = time.perf_counter()
        loss = model.train_on_batch(x[window : window + 1], y[window : window + 1])
        end = time.perf_counter()
        memory = {name: model.optimizer.state[f"accumulator/{name}"] for name in model.params}
        yield Pair(
            iteration,
            float(plain_loss),
            loss,
            float(next(alone)[0]),
            _largest_difference(model.grads, gradients),
            _largest_difference(model.params, weights),
            middle - start,
            end - middle,
        )


def _plain(arrays):
    """Copies of the model's arrays, by the plain program's names."""
    return {NAMES[name]: array.copy() for name, array in arrays.items()}


def _largest_difference(arrays, plain):
    return max(float(abs(array - plain[NAMES[name]]).max()) for name, array in arrays.items())
