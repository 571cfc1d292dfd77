"""How well units tell labels, and how well they would by chance.

    number          r, the correlation of the unit with the label
    yes or no       AUC, the probability that the unit is higher at a yes than at a no; 1/2 is guessing

The scores here are r and AUC - 1/2; the second is the mean rank of the unit at a yes, centred and scaled. So both are
sums of products, sum_t x_t l_t, and those with the labels shifted round the text by every distance s,
sum_t x_t l_{t-s}, come from one Fourier transform.

Why shifted and not shuffled: neighbours in a text are alike. A unit that changes slowly agrees with any label that
changes slowly far better than with a shuffled one.
"""

from typing import NamedTuple

import numpy as np

ALPHA = 0.01  # the chance that any unit passes for any of the concepts
NEAREST = 0.05  # of the text: labels that are shifted by less are still about the same lines
BLOCK = 64  # units that are transformed together

Text = tuple[np.ndarray, np.ndarray]  # its `comparable` units (U, n), and labels (n,)


class Best(NamedTuple):
    """The best unit of one text, in another.

    Attributes:
        unit: its number.
        sign: of its score in the first text.
        score, limit: in the other text; see `scores` and `limit`.
    """

    unit: int
    sign: float
    score: float
    limit: float

    @property
    def agrees(self) -> float:
        """The score, if it has that sign; else a negative number."""
        return self.sign * self.score


def is_yes_no(labels: np.ndarray) -> bool:
    """Whether there are no labels but 0 and 1."""
    return bool(np.isin(labels, (0, 1)).all())


def comparable(x: np.ndarray, yes_no: bool) -> np.ndarray:
    """What scores are sums of products with, (U, n), for units x (U, n): ranks, or values of mean 0 and norm 1.

    It is 0 for a unit that never changes.
    """
    found = np.empty(x.shape)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        found[start : start + BLOCK] = _ranks(block) - (x.shape[1] + 1) / 2 if yes_no else _normed(block)
    return found


def scores(units: np.ndarray, labels: np.ndarray, yes_no: bool) -> np.ndarray:
    """The score of each unit, (U,), from `comparable` units and labels (n,), which are not all the same."""
    return units @ _factors(labels, yes_no)


def limit(units: np.ndarray, labels: np.ndarray, yes_no: bool, concepts: int) -> float:
    """The size of score that no unit reaches with shifted labels, but for `ALPHA` of all tries with so many concepts.

    It is a quantile of the largest size of all units over all shifts, so it is corrected for their number; and for that
    of concepts, as each has its part of `ALPHA`.
    """
    n = len(labels)
    spectrum = np.fft.rfft(_factors(labels, yes_no)).conj()
    largest = np.zeros(n)
    for start in range(0, len(units), BLOCK):
        shifted = np.fft.irfft(np.fft.rfft(units[start : start + BLOCK]) * spectrum, n)
        np.maximum(largest, np.abs(shifted).max(axis=0), out=largest)
    nearest = max(1, round(NEAREST * n))
    far = largest[nearest : n - nearest]
    return float(np.quantile(far, 1 - ALPHA / concepts, method="higher")) if far.size else np.inf


def best(found: Text, tested: Text, yes_no: bool, concepts: int) -> Best:
    """The unit with the largest score in one text, and its score in another."""
    score = scores(*found, yes_no)
    unit = int(np.abs(score).argmax())
    x, labels = tested
    (told,) = scores(x[[unit]], labels, yes_no)
    return Best(unit, np.sign(score[unit]), told, limit(x, labels, yes_no, concepts))


def _factors(labels, yes_no):
    if yes_no:
        yes = labels.sum()
        return labels / (yes * (len(labels) - yes))
    centred = labels - labels.mean()
    return centred / np.linalg.norm(centred)


def _normed(x):
    centred = x - x.mean(axis=1, keepdims=True, dtype=np.float64)
    size = np.linalg.norm(centred, axis=1, keepdims=True)
    rounding = 1e-6 * np.linalg.norm(x, axis=1, keepdims=True)
    return centred / np.where(size > rounding, size, np.inf)


def _ranks(x):
    """Of each row: 1 for the smallest; equals share the mean of theirs."""
    order = np.argsort(x, axis=1)
    x = np.take_along_axis(x, order, axis=1)
    places = np.arange(1.0, x.shape[1] + 1)
    differs = x[:, 1:] != x[:, :-1]
    first = np.where(np.pad(differs, ((0, 0), (1, 0)), constant_values=True), places, 0)
    last = np.where(np.pad(differs, ((0, 0), (0, 1)), constant_values=True), places, np.inf)
    first = np.maximum.accumulate(first, axis=1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(x.shape)
    np.put_along_axis(ranks, order, (first + last) / 2, axis=1)
    return ranks
