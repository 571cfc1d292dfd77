"""Sampling: one draw from the probabilities that a model's scores stand for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import checks
from .kernels import backend


def sample(
    logits: np.ndarray, temperature: float, u: float, top_k: int | None = None, top_p: float | None = None
) -> int:
    """The id that a uniform number draws from softmax(logits / temperature).

        p = softmax(logits / temperature);  the first v with p_0 + ... + p_v > u

    At temperature 1 these are the model's own probabilities. Below 1 the likely becomes likelier, down to the largest
    logit (the first of them) at 0; above 1 rare ids come more often.

    `top_k` and `top_p` leave the unlikely out, and what is left is drawn with probabilities that sum to 1 again: so a
    model may vary without ever writing what it holds for nearly impossible. Of equals the first are kept.

    Args:
        logits: (V,) scores, float32 or float64. -infinity is the score of what cannot be drawn.
        temperature: a finite number of at least 0.
        u: in [0, 1), such as `rng.random()`.
        top_k: draw from the k likeliest ids alone; None for all.
        top_p: draw from the smallest set of likeliest ids whose probabilities, at this temperature, sum to p or more,
            0 < p <= 1; None for all. With top_k: of what that leaves.

    Raises:
        TypeError: logits is not an array of floats, or one of the others not a number.
        ValueError: one of the numbers is out of range; a logit is NaN or +infinity, or all are -infinity.

    Source: top_k: Fan, Lewis and Dauphin, Hierarchical neural story generation, 2018; top_p, the nucleus: Holtzman et
    al., The curious case of neural text degeneration, 2020.

    Example:
        >>> import numpy as np
        >>> from nnlite import sample
        >>> logits = np.log([0.2, 0.3, 0.5])
        >>> [sample(logits, 1.0, u) for u in (0.1, 0.4, 0.6)]
        [0, 1, 2]
        >>> sample(logits, 0, 0.1)
        2
        >>> [sample(logits, 1.0, u, top_k=2) for u in (0.1, 0.4, 0.6)]
        [1, 2, 2]
    """
    logits, temperature = _check(logits, temperature, (None,), "(V,)")
    u = checks.between("u", u, 0, 1, closed=False)
    return sampler(temperature, top_k, top_p)(logits, u)


def sampler(
    temperature: float, top_k: int | None = None, top_p: float | None = None
) -> Callable[[np.ndarray, float], int]:
    """`sample` for many draws: a function of logits and u that has checked all else already.

    Half of the time that a character of a text takes would go into checking the same numbers again.

    Raises:
        TypeError, ValueError: as `sample` does; of the function's arguments, only numbers to draw from are asked for.

    Example:
        >>> import numpy as np
        >>> from nnlite import sampler
        >>> draw = sampler(temperature=0.5)
        >>> draw(np.log([0.2, 0.3, 0.5]), 0.3)
        1
    """
    temperature = _temperature(temperature)
    kernel = backend.softmax.sample
    _likeliest(np.zeros(1), temperature, top_k, top_p)  # refuses what cannot be

    def draw(logits, u):
        if top_k is not None or top_p is not None:
            logits = _likeliest(logits, temperature, top_k, top_p)
        chosen = kernel(logits, temperature, u)
        if chosen < 0:
            raise ValueError(NOTHING_TO_DRAW)
        return chosen

    return draw


def sampling_probabilities(
    logits: np.ndarray, temperature: float, top_k: int | None = None, top_p: float | None = None
) -> np.ndarray:
    """The probabilities with which `sample` draws, given the same arguments: float64, of the shape of the logits.

    At temperature 0 the likeliest has them all.

    Args:
        logits: (..., V), as many rows as there are draws to know the probabilities of.
        temperature, top_k, top_p: as for `sample`.

    Raises:
        TypeError, ValueError: as `sample` does.

    Example:
        >>> import numpy as np
        >>> from nnlite import sampling_probabilities
        >>> logits = np.log([0.2, 0.3, 0.5])
        >>> sampling_probabilities(logits, 1.0).round(3)
        array([0.2, 0.3, 0.5])
        >>> sampling_probabilities(logits, 0.5).round(3)
        array([0.105, 0.237, 0.658])
        >>> sampling_probabilities(logits, 1.0, top_p=0.75).round(3)
        array([0.   , 0.375, 0.625])
    """
    # Of a single distribution there are no axes before the last.
    logits, temperature = _check(logits, temperature, (None,) if np.ndim(logits) < 2 else (..., None), "(..., V)")
    logits = logits.astype(np.float64)
    if top_k is not None or top_p is not None:
        for row in np.ndindex(logits.shape[:-1]):
            logits[row] = _likeliest(logits[row], temperature, top_k, top_p)
    if not np.isfinite(logits.max(axis=-1, initial=-np.inf)).all():
        raise ValueError(NOTHING_TO_DRAW)
    if temperature == 0:
        return (np.arange(logits.shape[-1]) == logits.argmax(axis=-1, keepdims=True)).astype(np.float64)
    return _softmax(logits, temperature)


NOTHING_TO_DRAW = (
    "logits: expected finite numbers (or -infinity, but not everywhere): there are NaN or +infinity, "
    "as of a model whose weights have diverged, or no number at all"
)


def _check(logits, temperature, shape, letters):
    dtype = getattr(logits, "dtype", None)
    logits = checks.floats("logits", logits, dtype if dtype == np.float32 else np.dtype(np.float64), shape, letters)
    return logits, _temperature(temperature)


def _temperature(temperature):
    return checks.between("temperature", temperature, 0, math.inf, closed=False)


def _likeliest(logits, temperature, top_k, top_p):
    """The logits, with -infinity for what is not to be drawn."""
    keep = len(logits) if top_k is None else min(checks.positive("top_k", top_k), len(logits))
    top_p = 1.0 if top_p is None else checks.between("top_p", top_p, 0, 1)
    if top_p == 0:
        raise ValueError("top_p: expected a number above 0, as nothing would be left to draw from, got 0")
    # At temperature 0 one is left. Where there are NaN, nobody knows what is likely, and they must not get lost.
    if temperature == 0 or not np.isfinite(logits.max(initial=-np.inf)):
        return logits
    order = np.argsort(-logits, kind="stable")
    if top_p < 1:
        sums = _softmax(logits[order[:keep]].astype(np.float64), temperature).cumsum()
        keep = min(keep, 1 + int(sums.searchsorted(top_p)))
    kept = np.full_like(logits, -np.inf)
    kept[order[:keep]] = logits[order[:keep]]
    return kept


def _softmax(logits, temperature):
    with np.errstate(over="ignore"):  # -infinity is right there
        e = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return e / e.sum(axis=-1, keepdims=True)
