"""Run the minimal recipe in plain NumPy and in nnlite, and compare the two.

Left alone, two correct programs diverge: they add the same numbers in a different order, so the 16th digit differs, and
the recipe's first steps are so large that each multiplies such a difference by ten. Two runs of the plain program whose
first weights differ by 1e-15 diverge likewise. So in each iteration both start from the weights that nnlite's training
has reached, and the loss, all gradients, and the updated weights are compared.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from . import plain_rnn
from .corpus import Corpus
from .minimal_rnn import MinimalRNN

# The plain program's names of the model's parameters.
NAMES = {"rnn.Wx": "Wx", "rnn.Wh": "Wh", "rnn.b": "b", "dense.W": "Wy", "dense.b": "by"}


class Pair(NamedTuple):
    """One iteration in both programs.

    Attributes:
        iteration: from 0.
        plain_loss, loss: loss of the window, summed over its characters.
        alone: loss of the plain program if it keeps its own weights from iteration 0 on.
        gradients, weights: the largest absolute difference; weights are those after the update.
        plain_seconds, seconds: duration of the iteration.
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
    def difference(self) -> float:
        """Absolute difference of the losses."""
        return abs(self.plain_loss - self.loss)


def reproduce(
    iterations: int = 1000, units: int = plain_rnn.H, seed: int = 0, corpus: Corpus | None = None
) -> Iterator[Pair]:
    """Train the recipe in float64, in nnlite and in plain NumPy. Yield a `Pair` for each iteration.

    Args:
        iterations: number of windows to read.
        units: hidden size.
        seed: seeds the first weights.
        corpus: the text to learn from; by default the sonnets.

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
    rnn, optimizer = cast(Any, model.layers[0]), cast(Any, model.optimizer)
    for iteration in range(iterations):
        window = iteration % len(x)
        if window == 0:
            model.reset_state()
        weights, plain_memory = _plain(model.params), _plain(memory)
        h = np.zeros(units) if rnn.state is None else rnn.state[0][0]
        start = time.perf_counter()
        plain_loss, hs, p = plain_rnn.forward(weights, x[window], y[window], h)
        gradients = plain_rnn.backward(weights, x[window], y[window], h, hs, p)
        plain_rnn.adagrad(weights, gradients, plain_memory)
        middle = time.perf_counter()
        loss = cast(float, model.train_on_batch(x[window : window + 1], y[window : window + 1]))
        end = time.perf_counter()
        memory = {name: optimizer.state[f"accumulator/{name}"] for name in model.params}
        losses = float(plain_loss), loss, float(next(alone)[0])
        differences = _largest_difference(model.grads, gradients), _largest_difference(model.params, weights)
        yield Pair(iteration, *losses, *differences, middle - start, end - middle)


def _plain(arrays):
    """Copies of the model's arrays, under the plain program's names."""
    return {NAMES[name]: array.copy() for name, array in arrays.items()}


def _largest_difference(arrays, plain):
    return max(float(abs(array - plain[NAMES[name]]).max()) for name, array in arrays.items())
