"""Diagnose a wrong gradient: which common mistake explains it.

Each guess says which gradient backward would give without the mistake, or where the mistake would not show. It counts
only if that agrees with central differences along random directions, so every cause that is named has been tested.
"""

from typing import Any

import numpy as np

from .checked_layer import CheckedLayer, is_constant
from .differences import DIRECTIONS, Direction, Result, compare
from .perturbation import perturbed_in
from .report import GradientCheckError
from .target import Kind, Target

NEAR = 1e-4  # largest relative distance of a factor from the whole number it is taken for

Gradients = dict[Target, np.ndarray]


def diagnose(checked: CheckedLayer, gradients: Gradients, results: list[Result]) -> GradientCheckError:
    """The error that best explains what is wrong."""
    wrong = [result for result in results if result.wrong]
    targets = {result.target for result in wrong}
    diagnoses = {target: _Diagnosis(checked, target, gradients[target], targets) for target in targets}
    causes = {result.target: diagnoses[result.target].cause() for result in wrong}
    result = next((result for result in wrong if causes[result.target]), wrong[0])
    target = result.target
    index, comparison = _example(checked, result)
    if target.kind is not Kind.INPUT:
        time_step = diagnoses[target].first_wrong_step()
    else:
        time_step = index[1] if checked.is_sequence and index is not None else None
    return checked.error(
        target,
        causes[target] or UNEXPLAINED,
        index=index,
        time_step=time_step,
        analytic=comparison.analytic,
        numeric=comparison.numeric,
        extent=_extent(result, [str(other.target) for other in wrong if other is not result]),
        moved=[str(perturbed.target) for perturbed in perturbed_in(checked)],
    )


UNEXPLAINED = (
    "none of the usual ones (sign, constant factor, transposed product, flipped kernel, missing time steps or "
    "examples). Go through the formulas of forward line by line, from the last to the first"
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


class _Diagnosis:
    """A wrong gradient, and the guesses about it: methods that return a cause, or None. `wrong`: all such targets."""

    def __init__(self, checked: CheckedLayer, target: Target, gradient: np.ndarray, wrong: set[Target]) -> None:
        self.checked, self.target, self.gradient, self.wrong = checked, target, gradient, wrong

    def cause(self) -> str | None:
        """A mistake that explains the gradient of this array, or None."""
        guesses = self.zero, self.forgotten, self.factor, self.rearranged, self.final_state, self.time, self.batch
        return next((cause for guess in guesses if (cause := guess())), None)

    def agrees(self, gradient: np.ndarray, checked: CheckedLayer | None = None) -> bool:
        """Whether a gradient would be right."""
        return all(comparison.agrees for comparison in self.comparisons(gradient, checked))

    def comparisons(self, gradient, checked=None):
        """A gradient compared with central differences along random directions."""
        checked, rng = checked or self.checked, np.random.default_rng(1)
        directions = [Direction.random(checked.arrays[self.target], rng) for _ in range(DIRECTIONS)]
        return [compare(checked, self.target, gradient, direction) for direction in directions]

    def zero(self) -> str | None:
        """One of the two gradients is 0."""
        if all(comparison.numeric == 0 for comparison in self.comparisons(self.gradient)):
            return f"forward does not depend on {self.target}: does it read another array than the one in params?"
        if not self.gradient.any():
            return f"backward leaves the gradient of {self.target} at 0: the term is missing"
        return None

    def forgotten(self) -> str | None:
        """The gradient is right while a parameter has its own values, which hide mistakes."""
        for perturbed in perturbed_in(self.checked):
            self.checked.restore()
            changed = perturbed.array.copy()
            self.checked.place(perturbed.array, perturbed.own)
            try:
                found = self.comparisons(self.checked.gradients()[self.target])
            finally:
                self.checked.place(perturbed.array, changed)
            if all(f.agrees for f in found) and any(f.numeric for f in found):
                own = f"is {perturbed.own.flat[0]:g}" if is_constant(perturbed.own) else "has its first values"
                return (
                    f"{perturbed.target} is left out, or its values are written into backward: while it {own}, this "
                    f"gradient is right, and with other values it is wrong"
                )
        return None

    def factor(self) -> str | None:
        """Every number is wrong by the same factor."""
        found = self.comparisons(self.gradient)
        ratios = np.array([f.analytic / f.numeric if f.numeric else np.inf for f in found])
        factor = float(np.mean(ratios))
        if not np.isfinite(factor) or factor == 0 or not self.agrees(self.gradient / factor):
            return None
        if abs(factor + 1) < NEAR:
            return "the sign: every number has the right size and the wrong sign"
        meaning = self.meaning(abs(factor))
        if self.gradient.size == 1 and not meaning:  # one number is always some multiple of the right one
            return None
        part = abs(factor) < 1 and abs(1 / factor - round(1 / factor)) < NEAR
        times = f"1/{1 / factor:.0f}" if part else f"{factor:.6g}"
        return f"a constant factor: backward gives {times} times the right gradient{meaning}"

    def meaning(self, factor: float) -> str:
        """Where such a factor comes from; empty if unknown."""
        N, T = self.checked.x.shape[0], self.checked.x.shape[1] if self.checked.is_sequence else 1
        sizes = {"the batch size N": N, "the number of time steps T": T, "N * T, batch size times time steps": N * T}
        for what, size in sizes.items():
            if size > 1 and abs(factor / size - 1) < NEAR:
                return f", and {size} is {what}: the sum, where forward takes the mean"
            if size > 1 and abs(factor * size - 1) < NEAR:
                return f", and {size} is {what}: the mean, where forward takes the sum"
        if abs(factor - 2) < NEAR:
            return ": a term that is added twice"
        if abs(factor - 0.5) < NEAR:
            return ": the derivative of a square has a 2"
        return ""

    def rearranged(self) -> str | None:
        """The gradient is transposed or flipped, or backward reads a weight that way."""
        target, gradient = self.target, self.gradient
        if gradient.ndim == 2 and gradient.shape[0] == gradient.shape[1] and self.agrees(gradient.T):
            return f"the gradient of {target} is transposed: (A @ B).T is B.T @ A.T, so swap the factors of the product"
        if target.kind is Kind.PARAMETER and gradient.ndim == 4 and self.agrees(gradient[::-1, ::-1]):
            return f"the gradient of {target} is flipped: tap (i, j) is at the place of tap (kh - 1 - i, kw - 1 - j)"
        for other, array in self.checked.arrays.items():
            if other.kind is not Kind.PARAMETER:
                continue
            # A matrix such as Wh (H, 4H) is transposed block by block.
            has_square_blocks = array.ndim == 2 and array.shape[1] % array.shape[0] == 0
            blocks = np.hsplit(array, array.shape[1] // array.shape[0]) if has_square_blocks else []
            if blocks and self.right_if_replaced(array, np.hstack([block.T for block in blocks])):
                return (
                    f"a transposed weight: backward multiplies by {other} instead of its transpose, or the other way "
                    f"round. For y = x @ W, dx = dy @ W.T"
                )
            if array.ndim == 4 and self.right_if_replaced(array, array[::-1, ::-1].copy()):
                return (
                    f"a flipped kernel: backward reads the taps of {other} from the other end. Where forward "
                    f"multiplies a pixel by W[i, j], backward must add dy times the same W[i, j] to that pixel"
                )
        return None

    def right_if_replaced(self, array: np.ndarray, values: np.ndarray) -> bool:
        """Whether the gradient is right if an array gets other values between forward and backward."""
        kept = array.copy()
        try:
            gradient = self.checked.gradients(between=lambda: np.copyto(array, values))[self.target]
        finally:
            array[...] = kept
        return self.agrees(gradient)

    def final_state(self) -> str | None:
        """The gradient is right if L depends on the output alone."""
        size = self.checked.forward().size
        weights = np.where(np.arange(self.checked.weights.size) < size, self.checked.weights, 0.0)
        if size == weights.size or not self.agrees_for(weights):
            return None
        return (
            "the gradient of the final state: with a loss of the output alone, every gradient is right. Backward must "
            "start the last step from dstate, not from 0"
        )

    def agrees_for(self, weights: np.ndarray) -> bool:
        """Whether the gradient is right for another L."""
        checked, kept = self.checked, self.checked.weights
        try:
            checked.weights = weights
            return self.agrees(checked.gradients()[self.target])
        finally:
            checked.weights = kept

    def time(self) -> str | None:
        """With one time step the gradient is right, with more it is not."""
        if not self.checked.is_sequence or self.checked.x.shape[1] < 2 or not self.right_with(np.s_[:, :1]):
            return None
        sums = "every step adds to the gradient: sum over them all, then write the sum"
        carried = {other for other in self.checked.arrays if other.kind is not Kind.PARAMETER}
        if carried and not self.wrong & carried:
            return f"a missing term from other time steps: with one time step the gradient is right, and {sums}"
        return (
            "a missing term from the next time step: with one time step the gradient is right, with more it is not. A "
            "state affects the output of its own step and the next state, so its gradient is the sum of both: pass "
            "the gradient from step t + 1 on to step t" + ("" if carried else f". Or else, {sums}")
        )

    def batch(self) -> str | None:
        """With one example the gradient is right, with more it is not."""
        if self.checked.x.shape[0] < 2 or not self.right_with(np.s_[:1]):
            return None
        if self.target.kind is Kind.PARAMETER:
            return (
                "the sum over the batch: with one example the gradient is right, with more it is not. Every example "
                "adds to the gradient: sum over them all, then write the sum"
            )
        return "the examples of a batch are mixed up: with one example the gradient is right, with more it is not"

    def right_with(self, part: Any) -> bool:
        """Whether the gradient is right for a part of the input; False if the layer refuses it."""
        checked, state = self.checked, self.checked.state
        examples = part[0] if isinstance(part, tuple) else part
        if state is not None:
            state = tuple(s[examples] for s in state) if isinstance(state, tuple) else state[examples]
        try:
            smaller = checked.other(checked.layer, checked.x[part], state=state)
            return self.agrees(smaller.gradients()[self.target], smaller)
        except Exception:  # a guess must not hide the finding
            return False

    def first_wrong_step(self) -> int | None:
        """The first time step of the output whose loss alone has a wrong gradient, if the output has time steps."""
        checked = self.checked
        y = checked.forward()
        if checked.loss or not checked.is_sequence or y.ndim < 3 or y.shape[1] != checked.x.shape[1]:
            return None
        for t in range(y.shape[1]):
            weights = np.zeros_like(checked.weights)
            of_step = weights[: y.size].reshape(y.shape)[:, t]
            of_step[...] = checked.weights[: y.size].reshape(y.shape)[:, t]
            if not self.agrees_for(weights):
                return t
        return None
