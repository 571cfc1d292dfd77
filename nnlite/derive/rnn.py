"""RNN, derived: one sum and one tanh for each unit and step."""

from .recurrent import Recurrence
from .written import constant, largest, tanh


class RNNDerivation(Recurrence):
    formulas = "z_t = x_t Wx + b + h_{t-1} Wh", "h_t = f(z_t)      f = tanh, or ReLU: max(., 0)"
    gradient_formulas = (
        "dh_t = dy_t + dh_next                      dh_next: what comes back from step t+1",
        "dz = dh_t * (1 - h_t^2)                    with ReLU: dh_t where h_t > 0, else 0",
        "dh_{t-1} = dz Wh', dx = dz Wx'",
        "dWx = sum of x' dz, dWh = sum of h_prev' dz, db = sum of dz      over n, t; h_prev[n,t] is h_{t-1}",
    )
    rows = "dz", "dz"

    def step(self, page, steps, n, t, before, shown):
        relu, h = steps.layer.activation == "relu", []
        for u in range(steps.H):
            with page.silent(u not in shown):
                terms = [*steps.x_terms(n, t, u), steps.b[u], *steps.h_terms(before["h"], u)]
                z = page.sum(f"z_t[{u}]", [terms])
                page.flush()
                h.append(page.equation(f"h_t[{u}]", largest([z, constant("0", 0)]) if relu else tanh(z)))
                page.line()
        return {"h": h}

    def step_back(self, page, steps, now, dh, after, shown):
        relu, dz = steps.layer.activation == "relu", []
        for u, h in enumerate(now["h"]):
            with page.silent(u not in shown):
                if not relu:
                    dz.append(page.equation(f"dz[{u}]", dh[u] * (1 - h.squared())))
                elif h.value > 0:
                    dz.append(page.equation(f"dz[{u}] where h_t > 0", dh[u]).named(f"dz[{u}]"))
                else:
                    dz.append(page.equation(f"dz[{u}] else", constant("0", 0)).named(f"dz[{u}]"))
        page.flush()
        return dz, dz, {"h": steps.back_through_Wh(page, dz, shown)}
