"""The states of a model while it reads texts, and the labels of concepts; and what it writes by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..layers import Softmax
from ..sampling import sampling_probabilities
from . import recurrent
from .concepts import Concept
from .hold import holdable
from .recording import private_copy, record

PIECE = 1000  # characters that are read together: of 200 units they take 7 MB


class Reading(NamedTuple):
    """What a model did while it read: L characters of all texts, one after the other.

    Attributes:
        states: the states after each character, (H, L) by names such as "lstm.c".
        labels: by concept, float64 (L,), NaN where there is nothing to know.
    """

    states: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]

    def of(self, concept: str) -> tuple[np.ndarray, np.ndarray]:
        """The states of all layers (U, n) and the labels (n,) where there is something to know."""
        asked = ~np.isnan(self.labels[concept])
        return np.concatenate([*self.states.values()])[:, asked], self.labels[concept][asked]


class Written(NamedTuple):
    """A text that a model wrote, and after each of its characters the probabilities of the next, (T, V) or none."""

    text: str
    p: np.ndarray


def read(model: Any, vocabulary: Any, text: str, states: Sequence[str], concepts: Mapping[str, Concept]) -> Reading:
    """Let a model read a text from a state of zeros."""
    found: dict[str, list] = {name: [] for name in states}
    copied = private_copy(model, "units")
    copied.reset_state()
    recordings = {recording.name: recording.layer for recording in record(copied)}
    for layer, _ in holdable(copied).values():
        layer.stateful = True  # so that each piece goes on where the last one ended
    ids = vocabulary.encode(text)
    keeps_p = any(concept.takes_p for concept in concepts.values())  # of 5,000 characters 20 kB for each that is read
    p = np.empty((keeps_p * len(ids), len(vocabulary)), np.float32)
    for start in range(0, len(ids), PIECE):
        x = ids[None, start : start + PIECE]
        y = copied(x)
        if y.shape != (expected := (*x.shape, len(vocabulary))):
            raise ValueError(
                f"model: expected a logit for each of {len(vocabulary)} characters at each step, shape {expected}, got "
                f"shape {y.shape}: use return_sequences=True, and the vocabulary of its training"
            )
        here = _probabilities(model, y[0])  # which also refuses NaN
        if keeps_p:
            p[start : start + PIECE] = here
        for name in states:
            layer, _, state = name.rpartition(".")
            found[name].append(recurrent.values(recordings[layer])[0][state][:, 0].T.copy())
    labels = {name: concept.of(text, p) for name, concept in concepts.items()}
    return Reading({name: np.concatenate(parts, axis=1) for name, parts in found.items()}, labels)


def write(
    model: Any, step: Callable[[np.ndarray], np.ndarray], vocabulary: Any, draws: np.ndarray, temperature: float,
    keeps_p: bool,
) -> list[Written]:  # fmt: skip
    """Let a model write texts side by side, from a line break on: one for each column of uniform numbers (T, N).

    As `nnlite.text.generate` does, and some times as fast. The probabilities are kept if `keeps_p` says so.
    """
    T, N = draws.shape
    first = vocabulary.encode("\n" if "\n" in vocabulary else vocabulary.characters[0])
    ids, p = np.empty((T, N), np.int64), np.empty((N, keeps_p * T, len(vocabulary)), np.float32)
    here = _probabilities(model, step(np.repeat(first, N)), temperature)
    for t in range(T):
        sums = here.cumsum(axis=1)
        # The first of which the sum is above u; rounding may leave the last sum a little below 1.
        ids[t] = (sums <= (draws[t] * sums[:, -1])[:, None]).sum(axis=1)
        here = _probabilities(model, step(ids[t]), temperature)
        if keeps_p:
            p[:, t] = here
    return [Written(vocabulary.decode(ids[:, n]), p[n]) for n in range(N)]


def _probabilities(model, y, temperature=1.0):
    """The model's probabilities from its last layer's output, (..., V)."""
    if isinstance(model.layers[-1], Softmax):
        with np.errstate(divide="ignore"):  # ln 0 = -inf: a character that is never drawn
            y = np.log(y)
    return sampling_probabilities(y, temperature).astype(np.float32)
