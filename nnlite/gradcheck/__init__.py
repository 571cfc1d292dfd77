"""Check a backward pass against its forward pass: is every gradient what finite differences say?

subject.py    the layer at the point where it is checked: evaluate it, and ask it for its gradients
point.py      where that is: a little beside zeros, ones and equal numbers, which hide mistakes
conduct.py    does it write its gradients, all of them, and leave alone what it is given
compare.py    central differences against those gradients, entry by entry or along random directions; kinks
causes.py     which usual mistake explains what differs
report.py     what comes of it: a report, or an error
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .contract import checked_gradients
from .diagnosis import diagnose
from .differences import check_array
from .point import move_away, put_back
from .report import GradientCheckError, GradientReport
from .target import Subject

__all__ = ["GradientCheckError", "GradientReport", "gradcheck"]


def gradcheck(
    layer: Any,
    x: np.ndarray,
    *,
    y: np.ndarray | None = None,
    loss: str | Any | None = None,
    initial_state: Sequence[np.ndarray] | None = None,
    training: bool = False,
    fast: bool = False,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradientReport:
    """Compare the gradients that a layer or model computes with central differences of what it computes forward.

        dL/dp_i = (L(p + step e_i) - L(p - step e_i)) / (2 step)        L = sum of r * output, with random numbers r

    Everything that L depends on is checked: x (unless it holds integer ids), every parameter, and for a recurrent
    layer (one whose `forward` takes `initial_state`) the initial states; L then counts its final states in, if
    its `backward` takes `dstate`.

    Zero biases, or a gamma of 1, hide a backward pass that forgets them. So numbers that occur more than once in a
    parameter, and the number of a parameter that has only one, are changed for the check by 10 to 30 % (zeros by 0.1 to
    0.3), and put back after it; statistics, too. The report names what was changed. x is checked as it is.

    Args:
        layer: a layer or a model, nnlite's or your own: anything with forward(x), backward(dy), and dicts of arrays
            `params` and `grads` with the same keys. It must compute in float64.
        x: a small input, float64 or integer ids. Use random numbers: equal ones hide mistakes, and sit on kinks.
        loss, y: a loss, or its name, and its true values, to check both together. By default L is as above.
        initial_state: where a recurrent layer starts; by default it is drawn at random.
        training: what `forward` is told. Dropout draws the same numbers in every evaluation.
        fast: compare along a few random directions instead of entry by entry: a few evaluations an array whatever
            its size. Misses nothing but what cancels by chance.
        tolerance: of the relative difference.
        seed: of r, and of what else is drawn.

    Returns:
        A report, which prints as a table. Its `kinks` names the entries at which the function has a corner (ReLU at
        0, equal numbers under a maximum), where any slope between the left and the right one is let pass. Its `moved`
        names what was changed for the check, and its `constant` what you gave that holds one number throughout.

    Raises:
        GradientCheckError: a gradient is wrong. It names the parameter, the index, the time step where there is one,
            both numbers, and a likely cause.
        TypeError: something is float32, whose 7 digits the difference of two nearly equal numbers uses up.
        ValueError: there is nothing to check, or the output is not finite.

    The layer is left as it was found, but for what its last passes kept and wrote into `grads`.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense
        >>> from nnlite.gradcheck import gradcheck
        >>> x = np.random.default_rng(0).normal(size=(4, 3))
        >>> layer = Dense(2, dtype="float64")
        >>> report = gradcheck(layer, x)
        >>> [row.name for row in report.rows]
        ['input x', 'parameter W', 'parameter b']
        >>> class Wrong(Dense):
        ...     def backward(self, dy):
        ...         dx = super().backward(dy)
        ...         self.grads["b"][:] = dy.mean(axis=0)
        ...         return dx
        >>> gradcheck(Wrong(2, dtype="float64"), x)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        nnlite.gradcheck.report.GradientCheckError: Wrong: the gradient of parameter b is wrong...
    """
    rng = np.random.default_rng(seed)
    subject = Subject(layer, x, y, loss, initial_state, training, rng)
    try:
        move_away(subject, rng)
        return _run(subject, fast, tolerance)
    finally:
        subject.leave()
        put_back(subject)


def _run(subject, fast, tolerance):
    try:
        gradients = checked_gradients(subject)
        results = [check_array(subject, name, gradients[name], fast, tolerance) for name in subject.arrays]
        if any(result.wrong for result in results):
            raise diagnose(subject, gradients, results, fast, tolerance, _run)
    finally:
        subject.restore()
    for row in (result.row for result in results):
        if len(row.kinks) == row.checked + row.directions:
            raise ValueError(
                f"gradcheck: every number of {row.name} sits on a kink, where the slopes on both sides differ, so "
                f"nothing was checked: use random numbers{' or fast=False' if fast else ''}"
            )
    moved = [moved.name for moved in subject.moved]
    return GradientReport(subject.title, [result.row for result in results], tolerance, moved, subject.constant)
