"""Derivation of GRU: the update gate mixes state and candidate, the reset gate limits what the candidate sees."""

from ...layers import GRU
from ..engine import Expression, Page, equations, sigmoid, tanh
from .recurrent import Recurrence, Step, Unit, Units


class GRUDerivation(Recurrence):
    formulas = (
        *equations(GRU),
        "a_z, a_r, a_g: the sums of the gates, and of the candidate with Wxh; u_t = h_{t-1} Whh + b1h",
    )
    gradient_formulas = (
        "dh_t = dy_t + dh_next                               dh_next: what comes back from step t+1",
        "dz = dh_t * (h_{t-1} - g_t), dg = dh_t * (1 - z_t), da_g = dg * (1 - g_t^2)",
        "dr = da_g * u_t, du = da_g * r_t                    u_t = h_{t-1} Whh + b1h",
        "da_z = dz * z_t * (1 - z_t), da_r = dr * r_t * (1 - r_t)",
        "dh_{t-1} = dh_t * z_t + da_h Wh', dx = da Wx'       da: da_z, da_r, da_g; da_h: da_z, da_r, du",
        "dWx = sum of x' da, dWh = sum of h_prev' da_h, db = sums of da, da_h    h_prev[n,t] is h_{t-1}",
    )
    rows = "da", "da_h"
    to_x, to_h = "zrg", "zru"

    def unit(self, page: Page, step: Step, n: int) -> Unit:
        a = {}
        for block, gate in enumerate("zr"):
            k = block * step.H + n
            terms = [*step.x_terms(k), step.b[0, k], *step.h_terms(k), step.b[1, k]]
            a[gate] = page.sum(f"a_{gate}[{n}]", [terms])
        k = 2 * step.H + n
        a_g = page.sum(f"a_g[{n}]", [[*step.x_terms(k), step.b[0, k]]])
        u = page.sum(f"u_t[{n}]", [[*step.h_terms(k), step.b[1, k]]])
        page.flush()
        z = page.equation(f"z_t[{n}]", sigmoid(a["z"]))
        r = page.equation(f"r_t[{n}]", sigmoid(a["r"]))
        g = page.equation(f"g_t[{n}]", tanh(a_g + r * u))
        h = page.equation(f"h_t[{n}]", z * step.before["h"][n] + (1 - z) * g)
        page.line()
        return {"z": z, "r": r, "g": g, "u": u, "h": h}

    def unit_back(self, page: Page, step: Step, n: int, dh: Expression, after: Units) -> tuple[Unit, Unit]:
        z, r, g, u = (step.now[name][n] for name in "zrgu")
        dz = page.equation(f"dz[{n}]", dh * (step.before["h"][n] - g))
        dg = page.equation(f"dg[{n}]", dh * (1 - z))
        da_g = page.equation(f"da_g[{n}]", dg * (1 - g.squared()))
        dr = page.equation(f"dr[{n}]", da_g * u)
        du = page.equation(f"du[{n}]", da_g * r)
        da_z = page.equation(f"da_z[{n}]", dz * z * (1 - z))
        da_r = page.equation(f"da_r[{n}]", dr * r * (1 - r))
        page.line()
        return {"z": da_z, "r": da_r, "g": da_g, "u": du}, {"h": dh * z}
