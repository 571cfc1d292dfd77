"""Sample ids from a model's logits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import checks
from .kernels import backend


def sample(
    logits: np.ndarray, temperature: float, u: float, top_k: int | None = None, top_p: float | None = None
) -> int:
    """Draw an id from softmax(logits / temperature) with a uniform random number.

        p = softmax(logits / temperature);  the first v with p_0 + ... + p_v > u

    At temperature 1 these are the model's own probabilities. Lower temperatures favour likely ids; 0 always gives the
    largest logit (the first of equals). Higher temperatures favour rare ids.

    `top_k` and `top_p` exclude unlikely ids; the other probabilities are rescaled to sum to 1. The output still varies,
    but never contains ids that the model finds nearly impossible. Of equals the first are kept.

    Args:
        logits: (V,) float32 or float64. An id with a logit of -infinity is never drawn.
        temperature: a finite number of at least 0.
        u: in [0, 1), such as `rng.random()`.
        top_k: draw only from the k most likely ids; None for all.
        top_p: draw only from the smallest set of most likely ids whose probabilities, at this temperature, sum to at
            least p, 0 < p <= 1; None for all. Applied after top_k.

    Raises:
        TypeError: logits is not an array of floats, or another argument is not a number.
        ValueError: an argument is out of range; a logit is NaN or +infinity, or all are -infinity.

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
    """`sample` for many draws: a function of logits and u, with the other arguments checked once.

    Checking them for every character would take half of the time of generation.

    Raises:
        TypeError, ValueError: as for `sample`. The returned function only checks that there is a logit to draw.

    Example:
        >>> import numpy as np
        >>> from nnlite import sampler
        >>> draw = sampler(temperature=0.5)
        >>> draw(np.log([0.2, 0.3, 0.5]), 0.3)
        1
    """
    temperature = _temperature(temperature)
    kernel = backend().softmax.sample
    _likeliest(np.zeros(1), temperature, top_k, top_p)  # checks the arguments

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
    """The probabilities that `sample` draws with, given the same arguments: float64, shape of the logits.

    At temperature 0 the most likely id has probability 1.

    Args:
        logits: (..., V), one row for each distribution.
        temperature, top_k, top_p: as for `sample`.

    Raises:
        TypeError, ValueError: as for `sample`.

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
    logits = checks.numbers("logits", logits)
    # A single distribution has no other axes.
    logits, temperature = _check(logits, temperature, (None,) if logits.ndim < 2 else (..., None), "(..., V)")
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
    "logits: expected finite numbers (or -infinity, but not everywhere), got NaN, +infinity, only -infinity, or no "
    "number at all: check whether the model's weights have diverged"
)


def _check(logits, temperature, shape, letters):
    dtype = getattr(logits, "dtype", None)
    logits = checks.floats("logits", logits, dtype if dtype == np.float32 else np.dtype(np.float64), shape, letters)
    return logits, _temperature(temperature)


def _temperature(temperature):
    return checks.between("temperature", temperature, 0, math.inf, closed=False)


def _likeliest(logits, temperature, top_k, top_p):
    """The logits, with -infinity for excluded ids."""
    keep = len(logits) if top_k is None else min(checks.positive("top_k", top_k), len(logits))
    top_p = 1.0 if top_p is None else checks.between("top_p", top_p, 0, 1)
    if top_p == 0:
        raise ValueError("top_p: expected a number in (0, 1], got 0: use top_k=1 to draw only the most likely id")
    # At temperature 0 nothing needs excluding. NaN must reach the kernel, which reports it.
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
    with np.errstate(over="ignore", under="ignore"):  # -infinity and 0 are the right results
        e = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
        return e / e.sum(axis=-1, keepdims=True)
