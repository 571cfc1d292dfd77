"""What the derivations of RNN, LSTM and GRU share: the walk over the steps, and the gradients that add up over them."""

import numpy as np

from .written import Quantity


def choices(layer, x, shapes):
    """What `at` may name: of a forward pass the steps, (n, t, u); of the way back these, and the gradients."""
    steps = (*x.shape[:2], layer.units)
    if "y" in shapes:
        return {"h": steps}
    return {"step": steps, **{name: shape for name, shape in shapes.items() if not name.endswith("_initial")}}


class Recurrence:
    """Base of the derivations of recurrent layers. A subclass has

        formulas, gradient_formulas
        rows        what the gradients of the sums with Wx and with Wh are called, such as ("dz", "dz")
        step(page, steps, n, t, before, shown)
            one step: a dict of names, the states' among them, to a list with a number for each unit
        step_back(page, steps, now, dh, after, shown)
            and back: the two rows, and a dict of the gradients of the states before

    where `before` and `after` are dicts of such lists for each state, `now` is what `step` gave, and the states before
    it as "h_before". `shown` holds the units that are written out.
    """

    def forward(self, page, layer, x, initial_state=None):
        steps = Steps(layer, x, initial_state)
        page.formula(*self.formulas)
        page.tables(steps.Wx, steps.Wh, steps.b)
        found = self._walk(page, steps, set(page.choice.all("h")))
        y = Quantity.unknown("y", (steps.N, steps.T, steps.H) if layer.return_sequences else (steps.N, steps.H))
        last = {name: Quantity.unknown(f"{name}_last", (steps.N, steps.H)) for name in layer.states}
        for n, t in np.ndindex(steps.N, steps.T):
            y[(n, t) if layer.return_sequences else n] = found[n][t]["h"]  # the last step's stays
            for name, quantity in last.items():
                quantity[n] = found[n][t][name]
        return {"y": y, **{quantity.name: quantity for quantity in last.values()}}

    def backward(self, page, layer, x, dy, initial_state=None, dstate=None):
        steps = Steps(layer, x, initial_state)
        N, T, H = steps.N, steps.T, steps.H
        chosen = set(page.choice.all("step"))
        page.formula(*self.gradient_formulas)
        page.tables(steps.Wx, steps.Wh)
        with page.silent():
            found = self._walk(page, steps, set())
        rows = [Quantity.unknown(name, (N, T, steps.Wx.shape[1])) for name in self.rows]
        initial = {name: Quantity.unknown(f"d{name}_initial", (N, H)) for name in layer.states}
        dy = Quantity("dy", dy)
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
                    *gradients, before = self.step_back(page, steps, found[n][t], dh, after, shown)
                    page.line()
                for row, values in zip(rows, gradients, strict=True):
                    row[n, t] = values
                after = {name: _named(values, f"d{name}_next") for name, values in before.items()}
            for name, quantity in initial.items():
                quantity[n] = after[name]
        return {**_sums(page, steps, found, *rows), **{quantity.name: quantity for quantity in initial.values()}}

    def _walk(self, page, steps, chosen):
        """Forward through all steps. Returns what they computed: steps[n][t][name][unit]."""
        found = [[] for _ in range(steps.N)]
        for n in range(steps.N):
            before = steps.states(n, steps.initial, "{}_{{t-1}}")
            for t in range(steps.T):
                shown = {u for u in range(steps.H) if (n, t, u) in chosen}
                with page.silent(not shown):
                    steps.head(page, n, t, before)
                    now = self.step(page, steps, n, t, before, shown)
                found[n].append({**now, **{f"{name}_before": values for name, values in before.items()}})
                before = {name: _named(now[name], f"{name}_{{t-1}}") for name in steps.layer.states}
        return found


class Steps:
    """A recurrent layer on its input: parameters and states by name, and the terms of its sums."""

    def __init__(self, layer, x, initial_state):
        self.layer = layer
        self.Wx, self.Wh, self.b = (Quantity(name, layer.params[name]) for name in ("Wx", "Wh", "b"))
        self.N, self.T, self.H = *x.shape[:2], layer.units
        self.ids = x if x.ndim == 2 else None
        self.x = Quantity("x", x if x.ndim == 3 else np.eye(self.Wx.shape[0])[x])  # an id is a one-hot vector
        self.initial = layer.state if initial_state is None and layer.stateful else initial_state

    def states(self, n, arrays, name):
        """The states of sample n, or their gradients, as lists; zeros where there are none."""
        arrays = arrays or [np.zeros((self.N, self.H))] * len(self.layer.states)
        pairs = zip(self.layer.states, arrays, strict=True)
        return {state: Quantity(state, array).row(n, name.format(state)) for state, array in pairs}

    def x_terms(self, n, t, column):
        """The terms of x_t Wx in a column: one for each feature; of an id its row of Wx alone."""
        if self.ids is not None:
            return [self.Wx[int(self.ids[n, t]), column]]
        return [x @ self.Wx[f, column] for f, x in enumerate(self.x.row((n, t), "x_t"))]

    def h_terms(self, h, column):
        """The terms of h_{t-1} Wh in a column."""
        return [h[k] @ self.Wh[k, column] for k in range(self.H)]

    def back_through_Wh(self, page, row, shown, more=None):
        """The gradient of h_{t-1}, from that of h_{t-1} Wh, and what `more` adds to it, a term for each unit."""
        dh = []
        for k in range(self.H):
            with page.silent(k not in shown):
                terms = [gradient @ self.Wh[k, column] for column, gradient in enumerate(row)]
                dh.append(page.sum(f"dh_{{t-1}}[{k}]", [[*([more[k]] if more else []), *terms]]))
        return dh

    def head(self, page, n, t, before):
        """Where we are: the step, and what it starts from."""
        page.line(f"sample n = {n}, step t = {t}" + ("" if self.ids is None else f": x_t is the id {self.ids[n, t]}"))
        page.line()
        x = [Quantity("x_t", self.x.values[n, t])] if self.ids is None else []
        page.tables(*x, *(Quantity(f"{s}_{{t-1}}", [v.value for v in values]) for s, values in before.items()))


def _dh_t(page, dy_t, dh_next, shown):
    """The gradient of h_t: what comes from this step's output, and what comes back from the next step."""
    dh = []
    for u, terms in enumerate(zip(*[dh_next] if dy_t is None else [dy_t, dh_next], strict=True)):
        with page.silent(u not in shown):
            dh.append(page.sum(f"dh_t[{u}]", [list(terms)]))
    return dh


def _named(values, name):
    return [value.named(f"{name}[{u}]") for u, value in enumerate(values)]


def _sums(page, steps, found, to_x, to_h):
    """The gradients that are sums over all steps: dx, dWx, dWh and db, from those of the sums with Wx and with Wh."""
    N, T, width = to_x.shape
    h = Quantity.unknown("h_prev", (N, T, steps.H))
    for n, t in np.ndindex(N, T):
        h[n, t] = found[n][t]["h_before"]
    sums = {"dx": lambda n, t, f: [to_x[n, t, a] @ steps.Wx[f, a] for a in range(width)]} if steps.ids is None else {}
    places = list(np.ndindex(N, T))
    sums["dWx"] = lambda f, a: _seen(steps, places, to_x, f, a)
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


def _seen(steps, places, row, f, a):
    """The terms of x' times a row, over all steps; of ids those steps alone that hold id f."""
    if steps.ids is None:
        return [steps.x[n, t, f] @ row[n, t, a] for n, t in places]
    return [row[n, t, a] for n, t in places if steps.ids[n, t] == f]
