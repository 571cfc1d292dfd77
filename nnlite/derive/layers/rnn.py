"""Derivation of RNN: one sum and one activation for each unit and step."""

from ...layers import RNN
from ..engine import Expression, Page, constant, equations, largest, tanh
from .recurrent import Recurrence, Step, Unit, Units


class RNNDerivation(Recurrence):
    formulas = (*equations(RNN), "z_t: the sum in it")
    gradient_formulas = (
        "dh_t = dy_t + dh_next                      dh_next: what comes back from step t+1",
        "dz = dh_t * (1 - h_t^2)                    with ReLU: dh_t where h_t > 0, else 0",
        "dh_{t-1} = dz Wh', dx = dz Wx'",
        "dWx = sum of x' dz, dWh = sum of h_prev' dz, db = sum of dz      over n, t; h_prev[n,t] is h_{t-1}",
    )
    rows = "dz", "dz"
    to_x = to_h = "z"

    def unit(self, page: Page, step: Step, u: int) -> Unit:
        z = page.sum(f"z_t[{u}]", [[*step.x_terms(u), step.b[u], *step.h_terms(u)]])
        page.flush()
        h = page.equation(f"h_t[{u}]", largest([z, constant("0", 0)]) if _has_relu(step) else tanh(z))
        page.line()
        return {"h": h}

    def unit_back(self, page: Page, step: Step, u: int, dh: Expression, after: Units) -> tuple[Unit, Unit]:
        h = step.now["h"][u]
        if not _has_relu(step):
            dz = page.equation(f"dz[{u}]", dh * (1 - h.squared()))
        elif h.value > 0:
            dz = page.equation(f"dz[{u}] where h_t > 0", dh)
        else:
            dz = page.equation(f"dz[{u}] else", constant("0", 0))
        return {"z": dz.named(f"dz[{u}]")}, {}


def _has_relu(step):
    return step.layer.activation == "relu"
