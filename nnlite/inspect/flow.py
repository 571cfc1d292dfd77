"""gradient_flow: the norm of a gradient, back through time."""

import math
from dataclasses import dataclass

import numpy as np

from .. import checks, seeds
from ..layers import GRU, LSTM, RNN
from ..layers.base.recurrent import Recurrent
from ..models.float64_copy import in_float64
from ..notebook import Drawing, Shown, plots
from . import recurrent
from .recording import private_copy
from .require import require


@dataclass(frozen=True, repr=False)
class GradientFlow(Shown):
    """The norm of the gradient of each state, by time step: it starts at T, and goes back to 0.

    Attributes:
        layer: the layer's repr.
        dh: the norm of dL/dh_t, (T + 1,).
        dc: the norm of dL/dc_t, (T + 1,); None for a layer without a cell.
    """

    layer: str
    dh: np.ndarray
    dc: np.ndarray | None = None

    @property
    def dh_factor(self) -> float:
        """The factor by which dL/dh_t changes at each step back: the geometric mean over all steps."""
        return _factor(self.dh)

    @property
    def dc_factor(self) -> float | None:
        """The same for dL/dc_t; None for a layer without a cell."""
        return None if self.dc is None else _factor(self.dc)

    def __str__(self) -> str:
        lines = [f"{self.layer}: the gradient's norm, {len(self.dh) - 1} steps back"]
        for name, norms, factor in (("dh", self.dh, self.dh_factor), ("dc", self.dc, self.dc_factor)):
            if norms is not None:
                lines.append(f"  {name}  from {norms[-1]:.3g} to {norms[0]:.3g}: times {factor:.6g} at each step")
        return "\n".join(lines)

    def html(self) -> str:
        plot = plots()
        curves = plot.svg(plot.gradient_flow, {self.layer: self})
        return f"{super().html()}\n{Drawing(str(self), curves).html()}"


def gradient_flow(
    layer: Recurrent, T: int, x: np.ndarray | None = None, *, N: int = 16, seed: int | np.random.Generator | None = 0
) -> GradientFlow:
    """Follow a gradient back through T time steps of a recurrent layer.

        L = r . h_T                 for RNN and GRU,  with r a random direction, |r| = 1
        L = r . h_T + s . c_T       for LSTM,         with |r| = |s| = 1: both are passed to the next step

    The norms are |dL/dh_t| and |dL/dc_t|, of total gradients, each a mean over N rows with random directions. In simple
    cases theory gives the factor at each step back: f for the cell of an LSTM with i = o = 0 (`saturate_gates`); the
    spectral radius of Wh for an RNN near h = 0 (`set_spectral_radius`), exactly if Wh is a multiple of an orthogonal
    matrix, else in the long run.

    The layer does not change: a copy runs, from a state of zeros, in float64 whatever the layer's dtype, because
    float32 ends at 1e-45. Norms above 1e308 are infinite, or NaN. A layer that is not built draws the weights that it
    would have for x.

    Args:
        layer: an RNN, LSTM or GRU.
        T: number of steps, at least 1.
        x: the input, (N, T, F) or ids (N, T). By default zeros, for which an RNN without a bias is linear.
        N: number of rows, without x.
        seed: for the directions.

    Returns:
        A `GradientFlow` with `dh` and `dc`, arrays (T + 1,), that prints its factors.

    Raises:
        TypeError: the layer is not recurrent.
        ValueError: T or N is below 1, or x has another number of steps or does not fit the layer.

    Example:
        >>> from nnlite import LSTM, RNN
        >>> from nnlite.inspect import gradient_flow, saturate_gates, set_spectral_radius
        >>> rnn, lstm = RNN(20, seed=0), LSTM(20, seed=0)
        >>> for layer in (rnn, lstm):
        ...     layer.build((None, 3))
        >>> set_spectral_radius(rnn, 0.5)
        >>> saturate_gates(lstm)
        >>> print(gradient_flow(rnn, 200))
        RNN(units=20): the gradient's norm, 200 steps back
          dh  from 1 to 6.22e-61: times 0.5 at each step
        >>> gradient_flow(lstm, 200).dc[[200, 100, 0]].round(3)
        array([1., 1., 1.])
    """
    require(layer, (RNN, LSTM, GRU), "gradient_flow", built=False)
    T, N = checks.positive("T", T), checks.positive("N", N)
    copied = in_float64(private_copy(layer, "gradient_flow"))
    copied.reset_state()
    if x is None:
        F = copied.params["Wx"].shape[0] if copied.built else copied.input_dim or 1
        checks.memory("x", (N, T, F), copied.dtype)
        x = np.zeros((N, T, F))
    x = checks.given("x", x, copied.dtype)
    if x.ndim > 1 and (x.shape[1] != T or len(x) == 0):
        got = checks.shape_text(x.shape)
        raise ValueError(
            f"x: expected T = {T} steps, (N, {T}, F) or ids (N, {T}), N > 0, got shape {got}: change T or x"
        )
    y = copied.forward(x)
    rng = seeds.generator(seed)
    directions = rng.standard_normal((len(copied.states), len(x), copied.units))  # all are equally likely
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    steps, initial = recurrent.gradients(copied, np.zeros_like(y), [*directions])
    norms = {name: _norms(np.concatenate([first[None], steps[name]])) for name, first in initial.items()}
    return GradientFlow(repr(layer), **norms)


def _norms(gradients):
    """The mean norm of N rows at each step, from (T + 1, N, H). Scaled, as squares underflow long before the norms."""
    largest = np.abs(gradients).max(axis=2)
    scale = np.where((largest > 0) & (largest < np.inf), largest, 1)
    with np.errstate(over="ignore"):  # the norm of an infinite gradient is infinite
        return (scale * np.linalg.norm(gradients / scale[:, :, None], axis=2)).mean(axis=1)


def _factor(norms):
    """The T-th root of the last norm over the first."""
    # With logarithms, as the quotient of two norms may overflow.
    return math.exp((math.log(norms[0]) - math.log(norms[-1])) / (len(norms) - 1)) if norms[0] and norms[-1] else 0.0
