"""saturate_gates: set the gates of an LSTM to fixed values."""

import math

from .. import checks
from ..layers import LSTM
from .require import require

# A sigmoid never reaches 0 or 1. 1 - 1e-7 is about the largest float32 below 1.
NEAREST = 1e-7

BLOCKS = ("input", "forget", "candidate", "output")  # in the order of an LSTM's weights

NO_SUCH_GATES = {
    "RNN": "has no gates: Wh alone decides what its state keeps, see set_spectral_radius",
    "GRU": (
        "has no forget gate, output gate or cell: its update gate z keeps the state if z is near 1, as f near 1 does"
    ),
}


def saturate_gates(layer: LSTM, input: float | None = 0, forget: float | None = 1, output: float | None = 0) -> None:
    """Set the gates of an LSTM to fixed values, whatever the input, to see what they are for.

        sigmoid(x_t Wx + b + h_{t-1} Wh) = value            for Wx = Wh = 0 and b = log(value / (1 - value))

    A large bias alone would not hold against large inputs. So the gate's columns of Wx and Wh become 0, and its bias
    sets the value; the candidate keeps its weights. With f = 1 and i = o = 0 the cell state passes through unchanged,
    and its gradient neither vanishes nor explodes: see `gradient_flow`.

    Parameters are overwritten in place, learned ones too: keep a copy of `layer.params` to go back. Further training
    changes the gates again.

    Args:
        layer: an `LSTM` that is built.
        input, forget, output: the values of i, f and o, each in [0, 1]; None leaves a gate as it is. A sigmoid never
            reaches 0 or 1: they become 1e-7 and 1 - 1e-7, of which 0.99998 is left after 200 steps.

    Raises:
        TypeError: the layer is not an LSTM, or a value is not a number.
        ValueError: the layer is not built, or a value is not in [0, 1]. Nothing is changed then.

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
