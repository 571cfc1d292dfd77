"""The order in which samples are taken: a random one, in bounded memory however many they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MANY = 2**24  # samples: an array of their numbers takes 67 MB
BLOCK = 2**14  # numbers that are computed together
MIXERS = np.array([0x9E3779B97F4A7C15, 0xB504F333F9DE6485], np.uint64)  # 2**64 over the golden ratio, and over root 2


def shuffled(count: int, rng: np.random.Generator) -> Any:
    """The numbers from 0 to count - 1 in a random order: of a slice of it the numbers are an array."""
    if count > MANY:
        return Permutation(count, rng)
    order = np.arange(count, dtype=np.min_scalar_type(count))
    rng.shuffle(order)
    return order


class Permutation:
    """A random order of many numbers that computes them when they are asked for: it is drawn as six keys.

    A network of six rounds swaps the upper and the lower half of a number's bits, each time mixed with a key: every
    number becomes another one of as many bits. Where that is not below `count`, it goes through the network again.

    Source: Luby and Rackoff, How to construct pseudorandom permutations from pseudorandom functions, 1988; Black and
    Rogaway, Ciphers with arbitrary finite domains, 2002.
    """

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._count, self._half = count, np.uint64(-(-(count - 1).bit_length() // 2))
        self._keys: Sequence[np.uint64] = list(rng.integers(2**64, size=6, dtype=np.uint64))
        self._block = range(0)  # which are computed
        self._numbers = np.empty(0, np.uint64)

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, last, _ = rows.indices(self._count)
        if first < self._block.start or last > self._block.stop:
            self._block = range(first, min(self._count, max(last, first + BLOCK)))
            self._numbers = self._found(np.arange(first, self._block.stop, dtype=np.uint64))
        return self._numbers[first - self._block.start : max(0, last - self._block.start)]

    def _found(self, numbers):
        numbers = self._once(numbers)
        while (outside := numbers >= self._count).any():
            numbers[outside] = self._once(numbers[outside])
        return numbers

    def _once(self, numbers):
        upper, lower = numbers >> self._half, numbers & ((np.uint64(1) << self._half) - np.uint64(1))
        for key in self._keys:
            mixed = (lower + key) * MIXERS[0]
            mixed ^= mixed >> np.uint64(32)
            upper, lower = lower, upper ^ (mixed * MIXERS[1] >> np.uint64(64) - self._half)
        return (upper << self._half) | lower
