"""The layers, one file each."""

from .dense import Dense
from .lstm import LSTM

__all__ = ["LSTM", "Dense"]
