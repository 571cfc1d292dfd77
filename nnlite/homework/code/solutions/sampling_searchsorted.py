"""Whole arrays."""

import numpy as np


def sample(logits, temperature, u):
    scaled = (logits - np.max(logits)) / temperature
    p = np.exp(scaled)
    p = p / p.sum()
    return np.minimum(np.searchsorted(np.cumsum(p), u, side="right"), len(p) - 1)
