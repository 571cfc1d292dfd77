"""Generate text: step a model through a text, then through its own output."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import nnlite
from nnlite.turns import computing
from nnlite.utils import is_model

from .arguments import drawn, require_text, require_whole
from .vocabulary import Vocabulary


def generate(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    seed: str,
    length: int,
    temperature: float = 1.0,
    rng: np.random.Generator | int | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    unknown: str = "error",
    hold: Mapping[str, Mapping[int, float]] | None = None,
) -> str:
    """Let a model continue a text, and return what it generates, without the seed.

    Starting from a zero state, the model reads the seed, character by character. Then it repeatedly computes the
    probabilities of the next character,

        p = softmax(logits / temperature),

    draws one, outputs it, and reads it. The recurrent state carries what was read, so nothing is read twice and every
    character costs the same.

    The model's own state is restored afterwards, even after an error, so a callback may sample during the training of
    a `stateful` model.

    Args:
        model: maps ids to V logits. If its last layer is a Softmax, the logs of its outputs are the logits.
        vocabulary: the vocabulary that the model was trained with, V characters.
        seed: the text that the model reads first, of any length, even longer than the training windows. An empty seed
            means a line break, so that the text starts a new line. If the vocabulary has no line break, the first
            character is drawn uniformly.
        length: the number of characters to generate.
        temperature: 1 uses the model's own probabilities. Lower values favour likely characters and repeat common
            words; higher values favour rare ones. 0 always gives the most likely character.
        rng: a Generator, an int to seed a new one, or None for random draws. `length` uniform numbers are drawn before
            the first character.
        top_k, top_p: draw only from the most likely characters, see `nnlite.sample`; None for all.
        unknown: how to treat characters of the seed that are not in the vocabulary: "error", or "skip".
        hold: values at which units are held from the start, to see what the text loses: {"lstm.c": {105: 0.0}} for a
            cell of an LSTM, {"gru.h": {3: 0.5}} for a state. A held state h is what the next layer and this layer's
            next step see. A held cell c is what the next step sees, and what this step's h = o * tanh(c) is made of.

    Raises:
        ValueError: a character of the seed is not in the vocabulary; the temperature is negative, infinite or NaN;
            the length is negative; top_k or top_p is out of range; the model does not return V logits, or returns NaN;
            the model has no state or unit that is to be held.
        MemoryError: there is no room for `length` numbers.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, clean_sonnets, generate
        >>> vocabulary = Vocabulary.from_text(clean_sonnets())
        >>> lstm = nnlite.LSTM(8, return_sequences=True, input_dim=len(vocabulary))
        >>> model = nnlite.Sequential([lstm, nnlite.Dense(len(vocabulary))], input_shape=(40,), seed=1)
        >>> len(generate(model, vocabulary, "shall i compare thee", 100, temperature=0.75, rng=1))
        100
    """
    length = require_whole("length", length, least=0)
    sampler = nnlite.sampler(temperature, top_k, top_p)
    read = ids_to_read(vocabulary, seed, unknown)
    draws = drawn(rng, length)
    return vocabulary.decode([i for _, i in write(model, vocabulary, read, draws, sampler, hold)])


def write(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    read: list[int],
    draws: Iterable[float],
    sampler: Callable[[np.ndarray, float], int],
    hold: Mapping[str, Mapping[int, float]] | None = None,
) -> Iterator[tuple[np.ndarray, int]]:
    """Let a model read ids, and generate one id per draw; yield (logits, id) of each. See `generate`.

    The logits, (V,), are valid until the next step. Meanwhile other threads wait.
    """
    if not (hasattr(model, "stepper") and hasattr(model, "layers")):
        raise TypeError(f"model: expected a model, such as nnlite.Sequential([...]), got {type(model).__name__}")
    V = len(vocabulary)
    # A step takes a batch of one: an array of shape (1,) for each id, created once.
    batches = list(np.arange(V).reshape(-1, 1))
    last = _all_layers(model)[-1]
    is_softmax = isinstance(getattr(last, "activation", last), nnlite.Softmax)  # of Dense(V, "softmax")
    output = np.full((1, V), 1 / V) if is_softmax else np.zeros((1, V))
    with computing, _zero_state(model):
        step = model.stepper(1) if hold is None else nnlite.inspect.hold.held_stepper(model, hold, 1)
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
    if not hasattr(vocabulary, "decode") or isinstance(vocabulary, bytes | bytearray):
        raise TypeError(f"vocabulary: expected a Vocabulary, such as model.vocabulary, got {type(vocabulary).__name__}")
    ids = vocabulary.encode(require_text("seed", seed), unknown)
    if not ids.size and "\n" in vocabulary:
        ids = vocabulary.encode("\n")
    return ids.tolist()


@contextmanager
def _zero_state(model: Any) -> Iterator[None]:
    """Give the model a zero state, and restore its own at the end."""
    layers = [layer for layer in _all_layers(model) if hasattr(layer, "state")]
    # Copies, since a layer may update its state in place.
    states = [layer.state and tuple(map(np.copy, layer.state)) for layer in layers]
    model.reset_state()
    try:
        yield
    finally:
        for layer, state in zip(layers, states, strict=True):
            layer.state = state


def _all_layers(model: Any) -> list[Any]:
    """The layers of a model, and for models among them theirs."""
    return [part for layer in model.layers for part in (_all_layers(layer) if is_model(layer) else [layer])]


def _log(probabilities: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # ln 0 = -inf: a character that is never drawn
        return np.log(probabilities)
