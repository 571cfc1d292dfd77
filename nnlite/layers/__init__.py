"""The layers, one file each."""

from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .lstm import LSTM
from .one_hot import OneHot
from .relu import ReLU
from .sigmoid import Sigmoid
from .softmax import Softmax
from .tanh import Tanh

__all__ = ["LSTM", "Dense", "Dropout", "Embedding", "OneHot", "ReLU", "Sigmoid", "Softmax", "Tanh"]
