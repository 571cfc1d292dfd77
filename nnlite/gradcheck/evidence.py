"""Evidence: experiments with a wrong backward pass, each of which says whether it is right under other conditions."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .checked_layer import CheckedLayer
from .differences import DIRECTIONS, Comparison, Direction, central_differences, compare
from .target import Target

Gradients = dict[Target, np.ndarray]


class Evidence:
    """A layer, its gradients, and the targets whose gradients are wrong.

    A mistake explains them only if without it all of them are right, and none is right merely because it is 0.
    """

    def __init__(self, checked: CheckedLayer, gradients: Gradients, wrong: list[Target]) -> None:
        self.checked, self.gradients, self.wrong = checked, gradients, wrong

    def comparisons(
        self, target: Target, gradient: np.ndarray, checked: CheckedLayer | None = None, part: Any = None
    ) -> list[Comparison]:
        """A gradient, or the numbers of it that the mask `part` chooses, compared along random directions."""
        checked, rng = checked or self.checked, np.random.default_rng(1)
        directions = [Direction.random(checked.arrays[target], rng) for _ in range(DIRECTIONS)]
        if part is not None:
            directions = [direction.part(np.broadcast_to(part, gradient.shape).reshape(-1)) for direction in directions]
        return [compare(checked, target, gradient, direction) for direction in directions]

    def agrees(self, target: Target, gradient: np.ndarray) -> bool:
        """Whether this would be the right gradient of one target."""
        return all(comparison.agrees for comparison in self.comparisons(target, gradient))

    def numeric(self, target: Target) -> np.ndarray:
        """The gradient by central differences."""
        array = self.checked.arrays[target]
        zeros, numeric = np.zeros_like(array), np.empty_like(array)
        for index in np.ndindex(array.shape):
            numeric[index] = central_differences(self.checked, target, zeros, Direction.entry(index)).numeric
        return numeric

    def all_right(self, gradients: Gradients, checked: CheckedLayer | None = None) -> bool:
        """Whether these gradients of all that is wrong are right, here or in another case."""
        for target in self.wrong:
            found = self.comparisons(target, gradients[target], checked)
            if not all(comparison.agrees for comparison in found) or not any(
                comparison.numeric for comparison in found
            ):
                return False
        return True

    def all_right_in(self, checked: CheckedLayer) -> bool:
        """Whether all is right in another case; False if the layer refuses it."""
        try:
            return self.all_right(checked.gradients(), checked)
        except Exception:  # a guess must not hide the finding
            return False

    def each_right_alone(self, parts: list[Any]) -> bool:
        """Whether all is right with each part of x by itself; with one of them alone it may be by chance."""
        alone = map(self.part_of_x, parts)
        return all(checked is not None and self.all_right_in(checked) for checked in alone)

    def all_right_with(self, array: np.ndarray, values: np.ndarray) -> bool:
        """Whether all is right where an array has other values."""
        self.checked.restore()
        kept = array.copy()
        self.checked.place(array, values)
        try:
            return self.all_right(self.checked.gradients())
        finally:
            self.checked.place(array, kept)

    def all_right_if_backward_reads(self, array: np.ndarray, values: np.ndarray) -> bool:
        """Whether all is right if an array gets other values between forward and backward."""
        kept = array.copy()
        try:
            gradients = self.checked.gradients(between=lambda: np.copyto(array, values))
        finally:
            array[...] = kept
        return self.all_right(gradients)

    def all_right_for(self, weights: np.ndarray) -> bool:
        """Whether all is right that another L = weights @ outputs depends on."""
        with self.weighted(weights):
            gradients = self.checked.gradients()
            return all(self.agrees(target, gradients[target]) for target in self.wrong)

    @contextlib.contextmanager
    def weighted(self, weights: np.ndarray) -> Iterator[None]:
        """Another L = weights @ outputs inside the `with`."""
        kept, self.checked.weights = self.checked.weights, weights
        try:
            yield
        finally:
            self.checked.weights = kept

    def part_of_x(self, part: Any) -> CheckedLayer | None:
        """The layer with a part of x, such as its first step; None if it refuses that."""
        state, examples = self.checked.state, part[0] if isinstance(part, tuple) else part
        if state is not None:
            state = tuple(s[examples] for s in state) if isinstance(state, tuple) else state[examples]
        return self.like(self.checked.x[part], state)

    def like(self, x: np.ndarray, state: Any = None) -> CheckedLayer | None:
        """The layer with another x; None if it refuses that."""
        try:
            return self.checked.other(self.checked.layer, x, state=state)
        except Exception:  # a guess must not hide the finding
            return None
