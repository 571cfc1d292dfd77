"""Landmarks: losses of simple counting models, to compare a network's loss with."""

from typing import NamedTuple

import numpy as np

from .arguments import code_points


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
    characters, ids = np.unique(code_points("text", text, least=2), return_inverse=True)
    V = len(characters)
    # Only pairs that occur are counted: a V x V table is large for many characters.
    pairs, pair_counts = np.unique(ids[:-1] * V + ids[1:], return_counts=True)
    before = np.bincount(ids[:-1], minlength=V)[pairs // V]
    return Landmarks(
        uniform=float(np.log(V)),
        unigram=_mean_loss(np.bincount(ids), len(text)),
        bigram=_mean_loss(pair_counts, before),
    )


def _mean_loss(counts: np.ndarray, totals: np.ndarray | int) -> float:
    """The mean of -ln p over all counts, with p = counts / totals."""
    return float(np.sum(counts * np.log(totals / counts)) / counts.sum())
