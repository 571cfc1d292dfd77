"""nnlite: a neural-network framework to learn from. Small enough to read, compiled to be fast."""

from .kernels import get_num_threads, set_num_threads, use_backend
from .layer import Layer
from .layers import LSTM, Dense, Dropout, Embedding, OneHot, ReLU, Sigmoid, Softmax, Tanh
from .losses import MeanSquaredError, SparseCategoricalCrossentropy
from .sampling import sample

__version__ = "0.1.0"
__all__ = [
    "LSTM",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "MeanSquaredError",
    "OneHot",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "SparseCategoricalCrossentropy",
    "Tanh",
    "get_num_threads",
    "sample",
    "set_num_threads",
    "use_backend",
]
