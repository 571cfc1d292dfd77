"""The spectral radius of an RNN: whether its gradients vanish or explode."""

import math

import numpy as np

from .. import checks
from ..layers import RNN
from .require import require

_GATED = "has {} blocks in Wh, and gates: no eigenvalue tells whether its gradient vanishes or explodes"
NO_RADIUS = {"LSTM": _GATED.format("four"), "GRU": _GATED.format("three")}


def spectral_radius(layer: RNN) -> float:
    """The largest absolute value of an eigenvalue of an RNN's recurrent weights, Wh.

    Near h = 0 an RNN is linear: each step back multiplies the gradient by Wh', in the long run by this number. Below 1
    it vanishes, above 1 it explodes. Away from 0 the slope of tanh makes it smaller.

    Raises:
        TypeError: the layer is not an RNN.
        ValueError: the layer is not built, or Wh holds NaN or infinity.

    Example:
        >>> from nnlite import RNN
        >>> from nnlite.inspect import set_spectral_radius, spectral_radius
        >>> layer = RNN(8, seed=0)
        >>> layer.build((None, 2))
        >>> round(spectral_radius(layer), 4)  # orthogonal at first
        1.0
        >>> set_spectral_radius(layer, 0.5)
        >>> round(spectral_radius(layer), 4)
        0.5
    """
    require(layer, (RNN,), "spectral_radius", NO_RADIUS)
    Wh = layer.params["Wh"].astype(np.float64)
    if not np.isfinite(Wh).all():
        raise ValueError(
            f"layer: expected finite weights, got NaN or infinity in Wh of {layer.name}: its training diverged"
        )
    return float(np.abs(np.linalg.eigvals(Wh)).max())


def set_spectral_radius(layer: RNN, radius: float) -> None:
    """Scale an RNN's recurrent weights in place to a given `spectral_radius`.

    Args:
        layer: an `RNN` that is built.
        radius: at least 0, and finite.

    Raises:
        TypeError: the layer is not an RNN, or radius is not a number.
        ValueError: the layer is not built; radius is negative or not finite; or the weights have the radius 0, which
            no factor changes.
    """
    require(layer, (RNN,), "set_spectral_radius", NO_RADIUS)
    radius = checks.between("radius", radius, 0, math.inf, closed=False)
    now = spectral_radius(layer)
    if now == 0:
        raise ValueError(
            f"layer: expected a spectral radius above 0, got 0 for {layer.name}, which no factor changes: set another "
            f"Wh"
        )
    layer.params["Wh"] *= radius / now
