"""Which usual mistake explains a wrong gradient.

Each guess says what backward would give without the mistake, or where the mistake would not show, and is believed
only if that agrees with central differences along random directions. So a cause that is named has been tested.
"""

import numpy as np

from .differences import DIRECTIONS, Direction, compare
from .point import is_constant, moved_in
from .report import GradientCheckError
from .sublayers import error_of_a_part

NEAR = 1e-4  # relative: near enough to a whole number to be one


def diagnose(subject, gradients, results, fast, tolerance, run):
    """The error that says best what is wrong.

    Args:
        run: checks a subject and raises what it finds: a model's layers, and the layer without its loss.
    """
    inner = error_of_a_part(subject, fast, tolerance, run)
    if inner is not None:
        return inner
    wrong = [result for result in results if result.wrong]
    case = _Case(subject, gradients, {result.row.name for result in wrong}, tolerance)
    causes = [(result, case.cause(result.row.name)) for result in wrong]
    result, cause = next((pair for pair in causes if pair[1]), (wrong[0], None))
    name = result.row.name
    index, found = _example(subject, name, result.wrong)
    time_step = case.first_wrong_step(name)
    if name == subject.input:
        time_step = index[1] if subject.is_sequence and index is not None else None
    return GradientCheckError(
        subject.title,
        name,
        cause or case.unexplained(),
        index=index,
        time_step=time_step,
        analytic=found.analytic,
        numeric=found.numeric,
        extent=_extent(result, [other.row.name for other in wrong if other is not result]),
        moved=[moved.name for moved in moved_in(subject)],
    )


def _example(subject, name, wrong):
    """The wrong number to show: the worst, and in a sequence the worst of the last time step that has one.

    Backward goes from the last step to the first, so the last one is where it goes wrong.
    """
    last = None
    if name == subject.input and subject.is_sequence and None not in wrong:
        last = max(index[1] for index in wrong)
    candidates = {index: found for index, found in wrong.items() if last is None or index[1] == last}
    return max(candidates.items(), key=lambda pair: abs(pair[1].analytic - pair[1].numeric))


def _extent(result, others):
    row, parts = result.row, []
    if row.checked > 1:
        parts.append(f"{len(result.wrong)} of its {row.checked} numbers are wrong")
    if others:
        parts.append(f"also wrong: {', '.join(others)}")
    return "; ".join(parts)


class _Case:
    """A layer with wrong gradients, and the guesses about them."""

    def __init__(self, subject, gradients, wrong, tolerance):
        self.subject, self.gradients, self.wrong, self.tolerance = subject, gradients, wrong, tolerance
        self.first_wrong = {}

    def cause(self, name):
        """A mistake that explains the gradient of this array, or None."""
        for guess in _GUESSES:
            cause = guess(self, name)
            if cause:
                return cause
        return None

    def unexplained(self):
        return (
            "none of the usual ones (sign, constant factor, transposed product, flipped kernel, missing time steps or "
            "examples). Take the formulas of forward line by line, from the last to the first"
        )

    def agrees(self, name, gradient, subject=None):
        subject = subject or self.subject
        return all(found.right for found in self.slopes(name, gradient, subject))

    def slopes(self, name, gradient, subject=None):
        subject, rng = subject or self.subject, np.random.default_rng(1)
        array = subject.arrays[name]
        directions = [Direction.random(array, rng) for _ in range(DIRECTIONS)]
        return [compare(subject, name, direction, gradient, self.tolerance) for direction in directions]

    def nothing(self, name):
        """One of both is 0."""
        slopes = self.slopes(name, self.gradients[name])
        if all(found.numeric == 0 for found in slopes):
            return f"forward does not depend on {name}: does it read another array than the one in params?"
        if not self.gradients[name].any():
            return f"backward leaves the gradient of {name} at 0: the term is missing"
        return None

    def forgotten(self, name):
        """The gradient is right where a parameter has its own numbers, which hide mistakes."""
        for moved in moved_in(self.subject):
            self.subject.restore()
            there = moved.array.copy()
            self.subject.place(moved.array, moved.own)
            try:
                found = self.slopes(name, self.subject.gradients()[name])
            finally:
                self.subject.place(moved.array, there)
            if all(f.right for f in found) and any(f.numeric for f in found):
                own = f"is {moved.own.flat[0]:g}" if is_constant(moved.own) else "has the numbers that it came with"
                return (
                    f"{moved.name} is left out, or its numbers are written into backward: while it {own}, this "
                    f"gradient is right, and with other numbers it is wrong"
                )
        return None

    def factor(self, name):
        """Every number is wrong by the same factor."""
        slopes = self.slopes(name, self.gradients[name])
        ratios = np.array([found.analytic / found.numeric if found.numeric else np.inf for found in slopes])
        factor = float(np.mean(ratios))
        if not np.isfinite(factor) or factor == 0 or not self.agrees(name, self.gradients[name] / factor):
            return None
        if abs(factor + 1) < NEAR:
            return "the sign: every number has the right size and the wrong sign"
        meaning = self.meaning(abs(factor))
        if self.gradients[name].size == 1 and not meaning:  # one number is always some multiple of the right one
            return None
        part = abs(factor) < 1 and abs(1 / factor - round(1 / factor)) < NEAR
        times = f"1/{1 / factor:.0f}" if part else f"{factor:.6g}"
        return f"a constant factor: backward gives {times} times the right gradient{meaning}"

    def meaning(self, factor):
        """Where such a factor comes from."""
        N, T = self.subject.x.shape[0], self.subject.x.shape[1] if self.subject.is_sequence else 1
        sizes = {
            "the batch size N": N,
            "the number of time steps T": T,
            "N * T, batch size times time steps": N * T,
        }
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

    def transposed(self, name):
        """The gradient itself is transposed; square arrays alone can hide that from their shape."""
        gradient = self.gradients[name]
        if gradient.ndim == 2 and gradient.shape[0] == gradient.shape[1] and self.agrees(name, gradient.T):
            return f"the gradient of {name} is transposed: (A @ B).T is B.T @ A.T, so swap the factors of the product"
        return None

    def weight_not_transposed(self, name):
        """With a weight transposed between forward and backward the gradient is right."""
        for other, array in self.subject.arrays.items():
            if not other.startswith("parameter") or array.ndim != 2 or array.shape[1] % array.shape[0]:
                continue
            if self.right_if_changed_between(name, array, _transpose_blocks):
                return (
                    f"a transposed weight: backward multiplies by {other} as it is where its transpose belongs, or "
                    f"the other way round. Of y = x @ W it is dx = dy @ W.T"
                )
        return None

    def flipped(self, name):
        """The gradient of a convolution's kernel begins at the other end; so do the taps of a kernel in backward."""
        gradient = self.gradients[name]
        if name.startswith("parameter") and gradient.ndim == 4 and self.agrees(name, gradient[::-1, ::-1]):
            return f"the gradient of {name} is flipped: tap (i, j) stands where tap (kh - 1 - i, kw - 1 - j) belongs"
        for other, array in self.subject.arrays.items():
            is_kernel = other.startswith("parameter") and array.ndim == 4
            if is_kernel and self.right_if_changed_between(name, array, _flip):
                return (
                    f"a flipped kernel: backward reads the taps of {other} from the other end. What forward took from "
                    f"a pixel times W[i, j], backward must add to that pixel times the same W[i, j]"
                )
        return None

    def right_if_changed_between(self, name, array, change):
        """Whether the gradient is right when `change(array)` comes between forward and backward."""
        kept = array.copy()
        try:
            gradient = self.subject.gradients(between=lambda: change(array))[name]
        finally:
            array[...] = kept
        return self.agrees(name, gradient)

    def final_state(self, name):
        """The gradient is right where L counts the output alone."""
        size = self.subject.forward().size
        weights = np.where(np.arange(self.subject.weights.size) < size, self.subject.weights, 0.0)
        if size == weights.size or not self.agrees_for(name, weights):
            return None
        return (
            "the gradient of the final state: where the loss counts the output alone, every gradient is right. "
            "Backward must start the last step from dstate, not from 0"
        )

    def agrees_for(self, name, weights):
        """Whether the gradient is right for another L."""
        subject, kept = self.subject, self.subject.weights
        try:
            subject.weights = weights
            return self.agrees(name, subject.gradients()[name])
        finally:
            subject.weights = kept

    def time(self, name):
        """With one time step the gradient is right, with more it is not."""
        if not self.subject.is_sequence or self.subject.x.shape[1] < 2 or not self.right_with(name, np.s_[:, :1]):
            return None
        sums = "every step adds to the gradient: sum over them all, then write the sum"
        carried = [other for other in self.subject.arrays if not other.startswith("parameter")]
        if carried and not self.wrong & set(carried):
            return f"a missing term from other time steps: with one time step the gradient is right, and {sums}"
        return (
            "a missing term from the next time step: with one time step the gradient is right, with more it is not. A "
            "state acts on the output of its own step and on the state of the next, so its gradient is the sum of "
            "both: carry what step t + 1 sends back over to step t" + ("" if carried else f". Or else, {sums}")
        )

    def batch(self, name):
        """With one example the gradient is right, with more it is not."""
        if self.subject.x.shape[0] < 2 or not self.right_with(name, np.s_[:1]):
            return None
        if name.startswith("parameter"):
            return (
                "the sum over the batch: with one example the gradient is right, with more it is not. Every example "
                "adds to the gradient: sum over them all, then write the sum"
            )
        return "the examples of a batch get mixed: with one example the gradient is right, with more it is not"

    def right_with(self, name, part):
        """Whether the gradient is right for a part of the input, which the layer may refuse: then it is not."""
        subject, state = self.subject, self.subject.state
        examples = part[0] if isinstance(part, tuple) else part
        if state is not None:
            state = tuple(s[examples] for s in state) if isinstance(state, tuple) else state[examples]
        try:
            smaller = subject.beside(subject.layer, subject.x[part], state=state)
            return self.agrees(name, smaller.gradients()[name], smaller)
        except Exception:  # a guess must not hide the finding
            return False

    def first_wrong_step(self, name):
        """The first step of the output which, with a loss of that step alone, gives a wrong gradient."""
        if name not in self.first_wrong:
            self.first_wrong[name] = self._first_wrong_step(name)
        return self.first_wrong[name]

    def _first_wrong_step(self, name):
        return next((t for t, w in self.subject.output_steps() if not self.agrees_for(name, w)), None)


_GUESSES = (
    _Case.nothing,
    _Case.forgotten,
    _Case.factor,
    _Case.transposed,
    _Case.weight_not_transposed,
    _Case.flipped,
    _Case.final_state,
    _Case.time,
    _Case.batch,
)


def _transpose_blocks(array):
    """Transpose, in place, each square block of a matrix such as Wh (H, 4H)."""
    size = array.shape[0]
    for start in range(0, array.shape[1], size):
        block = array[:, start : start + size]
        block[...] = block.T.copy()


def _flip(kernel):
    """Turn a kernel (kh, kw, C, filters) by half a turn, in place."""
    kernel[...] = kernel[::-1, ::-1].copy()
