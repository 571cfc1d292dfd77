"""Gradients back through many steps: an LSTM's cell with saturated gates, and a vanilla RNN."""

import math
from dataclasses import dataclass
from operator import itemgetter

from .question import Question
from .writing import code, short

SMALL = 0.01
VALUES = itemgetter("T", "b_f", "b_o", "c", "dh", "w_small", "w_large")


@dataclass(frozen=True)
class GradientFlow(Question):
    """How much of a gradient is left after many steps, in an LSTM whose gates are saturated and in a vanilla RNN."""

    kind = "gradient_flow"
    title = "Gradients through time"

    def draw(self, draws):
        return {
            "T": draws.integer(50, 59),
            "b_f": draws.integer(30, 60) / 10,
            "b_o": -draws.integer(20, 40) / 10,
            "c": draws.choice((-1, 1)) * draws.integer(5, 12) / 10,
            "dh": draws.choice((-1, 1)) * draws.integer(2, 9) / 10,
            "w_small": draws.integer(60, 92) / 100,
            "w_large": draws.integer(105, 140) / 100,
        }

    def is_degenerate(self, numbers):
        """The number of steps until the gradient is small must not hang on the last digit."""
        steps = math.log(SMALL) / math.log(numbers["w_small"])
        return abs(steps - round(steps)) < 0.02

    def statement(self, numbers):
        T, b_f, b_o, c, dh, w_small, w_large = VALUES(numbers)
        return f"""\
All weights of an LSTM of one unit are 0, so its biases alone set its gates: the forget gate's is {b_f}, the output
gate's {b_o}, and the input gate lets next to nothing in. At the last step, T, the cell is c = {c}, and the loss
sends δh = {dh} to h. No other step has a loss.

What are the `gates` f and o? What is δc at the last step, `dc_last`, and what is left of it {T} steps earlier,
`dc_first`?

A vanilla RNN of one unit, `h_t = tanh(w h_{{t−1}})`, stays at h = 0. δh = 1 reaches its last step. What is left of it
{T} steps earlier with w = {w_small} (`rnn_small`), and with w = {w_large} (`rnn_large`)? After how many `steps` back is
it below {SMALL} for the first time with w = {w_small}?

To think about: which of the three gradients explodes, which vanishes, and why does the LSTM's not, although its output
gate is nearly closed?"""

    def key(self, numbers):
        T, b_f, b_o, c, dh, w_small, w_large = VALUES(numbers)
        f, o = _sigmoid(b_f), _sigmoid(b_o)
        last = dh * o * (1 - math.tanh(c) ** 2)
        return {
            "gates": [f, o],
            "dc_last": last,
            "dc_first": last * f**T,
            "rnn_small": w_small**T,
            "rnn_large": w_large**T,
            "steps": math.floor(math.log(SMALL) / math.log(w_small)) + 1,
        }

    def worked(self, numbers):
        T, b_f, b_o, c, dh, w_small, w_large = VALUES(numbers)
        (f, o), last, first, small, large, steps = self.key(numbers).values()
        text = f"""\
f        = σ({b_f}) = {short(f)}
o        = σ({b_o}) = {short(o)}
dc_last  = δh o (1 − tanh²(c)) = {dh} * {short(o)} * (1 − {short(math.tanh(c))}²) = {short(last)}
dc_first = dc_last f^{T} = {short(last)} * {short(f**T)} = {short(first)}

tanh'(0) = 1, so each step back multiplies by w:
rnn_small = {w_small}^{T} = {short(small)}
rnn_large = {w_large}^{T} = {short(large)}
steps: ln {SMALL} / ln {w_small} = {short(math.log(SMALL) / math.log(w_small))}, so {steps} of them"""
        return f"""{code(text)}

The RNN's gradient vanishes with w = {w_small} and explodes with w = {w_large}. The cell's is multiplied by f alone,
which is nearly 1. The output gate is met once, where the loss is: it makes δc small there, and not smaller
at each step."""

    def operations(self, numbers):
        return 2 * 4 + 5 + 3 * numbers["T"] + 3

    def mistakes(self, numbers):
        T, _, b_o, c, dh, w_small, _ = VALUES(numbers)
        (f, o), last, *_ = self.key(numbers).values()
        slope = 1 - math.tanh(c) ** 2
        return {
            "the output gate is left out": {"dc_last": dh * slope},
            "1 − tanh²(c) is left out": {"dc_last": dh * o},
            "tanh(c) is taken for its slope": {"dc_last": dh * o * math.tanh(c)},
            "every step multiplies by f (1 − f), the slope of the gate": {"dc_first": last * (f * (1 - f)) ** T},
            "f is multiplied by the number of steps": {"dc_first": last * f * T},
            "w is multiplied by the number of steps": {"rnn_small": w_small * T},
            "tanh(b) is taken for the gates": {"gates": [f, math.tanh(b_o)]},
        }


def _sigmoid(z):
    return 1 / (1 + math.exp(-z))
