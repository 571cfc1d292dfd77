"""Derivation of GRU: the update gate mixes state and candidate, the reset gate limits what the candidate sees."""

from typing import Any

from ...layers import GRU
from ..engine import Expression, Page, Quantity, equations, sigmoid, tanh
from .recurrent import Recurrence, Step, Unit, Units


class ResetAfter(Recurrence):
    """As in the layer's equations."""

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


class ResetBefore(Recurrence):
    """With reset_after=False every unit's candidate needs the reset gates of all others: they come first."""

    formulas = (
        "z_t = sigmoid(x_t Wxz + bz + h_{t-1} Whz)              the update gate: how much stays",
        "r_t = sigmoid(x_t Wxr + br + h_{t-1} Whr)              the reset gate: how much the candidate sees",
        "v_t = r_t * h_{t-1}                                    what it sees",
        "g_t = tanh(x_t Wxh + bh + v_t Whh)                     the candidate",
        "h_t = z_t * h_{t-1} + (1 - z_t) * g_t                  the state, and the output",
        "a_z, a_r, a_g: the sums of the gates, and of the candidate",
    )
    gradient_formulas = (
        "dh_t = dy_t + dh_next                               dh_next: what comes back from step t+1",
        "dz = dh_t * (h_{t-1} - g_t), dg = dh_t * (1 - z_t), da_g = dg * (1 - g_t^2)",
        "dv = da_g Whh', dr = dv * h_{t-1}                   v_t = r_t * h_{t-1}",
        "da_z = dz * z_t * (1 - z_t), da_r = dr * r_t * (1 - r_t)",
        "dh_{t-1} = dh_t * z_t + dv * r_t + da_h Whzr'       da_h: da_z, da_r, as Whzr: Whz, Whr",
        "dx = da Wx', dWx = sum of x' da, db = sum of da     da: da_z, da_r, da_g",
        "dWhzr = sum of h_prev' da_h, dWhh = sum of v' da_g  h_prev[n,t] is h_{t-1}",
    )
    rows = "da", "da_h"
    to_x, to_h = "zrg", "zr"

    def all_units(self, page: Page, step: Step, shown: list[int]) -> None:
        step.now |= {"r": [], "v": []}
        for n in page.showing(shown, range(step.H)):
            k = step.H + n
            a_r = page.sum(f"a_r[{n}]", [[*step.x_terms(k), step.b[k], *step.h_terms(k)]])
            page.flush()
            step.now["r"].append(page.equation(f"r_t[{n}]", sigmoid(a_r)))
            step.now["v"].append(page.equation(f"v_t[{n}]", step.now["r"][n] * step.before["h"][n]))
            page.line()

    def unit(self, page: Page, step: Step, n: int) -> Unit:
        a_z = page.sum(f"a_z[{n}]", [[*step.x_terms(n), step.b[n], *step.h_terms(n)]])
        k = 2 * step.H + n
        v_terms = [v @ step.steps.Wh[j, k] for j, v in enumerate(step.now["v"])]
        a_g = page.sum(f"a_g[{n}]", [[*step.x_terms(k), step.b[k], *v_terms]])
        page.flush()
        z = page.equation(f"z_t[{n}]", sigmoid(a_z))
        g = page.equation(f"g_t[{n}]", tanh(a_g))
        h = page.equation(f"h_t[{n}]", z * step.before["h"][n] + (1 - z) * g)
        page.line()
        return {"z": z, "g": g, "h": h}

    def unit_back(self, page: Page, step: Step, n: int, dh: Expression, after: Units) -> tuple[Unit, Unit]:
        z, g = (step.now[name][n] for name in "zg")
        dz = page.equation(f"dz[{n}]", dh * (step.before["h"][n] - g))
        dg = page.equation(f"dg[{n}]", dh * (1 - z))
        da_g = page.equation(f"da_g[{n}]", dg * (1 - g.squared()))
        da_z = page.equation(f"da_z[{n}]", dz * z * (1 - z))
        page.line()
        return {"z": da_z, "g": da_g}, {"h": dh * z}

    def all_units_back(self, page: Page, step: Step, sums: Units, before: Units, shown: list[int]) -> None:
        sums["r"] = []
        for k in page.showing(shown, range(step.H)):
            r = step.now["r"][k]
            terms = [da_g @ step.steps.Wh[k, 2 * step.H + n] for n, da_g in enumerate(sums["g"])]
            dv = page.sum(f"dv[{k}]", [terms])
            dr = page.equation(f"dr[{k}]", dv * step.before["h"][k])
            sums["r"].append(page.equation(f"da_r[{k}]", dr * r * (1 - r)))
            before["h"][k] += dv * r
            page.line()


class GRUDerivation:
    """Either of the two, as the layer has it."""

    def forward(self, page: Page, layer: Any, *arguments: Any, **states: Any) -> dict[str, Quantity]:
        return _KINDS[layer.reset_after].forward(page, layer, *arguments, **states)

    def backward(self, page: Page, layer: Any, *arguments: Any, **states: Any) -> dict[str, Quantity]:
        return _KINDS[layer.reset_after].backward(page, layer, *arguments, **states)


_KINDS: dict[bool, Recurrence] = {True: ResetAfter(), False: ResetBefore()}
