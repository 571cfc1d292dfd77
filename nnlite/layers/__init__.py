"""The layers, one file each."""

from .dense import Dense
from .lstm import LSTM
from .relu import ReLU
from .sigmoid import Sigmoid
from .tanh import Tanh

__all__ = ["LSTM", "Dense", "ReLU", "Sigmoid", "Tanh"]
