"""Diagnose a wrong gradient: which common mistake explains it, or where it must be.

Every cause that is named has been tested: without the mistake, all gradients that are wrong are right.

evidence.py   experiments with a wrong backward pass
guesses.py    common mistakes
steps.py      those that one time step does not show
places.py     which part of a recurrent layer's backward is wrong
"""

import numpy as np

from .checked_layer import CheckedLayer
from .differences import Result
from .evidence import Evidence, Gradients
from .guesses import forgotten, of_all, of_one_array
from .perturbation import perturbed_in
from .places import place
from .report import GradientCheckError
from .steps import through_time
from .target import Kind


def diagnose(checked: CheckedLayer, gradients: Gradients, results: list[Result]) -> GradientCheckError:
    """The error that best explains what is wrong."""
    wrong = [result for result in results if result.wrong]
    evidence = Evidence(checked, gradients, [result.target for result in wrong])
    own = {target: of_one_array(evidence, target) for target in evidence.wrong}
    cause = forgotten(evidence)  # first: what is left out may look like a factor
    if cause is None and all(own.values()):
        cause = "; and ".join(dict.fromkeys(filter(None, own.values())))
    cause = cause or of_all(evidence) or place(evidence) or through_time(evidence) or UNEXPLAINED
    result = wrong[0]
    index, comparison = _example(checked, result)
    if result.target.kind is not Kind.INPUT:
        time_step = _first_wrong_step(evidence, result.target)
    else:
        time_step = index[1] if checked.is_sequence and index is not None else None
    return checked.error(
        result.target,
        cause,
        index=index,
        time_step=time_step,
        analytic=comparison.analytic,
        numeric=comparison.numeric,
        extent=_extent(result, [str(other.target) for other in wrong if other is not result]),
        moved=[str(perturbed.target) for perturbed in perturbed_in(checked)],
    )


UNEXPLAINED = (
    "none of the usual ones (sign, constant factor, transposed product, flipped kernel, missing time steps or "
    "examples). Go through the formulas of forward line by line, from the last to the first; of a forward in NumPy, "
    "nnlite.first_wrong_line finds the line"
)


def _example(checked, result):
    """The wrong number to show: the worst, in a sequence the worst of the last wrong time step.

    Backward goes from the last step to the first, so the last wrong step is where the mistake starts.
    """
    wrong = result.wrong
    if result.target.kind is Kind.INPUT and checked.is_sequence and None not in wrong:
        last = max(index[1] for index in wrong)
        wrong = {index: comparison for index, comparison in wrong.items() if index[1] == last}
    return max(wrong.items(), key=lambda pair: abs(pair[1].analytic - pair[1].numeric))


def _extent(result, others):
    row, parts = result.row, []
    if row.checked > 1:
        parts.append(f"{len(result.wrong)} of its {row.checked} numbers are wrong")
    if others:
        parts.append(f"also wrong: {', '.join(others)}")
    return "; ".join(parts)


def _first_wrong_step(evidence, target):
    """The first time step of the output whose loss alone has a wrong gradient, if the output has time steps."""
    checked = evidence.checked
    y = checked.forward()
    if checked.loss or not checked.is_sequence or y.ndim < 3 or y.shape[1] != checked.x.shape[1]:
        return None
    for t in range(y.shape[1]):
        weights = np.zeros_like(checked.weights)
        of_step = weights[: y.size].reshape(y.shape)[:, t]
        of_step[...] = checked.weights[: y.size].reshape(y.shape)[:, t]
        with evidence.weighted(weights):
            if not evidence.agrees(target, checked.gradients()[target]):
                return t
    return None
