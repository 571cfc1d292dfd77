"""The spectral radius of an RNN's recurrent weights: whether its gradients vanish or explode."""

import math

import numpy as np

from .. import checks
from ..layers import RNN
from .require import require

_GATED = "has {} blocks in Wh, and gates between them: no eigenvalue says how its gradient goes"
NO_RADIUS = {"LSTM": _GATED.format("four"), "GRU": _GATED.format("three")}


def spectral_radius(layer: RNN) -> float:
    """The largest absolute value of an eigenvalue of an RNN's recurrent weights, Wh.

    While an RNN is linear, near h = 0, a gradient that comes back through it is multiplied by Wh' at each step, and so
    by this number in the long run: it vanishes below 1, and explodes above. Where tanh bends, it is multiplied by less.

    Raises:
        TypeError, ValueError: the layer is no RNN, or not built yet.

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
    return float(np.abs(np.linalg.eigvals(layer.params["Wh"].astype(np.float64))).max())


def set_spectral_radius(layer: RNN, radius: float) -> None:
    """Scale an RNN's recurrent weights, in place, so that their `spectral_radius` is this.

    Args:
        layer: an `RNN` that has its weights.
        radius: at least 0, and finite.

    Raises:
        TypeError: the layer is no RNN, or radius is not a number.
        ValueError: the layer is not built yet; radius is negative or not finite; or the radius of the weights is 0, as
            that of zeros, and stays so whatever they are multiplied by.
    """
    require(layer, (RNN,), "set_spectral_radius", NO_RADIUS)
    radius = checks.between("radius", radius, 0, math.inf, closed=False)
    now = spectral_radius(layer)
    if now == 0:
        raise ValueError(
            f"set_spectral_radius: that of {layer.name} is 0, whatever Wh is multiplied by: set another Wh"
        )
    layer.params["Wh"] *= layer.dtype.type(radius / now)
