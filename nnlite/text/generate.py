"""Generation: a model writes, character by character."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np

import nnlite

from .vocabulary import Vocabulary

__all__ = ["generate"]


def generate(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    seed: str,
    length: int,
    temperature: float = 1.0,
    rng: np.random.Generator | int | None = None,
) -> str:
    """Let a model continue a text.

    From a fresh state the model reads the seed, character by character. Then, time after time, it gives a probability
    to every character of the vocabulary,

        p = softmax(logits / temperature),

    one is drawn, written, and read by the model in turn. What was read lives on in the recurrent state: nothing is read
    twice, and a character costs the same anywhere in the text.

    The model's own state is put back afterwards, also after an error: a callback may sample while a `stateful` model is
    being trained.

    Args:
        model: maps ids to V logits. Where its last layer is a Softmax, the logarithms of what comes out are the logits.
        vocabulary: the one that the model was trained with, V characters.
        seed: what the model reads first. An empty seed stands for a line break, where the vocabulary has one, so that
            the text begins with a new line.
        length: how many characters to write.
        temperature: at 1 the model's own probabilities. Below 1 the likely becomes likelier: common words, over and
            over. Above 1 rare things happen more often. At 0 the likeliest character, always.
        rng: where the draws come from: a Generator, an int to seed a new one with, or None for draws that nobody can
            repeat. `length` uniform numbers are drawn before the first character.

    Returns:
        The characters that the model writes after the seed, without it.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: the seed has a character that the vocabulary lacks; the temperature is negative, infinite or NaN;
            the length is negative; the model does not give V logits, or gives NaN.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, clean_sonnets, generate
        >>> vocabulary = Vocabulary.from_text(clean_sonnets())
        >>> lstm = nnlite.LSTM(8, return_sequences=True, input_dim=len(vocabulary))
        >>> model = nnlite.Sequential([lstm, nnlite.Dense(len(vocabulary))], input_shape=(40,), seed=1)
        >>> len(generate(model, vocabulary, "shall i compare thee", 100, temperature=0.75, rng=1))
        100
    """
    length, temperature = _check(length, temperature)
    seed_ids = _seed_ids(vocabulary, seed)
    draws = np.random.default_rng(rng).random(length).tolist()
    # A step takes a batch of one: every id in an array of shape (1,), made once.
    batches = list(np.arange(len(vocabulary)).reshape(-1, 1))
    is_softmax = _ends_in_softmax(model)
    ids = []
    with _borrowed_state(model):
        step = model.stepper(1)
        for i in seed_ids:
            output = step(batches[i])
        _check_output(output, vocabulary)
        for u in draws:
            # Reading comes before writing, so that the last character costs no step in vain.
            if ids:
                output = step(batches[ids[-1]])
            logits = _log(output) if is_softmax else output
            ids.append(nnlite.sample(logits[0], temperature, u))
    return vocabulary.decode(ids)


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


def _ends_in_softmax(model: Any) -> bool:
    return isinstance(model.layers[-1], nnlite.Softmax)


def _log(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # ln 0 = -inf: a character that is never drawn
        return np.log(probabilities)


def _seed_ids(vocabulary: Vocabulary, seed: str) -> list[int]:
    if not isinstance(seed, str):
        raise TypeError(f"seed must be a str, got {type(seed).__name__}")
    if not seed and "\n" not in vocabulary:
        raise ValueError("seed is empty, and this vocabulary has no line break to begin with")
    return vocabulary.encode(seed or "\n").tolist()


def _check(length: int, temperature: float) -> tuple[int, float]:
    try:
        length = operator.index(length)
    except TypeError:
        raise TypeError(f"length must be an integer, got {length!r}") from None
    if length < 0:
        raise ValueError(f"length must not be negative, got {length}")
    if not isinstance(temperature, Real):
        raise TypeError(f"temperature must be a number, got {temperature!r}")
    temperature = float(temperature)
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature must be finite and at least 0, got {temperature}")
    return length, temperature


def _check_output(output: np.ndarray, vocabulary: Vocabulary) -> None:
    V = len(vocabulary)
    if output.shape != (1, V):
        raise ValueError(
            f"the model must give a logit for each of the vocabulary's {V} characters, shape (1, {V}), but a step gave "
            f"shape {output.shape}"
        )
