"""Derivation of LSTM: gates, candidate and cell state, forward and backward."""

from ...layers import LSTM
from ..engine import Expression, Page, equations, sigmoid, tanh
from .recurrent import Recurrence, Step, Unit, Units


class LSTMDerivation(Recurrence):
    formulas = equations(LSTM)
    gradient_formulas = (
        "dh_t = dy_t + dh_next                             dh_next, dc_next: what comes back from step t+1",
        "dc_t = dh_t * o * (1 - tanh(c_t)^2) + dc_next",
        "do = dh_t * tanh(c_t), di = dc_t * g, df = dc_t * c_{t-1}, dg = dc_t * i",
        "dz = dgate * gate * (1 - gate) for i, f and o; dz_g = dg * (1 - g^2)",
        "dc_{t-1} = dc_t * f, dh_{t-1} = dz Wh', dx = dz Wx'      dz has the blocks dz_i, dz_f, dz_g, dz_o",
        "dWx = sum of x' dz, dWh = sum of h_prev' dz, db = sum of dz      over n, t; h_prev[n,t] is h_{t-1}",
    )
    rows = "dz", "dz"
    to_x = to_h = "ifgo"

    def unit(self, page: Page, step: Step, u: int) -> Unit:
        z = {}
        for block, gate in enumerate("ifgo"):
            k = block * step.H + u
            z[gate] = page.sum(f"z_{gate}[{u}]", [[*step.x_terms(k), step.b[k], *step.h_terms(k)]])
        page.flush()
        i, f, o = (page.equation(f"{gate}[{u}]", sigmoid(z[gate])) for gate in "ifo")
        g = page.equation(f"g[{u}]", tanh(z["g"]))
        c = page.equation(f"c_t[{u}]", f * step.before["c"][u] + i * g)
        h = page.equation(f"h_t[{u}]", o * tanh(c))
        page.line()
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": h}

    def unit_back(self, page: Page, step: Step, u: int, dh: Expression, after: Units) -> tuple[Unit, Unit]:
        i, f, g, o, c = (step.now[name][u] for name in "ifgoc")
        dc = page.equation(f"dc_t[{u}]", dh * o * (1 - tanh(c).squared()) + after["c"][u])
        do = page.equation(f"do[{u}]", dh * tanh(c))
        di = page.equation(f"di[{u}]", dc * g)
        df = page.equation(f"df[{u}]", dc * step.before["c"][u])
        dg = page.equation(f"dg[{u}]", dc * i)
        dz = {}
        for name, gradient, gate in (("i", di, i), ("f", df, f), ("o", do, o)):
            dz[name] = page.equation(f"dz_{name}[{u}]", gradient * gate * (1 - gate))
        dz["g"] = page.equation(f"dz_g[{u}]", dg * (1 - g.squared()))
        dc_before = page.equation(f"dc_{{t-1}}[{u}]", dc * f)
        page.line()
        return dz, {"c": dc_before}
