"""The time steps of a recurrent layer as expressions: inputs, states, and the terms of the sums."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.expression import Expression, Quantity
from ..engine.layout import Page

States = Sequence[np.ndarray] | None


class Steps:
    """A recurrent layer and its input.

    Attributes:
        Wx, Wh, b, x: the parameters and the input, as `Quantity`. An id is a one-hot vector.
        ids: x if it holds ids, else None.
        N, T, H: samples, time steps, units.
        initial: the first states; None for zeros.
    """

    def __init__(self, layer: Any, x: np.ndarray, initial_state: States) -> None:
        self.layer = layer  # with `states`, which only the subclasses of Recurrent have
        self.Wx, self.Wh, self.b = (Quantity(name, layer.params[name]) for name in ("Wx", "Wh", "b"))
        self.N, self.T = x.shape[:2]
        self.H: int = layer.units
        self.ids = x if x.ndim == 2 else None
        self.x = Quantity("x", x if x.ndim == 3 else np.eye(self.Wx.shape[0])[x])
        self.initial = layer.state if initial_state is None and layer.stateful is True else initial_state

    def states(self, n: int, arrays: States, name: str) -> dict[str, list[Expression]]:
        """The states of sample n, or their gradients, as lists by state; zeros for None."""
        arrays = arrays or [np.zeros((self.N, self.H))] * len(self.layer.states)
        pairs = zip(self.layer.states, arrays, strict=True)
        return {state: Quantity(state, array).row(n, name.format(state)) for state, array in pairs}

    def back_through_Wh(
        self, page: Page, row: list[Expression], shown: set[int], more: list[Expression] | None = None
    ) -> list[Expression]:
        """The gradient of h_{t-1}, from that of h_{t-1} Wh, plus the terms `more`, one for each unit."""
        dh = []
        for k in range(self.H):
            with page.silent(k not in shown):
                terms = [gradient @ self.Wh[k, column] for column, gradient in enumerate(row)]
                dh.append(page.sum(f"dh_{{t-1}}[{k}]", [[*([more[k]] if more else []), *terms]]))
        return dh

    def seen(self, f: int, row: Quantity, column: int) -> list[Expression]:
        """The terms of x' times a column, over all steps; with ids only the steps whose id is f."""
        places = np.ndindex(self.N, self.T)
        if self.ids is None:
            return [self.x[n, t, f] @ row[n, t, column] for n, t in places]
        return [row[n, t, column] for n, t in places if self.ids[n, t] == f]


class Step:
    """One step of one sample.

    Attributes:
        layer, H, b: the layer, its units, and its bias.
        before: the states before the step, by name: lists of a number for each unit.
        now: its results in the same form; empty at first.
    """

    def __init__(self, steps: Steps, n: int, t: int, before: dict[str, list[Expression]]) -> None:
        self.steps, self.n, self.t, self.before = steps, n, t, before
        self.now: dict[str, list[Expression]] = {}
        self.layer, self.H, self.b = steps.layer, steps.H, steps.b

    def head(self, page: Page) -> None:
        """Write the heading: the step, its input, and the states before it."""
        steps, n, t = self.steps, self.n, self.t
        page.line(f"sample n = {n}, step t = {t}" + ("" if steps.ids is None else f": x_t is the id {steps.ids[n, t]}"))
        page.line()
        x = [Quantity("x_t", steps.x.values[n, t])] if steps.ids is None else []
        states = (Quantity(f"{s}_{{t-1}}", [v.value for v in values]) for s, values in self.before.items())
        page.tables(*x, *states)

    def x_terms(self, column: int) -> list[Expression]:
        """The terms of x_t Wx in a column: one for each feature; for an id only its row of Wx."""
        steps = self.steps
        if steps.ids is not None:
            return [steps.Wx[int(steps.ids[self.n, self.t]), column]]
        return [x @ steps.Wx[f, column] for f, x in enumerate(steps.x.row((self.n, self.t), "x_t"))]

    def h_terms(self, column: int) -> list[Expression]:
        """The terms of h_{t-1} Wh in a column."""
        return [h @ self.steps.Wh[k, column] for k, h in enumerate(self.before["h"])]
