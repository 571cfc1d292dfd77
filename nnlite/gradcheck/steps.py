"""Guesses about time steps: mistakes of a recurrent backward that one step alone does not show."""

import numpy as np

from .evidence import Evidence
from .target import Kind


def time(evidence: Evidence) -> str | None:
    """With one time step all is right, with more it is not."""
    checked = evidence.checked
    if not checked.is_sequence or checked.x.shape[1] < 2:
        return None
    if not evidence.each_right_alone([np.s_[:, t : t + 1] for t in range(checked.x.shape[1])]):
        return None
    kinds = {target.kind for target in evidence.wrong}
    if kinds == {Kind.PARAMETER} and any(target.kind is not Kind.PARAMETER for target in checked.arrays):
        return (
            "the sum over the time steps: with one time step the gradient is right, with more it is not. Every step "
            "adds to it: sum over them all, each with the numbers of that step alone"
        )
    if checked.state is not None and Kind.STATE not in kinds:
        return (
            "how the gradients of the time steps are put together: with one time step they are right, with more they "
            "are not, although those of the initial states are, so what goes back through time is right"
        )
    at_first, at_last = _right_of_first_step(evidence), _right_of_last_step(evidence)
    if at_first is False or at_last is False:
        alone = "the first step" if at_first is False else "the last step, for its own input"
        return (
            f"the numbers that a step uses: with one time step every gradient is right, with more they are not, not "
            f"even of a loss of {alone}, which no later step reaches: look at the states, the indices of time and the "
            f"number of steps in the lines of a step"
        )
    if at_first is None or at_last is None:
        return (
            "what goes from step t + 1 back to step t: with one time step every gradient is right, with more they are "
            "not"
        )
    return (
        "a missing term from the next time step: with one time step every gradient is right, with more they are not. A "
        "state affects the output of its own step and the next state, so its gradient is the sum of both: pass the "
        "gradient from step t + 1 on to step t"
    )


def _loss_of_step(checked, step):
    """The weights of a loss of one step of the output; None if it has no steps."""
    y = checked.forward()
    if checked.loss or y.ndim < 3 or y.shape[1] != checked.x.shape[1]:
        return None
    weights = np.zeros_like(checked.weights)
    weights[: y.size].reshape(y.shape)[:, step] = checked.weights[: y.size].reshape(y.shape)[:, step]
    return weights


def _right_of_first_step(evidence):
    """Whether all is right of a loss of the first step, to which no other contributes. None: there is no such loss."""
    weights = _loss_of_step(evidence.checked, 0)
    return None if weights is None else evidence.all_right_for(weights)


def _right_of_last_step(evidence):
    """Whether a loss of the last step gives the input of that step the right gradient. None: that cannot be told."""
    checked, target = evidence.checked, evidence.checked.input
    if checked.loss or target not in evidence.wrong:
        return None
    weights = _loss_of_step(checked, -1)
    if weights is None:
        weights = np.where(np.arange(checked.weights.size) < checked.forward().size, checked.weights, 0.0)
    with evidence.weighted(weights):
        gradient = checked.gradients()[target]
        for step in (-1, 0):  # which is the last where the layer goes backwards
            part = np.zeros(checked.x.shape, bool)
            part[:, step] = True
            found = evidence.comparisons(target, gradient, part=part)
            if all(c.agrees for c in found) and any(c.numeric for c in found):
                return True
    return False


def through_time(evidence: Evidence) -> str | None:
    """Of a loss of the last step, the gradient is right for the input of that step, and wrong for earlier ones."""
    checked, target = evidence.checked, evidence.checked.input
    y = checked.forward()
    if checked.loss or not checked.is_sequence or target not in evidence.wrong or checked.x.shape[1] < 2:
        return None
    weights, last = np.zeros_like(checked.weights), np.zeros(checked.x.shape, bool)
    of_y = weights[: y.size].reshape(y.shape)
    of_last = (slice(None), -1) if y.ndim > 2 and y.shape[1] == checked.x.shape[1] else ...
    of_y[of_last], last[:, -1] = checked.weights[: y.size].reshape(y.shape)[of_last], True
    with evidence.weighted(weights):
        gradient = checked.gradients()[target]
        at_last, before = (evidence.comparisons(target, gradient, part=part) for part in (last, ~last))
    right_at_last = all(c.agrees for c in at_last) and any(c.numeric for c in at_last)
    if not right_at_last or all(c.agrees for c in before):
        return None
    lacks = "has none" if not gradient[~last].any() else "has a wrong one"
    return (
        f"what goes from step t + 1 back to step t: of a loss of the last step, backward gives its own input the right "
        f"gradient, and every input before it {lacks}"
    )
