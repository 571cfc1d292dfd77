"""How a layer behaves, whatever its numbers: it writes its gradients, and leaves alone what it is given."""

import numpy as np

from .differences import Direction, compare
from .report import GradientCheckError

# What `grads` holds before backward, which must leave nothing of it. Twice, with different numbers.
STALE = (0.75, -1.25)


def checked_gradients(subject):
    """The gradients, from a layer that writes all of `grads` and changes neither its input nor its parameters."""
    before = {name: array.copy() for name, array in subject.arrays.items()}
    first, second = (subject.gradients(stale=stale) for stale in STALE)
    for name, array in subject.arrays.items():
        if not np.array_equal(before[name], array):
            array[...] = before[name]
            cause = "an operation in place, such as W += ...: backward must leave x and the parameters as they are"
            raise GradientCheckError(subject.title, name, cause, problem=f"backward changes {name}")
    for name in subject.arrays:
        if not np.allclose(first[name], second[name], rtol=1e-9, atol=1e-12):
            raise _depends_on_the_past(subject, name, first[name], second[name])
    return first


def _depends_on_the_past(subject, name, first, second):
    """The error for a gradient that depends on what stood in `grads` before."""
    untouched = (first == STALE[0]) & (second == STALE[1])
    if untouched.any():
        index = tuple(map(int, np.argwhere(untouched)[0]))
        problem = f"backward writes no gradient of {name} at index {index}"
        if untouched.size > 1:
            problem += f" ({np.count_nonzero(untouched)} of {untouched.size} numbers): what was there before stays"
        cause = "a loop or a slice that does not reach everything: where nothing belongs, write 0"
        return GradientCheckError(subject.title, name, cause, problem=problem, index=index)
    once, twice = subject.gradients(stale=0.0)[name], subject.gradients()[name]
    index = tuple(map(int, np.unravel_index(np.argmax(np.abs(twice - once)), once.shape)))
    found = compare(subject, name, Direction.entry(index), twice, 0.0)
    return GradientCheckError(
        subject.title,
        name,
        "an accumulated instead of a written gradient: backward adds to what is there (+= where = belongs), so that "
        "each step of training uses the sum of all gradients so far",
        problem=f"the gradient of {name} is another one each time that backward is called",
        index=index,
        analytic=float(twice[index]),
        numeric=found.numeric,
    )
