"""Base of the derivations of RNN, LSTM and GRU: time steps, the loop over them, and gradients summed over them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...layers.base.recurrent import Recurrent
from ..engine import Expression, Page, Quantity

States = Sequence[np.ndarray] | None
Unit = dict[str, Expression]  # the numbers of one unit, by name
Units = dict[str, list[Expression]]  # those of all units


def choices(layer: Recurrent, x: np.ndarray, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """What `at` may name: the steps, (n, t, u), and in a backward pass the gradients."""
    steps = (*x.shape[:2], layer.units)
    if "y" in shapes:
        return {"h": steps}
    return {"step": steps, **{name: shape for name, shape in shapes.items() if not name.endswith("_initial")}}


class Steps:
    """A recurrent layer and its input: N samples, T time steps, H units."""

    def __init__(self, layer: Any, x: np.ndarray, initial_state: States) -> None:
        if layer.go_backwards:
            raise ValueError(
                f"derive: expected a layer that reads from the start of x, got {layer!r}: take go_backwards=False and "
                f"x[:, ::-1], which compute the same"
            )
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
        return {state: Quantity(state, array).row((n,), name.format(state)) for state, array in pairs}


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


class Recurrence:
    """Base of the derivations of recurrent layers. A subclass defines the attributes, `unit` and `unit_back`."""

    formulas: Sequence[str]  # the first lines of the text
    gradient_formulas: Sequence[str]
    rows: tuple[str, str]  # the names of the gradients of the sums with Wx and with Wh, such as ("dz", "dz")
    to_x: str  # the blocks of H columns of Wx, in order, such as "ifgo"
    to_h: str  # those of Wh, by which h_{t-1} is multiplied

    def all_units(self, page: Page, step: Step, shown: list[int]) -> None:
        """Derive what every unit needs of all others, before `unit`."""

    def all_units_back(self, page: Page, step: Step, sums: Units, before: Units, shown: list[int]) -> None:
        """Derive their gradients, after `unit_back`, whose results these are."""

    def unit(self, page: Page, step: Step, u: int) -> Unit:
        """Derive one unit at a step: its numbers, those of the states included."""
        raise NotImplementedError

    def unit_back(self, page: Page, step: Step, u: int, dh: Expression, after: Units) -> tuple[Unit, Unit]:
        """Derive the backward pass of one unit.

        Args:
            dh: the total gradient of the unit's h_t.
            after: the gradients of the states from the next step.

        Returns:
            The gradients of the unit's sums by block, and those of the states before the step by name, without what
            comes through Wh.
        """
        raise NotImplementedError

    def forward(self, page: Page, layer: Any, x: np.ndarray, initial_state: States = None) -> dict[str, Quantity]:
        """Derive y, and the last states."""
        steps = Steps(layer, x, initial_state)
        page.formula(*self.formulas)
        page.tables(steps.Wx, steps.Wh, steps.b)
        found = self._walk(page, steps, page.choice.rows("h"))
        y = Quantity.unknown("y", (steps.N, steps.T, steps.H) if layer.return_sequences else (steps.N, steps.H))
        last = {state: Quantity.unknown(f"{state}_last", (steps.N, steps.H)) for state in layer.states}
        for (n, t), step in found.items():
            y[(n, t) if layer.return_sequences else n] = step.now["h"]  # the last step overwrites the others
            for state, quantity in last.items():
                quantity[n] = step.now[state]
        return {quantity.name: quantity for quantity in (y, *last.values())}

    def backward(
        self,
        page: Page,
        layer: Any,
        x: np.ndarray,
        dy_array: np.ndarray,
        initial_state: States = None,
        dstate: States = None,
    ) -> dict[str, Quantity]:
        """Derive the gradients of x, the parameters and the initial states."""
        steps = Steps(layer, x, initial_state)
        N, T, H = steps.N, steps.T, steps.H
        chosen = page.choice.rows("step")
        page.formula(*self.gradient_formulas)
        page.tables(steps.Wx, steps.Wh)
        with page.silent():
            found = self._walk(page, steps, {})
        blocks = zip(self.rows, (self.to_x, self.to_h), strict=True)
        to_x, to_h = (Quantity.unknown(name, (N, T, len(letters) * H)) for name, letters in blocks)
        initial = {state: Quantity.unknown(f"d{state}_initial", (N, H)) for state in layer.states}
        dy = Quantity("dy", dy_array)
        for n in range(N):
            after = steps.states(n, dstate, "d{}_next")
            for t in reversed(range(T)):
                shown = chosen.get((n, t), [])
                dy_t = []
                if layer.return_sequences or t == T - 1:
                    dy_t = dy.row((n, t) if layer.return_sequences else (n,), "dy_t")
                with page.silent(not shown):
                    page.line(found[n, t].title)
                    page.line()
                    to_x[n, t], to_h[n, t], before = self._step_back(page, found[n, t], dy_t, after, shown)
                    page.line()
                after = {state: _named(values, f"d{state}_next") for state, values in before.items()}
            for state, quantity in initial.items():
                quantity[n] = after[state]
        return _sums(page, steps, found, to_x, to_h) | {quantity.name: quantity for quantity in initial.values()}

    def _walk(self, page, steps, chosen):
        """Forward through all steps: a dict of them by (n, t)."""
        found: dict[tuple[int, int], Step] = {}
        for n in range(steps.N):
            before = steps.states(n, steps.initial, "{}_{{t-1}}")
            for t in range(steps.T):
                shown = chosen.get((n, t), [])
                step = found[n, t] = Step(steps, n, t, before)
                with page.silent(not shown):
                    step.head(page)
                    self.all_units(page, step, shown)
                    for u in page.showing(shown, range(steps.H)):
                        _append(step.now, self.unit(page, step, u))
                before = {state: _named(step.now[state], f"{state}_{{t-1}}") for state in steps.layer.states}
        return found

    def _step_back(self, page, step, dy_t, after, shown):
        """Back through one step: the gradients of its sums with Wx and with Wh, and of the states before it."""
        units, Wh = range(step.H), step.steps.Wh
        dh = [page.sum(f"dh_t[{u}]", [[*dy_t[u : u + 1], after["h"][u]]]) for u in page.showing(shown, units)]
        sums: Units = {}
        before: Units = {"h": []}
        for u in page.showing(shown, units):
            of_sums, of_states = self.unit_back(page, step, u, dh[u], after)
            _append(sums, of_sums)
            _append(before, of_states)
        self.all_units_back(page, step, sums, before, shown)
        page.flush()
        to_x, to_h = ([gradient for block in blocks for gradient in sums[block]] for blocks in (self.to_x, self.to_h))
        direct, before["h"] = before["h"], []
        for k in page.showing(shown, units):
            through_Wh = [gradient @ Wh[k, column] for column, gradient in enumerate(to_h)]
            before["h"].append(page.sum(f"dh_{{t-1}}[{k}]", [[*direct[k : k + 1], *through_Wh]]))
        return to_x, to_h, before


def _append(lists, numbers):
    """Append each number to the list of its name."""
    for name, number in numbers.items():
        lists.setdefault(name, []).append(number)


def _named(values, name):
    return [value.named(f"{name}[{u}]") for u, value in enumerate(values)]


def _sums(page, steps, found, to_x, to_h):
    """The gradients that are sums over all steps, dx, dWx, dWh and db, from those of the sums with Wx and with Wh."""
    h, v = (Quantity.unknown(name, (steps.N, steps.T, steps.H)) for name in ("h_prev", "v"))
    for place, step in found.items():
        h[place] = step.before["h"]
        if "v" in step.now:  # of a GRU that resets h before it is multiplied
            v[place] = step.now["v"]

    def dx(n, t, f):
        return [to_x[n, t, a] @ steps.Wx[f, a] for a in range(steps.Wx.shape[1])]

    def dWx(f, a):
        if steps.ids is None:
            return [steps.x[n, t, f] @ to_x[n, t, a] for n, t in found]
        return [to_x[n, t, a] for n, t in found if steps.ids[n, t] == f]  # the steps whose id is f

    def dWh(k, a):
        if a < to_h.shape[2]:
            return [h[n, t, k] @ to_h[n, t, a] for n, t in found]
        return [v[n, t, k] @ to_x[n, t, a] for n, t in found]  # the block by which v is multiplied instead

    def db(*index):
        of_h = index[:-1] == (1,)  # the second row of GRU's b
        return [(to_h if of_h else to_x)[n, t, index[-1]] for n, t in found]

    derived = {}
    for terms, of in ((dx, steps.x), (dWx, steps.Wx), (dWh, steps.Wh), (db, steps.b)):
        if terms is dx and steps.ids is not None:  # ids have no gradient
            continue
        gradient = derived[f"d{of.name}"] = Quantity.unknown(f"d{of.name}", of.shape)
        chosen = set(page.choice.all(gradient.name))
        for index in page.showing(chosen, np.ndindex(of.shape)):
            gradient[index] = page.sum(gradient.letters(index), [terms(*index)])
        page.line()
    return derived
