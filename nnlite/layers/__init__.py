"""The layers, one file each."""

from .conv2d import Conv2D
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .flatten import Flatten
from .gelu import GELU
from .leaky_relu import LeakyReLU
from .lstm import LSTM
from .one_hot import OneHot
from .relu import ReLU
from .reshape import Reshape
from .sigmoid import Sigmoid
from .softmax import Softmax
from .tanh import Tanh
from .zero_padding2d import ZeroPadding2D

__all__ = [
    "GELU",
    "LSTM",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "LeakyReLU",
    "OneHot",
    "ReLU",
    "Reshape",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "ZeroPadding2D",
]
