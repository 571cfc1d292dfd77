"""Derive: compute a layer by hand, step by step with numbers, and compare with the layer.

    print(derive.forward(layer, x))
    print(derive.backward(layer, x, dy))
    print(derive.loss(loss, y_true, y_pred))

For a slide, and to see where a number comes from. Take a tiny input, or choose a number with `at`. The numbers are
computed as the text says, one multiplication after the other, and then compared with the layer's: if a kernel is wrong,
the last lines say so.

passes.py       forward, backward and loss: run a derivation and the layer
registry.py     which layers have a derivation, and how to add one
engine/
    expression.py           a number in letters, in digits, its value and its rounding error
    docstring_equations.py  the equations in a layer's docstring
    layout.py               the text: sums, equations and tables
    selection.py            which numbers are written out: `at`
    derivation.py           the result, and its comparison with the layer
layers/         the derivations: a file for each layer or loss, or for several that differ by a word;
                sliding_window.py for convolution and pooling, recurrent.py for recurrent layers
"""

from .. import layers as _layers
from .. import losses as _losses
from .engine import Quantity
from .engine.derivation import Derivation, DerivationError
from .layers import (
    activation,
    conv2d,
    cross_entropy,
    dense,
    embedding,
    gelu,
    layer_norm,
    mean_squared_error,
    one_hot,
    pool2d,
    softmax,
)
from .layers.gru import GRUDerivation
from .layers.lstm import LSTMDerivation
from .layers.rnn import RNNDerivation
from .passes import backward, forward, loss
from .registry import register

__all__ = ["Derivation", "DerivationError", "Quantity", "backward", "forward", "loss", "register"]

for _derivation, *_kinds in (
    (conv2d, _layers.Conv2D),
    (pool2d, _layers.MaxPool2D, _layers.AvgPool2D),
    (dense, _layers.Dense),
    (RNNDerivation(), _layers.RNN),
    (LSTMDerivation(), _layers.LSTM),
    (GRUDerivation(), _layers.GRU),
    (softmax, _layers.Softmax),
    (layer_norm, _layers.LayerNorm),
    (embedding, _layers.Embedding),
    (one_hot, _layers.OneHot),
    (activation, _layers.Tanh, _layers.Sigmoid, _layers.ReLU, _layers.LeakyReLU),
    (gelu, _layers.GELU),
    (cross_entropy, _losses.SparseCategoricalCrossentropy),
    (mean_squared_error, _losses.MeanSquaredError),
):
    for _kind in _kinds:
        register(_kind, _derivation)
