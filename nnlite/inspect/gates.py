"""Hold the gates of an LSTM open or shut."""

import math

from .. import checks
from ..layers import LSTM
from .require import require

# A sigmoid never says 0 or 1. This close is as near as float32 can tell a gate that is almost 1 from one that is 1.
NEAREST = 1e-7

BLOCKS = ("input", "forget", "candidate", "output")  # as they stand in an LSTM's weights

NO_SUCH_GATES = {
    "RNN": "has no gates: what its state keeps is decided by Wh alone, see set_spectral_radius",
    "GRU": (
        "has neither a forget gate nor an output gate, nor a cell beside its output: its update gate z is all there "
        "is, and z near 1 keeps the state as f near 1 does"
    ),
}


def saturate_gates(
    layer: LSTM,
    input: float | None = 0,
    forget: float | None = 1,
    output: float | None = 0,
) -> None:
    """Hold the gates of an LSTM open or shut, whatever it reads: to see what they are for.

        sigmoid(x_t Wx + b + h_{t-1} Wh) = value            for Wx = Wh = 0 and b = log(value / (1 - value))

    A large bias alone would give way to large inputs. So the gate's columns of Wx and Wh become 0, and its bias says
    the value; the candidate keeps its weights. With f = 1 and i = o = 0 the cell passes through unchanged, and its
    gradient neither vanishes nor explodes: see `gradient_flow`.

    The parameters are changed in place, also those that were learnt: keep a copy of `layer.params`, if you want to go
    back. Where the layer is trained on, the gates learn again.

    Args:
        layer: an `LSTM` that has its weights.
        input, forget, output: what i, f and o are to say, each in [0, 1]; None leaves a gate as it is. A sigmoid never
            reaches 0 and 1: they become 1e-7 and 1 - 1e-7, of which 0.99998 is left after 200 steps.

    Raises:
        TypeError: the layer is no LSTM, or a value is not a number.
        ValueError: the layer is not built yet, or a value is not in [0, 1]. Nothing is changed then.

    Example:
        >>> import numpy as np
        >>> from nnlite import LSTM
        >>> from nnlite.inspect import saturate_gates, trace
        >>> layer = LSTM(3, dtype="float64", seed=0)
        >>> layer.build((None, 2))
        >>> saturate_gates(layer, forget=0.9, output=None)
        >>> seen = trace(layer, np.full((1, 4, 2), 100.0))["lstm"]
        >>> np.unique(seen["f"].round(9)), np.unique(seen["i"].round(9))
        (array([0.9]), array([1.e-07]))
    """
    require(layer, (LSTM,), "saturate_gates", NO_SUCH_GATES)
    biases = {}
    for name, value in (("input", input), ("forget", forget), ("output", output)):
        if value is not None:
            p = min(max(checks.between(name, value, 0, 1), NEAREST), 1 - NEAREST)
            biases[name] = math.log(p / (1 - p))
    for name, bias in biases.items():
        start = BLOCKS.index(name) * layer.units
        columns = slice(start, start + layer.units)
        layer.params["Wx"][:, columns] = 0
        layer.params["Wh"][:, columns] = 0
        layer.params["b"][columns] = bias
