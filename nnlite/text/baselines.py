"""Landmarks: how well a text is predicted by models too simple to need training."""

from typing import NamedTuple

import numpy as np

__all__ = ["Landmarks", "landmarks"]


class Landmarks(NamedTuple):
    """Three losses in nats per character, as `landmarks` gives them.

    Attributes:
        uniform: of a model that takes all characters for equally likely.
        unigram: of one that knows how often each occurs.
        bigram: of one that knows how often each occurs after the character before it.

    Example:
        >>> from nnlite.text import Landmarks
        >>> Landmarks(uniform=3.638, unigram=2.99, bigram=2.364).bigram
        2.364
    """

    uniform: float
    unigram: float
    bigram: float


def landmarks(text: str) -> Landmarks:
    """What three simple models lose on a text, in nats per character: a scale for losses.

        uniform    takes all characters for equally likely     ln V
        unigram    knows how often each one occurs             -1/L     sum_a  n_a  ln(n_a / L)
        bigram     knows it given the character before         -1/(L-1) sum_ab n_ab ln(n_ab / m_a)

    Letters: the text has L characters, V of them different; n_a counts character a, n_ab counts "a, then b", and
    m_a = sum_b n_ab. In words: the logarithm of V, the entropy of a character, and the conditional entropy of a
    character given the one before it.

    The counts are the text's own, so no model of these three kinds does better *on this text*. A network whose loss is
    below the bigram landmark has learned to look back further than one character. The exponential of a landmark is a
    perplexity.

    Args:
        text: of at least two characters. Give the text that the model sees, usually `clean_sonnets()`: losses on
            different texts cannot be compared.

    Returns:
        `Landmarks`, a tuple of the three with their names.

    Raises:
        TypeError: text is not a str.
        ValueError: text has fewer than two characters.

    Source: Shannon, Prediction and entropy of printed English, 1951: there F_0, F_1 and F_2, in bits.

    Example:
        >>> from nnlite.text import clean_sonnets, landmarks
        >>> landmarks("abababab").bigram
        0.0
        >>> [round(nats, 3) for nats in landmarks(clean_sonnets())]
        [3.638, 2.99, 2.364]
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}")
    if len(text) < 2:
        raise ValueError(f"text must have at least two characters, got {len(text)}")
    # As numbers: each character takes four bytes in UTF-32 (a lone surrogate passes, too).
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    characters, ids = np.unique(codes, return_inverse=True)
    V = len(characters)
    # Only pairs that occur are counted: V x V is a large table for a text with many characters.
    pairs, pair_counts = np.unique(ids[:-1] * V + ids[1:], return_counts=True)
    before = np.bincount(ids[:-1], minlength=V)[pairs // V]
    return Landmarks(
        uniform=float(np.log(V)),
        unigram=_mean_loss(np.bincount(ids), len(text)),
        bigram=_mean_loss(pair_counts, before),
    )


def _mean_loss(counts: np.ndarray, totals: np.ndarray | int) -> float:
    """The mean of -ln p over everything counted, where p = counts / totals."""
    return float(np.sum(counts * np.log(totals / counts)) / counts.sum())
