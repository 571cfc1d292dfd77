"""Sampling: one draw from the probabilities that a model's scores stand for."""

import math

import numpy as np

from . import checks
from .kernels import backend


def sample(logits: np.ndarray, temperature: float, u: float) -> int:
    """The id that a uniform number draws from softmax(logits / temperature).

        p = softmax(logits / temperature);  the first v with p_0 + ... + p_v > u

    At temperature 1 these are the model's own probabilities. Below 1 the likely becomes likelier, down to the largest
    logit (the first of them) at 0; above 1 rare ids come more often.

    Args:
        logits: (V,) scores, float32 or float64. -infinity is the score of what cannot be drawn.
        temperature: a finite number of at least 0.
        u: in [0, 1), such as `rng.random()`.

    Raises:
        TypeError: logits is not an array of floats, or one of the others not a number.
        ValueError: temperature or u out of range; a logit is NaN or +infinity, or all are -infinity.

    Example:
        >>> import numpy as np
        >>> from nnlite import sample
        >>> logits = np.log([0.2, 0.3, 0.5])
        >>> [sample(logits, 1.0, u) for u in (0.1, 0.4, 0.6)]
        [0, 1, 2]
        >>> sample(logits, 0, 0.1)
        2
    """
    dtype = getattr(logits, "dtype", None)
    logits = checks.floats("logits", logits, dtype if dtype == np.float32 else np.dtype(np.float64), (None,), "(V,)")
    temperature = checks.between("temperature", temperature, 0, math.inf, closed=False)
    u = checks.between("u", u, 0, 1, closed=False)
    chosen = backend.softmax.sample(logits, temperature, u)
    if chosen < 0:
        raise ValueError(
            "logits: expected finite numbers (or -infinity, but not everywhere): there are NaN or +infinity, "
            "as of a model whose weights have diverged, or no number at all"
        )
    return chosen
