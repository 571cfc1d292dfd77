"""Landmarks: losses of simple counting models, to compare a network's loss with."""

from typing import NamedTuple

import numpy as np

from .arguments import PIECE, index_table, indices, require_text


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
    ids = _ids(require_text("text", text, least=2))
    V = 1 + int(ids.max())
    # Only pairs that occur are counted: a V x V table is large for many characters.
    pairs, pair_counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for start in range(0, len(ids) - 1, PIECE):
        piece = ids[start : start + PIECE + 1].astype(np.int64)
        found, counts = np.unique(piece[:-1] * V + piece[1:], return_counts=True)
        pairs, places = np.unique(np.concatenate([pairs, found]), return_inverse=True)
        pair_counts = np.bincount(places, np.concatenate([pair_counts, counts])).astype(np.int64)
    counts = np.bincount(pairs // V, pair_counts, minlength=V).astype(np.int64)  # of all characters but the last
    before = counts[pairs // V]
    counts[ids[-1]] += 1
    return Landmarks(
        uniform=float(np.log(V)),
        unigram=_mean_loss(counts, len(text)),
        bigram=_mean_loss(pair_counts, before),
    )


def _ids(text: str) -> np.ndarray:
    """The rank of each character among those of the text, in the smallest dtype."""
    characters = sorted(set(text))
    ids = np.empty(len(text), np.min_scalar_type(len(characters) - 1))
    for start, found in indices(text, index_table(characters)):
        ids[start : start + len(found)] = found
    return ids


def _mean_loss(counts: np.ndarray, totals: np.ndarray | int) -> float:
    """The mean of -ln p over all counts, with p = counts / totals."""
    return float(np.sum(counts * np.log(totals / counts)) / counts.sum())
