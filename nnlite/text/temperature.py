"""Temperature: what it does to a text, and to the choice of a single character."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import nnlite

from .stepping import check_count, check_sampling, ids_to_read, write
from .vocabulary import Vocabulary

__all__ = ["NextCharacter", "TemperatureSample", "compare_temperatures", "next_characters"]

TEMPERATURES = (1.5, 0.75, 0.25)
BLOCK = 256  # characters whose distributions are looked at together


class TemperatureSample(NamedTuple):
    """What a model wrote at one temperature, as `compare_temperatures` gives it.

    Attributes:
        temperature: at which it was written.
        text: what was written.
        entropy: in nats per character, the mean over the text of the entropy of the distribution that each character
            was drawn from. A choice of H nats is as open as one between exp(H) equally likely characters. NaN where
            nothing was written.

    Example:
        >>> from nnlite.text import TemperatureSample
        >>> TemperatureSample(temperature=0.25, text="the the the", entropy=0.1).entropy
        0.1
    """

    temperature: float
    text: str
    entropy: float


class NextCharacter(NamedTuple):
    """A character that may come next, as `next_characters` gives it.

    Attributes:
        character: which.
        probabilities: of it, 0 to 1, at each of the temperatures.

    Example:
        >>> from nnlite.text import NextCharacter
        >>> NextCharacter("e", probabilities=(0.3, 0.8)).probabilities[0]
        0.3
    """

    character: str
    probabilities: tuple[float, ...]


def compare_temperatures(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    seed: str,
    length: int,
    temperatures: Sequence[float] = TEMPERATURES,
    rng: np.random.Generator | int | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    unknown: str = "error",
) -> list[TemperatureSample]:
    """Let a model continue one text at several temperatures, and measure how free its choices were.

    Each text is what `generate` writes, from the same draws: where two differ, it is the temperature's doing. The
    entropy of a distribution p is H = -sum_v p_v ln p_v: 0 where the next character is certain, ln V where all are
    equally likely.

    Args:
        temperatures: at 0 the choice is certain, and the entropy is 0.
        model, vocabulary, seed, length, rng, top_k, top_p, unknown: as for `generate`.

    Returns:
        A `TemperatureSample` for each temperature, in their order.

    Raises:
        TypeError, ValueError: as `generate` does.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, compare_temperatures
        >>> vocabulary = Vocabulary("abcdefgh")
        >>> model = nnlite.Sequential([nnlite.Embedding(8, 8)], input_shape=(40,), seed=1)
        >>> model.params["embedding.W"] *= 40  # as if it had learned
        >>> for sample in compare_temperatures(model, vocabulary, "head", 30, temperatures=(1.5, 0.25), rng=0):
        ...     print(f"{sample.temperature:4} {sample.text} {sample.entropy:.2f} nats per character")
         1.5 fbaagfeddgfagafbgdbdabfedbhhed 1.87 nats per character
        0.25 fbcedfedfhcedadadfbfbchchbhhch 0.76 nats per character
    """
    length = check_count("length", length)
    for temperature in temperatures:
        check_sampling(temperature, top_k, top_p)
    read = ids_to_read(vocabulary, seed, unknown)
    draws = np.random.default_rng(rng).random(length).tolist()
    samples = []
    for temperature in temperatures:
        ids, entropies = [], []
        written = write(model, vocabulary, read, draws, temperature, top_k, top_p)
        # One by one, the distributions would take thrice the time of the writing.
        while block := [(logits.copy(), i) for logits, i in itertools.islice(written, BLOCK)]:
            rows, chosen = zip(*block, strict=True)
            ids += chosen
            entropies += _entropies(nnlite.sampling_probabilities(np.array(rows), temperature, top_k, top_p)).tolist()
        entropy = math.fsum(entropies) / length if length else math.nan
        samples.append(TemperatureSample(float(temperature), vocabulary.decode(ids), entropy))
    return samples


def next_characters(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    text: str,
    temperatures: Sequence[float] = TEMPERATURES,
    top: int = 10,
    top_k: int | None = None,
    top_p: float | None = None,
    unknown: str = "error",
) -> list[NextCharacter]:
    """What a model would write after a text, under a microscope: the likeliest next characters at each temperature.

    Temperature does not change their order, only how far apart they are.

    Args:
        text: what the model reads, from a fresh state, as the seed of `generate`.
        temperatures: for each there is a probability.
        top: how many characters, at most; the likeliest first, of equals the first in the vocabulary.
        model, vocabulary, top_k, top_p, unknown: as for `generate`.

    Returns:
        A `NextCharacter` for each. The probabilities of those that are not among them are missing from their sums.

    Raises:
        TypeError, ValueError: as `generate` does; ValueError also for a negative top.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, next_characters
        >>> vocabulary = Vocabulary("abcdefgh")
        >>> model = nnlite.Sequential([nnlite.Embedding(8, 8)], input_shape=(40,), seed=1)
        >>> model.params["embedding.W"] *= 40  # as if it had learned
        >>> for character, probabilities in next_characters(model, vocabulary, "bad", (1.5, 0.25), top=3):
        ...     print(character, *(f"{100 * p:5.1f} %" for p in probabilities))
        f  28.6 %  52.7 %
        a  28.0 %  46.2 %
        b  14.9 %   1.0 %
    """
    top = check_count("top", top)
    for temperature in temperatures:
        check_sampling(temperature, top_k, top_p)
    read = ids_to_read(vocabulary, text, unknown)
    ((logits, _),) = [(logits.copy(), i) for logits, i in write(model, vocabulary, read, [0.0], 1.0)]
    columns = [nnlite.sampling_probabilities(logits, t, top_k, top_p).tolist() for t in temperatures]
    likeliest = np.argsort(-logits, kind="stable")[:top].tolist()
    return [NextCharacter(vocabulary.characters[i], tuple(column[i] for column in columns)) for i in likeliest]


def _entropies(p: np.ndarray) -> np.ndarray:
    """Of distributions p (L, V), in nats: (L,)."""
    logarithms = np.log(np.where(p > 0, p, 1))  # the limit of p ln p is 0 there
    return -(p * logarithms).sum(axis=-1) + 0.0  # not -0
