"""Check a backward pass against finite differences of its forward pass.

In the order of the check:

checked_layer.py  evaluate a layer at a point, and get its gradients there
perturbation.py   change values such as 0 and 1, which hide mistakes
contract.py       check that backward writes every gradient, and changes nothing else
differences.py    compare the gradients with central differences, entry by entry or along random directions
diagnosis.py      which common mistake explains a difference
sublayers.py      which layer of a model is wrong
report.py         the results: a report, or an error
target.py         what a gradient is for: an input, a parameter or a state

Of a backward pass in NumPy, wrong_line/ finds the first line that is wrong, by the tape.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import seeds
from ..arguments.kinds import kinds_of
from ..layers.base.layer import Layer
from ..models.model import Model
from ..turns import computing
from .checked_layer import CheckedLayer
from .contract import checked_gradients
from .diagnosis import diagnose
from .differences import check_array
from .perturbation import perturb, put_back
from .report import GradientCheckError, GradientReport
from .sublayers import error_of_a_part
from .wrong_line import WrongLine, first_wrong_line

__all__ = ["GradientCheckError", "GradientReport", "WrongLine", "first_wrong_line", "gradcheck"]


@kinds_of("training", "fast", "tolerance")
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
    """Compare the gradients of a layer or model with central differences of its forward pass.

        dL/dp_i = (L(p + step e_i) - L(p - step e_i)) / (2 step)        L = sum of r * output, with random numbers r

    Everything that L depends on is checked: x (unless it holds integer ids), every parameter, and for a recurrent
    layer (one whose `forward` takes `initial_state`) the initial states; L then includes its final states, if its
    `backward` takes `dstate`.

    Zero biases, or a gamma of 1, hide a backward pass that forgets them. So numbers that occur more than once in a
    parameter, and the number of a parameter that has only one, are changed for the check by 10 to 30 % (zeros by 0.1 to
    0.3), and put back after it; so are statistics. The report lists what was changed. x is checked as it is.

    Args:
        layer: a layer or a model, nnlite's or your own: anything with forward(x), backward(dy), and dicts of arrays
            `params` and `grads` with the same keys. Of a float32 `Layer` or model a copy in float64 is checked.
        x: a small input, any numbers or ids. Use random numbers: equal ones hide mistakes, and lie on kinks. Whole
            numbers are ids to a layer that takes ids, and numbers to all others.
        loss, y: a loss, or its name, and its true values, to check both together. By default L is as above.
        initial_state: where a recurrent layer starts; random by default.
        training: passed to `forward`. Dropout draws the same numbers in every evaluation.
        fast: compare along a few random directions instead of entry by entry, with a few evaluations per array
            whatever its size. It misses only errors that cancel by chance.
        tolerance: the largest relative difference allowed.
        seed: for r and all other random numbers.

    Returns:
        A report, which prints as a table. Its `kinks` lists the entries at which the slope jumps (ReLU at 0, equal
        numbers under a maximum); there any slope between the left and the right one passes. Its `moved` lists what was
        changed for the check, and its `constant` the given arrays that hold one number throughout.

    Raises:
        GradientCheckError: a gradient is wrong. It names the parameter, the index, the time step if there is one,
            both numbers, and a likely cause.
        TypeError: x holds no numbers; or a parameter or an output is float32, whose 7 digits are lost in the difference
            of two nearly equal numbers.
        ValueError: there is nothing to check, or the output is not finite.

    The layer is left as it was, except for what its last passes kept and wrote into `grads`. Where its own weights are
    moved, those of float64, passes, `get_weights` and `save` of other threads wait meanwhile.

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
    rng = seeds.generator(seed)
    # Of float32 a copy is checked; and an object of one's own may start threads that compute.
    moves_its_own = isinstance(layer, Layer | Model) and layer.dtype != np.float32
    with computing if moves_its_own else contextlib.nullcontext():
        checked = CheckedLayer(
            layer, x, y, loss, initial_state=initial_state, training=training, fast=fast, tolerance=tolerance, rng=rng
        )
        try:
            perturb(checked, rng)
            return _check(checked)
        finally:
            checked.leave()
            put_back(checked)


def _check(checked):
    try:
        gradients = checked_gradients(checked)
        results = [check_array(checked, target, gradients[target]) for target in checked.arrays]
        if any(result.wrong for result in results):
            raise error_of_a_part(checked, _check) or diagnose(checked, gradients, results)
    finally:
        checked.restore()
    rows = [result.row for result in results]
    for row in rows:
        if len(row.kinks) == row.checked + row.directions:
            raise ValueError(
                f"gradcheck: expected numbers away from kinks, got {row.name} with every number at one, where the "
                f"slopes on both sides differ, so nothing was checked: use random numbers"
                f"{' or fast=False' if checked.fast else ''}"
            )
    moved, constant = [str(perturbed.target) for perturbed in checked.perturbed], list(map(str, checked.constant))
    return GradientReport(checked.title, rows, checked.tolerance, moved, constant)
