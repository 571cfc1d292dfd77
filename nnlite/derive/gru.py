"""GRU, derived: one gate between the state and a candidate, another on what the candidate sees."""

from .recurrent import Recurrence
from .written import sigmoid, tanh


class GRUDerivation(Recurrence):
    formulas = (
        "z_t = sigmoid(x_t Wxz + b0z + h_{t-1} Whz + b1z)                the update gate: how much stays",
        "r_t = sigmoid(x_t Wxr + b0r + h_{t-1} Whr + b1r)                the reset gate",
        "g_t = tanh(x_t Wxh + b0h + r_t * (h_{t-1} Whh + b1h))           the candidate",
        "h_t = z_t * h_{t-1} + (1 - z_t) * g_t                           the state, and the output",
        "a_z, a_r: the sums of the gates; a_g and v: the candidate's, with Wxh and with Whh",
    )
    gradient_formulas = (
        "dh_t = dy_t + dh_next                               dh_next: what comes back from step t+1",
        "dz = dh_t * (h_{t-1} - g_t), dg = dh_t * (1 - z_t), da_g = dg * (1 - g_t^2)",
        "dr = da_g * v, dv = da_g * r_t                      v = h_{t-1} Whh + b1h",
        "da_z = dz * z_t * (1 - z_t), da_r = dr * r_t * (1 - r_t)",
        "dh_{t-1} = dh_t * z_t + da_h Wh', dx = da Wx'       da: da_z, da_r, da_g; da_h: da_z, da_r, dv",
        "dWx = sum of x' da, dWh = sum of h_prev' da_h, db = sums of da, da_h    h_prev[n,t] is h_{t-1}",
    )
    rows = "da", "da_h"

    def step(self, page, steps, n, t, before, shown):
        now = {name: [] for name in ("z", "r", "v", "g", "h")}
        H, h_before = steps.H, before["h"]
        for u in range(H):
            with page.silent(u not in shown):
                a = {}
                for block, gate in enumerate("zr"):
                    k = block * H + u
                    x_part, h_part = steps.x_terms(n, t, k), steps.h_terms(h_before, k)
                    a[gate] = page.sum(f"a_{gate}[{u}]", [[*x_part, steps.b[0, k], *h_part, steps.b[1, k]]])
                k = 2 * H + u
                a_g = page.sum(f"a_g[{u}]", [[*steps.x_terms(n, t, k), steps.b[0, k]]])
                v = page.sum(f"v[{u}]", [[*steps.h_terms(h_before, k), steps.b[1, k]]])
                page.flush()
                z = page.equation(f"z_t[{u}]", sigmoid(a["z"]))
                r = page.equation(f"r_t[{u}]", sigmoid(a["r"]))
                g = page.equation(f"g_t[{u}]", tanh(a_g + r * v))
                h = page.equation(f"h_t[{u}]", z * h_before[u] + (1 - z) * g)
                page.line()
            for name, number in zip(now, (z, r, v, g, h), strict=True):
                now[name].append(number)
        return now

    def step_back(self, page, steps, now, dh, after, shown):
        da_z, da_r, da_g, dv, kept = ([] for _ in range(5))
        for u in range(steps.H):
            z, r, v, g, h_before = (now[name][u] for name in ("z", "r", "v", "g", "h_before"))
            with page.silent(u not in shown):
                dz = page.equation(f"dz[{u}]", dh[u] * (h_before - g))
                dg = page.equation(f"dg[{u}]", dh[u] * (1 - z))
                da_g.append(page.equation(f"da_g[{u}]", dg * (1 - g.squared())))
                dr = page.equation(f"dr[{u}]", da_g[u] * v)
                dv.append(page.equation(f"dv[{u}]", da_g[u] * r))
                da_z.append(page.equation(f"da_z[{u}]", dz * z * (1 - z)))
                da_r.append(page.equation(f"da_r[{u}]", dr * r * (1 - r)))
                kept.append(dh[u] * z)
                page.line()
        to_h = [*da_z, *da_r, *dv]
        return [*da_z, *da_r, *da_g], to_h, {"h": steps.back_through_Wh(page, to_h, shown, kept)}
