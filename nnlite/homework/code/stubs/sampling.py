"""Sampling with temperature, in NumPy.

Fill in the function. You may write others, and import numpy and what comes with Python. Leave arguments unchanged.
Try your code by `nnlite homework check`.
"""

import numpy as np


def sample(logits, temperature, u):
    """Draw ids from p = softmax(logits / temperature).

    u has one number for each draw, uniform in [0, 1). A number u draws the first id whose cumulative probability is
    above it: the smallest k with p[0] + ... + p[k] > u.

    logits: (V) real numbers, up to 1000 and down to -1000, which must not overflow; temperature: above 0; u: (K).
    Returns ids: (K) integers from 0 to V - 1.
    """
    raise NotImplementedError("sample is yours to write")
