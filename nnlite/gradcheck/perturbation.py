"""Perturb parameters and statistics whose values hide mistakes.

The biases of a new layer are 0 and its scales are 1. There a backward pass may forget them: adding 0 and multiplying by
1 change nothing. Equal numbers hide which of them was taken, and a parameter's only number may be written into
backward, such as a slope of 0.25. So these numbers are changed before the check, and put back after it.
"""

import numpy as np

from .checked_layer import CheckedLayer
from .target import Kind, Perturbed, Target

SMALLEST, LARGEST = 0.1, 0.3  # relative change of a number, which keeps its sign; a 0 changes as a 1 would


def perturb(checked: CheckedLayer, rng: np.random.Generator) -> None:
    """Change numbers that hide mistakes, where forward can be evaluated there, and list them in `checked.perturbed`."""
    for target, array in _candidates(checked):
        checked.restore()
        own, base = array.copy(), checked.base
        changed = perturbed_values(own, rng)
        if changed is None:
            continue
        checked.perturbed.append(Perturbed(target, array, own))  # before the change, so that it is put back in any case
        try:
            with np.errstate(all="ignore"):
                checked.place(array, changed)
            evaluated = np.isfinite(checked.base).all()
        except Exception:  # a user's own layer may accept nothing but its first values
            evaluated = False
        unused = target.kind is Kind.STATISTIC and np.array_equal(base, checked.base)  # as BatchNorm's in training
        if not evaluated or unused:
            checked.place(array, own)
            checked.perturbed.pop()


def put_back(checked: CheckedLayer) -> None:
    """Give all perturbed arrays their own values again."""
    for perturbed in reversed(checked.perturbed):
        perturbed.array[...] = perturbed.own


def perturbed_in(checked: CheckedLayer) -> list[Perturbed]:
    """This layer's perturbed arrays under its own names for them, even if the check of a model perturbed them."""
    return [
        Perturbed(target, array, perturbed.own)
        for target, array in _candidates(checked)
        for perturbed in checked.perturbed
        if perturbed.array is array
    ]


def perturbed_values(own: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A copy with repeated numbers changed, or the only number; None if nothing has to change."""
    _, places, counts = np.unique(own.reshape(-1), return_inverse=True, return_counts=True)
    changes = (counts[places] > 1).reshape(own.shape) & np.isfinite(own) if own.size > 1 else np.isfinite(own)
    if not changes.any():
        return None
    distance = rng.uniform(SMALLEST, LARGEST, own.shape) * rng.choice([-1.0, 1.0], own.shape)
    return np.where(changes, own + distance * np.where(own == 0, 1.0, np.abs(own)), own)


def _candidates(checked):
    """(target, array) for all parameters and statistics, each array once."""
    found: dict[int, tuple[Target, np.ndarray]] = {}
    targets = [(target, array) for target, array in checked.arrays.items() if target.kind is Kind.PARAMETER]
    for layer in checked.layers:
        targets += [(Target(Kind.STATISTIC, k), array) for k, array in getattr(layer, "statistics", {}).items()]
    for target, array in targets:
        found.setdefault(id(array), (target, array))
    return list(found.values())
