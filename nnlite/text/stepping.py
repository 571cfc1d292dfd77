"""Step a model through a text, then through its own output. Shared by generation and temperature."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import nnlite
from nnlite.turns import computing

from .arguments import require_text
from .vocabulary import Vocabulary


def write(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    read: list[int],
    draws: list[float],
    sampler: Callable[[np.ndarray, float], int],
) -> Iterator[tuple[np.ndarray, int]]:
    """Let a model read ids, starting from a zero state, and generate one id per draw, a number for `nnlite.sampler`.

    The recurrent state carries what was read, so nothing is read twice. With nothing to read, the first id is drawn
    uniformly. Afterwards, even after an error, the model's state is restored. Meanwhile other threads wait.

    Yields:
        (logits, id) of each generated character. The logits, (V,), are valid until the next one.

    Raises:
        ValueError: the model does not return V logits, or returns NaN.
    """
    V = len(vocabulary)
    # A step takes a batch of one: an array of shape (1,) for each id, created once.
    batches = list(np.arange(V).reshape(-1, 1))
    is_softmax = isinstance(model.layers[-1], nnlite.Softmax)
    output = np.full((1, V), 1 / V) if is_softmax else np.zeros((1, V))
    with computing, _zero_state(model):
        step = model.stepper(1)
        for i in read:
            output = step(batches[i])
        for number, u in enumerate(draws):
            # Read before drawing, so that the last character needs no step.
            if number:
                output = step(batches[i])
            if number < 2 and output.shape != (1, V):
                raise ValueError(
                    f"model: expected a logit for each of the vocabulary's {V} characters, shape (1, {V}), got "
                    f"shape {output.shape}"
                )
            logits = (_log(output) if is_softmax else output)[0]
            i = sampler(logits, u)
            yield logits, i


def ids_to_read(vocabulary: Vocabulary, seed: str, unknown: str) -> list[int]:
    """The ids of a seed; of a line break, if known, for an empty one."""
    ids = vocabulary.encode(require_text("seed", seed), unknown)
    if not ids.size and "\n" in vocabulary:
        ids = vocabulary.encode("\n")
    return ids.tolist()


@contextmanager
def _zero_state(model: Any) -> Iterator[None]:
    """Give the model a zero state, and restore its own at the end."""
    layers = [layer for layer in model.layers if hasattr(layer, "state")]
    # Copies, since a layer may update its state in place.
    states = [layer.state and tuple(map(np.copy, layer.state)) for layer in layers]
    model.reset_state()
    try:
        yield
    finally:
        for layer, state in zip(layers, states, strict=True):
            layer.state = state


def _log(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # ln 0 = -inf: a character that is never drawn
        return np.log(probabilities)
