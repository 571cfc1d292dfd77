"""Derive: what one would do by hand, step by step and with numbers, and at the end the kernel's own.

    print(derive.forward(layer, x))
    print(derive.backward(layer, x, dy))
    print(derive.loss(loss, y_true, y_pred))

For a slide, and for whoever wants to know where a number comes from. Take a tiny input, or choose a number with `at`.
The numbers are computed as the text says, one multiplication after the other, and only then is the layer asked for
its own: where a kernel is wrong, the last lines say so.

written.py      a number in letters, in numbers, and its value; and what rounding may do to it
quoted.py       the equations of a layer, from its docstring
page.py         how sums, equations and tables are laid out
choice.py       which numbers are written out: `at`
derivation.py   the result, and how it compares with the kernel's
known.py        which layers have a derivation, and how another gets one
run.py          runs a derivation, and the layer beside it
and a file for each layer, or for those that differ by a word; windows.py has what convolution and the
pools share, recurrent.py what the recurrent layers do, and steps.py the sums of their steps.
"""

from .. import layers as _layers
from .. import losses as _losses
from .engine.derivation import Derivation, DerivationError
from .engine.expression import Quantity
from .layers import (
    activation,
    avg_pool2d,
    conv2d,
    cross_entropy,
    dense,
    embedding,
    gelu,
    layer_norm,
    max_pool2d,
    mean_squared_error,
    one_hot,
    softmax,
)
from .layers.gru import GRUDerivation
from .layers.lstm import LSTMDerivation
from .layers.rnn import RNNDerivation
from .passes import backward, forward, loss
from .registry import register

__all__ = ["Derivation", "DerivationError", "Quantity", "backward", "forward", "loss", "register"]

for _kind, _derivation in (
    (_layers.Conv2D, conv2d),
    (_layers.MaxPool2D, max_pool2d),
    (_layers.AvgPool2D, avg_pool2d),
    (_layers.Dense, dense),
    (_layers.RNN, RNNDerivation()),
    (_layers.LSTM, LSTMDerivation()),
    (_layers.GRU, GRUDerivation()),
    (_layers.Softmax, softmax),
    (_layers.LayerNorm, layer_norm),
    (_layers.Embedding, embedding),
    (_layers.OneHot, one_hot),
    (_layers.Tanh, activation),
    (_layers.Sigmoid, activation),
    (_layers.ReLU, activation),
    (_layers.LeakyReLU, activation),
    (_layers.GELU, gelu),
    (_losses.SparseCategoricalCrossentropy, cross_entropy),
    (_losses.MeanSquaredError, mean_squared_error),
):
    register(_kind, _derivation)
