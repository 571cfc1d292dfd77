"""The steps of a recurrent layer in letters: what each of them reads, and the terms of its sums."""

import numpy as np

from ..engine.expression import Quantity


class Steps:
    """A recurrent layer on its input.

    Attributes:
        Wx, Wh, b: the parameters, and x: the input, as `Quantity`. An id is a one-hot vector.
        ids: the ids, where x are some, else None.
        N, T, H: samples, time steps, units.
        initial: the states that the layer starts from, arrays; None for zeros.
    """

    def __init__(self, layer, x, initial_state):
        self.layer = layer
        self.Wx, self.Wh, self.b = (Quantity(name, layer.params[name]) for name in ("Wx", "Wh", "b"))
        self.N, self.T, self.H = *x.shape[:2], layer.units
        self.ids = x if x.ndim == 2 else None
        self.x = Quantity("x", x if x.ndim == 3 else np.eye(self.Wx.shape[0])[x])
        self.initial = layer.state if initial_state is None and layer.stateful is True else initial_state

    def states(self, n, arrays, name):
        """The states of sample n, or their gradients, as lists; zeros where there are none."""
        arrays = arrays or [np.zeros((self.N, self.H))] * len(self.layer.states)
        pairs = zip(self.layer.states, arrays, strict=True)
        return {state: Quantity(state, array).row(n, name.format(state)) for state, array in pairs}

    def back_through_Wh(self, page, row, shown, more=None):
        """The gradient of h_{t-1}, from that of h_{t-1} Wh, and what `more` adds to it, a term for each unit."""
        dh = []
        for k in range(self.H):
            with page.silent(k not in shown):
                terms = [gradient @ self.Wh[k, column] for column, gradient in enumerate(row)]
                dh.append(page.sum(f"dh_{{t-1}}[{k}]", [[*([more[k]] if more else []), *terms]]))
        return dh

    def seen(self, f, row, column):
        """The terms of x' times a row, over all steps; of ids those steps alone that hold id f."""
        places = np.ndindex(self.N, self.T)
        if self.ids is None:
            return [self.x[n, t, f] @ row[n, t, column] for n, t in places]
        return [row[n, t, column] for n, t in places if self.ids[n, t] == f]


class Step:
    """One step of one sample.

    Attributes:
        layer, H, b: the layer, its units, and its bias.
        before: the states that the step starts from, by name: lists of a number for each unit.
        now: what it computes, in the same way; empty until then.
    """

    def __init__(self, steps, n, t, before):
        self.steps, self.n, self.t, self.before, self.now = steps, n, t, before, {}
        self.layer, self.H, self.b = steps.layer, steps.H, steps.b

    def head(self, page):
        """Where we are: the step, and what it starts from."""
        steps, n, t = self.steps, self.n, self.t
        page.line(f"sample n = {n}, step t = {t}" + ("" if steps.ids is None else f": x_t is the id {steps.ids[n, t]}"))
        page.line()
        x = [Quantity("x_t", steps.x.values[n, t])] if steps.ids is None else []
        states = (Quantity(f"{s}_{{t-1}}", [v.value for v in values]) for s, values in self.before.items())
        page.tables(*x, *states)

    def x_terms(self, column):
        """The terms of x_t Wx in a column: one for each feature; of an id its row of Wx alone."""
        steps = self.steps
        if steps.ids is not None:
            return [steps.Wx[int(steps.ids[self.n, self.t]), column]]
        return [x @ steps.Wx[f, column] for f, x in enumerate(steps.x.row((self.n, self.t), "x_t"))]

    def h_terms(self, column):
        """The terms of h_{t-1} Wh in a column."""
        return [h @ self.steps.Wh[k, column] for k, h in enumerate(self.before["h"])]
