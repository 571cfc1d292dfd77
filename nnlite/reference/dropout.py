"""Dropout: each number is dropped with probability p, and what is kept is scaled up to keep the mean.

Whether the i-th number stays depends on a hash of i and the key alone: the same in both backends, bit for bit.
"""

import numpy as np


def mixed(h):
    """The finalizer of MurmurHash3 (Appleby, 2011): flipping one bit of h flips half of the result's bits."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def hashed(n, key):
    """Numbers evenly over 0 .. 2^32 - 1, one for each i in 0 .. n - 1."""
    i = np.arange(n, dtype=np.uint64)
    low, high = i.astype(np.uint32), (i >> np.uint64(32)).astype(np.uint32)
    first = np.array([key & 0xFFFFFFFF], np.uint32)
    second = mixed(~first) ^ np.uint32(key >> 32)
    return mixed(mixed(low ^ first) ^ second ^ high)


def apply(x, y, key, p):  # IN (n) OUT (n)
    scale = x.dtype.type(1 / (1 - p))
    y[:] = np.where(hashed(x.size, key) >= int(p * 2**32), x * scale, 0)
