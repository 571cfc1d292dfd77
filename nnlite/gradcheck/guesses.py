"""Guesses: common mistakes, each with the experiment that tells whether it was made. A guess is a cause, or None."""

import inspect
from typing import Any

import numpy as np

from ..layers import Layer
from .checked_layer import is_constant
from .evidence import Evidence
from .perturbation import perturbed_in
from .steps import time
from .target import Kind, Target

OPTIONS = ("strides", "padding", "dilation_rate", "groups", "use_bias", "go_backwards", "return_sequences")
NEAR = 1e-4  # largest relative distance of a factor from the whole number it is taken for


def of_one_array(evidence: Evidence, target: Target) -> str | None:
    """A mistake made in writing this gradient, which harms no other."""
    guesses = zero, factor, rearranged
    return next((cause for guess in guesses if (cause := guess(evidence, target))), None)


def of_all(evidence: Evidence) -> str | None:
    """A mistake without which all gradients are right."""
    guesses = (
        *(without_dy, read_transposed, final_state, repeated_ids, time),
        *(batch, through_statistics, training, option),
    )
    return next((cause for guess in guesses if (cause := guess(evidence))), None)


# Of one array.


def zero(evidence: Evidence, target: Target) -> str | None:
    """One of the two gradients is 0."""
    gradient = evidence.gradients[target]
    if all(comparison.numeric == 0 for comparison in evidence.comparisons(target, gradient)):
        return f"forward does not depend on {target}: does it read another array than the one in params?"
    if not gradient.any():
        return f"backward leaves the gradient of {target} at 0: the term is missing"
    return None


def factor(evidence: Evidence, target: Target) -> str | None:
    """Every number is wrong by the same factor."""
    gradient = evidence.gradients[target]
    times = common_factor(evidence.comparisons(target, gradient))
    if times is None or not evidence.agrees(target, gradient / times):
        return None
    if abs(times + 1) < NEAR:
        return "the sign: every number has the right size and the wrong sign"
    meaning = _meaning(evidence, target, abs(times))
    if gradient.size == 1 and not meaning:  # one number is always some multiple of the right one
        return None
    part = abs(times) < 1 and abs(1 / times - round(1 / times)) < NEAR
    shown = f"1/{1 / times:.0f}" if part else f"{times:.6g}"
    return f"a constant factor: backward gives {shown} times the right gradient{meaning}"


def common_factor(comparisons: list) -> float | None:
    """What backward's slopes are the right ones times, roughly; None if there is no such number."""
    ratios = np.array([c.analytic / c.numeric if c.numeric else np.inf for c in comparisons])
    times = float(np.mean(ratios))
    return times if np.isfinite(times) and times != 0 else None


def _meaning(evidence, target, factor):
    """Where such a factor comes from; empty if unknown."""
    checked = evidence.checked
    N, T = checked.x.shape[0], checked.x.shape[1] if checked.is_sequence else 1
    sizes: dict[str, tuple[int, Any]] = {"the batch size N": (N, np.s_[:1])}
    if checked.is_sequence:
        sizes["the number of time steps T"] = T, np.s_[:, :1]
        sizes["N * T, batch size times time steps"] = N * T, np.s_[:1, :1]
    for what, (size, one) in sizes.items():
        of_sum, of_mean = abs(factor / size - 1) < NEAR, abs(factor * size - 1) < NEAR
        if size < 2 or not (of_sum or of_mean):
            continue
        alone = evidence.part_of_x(one)  # a 2 may be a size, or a term that is added twice
        if Evidence(checked, evidence.gradients, [target]).all_right_in(alone) if alone else size > 2:
            way = "the sum, where forward takes the mean" if of_sum else "the mean, where forward takes the sum"
            return f", and {size} is {what}: {way}"
    if abs(factor - 2) < NEAR:
        return ": is a term added twice?"
    if abs(factor - 0.5) < NEAR:
        return ": is the 2 of a square's derivative missing?"
    return ""


def rearranged(evidence: Evidence, target: Target) -> str | None:
    """The gradient is transposed or flipped."""
    gradient = evidence.gradients[target]
    if gradient.ndim == 2 and gradient.shape[0] == gradient.shape[1] and evidence.agrees(target, gradient.T):
        return f"the gradient of {target} is transposed: (A @ B).T is B.T @ A.T, so swap the factors of the product"
    if target.kind is Kind.PARAMETER and gradient.ndim == 4 and evidence.agrees(target, gradient[::-1, ::-1]):
        return f"the gradient of {target} is flipped: tap (i, j) is at the place of tap (kh - 1 - i, kw - 1 - j)"
    return None


# Of all arrays.


def forgotten(evidence: Evidence) -> str | None:
    """All is right while a parameter has its own values, which hide mistakes."""
    for perturbed in perturbed_in(evidence.checked):
        if evidence.all_right_with(perturbed.array, perturbed.own):
            own = f"is {perturbed.own.flat[0]:g}" if is_constant(perturbed.own) else "has its first values"
            return (
                f"{perturbed.target} is left out, or its values are written into backward: while it {own}, this "
                f"gradient is right, and with other values it is wrong"
            )
    return None


def without_dy(evidence: Evidence) -> str | None:
    """The gradients stay the same when L changes its sign, and its size: a clipped dy changes its sign, too."""
    with evidence.weighted(-2 * evidence.checked.weights):
        other = evidence.checked.gradients()
    if evidence.checked.loss or not all(np.array_equal(other[t], evidence.gradients[t]) for t in evidence.wrong):
        return None
    return "dy is not used: backward gives the same for -2 times the dy. By the chain rule, dx = dy * dy/dx"


def read_transposed(evidence: Evidence) -> str | None:
    """Backward reads a weight that is transposed, or flipped."""
    for target, array in evidence.checked.arrays.items():
        if target.kind is not Kind.PARAMETER:
            continue
        # A matrix such as Wh (H, 4H) is transposed block by block.
        has_square_blocks = array.ndim == 2 and array.shape[1] % array.shape[0] == 0
        blocks = np.hsplit(array, array.shape[1] // array.shape[0]) if has_square_blocks else []
        if blocks and evidence.all_right_if_backward_reads(array, np.hstack([block.T for block in blocks])):
            return (
                f"a transposed weight: backward multiplies by {target} instead of its transpose, or the other way "
                f"round. For y = x @ W, dx = dy @ W.T"
            )
        if array.ndim == 4 and evidence.all_right_if_backward_reads(array, array[::-1, ::-1].copy()):
            return (
                f"a flipped kernel: backward reads the taps of {target} from the other end. Where forward multiplies a "
                f"pixel by W[i, j], backward must add dy times the same W[i, j] to that pixel"
            )
    return None


def final_state(evidence: Evidence) -> str | None:
    """All is right if L depends on the output alone."""
    size, weights = evidence.checked.forward().size, evidence.checked.weights
    if size == weights.size or not evidence.all_right_for(np.where(np.arange(weights.size) < size, weights, 0.0)):
        return None
    return (
        "the gradient of the final state: with a loss of the output alone, every gradient is right. Backward must "
        "start the last step from dstate, as it is given"
    )


def repeated_ids(evidence: Evidence) -> str | None:
    """With different ids all is right."""
    checked = evidence.checked
    if checked.x.dtype.kind not in "iu" or not all(target.kind is Kind.PARAMETER for target in evidence.wrong):
        return None
    different = evidence.like(np.unique(checked.x).reshape(1, -1)) if checked.state is None else None
    if different is None or not evidence.all_right_in(different):
        return None
    return (
        "ids that occur more than once: where all are different the gradient is right. Each occurrence adds to the "
        "row of its id: np.add.at(dW, ids, dy), as dW[ids] += dy adds only one of them"
    )


def batch(evidence: Evidence) -> str | None:
    """With one example all is right, with more it is not; or a loss of one example gives gradients to others."""
    mixed = "the examples of a batch are mixed up"
    if evidence.checked.x.shape[0] < 2:
        return None
    if _reaches_other_examples(evidence):
        return f"{mixed}: a loss of the first one alone has, by backward, a gradient for the others"
    if not evidence.each_right_alone([np.s_[n : n + 1] for n in range(len(evidence.checked.x))]):
        return None
    if all(target.kind is Kind.PARAMETER for target in evidence.wrong):
        return (
            "the sum over the batch: with one example the gradient is right, with more it is not. Every example "
            "adds to the gradient: sum over them all, then write the sum"
        )
    return f"{mixed}: with one example the gradient is right, with more it is not"


def _reaches_other_examples(evidence):
    """Whether dx of a loss of the first example is not 0 in the others, where it should be."""
    checked, target = evidence.checked, evidence.checked.input
    y = checked.forward()
    if checked.loss or target not in evidence.wrong or y.ndim < 2 or len(y) != len(checked.x):
        return False
    weights, others = np.zeros_like(checked.weights), np.ones(checked.x.shape, bool)
    weights[: y[:1].size], others[:1] = checked.weights[: y[:1].size], False
    with evidence.weighted(weights):
        found = evidence.comparisons(target, checked.gradients()[target], part=others)
        return all(comparison.numeric == 0 for comparison in found) and not all(c.agrees for c in found)


def through_statistics(evidence: Evidence) -> str | None:
    """What is missing in dx is what comes through a mean, or a variance, over one axis of x."""
    (target, *others), checked = evidence.wrong, evidence.checked
    if others or target.kind is not Kind.INPUT or checked.x.ndim < 2:
        return None
    missing = evidence.numeric(target) - evidence.gradients[target]
    for axis in dict.fromkeys((0, checked.x.ndim - 1)):
        x = np.moveaxis(checked.x, axis, 0).reshape(checked.x.shape[axis], -1)
        r = np.moveaxis(missing, axis, 0).reshape(x.shape)
        if len(x) < 4 or not x.std(axis=0).all():  # any three numbers are a sum of a constant and multiples of u
            continue
        u = (x - x.mean(axis=0)) / x.std(axis=0)
        of_mean, of_variance = r.mean(axis=0), (r * u).mean(axis=0)
        size = np.abs(r).max()
        if np.abs(r - of_mean - of_variance * u).max() < NEAR * size:
            through = [np.abs(part).max() > NEAR * size for part in (of_mean, of_variance)]
            what = " and ".join(name for name, lacks in zip(("mean", "variance"), through, strict=True) if lacks)
            form = ("a constant", "a multiple of x - mean", "a constant plus a multiple of x - mean")
            return (
                f"the {what} over axis {axis} of x: what dx lacks is {form[through[1] * (1 + through[0])]} along that "
                f"axis. Each number of x changes the {what} too, and with it all outputs: the gradient of that is "
                f"missing, or wrong"
            )
    return None


def training(evidence: Evidence) -> str | None:
    """With training=False all is right."""
    checked = evidence.checked
    if not checked.training or not checked.takes_training:
        return None
    kept, checked.training = True, False
    try:
        checked.base = checked.outputs()
        is_right = evidence.all_right(checked.gradients())
    finally:
        checked.training = kept
        checked.base = checked.outputs()
    return "what forward does in training alone: with training=False the gradient is right" if is_right else None


def option(evidence: Evidence) -> str | None:
    """With the default of an option all is right."""
    checked = evidence.checked
    if not isinstance(checked.layer, Layer):
        return None
    config = checked.layer.get_config()
    for name, parameter in inspect.signature(type(checked.layer)).parameters.items():
        if name in OPTIONS and config.get(name, parameter.default) != parameter.default:
            try:
                plain = type(checked.layer).from_config({**config, name: parameter.default})
                is_right = evidence.all_right_in(checked.other(plain, checked.x))
            except Exception:  # a guess must not hide the finding
                continue
            if is_right:
                return (
                    f"{name}: with {name}={parameter.default!r} every gradient is right, with {name}={config[name]!r} "
                    f"they are not: go through the indices of backward where it stands"
                )
    return None
