"""Step a model through a text, then through its own output. Shared by generation and temperature."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import nnlite
from nnlite.turns import computing

from .vocabulary import Vocabulary

__all__ = ["check_count", "check_sampling", "ids_to_read", "write"]


def write(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    read: list[int],
    draws: list[float],
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Iterator[tuple[np.ndarray, int]]:
    """Let a model read ids, starting from a zero state, and generate one id per draw.

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
    draw = nnlite.sampler(temperature, top_k, top_p)
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
            i = draw(logits, u)
            yield logits, i


def ids_to_read(vocabulary: Vocabulary, seed: str, unknown: str) -> list[int]:
    """The ids of a seed; of a line break, if known, for an empty one."""
    if not isinstance(seed, str):
        raise TypeError(f"seed: expected a str, got {type(seed).__name__}")
    ids = vocabulary.encode(seed, unknown)
    if not ids.size and "\n" in vocabulary:
        ids = vocabulary.encode("\n")
    return ids.tolist()


def check_count(name: str, count: int) -> int:
    """A number of characters of at least 0, as an int."""
    try:
        count = operator.index(count)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {count!r}") from None
    if count < 0:
        raise ValueError(f"{name}: expected at least 0, got {count}")
    return count


def check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Check the arguments of `nnlite.sample` before the model reads anything."""
    nnlite.sampler(temperature, top_k, top_p)


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
