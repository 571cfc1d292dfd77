"""A student's numbers, from a keyed hash: the same on every computer, and unknown to who lacks the salt."""

import hmac
import json
from collections.abc import Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


class Draws:
    """Random numbers of one student for one question.

    The bits are those of HMAC-SHA-256 with the salt as its key, of the sheet's name, the student, the question and a
    counter. Whoever lacks the salt cannot compute them. Integers are drawn without bias, and decimals are integers
    divided by a power of 10, so no platform and no version of NumPy draws others.

    Args:
        salt: the secret of a course, at least 16 bytes.
        sheet, student, question: names.

    Raises:
        ValueError: the salt is shorter.

    Example:
        >>> from nnlite.homework import Draws
        >>> draws = Draws(b"a secret of a course", "hw2", "ada", "pooling")
        >>> draws.integer(1, 6), draws.decimals((3,), -0.9, 0.9)
        (3, [-0.3, -0.6, -0.5])
    """

    def __init__(self, salt: bytes, sheet: str, student: str, question: str):
        if len(salt) < 16:
            raise ValueError(f"salt: expected at least 16 bytes, got {len(salt)}: use secrets.token_bytes(32)")
        self._salt = salt
        # As JSON the names are apart: ("hw1", "2") and ("hw", "12") are different messages.
        self._names = json.dumps([sheet, student, question]).encode()
        self._counter = 0

    def _bits(self) -> int:
        """The next 256 bits."""
        bits = hmac.digest(self._salt, b"%b %d" % (self._names, self._counter), "sha256")
        self._counter += 1
        return int.from_bytes(bits, "big")

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        count = high - low + 1
        while True:
            bits = self._bits()
            if bits < 2**256 // count * count:  # the rest would make small remainders likelier
                return low + bits % count

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.integer(0, len(items) - 1)]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in another order."""
        left = list(items)
        return [left.pop(self.integer(0, len(left) - 1)) for _ in items]

    def integers(self, shape: Sequence[int], low: int, high: int) -> Any:
        """Nested lists of integers from low to high, none of which is 0."""
        return self.decimals(shape, low, high, digits=0)

    def decimals(self, shape: Sequence[int], low: float, high: float, digits: int = 1) -> Any:
        """Nested lists of numbers from low to high with so many digits behind the point, none of which is 0.

        An empty shape is that of one number.
        """
        if shape:
            return [self.decimals(shape[1:], low, high, digits) for _ in range(shape[0])]
        unit = 10**digits
        while not (number := self.integer(round(low * unit), round(high * unit))):
            pass
        return number / unit if digits else number
