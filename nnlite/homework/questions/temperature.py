"""Sampling with a temperature."""

from dataclasses import dataclass

import numpy as np

from nnlite import sample, sampling_probabilities

from .question import Question
from .writing import arrays, code, short, shorts

TEMPERATURES = (1.5, 0.75, 0.25)
AWAY = 0.02  # the distance of u from any sum of probabilities


@dataclass(frozen=True)
class Temperature(Question):
    """Four logits, three temperatures: the probabilities, and what is drawn."""

    kind = "temperature"
    title = "Sampling with temperature"

    def draw(self, draws):
        return {"z": draws.decimals((4,), -2.5, 2.5), "u": draws.integer(5, 95) / 100}

    def is_degenerate(self, numbers):
        z, u = np.array(numbers["z"]), numbers["u"]
        gaps = np.diff(np.sort(z))
        sums = np.cumsum([_probabilities(z, t) for t in TEMPERATURES], axis=1)
        drawn = {_drawn(z, t, u) for t in TEMPERATURES}
        return gaps.min() < 0.15 or np.abs(sums - u).min() < AWAY or len(drawn) == 1

    def statement(self, numbers):
        return f"""\
A model of four characters, with the ids 0 to 3, has computed the logits `z`. A character is drawn with a temperature
τ: `p = softmax(z / τ)`, and the id drawn is the first v with `p[0] + ... + p[v] > u`.

{arrays(**numbers)}

Give `p`, one row for each of the temperatures {", ".join(map(str, TEMPERATURES))}; `drawn`, the id drawn at each; and
`entropy`, −Σ p ln p, at each.

To think about: which temperature writes the most diverse text?"""

    def key(self, numbers):
        z, u = np.array(numbers["z"]), numbers["u"]
        p = np.array([_probabilities(z, t) for t in TEMPERATURES])
        return {
            "p": p.tolist(),
            "drawn": [_drawn(z, t, u) for t in TEMPERATURES],
            "entropy": (-(p * np.log(p)).sum(axis=1)).tolist(),
        }

    def worked(self, numbers):
        z, u = np.array(numbers["z"]), numbers["u"]
        key = self.key(numbers)
        lines = []
        for t, p, v, entropy in zip(TEMPERATURES, key["p"], key["drawn"], key["entropy"], strict=True):
            e = np.exp(z / t)
            lines += [
                f"τ = {t}",
                f"  z / τ        {shorts(z / t)}",
                f"  exp(z / τ)   {shorts(e)}: together {short(e.sum())}",
                f"  p            {shorts(p)}",
                f"  sums of p    {shorts(np.cumsum(p))}: the first above u = {u} is that of id {v}",
                f"  entropy      {' + '.join(short(-x * np.log(x)) for x in p)} = {short(entropy)}",
                "",
            ]
        return (
            code("\n".join(lines[:-1]))
            + "\n\nThe higher the temperature, the higher the entropy: 1.5 is the most diverse."
        )

    def operations(self, numbers):
        return len(TEMPERATURES) * (4 + 4 + 3 + 4 + 3 + 12)  # z / τ, exp, their sum, p, sums of p, the entropy

    def mistakes(self, numbers):
        z = np.array(numbers["z"])
        times = np.array([_probabilities(z * t * t, t) for t in TEMPERATURES])
        after = np.array([_probabilities(z, 1) / t for t in TEMPERATURES])
        return {
            "z is multiplied by τ": {"p": times.tolist()},
            "softmax(z) is divided by τ": {"p": after.tolist()},
        }


def _probabilities(z, t):
    return sampling_probabilities(z, t)


def _drawn(z, t, u):
    return sample(z, t, u)
