"""LSTM, derived: four gates, and a cell state that they fill, keep and show; and the way back through each of them."""

from .recurrent import Recurrence
from .written import sigmoid, tanh


class LSTMDerivation(Recurrence):
    formulas = (
        "z_t = x_t Wx + b + h_{t-1} Wh               four blocks of H columns: z_i, z_f, z_g, z_o",
        "i, f, o = sigmoid(z_i, z_f, z_o)            the input, forget and output gates",
        "g = tanh(z_g)                               the candidate",
        "c_t = f * c_{t-1} + i * g                   the cell state",
        "h_t = o * tanh(c_t)                         the output",
    )
    gradient_formulas = (
        "dh_t = dy_t + dh_next                             dh_next, dc_next: what comes back from step t+1",
        "dc_t = dh_t * o * (1 - tanh(c_t)^2) + dc_next",
        "do = dh_t * tanh(c_t), di = dc_t * g, df = dc_t * c_{t-1}, dg = dc_t * i",
        "dz = dgate * gate * (1 - gate) for i, f and o; dz_g = dg * (1 - g^2)",
        "dc_{t-1} = dc_t * f, dh_{t-1} = dz Wh', dx = dz Wx'      dz has the blocks dz_i, dz_f, dz_g, dz_o",
        "dWx = sum of x' dz, dWh = sum of h_prev' dz, db = sum of dz      over n, t; h_prev[n,t] is h_{t-1}",
    )
    rows = "dz", "dz"

    def step(self, page, steps, n, t, before, shown):
        now = {name: [] for name in ("i", "f", "g", "o", "c", "h")}
        for u in range(steps.H):
            with page.silent(u not in shown):
                z = {}
                for block, gate in enumerate("ifgo"):
                    column = block * steps.H + u
                    terms = [*steps.x_terms(n, t, column), steps.b[column], *steps.h_terms(before["h"], column)]
                    z[gate] = page.sum(f"z_{gate}[{u}]", [terms])
                page.flush()
                i, f, o = (page.equation(f"{gate}[{u}]", sigmoid(z[gate])) for gate in "ifo")
                g = page.equation(f"g[{u}]", tanh(z["g"]))
                c = page.equation(f"c_t[{u}]", f * before["c"][u] + i * g)
                h = page.equation(f"h_t[{u}]", o * tanh(c))
                page.line()
            for name, number in zip(now, (i, f, g, o, c, h), strict=True):
                now[name].append(number)
        return now

    def step_back(self, page, steps, now, dh, after, shown):
        dz, dc_before = {gate: [] for gate in "ifgo"}, []
        for u in range(steps.H):
            i, f, g, o, c = (now[name][u] for name in ("i", "f", "g", "o", "c"))
            with page.silent(u not in shown):
                dc = page.equation(f"dc_t[{u}]", dh[u] * o * (1 - tanh(c).squared()) + after["c"][u])
                do = page.equation(f"do[{u}]", dh[u] * tanh(c))
                di = page.equation(f"di[{u}]", dc * g)
                df = page.equation(f"df[{u}]", dc * now["c_before"][u])
                dg = page.equation(f"dg[{u}]", dc * i)
                for name, gradient, gate in (("i", di, i), ("f", df, f), ("o", do, o)):
                    dz[name].append(page.equation(f"dz_{name}[{u}]", gradient * gate * (1 - gate)))
                dz["g"].append(page.equation(f"dz_g[{u}]", dg * (1 - g.squared())))
                dc_before.append(page.equation(f"dc_{{t-1}}[{u}]", dc * f))
                page.line()
        row = [gradient for gate in "ifgo" for gradient in dz[gate]]
        return row, row, {"h": steps.back_through_Wh(page, row, shown), "c": dc_before}
