"""Places: where in a recurrent layer's backward a mistake is, from which gradients of a single time step are wrong."""

from itertools import pairwise

import numpy as np

from .checked_layer import CheckedLayer
from .evidence import Evidence
from .guesses import NEAR, common_factor
from .target import Kind, Target

# What the blocks of H columns are in the weights of nnlite's layers, by their kernel.
GATES = {
    "lstm": ("the input gate i", "the forget gate f", "the candidate g", "the output gate o"),
    "gru": ("the update gate z", "the reset gate r", "the candidate h"),
    "gru_reset_before": ("the update gate z", "the reset gate r", "the candidate h"),
}


def place(evidence: Evidence) -> str | None:
    """Which gradients of one time step are wrong: of some gates, of one parameter, of a state, or of all."""
    first = evidence.part_of_x(np.s_[:, :1]) if evidence.checked.is_sequence else None
    if first is None or first.state is None:
        return None
    try:
        step = _Step(first)
    except Exception:  # a guess must not hide the finding
        return None
    found = step.of_gates() or step.of_one_parameter() or step.of_what_is_passed_on() or step.of_a_part_of_the_loss()
    return f"with one time step, {found}" if found else None


class _Step:
    """The gradients of one step. `wrong`: the wrong blocks of H columns of each parameter that has any."""

    def __init__(self, checked: CheckedLayer) -> None:
        self.checked, self.gradients = checked, checked.gradients()
        self.evidence = Evidence(checked, self.gradients, list(checked.arrays))
        self.states = checked.state if isinstance(checked.state, tuple) else (checked.state,)
        self.H = np.asarray(self.states[0]).shape[-1]
        self.parameters = [target for target in checked.arrays if target.kind is Kind.PARAMETER]
        self.wrong = {target: blocks for target in self.parameters if (blocks := self._wrong_blocks(target))}
        self.others = [
            target
            for target, gradient in self.gradients.items()
            if target not in self.parameters and not self.evidence.agrees(target, gradient)
        ]

    def _mask(self, target, block):
        """The columns of a block; where the parameter has no blocks, all."""
        columns = np.arange(self.gradients[target].shape[-1])
        return columns // self.H == block if len(columns) % self.H == 0 else columns >= 0

    def _compared(self, target, block):
        return self.evidence.comparisons(target, self.gradients[target], part=self._mask(target, block))

    def _wrong_blocks(self, target):
        width = self.gradients[target].shape[-1]
        blocks = range(width // self.H if width % self.H == 0 else 1)
        return [block for block in blocks if not all(c.agrees for c in self._compared(target, block))]

    def of_gates(self) -> str | None:
        """The same blocks of several parameters, and not all of them."""
        patterns = set(map(tuple, self.wrong.values()))
        blocks = max(np.shape(self.gradients[target])[-1] // self.H for target in self.parameters)
        if len(self.wrong) < 2 or len(patterns) != 1 or len(*patterns) == blocks:
            return None
        (wrong,) = patterns
        losses = self._of_losses() if len(wrong) > 1 else None
        return (
            f"{self._columns(wrong)} of the gradients of {_listed([target.name for target in self.wrong])} are wrong, "
            f"and the other columns are right{self._times(wrong)}: look at the line of backward that computes them"
            f"{f', or what they have in common: {losses}' if losses else ''}"
        )

    def _columns(self, blocks):
        """Such as "columns 3 to 5 (the forget gate f)"."""
        gates = GATES.get(getattr(self.checked.layer, "kernel", ""), ())
        names = [f" ({gates[b]})" if gates else "" for b in blocks]
        return _listed(
            [f"columns {b * self.H} to {(b + 1) * self.H - 1}{n}" for b, n in zip(blocks, names, strict=True)]
        )

    def _times(self, blocks):
        """The factor of a block, if all its numbers have it."""
        if len(blocks) != 1:
            return ""
        found = [c for target in self.wrong for c in self._compared(target, blocks[0])]
        times = common_factor(found)
        if times is None or any(abs(c.analytic - times * c.numeric) > NEAR * abs(c.analytic) for c in found):
            return ""
        return ". They have the wrong sign" if abs(times + 1) < NEAR else f". They are {times:.6g} times the right ones"

    def of_one_parameter(self) -> str | None:
        """One parameter alone."""
        if len(self.wrong) != 1 or len(self.parameters) < 2 or self.others:
            return None
        ((target, blocks),) = self.wrong.items()
        width = np.shape(self.gradients[target])[-1]
        where = f", in {self._columns(blocks)}" if len(blocks) < width // self.H else ""
        return (
            f"only the gradient of {target} is wrong{where}. The others come from the same gradient of the sums x Wx + "
            f"h Wh + b, so that one is right: look at what it is multiplied by, and summed over, for {target.name}"
        )

    def of_what_is_passed_on(self) -> str | None:
        """States, or x, alone."""
        if self.wrong or not self.others:
            return None
        names = _listed([_named(self.checked, target) for target in self.others])
        return (
            f"only the gradient of {names} is wrong: look at the line of backward that passes it on, to the step "
            f"before or to the layer before. With more steps, all that it reaches is wrong, too"
        )

    def of_a_part_of_the_loss(self) -> str | None:
        """All of them, but not for every loss."""
        if not self.wrong:
            return None
        return self._of_losses() or (
            f"the gradients of {_listed([target.name for target in self.wrong])} are wrong in all columns, so the "
            f"mistake comes before them: in the gradient of the state, or of the sums x Wx + h Wh + b"
        )

    def _of_losses(self):
        """For which parts of the loss all is right."""
        right, wrong = list[str](), list[str]()
        for name, weights in self._parts_of_the_loss():
            with self.evidence.weighted(weights):
                gradients = self.checked.gradients()
                found = [c for t in self.parameters for c in self.evidence.comparisons(t, gradients[t])]
            if any(c.numeric for c in found):
                (right if all(c.agrees for c in found) else wrong).append(name)
        if not right or not wrong:
            return None
        return (
            f"all gradients are right for a loss of {_listed(right)}, and wrong for one of {_listed(wrong)}: look "
            f"at how backward uses the gradient of {_listed(wrong)}"
        )

    def _parts_of_the_loss(self):
        """The output, and each final state: what L is a sum over."""
        sizes = [self.checked.forward().size]
        if self.checked.takes_dstate:
            sizes += [np.size(state) for state in self.states]
        names = ["the output", *(_named(self.checked, Target(Kind.STATE, str(k))) for k in range(len(sizes) - 1))]
        for name, (start, stop) in zip(names, pairwise(np.cumsum([0, *sizes])), strict=True):
            weights = np.zeros_like(self.checked.weights)
            weights[start:stop] = self.checked.weights[start:stop]
            yield name.replace("initial", "final"), weights


def _named(checked, target):
    """Such as "initial state 1 (c)"."""
    letters = getattr(checked.layer, "states", ())
    is_lettered = target.kind is Kind.STATE and isinstance(letters, tuple) and int(target.name) < len(letters)
    return f"{target} ({letters[int(target.name)]})" if is_lettered else str(target)


def _listed(names):
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
