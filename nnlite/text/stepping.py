"""Writing: a model reads a text, and then its own characters, one by one. What generation and temperature share."""

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
    """Let a model read ids from a fresh state, and write as many as there are draws.

    Nothing is read twice: the recurrent state remembers, so an id costs the same anywhere in the text. Where there is
    nothing to read, the first id is drawn as if all logits were 0. In the end, also after an error, the model has the
    state that it had. Until then no other thread computes with it.

    Yields:
        (logits, id): of each character that is written. The logits, (V,), are good until the next one is asked for.

    Raises:
        ValueError: the model does not give V logits, or gives NaN.
    """
    V = len(vocabulary)
    # A step takes a batch of one: every id in an array of shape (1,), made once.
    batches = list(np.arange(V).reshape(-1, 1))
    is_softmax = isinstance(model.layers[-1], nnlite.Softmax)
    output = np.full((1, V), 1 / V) if is_softmax else np.zeros((1, V))
    draw = nnlite.sampler(temperature, top_k, top_p)
    with computing, _borrowed_state(model):
        step = model.stepper(1)
        for i in read:
            output = step(batches[i])
        for number, u in enumerate(draws):
            # Reading comes before writing, so that the last character costs no step in vain.
            if number:
                output = step(batches[i])
            if number < 2 and output.shape != (1, V):
                raise ValueError(
                    f"the model must give a logit for each of the vocabulary's {V} characters, shape (1, {V}), but a "
                    f"step gave shape {output.shape}"
                )
            logits = (_log(output) if is_softmax else output)[0]
            i = draw(logits, u)
            yield logits, i


def ids_to_read(vocabulary: Vocabulary, seed: str, unknown: str) -> list[int]:
    """The ids of a seed. An empty one is a line break, where there is one."""
    if not isinstance(seed, str):
        raise TypeError(f"seed must be a str, got {type(seed).__name__}")
    ids = vocabulary.encode(seed, unknown)
    if not ids.size and "\n" in vocabulary:
        ids = vocabulary.encode("\n")
    return ids.tolist()


def check_count(name: str, count: int) -> int:
    """A number of characters, as an int."""
    try:
        count = operator.index(count)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {count!r}") from None
    if count < 0:
        raise ValueError(f"{name} must not be negative, got {count}")
    return count


def check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Refuse what `nnlite.sample` would, before the model has read anything."""
    nnlite.sampler(temperature, top_k, top_p)


@contextmanager
def _borrowed_state(model: Any) -> Iterator[None]:
    """Give the model a fresh state, and in the end the one that it had."""
    layers = [layer for layer in model.layers if hasattr(layer, "state")]
    # Copies, as a layer may advance its state in place.
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
