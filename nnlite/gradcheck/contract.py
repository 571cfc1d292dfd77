"""Check the layer contract: backward writes every gradient, and changes neither its input nor its parameters."""

import numpy as np

from .checked_layer import CheckedLayer
from .differences import Direction, central_differences
from .target import Target

# `grads` is filled with each of these before backward, which must overwrite all of it.
STALE = (0.75, -1.25)


def checked_gradients(checked: CheckedLayer) -> dict[Target, np.ndarray]:
    """The gradients of a layer that keeps the contract; `GradientCheckError` for one that breaks it."""
    before = {target: array.copy() for target, array in checked.arrays.items()}
    first, second = (_gradients_over(checked, stale) for stale in STALE)
    for target, array in checked.arrays.items():
        if not np.array_equal(before[target], array):
            array[...] = before[target]
            cause = "an operation in place, such as W += ...: backward must leave x and the parameters unchanged"
            raise checked.error(target, cause, problem=f"backward changes {target}")
    for target in checked.arrays:
        if not np.allclose(first[target], second[target], rtol=1e-9, atol=1e-12):
            raise _depends_on_the_past(checked, target, first[target], second[target])
    return first


def _gradients_over(checked, stale):
    """The gradients after `grads` was filled with a number."""
    for grad in checked.grads.values():
        if isinstance(grad, np.ndarray):
            grad.fill(stale)
    return checked.gradients()


def _depends_on_the_past(checked, target, first, second):
    """The error for a gradient that depends on what `grads` held before."""
    untouched = (first == STALE[0]) & (second == STALE[1])
    if untouched.all():
        cause = f"a line is missing: self.grads[{target.name!r}][...] = ..., even where the gradient is 0"
        return checked.error(target, cause, problem=f"backward writes no gradient of {target}: the old value stays")
    if untouched.any():
        index = tuple(map(int, np.argwhere(untouched)[0]))
        problem = f"backward writes no gradient of {target} at index {index}"
        if untouched.size > 1:
            problem += f" ({np.count_nonzero(untouched)} of {untouched.size} numbers): the old value stays"
        cause = "a loop or a slice that does not reach everything: where the gradient is 0, write 0"
        return checked.error(target, cause, problem=problem, index=index)
    once, twice = _gradients_over(checked, 0.0)[target], checked.gradients()[target]
    index = tuple(map(int, np.unravel_index(np.argmax(np.abs(twice - once)), once.shape)))
    cause = (
        "an accumulated instead of a written gradient: backward adds to the old value (+= instead of =), so each step "
        "of training uses the sum of all gradients so far"
    )
    return checked.error(
        target,
        cause,
        problem=f"the gradient of {target} changes with every call of backward",
        index=index,
        analytic=float(twice[index]),
        numeric=central_differences(checked, target, twice, Direction.entry(index)).numeric,
    )
