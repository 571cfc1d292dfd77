"""One step of an LSTM, forward and backward."""

from dataclasses import dataclass

import numpy as np

from nnlite import LSTM, SparseCategoricalCrossentropy, derive

from .question import Question, whole
from .writing import arrays, code, shorts

LEAST = 0.02  # of what a gate or a gradient may not be
CLASSES = 3


@dataclass(frozen=True)
class LSTMStep(Question):
    """One step of an LSTM, with cross-entropy behind it: gates, states, and the gradients of both.

    Settings:
        units: of the LSTM.
        features: of its input.
    """

    units: int = 2
    features: int = 2
    kind = "lstm_step"
    title = "One step of an LSTM, forward and backward"

    def __post_init__(self):
        whole("units", self.units, 1, 4)
        whole("features", self.features, 1, 4)

    def draw(self, draws):
        H = self.units
        return {
            "x": draws.decimals((self.features,), -0.9, 0.9),
            "h_before": draws.decimals((H,), -0.9, 0.9),
            "c_before": draws.decimals((H,), -1.5, 1.5),
            "Wx": draws.decimals((self.features, 4 * H), -0.9, 0.9),
            "Wh": draws.decimals((H, 4 * H), -0.9, 0.9),
            "b": draws.decimals((4 * H,), -0.9, 0.9),
            "Wy": draws.decimals((H, CLASSES), -0.9, 0.9),
            "label": draws.integer(0, CLASSES - 1),
            "dh_next": draws.decimals((H,), -0.9, 0.9),
            "dc_next": draws.decimals((H,), -0.9, 0.9),
        }

    def is_degenerate(self, numbers):
        """A gate of .5, or something that is nearly 0."""
        key = self.key(numbers)
        gates = np.abs(np.array([key[name] for name in "ifo"]) - 0.5)
        others = np.abs([value for name, value in key.items() if name not in ("i", "f", "o", "p")])
        return min(gates.min(), others.min()) < LEAST

    def statement(self, numbers):
        H = self.units
        return f"""\
An LSTM of {H} unit{"s" * (H > 1)} reads `x` at time t, with the state `h_before` and the cell `c_before` of time t−1.
All are rows:

    z = x Wx + h_before Wh + b          four blocks of {H}: z_i, z_f, z_g, z_o, in this order
    i, f, o = σ(z_i), σ(z_f), σ(z_o)    the gates; g = tanh(z_g) is the candidate c̃
    c = f ⊙ c_before + i ⊙ g            h = o ⊙ tanh(c)
    p = softmax(h Wy)                   the loss is −ln p[label], summed over time

{arrays(**numbers)}

`dh_next` and `dc_next` are what comes back from time t+1, to h and to c: `dc_next` is
`δc_{{t+1}} ⊙ f_{{t+1}}`.

Forward, give `i`, `f`, `o`, `g`, `c`, `h` and `p`. Backward, give δh, δc, δo, δi and δf, the gradients of the loss with
respect to h, c and the three gates (not to z), as `dh`, `dc`, `do`, `di` and `df`."""

    def key(self, numbers):
        return {name: value.tolist() for name, value in _step(_arrays(numbers)).items()}

    def worked(self, numbers):
        given, key = _arrays(numbers), self.key(numbers)
        layer = LSTM(self.units, dtype="float64")
        layer.build((None, self.features))
        for name in ("Wx", "Wh", "b"):
            layer.params[name][...] = given[name]
        x, state = given["x"][None, None], (given["h_before"][None], given["c_before"][None])
        logits = np.array(key["h"]) @ given["Wy"]
        loss = SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
        error = np.array(key["p"]) - np.eye(CLASSES)[numbers["label"]]
        dy = error @ given["Wy"].T
        nexts = given["dh_next"][None], given["dc_next"][None]
        return "\n\n".join(
            [
                code(str(derive.forward(layer, x, initial_state=state))),
                f"The logits h Wy are {shorts(logits)}.",
                code(str(derive.loss(loss, np.array([numbers["label"]]), logits[None]))),
                f"dy = (p − y) Wyᵀ = ({shorts(error)}) Wyᵀ = {shorts(dy)}; δh = dy + dh_next = {shorts(key['dh'])}.",
                code(str(derive.backward(layer, x, dy[None], initial_state=state, dstate=nexts, at={"step": ()}))),
            ]
        )

    def operations(self, numbers):
        H = self.units
        products = 4 * H * (self.features + H) + 2 * H * CLASSES
        return 2 * products + 4 * H + 5 * H + 4 * H + 3 * CLASSES + 12 * H

    def mistakes(self, numbers):
        given = _arrays(numbers)
        key = _step(given)
        slope = 1 - np.tanh(key["c"]) ** 2
        y = np.eye(CLASSES)[numbers["label"]]
        wrong = {
            "h is tanh(c), without the output gate": {"h": np.tanh(key["c"])},
            "c leaves out the forget gate": {"c": given["c_before"] + key["i"] * key["g"]},
            "what comes back from t+1 is left out": {
                "dh": key["dh"] - given["dh_next"],
                "dc": key["dc"] - given["dc_next"],
            },
            "y − p is taken, not p − y": {"dh": (y - key["p"]) @ given["Wy"].T + given["dh_next"]},
            "1 − tanh²(c) is left out": {"dc": key["dc"] + key["dh"] * key["o"] * (1 - slope)},
            "1 − c² is taken for 1 − tanh²(c)": {"dc": key["dc"] + key["dh"] * key["o"] * (1 - key["c"] ** 2 - slope)},
            "c is taken for tanh(c)": {"do": key["dh"] * key["c"]},
            "c of this step is taken for that of the step before": {"df": key["dc"] * key["c"]},
            "δc is multiplied by i, not by g": {"di": key["dc"] * key["i"]},
            "they are the gradients with respect to z": {
                "di": key["di"] * key["i"] * (1 - key["i"]),
                "df": key["df"] * key["f"] * (1 - key["f"]),
                "do": key["do"] * key["o"] * (1 - key["o"]),
            },
        }
        return {story: {name: value.tolist() for name, value in leads.items()} for story, leads in wrong.items()}


def _arrays(numbers):
    return {name: np.array(value) for name, value in numbers.items()}


def _step(given):
    """Gates, states and gradients, as the statement has them."""
    z = given["x"] @ given["Wx"] + given["h_before"] @ given["Wh"] + given["b"]
    z_i, z_f, z_g, z_o = np.split(z, 4)
    i, f, o = (1 / (1 + np.exp(-part)) for part in (z_i, z_f, z_o))
    g = np.tanh(z_g)
    c = f * given["c_before"] + i * g
    h = o * np.tanh(c)
    e = np.exp(h @ given["Wy"])
    p = e / e.sum()
    dh = (p - np.eye(CLASSES)[given["label"]]) @ given["Wy"].T + given["dh_next"]
    dc = dh * o * (1 - np.tanh(c) ** 2) + given["dc_next"]
    gradients = {"dh": dh, "dc": dc, "do": dh * np.tanh(c), "di": dc * g, "df": dc * given["c_before"]}
    return {"i": i, "f": f, "o": o, "g": g, "c": c, "h": h, "p": p} | gradients
