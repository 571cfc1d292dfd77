"""Base of the derivations of RNN, LSTM and GRU: the loop over the steps, and gradients summed over them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...layers.base.recurrent import Recurrent
from ..engine.expression import Expression, Quantity
from ..engine.layout import Page
from .steps import States, Step, Steps


def choices(layer: Recurrent, x: np.ndarray, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """What `at` may name: the steps, (n, t, u), and in a backward pass the gradients."""
    steps = (*x.shape[:2], layer.units)
    if "y" in shapes:
        return {"h": steps}
    return {"step": steps, **{name: shape for name, shape in shapes.items() if not name.endswith("_initial")}}


class Recurrence:
    """Base of the derivations of recurrent layers.

    A subclass defines `unit`, `unit_back` and these attributes.

    Attributes:
        formulas, gradient_formulas: the lines at the top of the text.
        rows: the names of the gradients of the sums with Wx and with Wh, such as ("dz", "dz").
        to_x, to_h: the blocks of H columns of Wx and of Wh, in order, such as "ifgo".
    """

    formulas: Sequence[str]
    gradient_formulas: Sequence[str]
    rows: tuple[str, str]
    to_x: str
    to_h: str

    def unit(self, page: Page, step: Step, u: int) -> dict[str, Expression]:
        """Derive one unit at a step: a dict from names, those of the states included, to its numbers."""
        raise NotImplementedError

    def unit_back(
        self, page: Page, step: Step, u: int, dh: Expression, after: dict[str, list[Expression]]
    ) -> tuple[dict[str, Expression], dict[str, Expression]]:
        """Derive the backward pass of one unit.

        Args:
            dh: the total gradient of the unit's h_t.
            after: the gradients of the states from the next step, lists by name.

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
        found = self._walk(page, steps, set(page.choice.all("h")))
        y = Quantity.unknown("y", (steps.N, steps.T, steps.H) if layer.return_sequences else (steps.N, steps.H))
        last = {name: Quantity.unknown(f"{name}_last", (steps.N, steps.H)) for name in layer.states}
        for n, t in np.ndindex(steps.N, steps.T):
            y[(n, t) if layer.return_sequences else n] = found[n][t].now["h"]  # the last step overwrites the others
            for name, quantity in last.items():
                quantity[n] = found[n][t].now[name]
        return {"y": y, **{quantity.name: quantity for quantity in last.values()}}

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
        chosen = set(page.choice.all("step"))
        page.formula(*self.gradient_formulas)
        page.tables(steps.Wx, steps.Wh)
        with page.silent():
            found = self._walk(page, steps, set())
        rows = [Quantity.unknown(name, (N, T, steps.Wx.shape[1])) for name in self.rows]
        initial = {name: Quantity.unknown(f"d{name}_initial", (N, H)) for name in layer.states}
        dy = Quantity("dy", dy_array)
        for n in range(N):
            after = steps.states(n, dstate, "d{}_next")
            for t in reversed(range(T)):
                shown = {u for u in range(H) if (n, t, u) in chosen}
                with page.silent(not shown):
                    page.line(f"sample n = {n}, step t = {t}")
                    page.line()
                    has_output = layer.return_sequences or t == T - 1
                    dy_t = dy.row((n, t) if layer.return_sequences else n, "dy_t") if has_output else None
                    dh = _dh_t(page, dy_t, after["h"], shown)
                    *gradients, before = self._step_back(page, steps, found[n][t], dh, after, shown)
                    page.line()
                for row, values in zip(rows, gradients, strict=True):
                    row[n, t] = values
                after = {name: _named(values, f"d{name}_next") for name, values in before.items()}
            for name, quantity in initial.items():
                quantity[n] = after[name]
        return {**_sums(page, steps, found, *rows), **{quantity.name: quantity for quantity in initial.values()}}

    def _walk(self, page, steps, chosen):
        """Forward through all steps: a list of them for each sample."""
        found: list[list[Step]] = [[] for _ in range(steps.N)]
        for n in range(steps.N):
            before = steps.states(n, steps.initial, "{}_{{t-1}}")
            for t in range(steps.T):
                shown = {u for u in range(steps.H) if (n, t, u) in chosen}
                step = Step(steps, n, t, before)
                with page.silent(not shown):
                    step.head(page)
                    for u in range(steps.H):
                        with page.silent(u not in shown):
                            _append(step.now, self.unit(page, step, u))
                found[n].append(step)
                before = {name: _named(step.now[name], f"{name}_{{t-1}}") for name in steps.layer.states}
        return found

    def _step_back(self, page, steps, step, dh, after, shown):
        """Back through one step: the gradients of its sums with Wx and with Wh, and of the states before it."""
        sums: dict[str, list[Expression]] = {}
        before: dict[str, list[Expression]] = {}
        for u in range(steps.H):
            with page.silent(u not in shown):
                of_sums, of_states = self.unit_back(page, step, u, dh[u], after)
                _append(sums, of_sums)
                _append(before, of_states)
        page.flush()
        to_x, to_h = ([gradient for block in blocks for gradient in sums[block]] for blocks in (self.to_x, self.to_h))
        return to_x, to_h, before | {"h": steps.back_through_Wh(page, to_h, shown, before.get("h"))}


def _append(lists, numbers):
    """Append each number to the list of its name."""
    for name, number in numbers.items():
        lists.setdefault(name, []).append(number)


def _dh_t(page, dy_t, dh_next, shown):
    """The gradient of h_t: from this step's output, plus from the next step."""
    dh = []
    for u, terms in enumerate(zip(*[dh_next] if dy_t is None else [dy_t, dh_next], strict=True)):
        with page.silent(u not in shown):
            dh.append(page.sum(f"dh_t[{u}]", [list(terms)]))
    return dh


def _named(values, name):
    return [value.named(f"{name}[{u}]") for u, value in enumerate(values)]


def _sums(page, steps, found, to_x, to_h):
    """The gradients that are sums over all steps, dx, dWx, dWh and db, from those of the sums with Wx and with Wh."""
    N, T, width = to_x.shape
    places = list(np.ndindex(N, T))
    h = Quantity.unknown("h_prev", (N, T, steps.H))
    for n, t in places:
        h[n, t] = found[n][t].before["h"]
    sums: dict[str, Callable[..., list[Expression]]] = {}
    if steps.ids is None:
        sums["dx"] = lambda n, t, f: [to_x[n, t, a] @ steps.Wx[f, a] for a in range(width)]
    sums["dWx"] = lambda f, a: steps.seen(f, to_x, a)
    sums["dWh"] = lambda k, a: [h[n, t, k] @ to_h[n, t, a] for n, t in places]
    sums["db"] = lambda *index: [(to_h if index[:-1] == (1,) else to_x)[n, t, index[-1]] for n, t in places]
    shapes = {"dx": steps.x.shape, "dWx": steps.Wx.shape, "dWh": steps.Wh.shape, "db": steps.b.shape}
    derived = {}
    for name, terms in sums.items():
        derived[name] = Quantity.unknown(name, shapes[name])
        chosen = set(page.choice.all(name))
        for index in np.ndindex(shapes[name]):
            with page.silent(index not in chosen):
                derived[name][index] = page.sum(derived[name].letters(index), [terms(*index)])
        page.line()
    return derived
