"""Landmarks: losses of simple counting models, to compare a network's loss with."""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .arguments import PIECE, index_table, indices, require_text

PARTS = 8  # in which pairs of characters are counted


class Landmarks(NamedTuple):
    """Three losses in nats per character, returned by `landmarks`.

    Attributes:
        uniform: all characters equally likely.
        unigram: the frequency of each character.
        bigram: the frequency of each character given the previous one.

    Example:
        >>> from nnlite.text import Landmarks
        >>> Landmarks(uniform=3.638, unigram=2.99, bigram=2.364).bigram
        2.364
    """

    uniform: float
    unigram: float
    bigram: float


def landmarks(text: str) -> Landmarks:
    """The losses of three simple models on a text, in nats per character: a scale for losses.

        uniform    all characters equally likely               ln V
        unigram    frequency of each character                 -1/L     sum_a  n_a  ln(n_a / L)
        bigram     frequency given the previous character      -1/(L-1) sum_ab n_ab ln(n_ab / m_a)

    The text has L characters, V of them distinct; n_a counts character a, n_ab counts "a, then b", and
    m_a = sum_b n_ab. In words: log V, the entropy of a character, and the conditional entropy of a character given the
    previous one.

    The counts come from the text itself, so no model of these three kinds does better *on this text*. A network with a
    loss below the bigram landmark uses more than one previous character. exp(landmark) is a perplexity.

    Args:
        text: at least two characters. Use the text that the model is trained on, usually `clean_sonnets()`: losses on
            different texts cannot be compared.

    Raises:
        ValueError: text has fewer than two characters.

    Source: Shannon, Prediction and entropy of printed English, 1951: there F_0, F_1 and F_2, in bits.

    Example:
        >>> from nnlite.text import clean_sonnets, landmarks
        >>> landmarks("abababab").bigram
        0.0
        >>> [round(nats, 3) for nats in landmarks(clean_sonnets())]
        [3.638, 2.99, 2.364]
    """
    characters = sorted(set(require_text("text", text, least=2)))
    V, L, table = len(characters), len(text), index_table(characters)
    counts = np.zeros(V, np.int64)
    for ids in indices(text, table, overlap=1):  # all characters but the last, which is the first of no pair
        counts += np.bincount(ids[:-1], minlength=V)
    bigram = math.fsum(itertools.chain.from_iterable(_pair_losses(text, table, counts))) / (L - 1)
    counts[ids[-1]] += 1
    return Landmarks(float(np.log(V)), float(np.sum(counts * np.log(L / counts))) / L, bigram)


def _pair_losses(text: str, table: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    """n_ab ln(m_a / n_ab) of all pairs that occur, for some of the first characters at a time.

    A table of V x V counts would be large for many characters, and so would be all pairs of a long text.
    """
    V, parts = len(counts), np.cumsum(counts) * PARTS // len(text)
    for part in range(PARTS):
        pairs, start, end = np.empty(counts[parts == part].sum(), np.min_scalar_type(V * V - 1)), 0, 0
        for ids in indices(text, table, overlap=1):
            found = (ids[:-1].astype(np.int64) * V + ids[1:])[parts[ids[:-1]] == part]
            pairs[end : end + len(found)] = found
            end += len(found)
        pairs.sort()
        while start < end:
            last = pairs[min(start + PIECE, end) - 1]
            equal = int(np.searchsorted(pairs, last, "right"))  # equal pairs are counted together
            found, n = np.unique(pairs[start:equal], return_counts=True)
            yield n * np.log(counts[found // V] / n)
            start = equal
