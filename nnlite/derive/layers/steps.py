"""The time steps of a recurrent layer as expressions: inputs, states, and the terms of the sums."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import Expression, Page, Quantity

States = Sequence[np.ndarray] | None
Unit = dict[str, Expression]  # the numbers of one unit, by name
Units = dict[str, list[Expression]]  # those of all units


class Steps:
    """A recurrent layer and its input: N samples, T time steps, H units."""

    def __init__(self, layer: Any, x: np.ndarray, initial_state: States) -> None:
        self.layer = layer  # with `states`, which only the subclasses of Recurrent have
        self.Wx, self.Wh, self.b = (Quantity(name, layer.params[name]) for name in ("Wx", "Wh", "b"))
        self.N, self.T = x.shape[:2]
        self.H: int = layer.units
        self.ids = x if x.ndim == 2 else None
        self.x = Quantity("x", x if x.ndim == 3 else np.eye(self.Wx.shape[0])[x])  # an id as a one-hot vector
        # The first states; None for zeros.
        self.initial = layer.state if initial_state is None and layer.stateful is True else initial_state

    def states(self, n: int, arrays: States, name: str) -> Units:
        """The states of sample n, or their gradients; zeros for None."""
        arrays = arrays or [np.zeros((self.N, self.H))] * len(self.layer.states)
        pairs = zip(self.layer.states, arrays, strict=True)
        return {state: Quantity(state, array).row(n, name.format(state)) for state, array in pairs}


class Step:
    """One step of one sample."""

    def __init__(self, steps: Steps, n: int, t: int, before: Units) -> None:
        self.steps, self.before = steps, before  # the states before the step
        self.now: Units = {}  # its results, to be filled
        self.layer, self.H, self.b = steps.layer, steps.H, steps.b
        self.id = None if steps.ids is None else int(steps.ids[n, t])
        self.x = steps.x.row((n, t), "x_t")
        self.title = f"sample n = {n}, step t = {t}"

    def head(self, page: Page) -> None:
        """Write the heading: the step, its input, and the states before it."""
        page.line(self.title if self.id is None else f"{self.title}: x_t is the id {self.id}")
        page.line()
        shown = {f"{state}_{{t-1}}": numbers for state, numbers in self.before.items()}
        if self.id is None:
            shown = {"x_t": self.x} | shown
        page.tables(*(Quantity(name, [number.value for number in numbers]) for name, numbers in shown.items()))

    def x_terms(self, column: int) -> list[Expression]:
        """The terms of x_t Wx in a column: one for each feature; for an id only its row of Wx."""
        if self.id is not None:
            return [self.steps.Wx[self.id, column]]
        return [x @ self.steps.Wx[f, column] for f, x in enumerate(self.x)]

    def h_terms(self, column: int) -> list[Expression]:
        """The terms of h_{t-1} Wh in a column."""
        return [h @ self.steps.Wh[k, column] for k, h in enumerate(self.before["h"])]
