"""Mistakes planted into the references' backward passes: what a gradient check has to find, and to call by its name.

Each is a change of the text of a reference, and what is to be said of it.
"""

import importlib
import inspect
import types
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import nnlite


@dataclass
class Case:
    """A small layer in float64, and its input."""

    make: Any
    x: np.ndarray
    options: dict = field(default_factory=dict)


@dataclass
class Mistake:
    kernel: str
    case: Case
    old: str
    new: str
    cause: str  # a regular expression that matches what gradcheck says
    after: str = "def backward"  # where the text to be changed begins

    def module(self):
        reference = importlib.import_module(f"nnlite.reference.{self.kernel}")
        source = inspect.getsource(reference)
        start = source.index(self.after)
        head, tail = source[:start], source[start:]
        assert self.old in tail, self
        changed = (head + tail.replace(self.old, self.new, 1)).replace("from ._", "from nnlite.reference._")
        module = types.ModuleType(f"own_{self.kernel}")
        exec(changed, module.__dict__)
        return module


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape)


def recurrent(cls, **options):
    return Case(lambda: cls(3, return_sequences=True, dtype="float64", seed=0, **options), drawn(2, 4, 2))


LSTM, RNN = recurrent(nnlite.LSTM), recurrent(nnlite.RNN)
GRU, CHO = recurrent(nnlite.GRU), recurrent(nnlite.GRU, reset_after=False)
DENSE = Case(lambda: nnlite.Dense(3, dtype="float64", seed=0), drawn(4, 5))
CONV = Case(
    lambda: nnlite.Conv2D(3, (2, 3), strides=(2, 1), padding="same", dtype="float64", seed=0), drawn(2, 5, 4, 2)
)
DILATED = Case(lambda: nnlite.Conv2D(3, (2, 3), dilation_rate=(2, 1), dtype="float64", seed=0), drawn(2, 5, 4, 2))
AVERAGE = Case(lambda: nnlite.AvgPool2D(2, padding="same", dtype="float64"), drawn(2, 5, 4, 2))
MAX = Case(lambda: nnlite.MaxPool2D(2, strides=1, dtype="float64"), drawn(2, 5, 4, 2))
BATCH = Case(lambda: nnlite.BatchNorm(dtype="float64"), drawn(6, 4), {"training": True})
LAYER = Case(lambda: nnlite.LayerNorm(dtype="float64"), drawn(6, 4))
EMBEDDING = Case(lambda: nnlite.Embedding(5, 3, dtype="float64", seed=0), np.array([[0, 4, 4], [2, 1, 0]]))
SOFTMAX, TANH = (
    Case(lambda: nnlite.Softmax(dtype="float64"), drawn(3, 5)),
    Case(lambda: nnlite.Tanh(dtype="float64"), drawn(3, 5)),
)
GATES = "def gate_gradients"
UNEXPLAINED = "none of the usual ones"

MISTAKES = {
    # Each gate of an LSTM.
    "df is negated": Mistake(
        "lstm", LSTM, "dc * c_prev,", "-dc * c_prev,", r"\(the forget gate f\).* wrong sign", GATES
    ),
    "df of c_t": Mistake("lstm", LSTM, "dc * c_prev,", "dc * c,", r"columns 3 to 5 \(the forget gate f\) of", GATES),
    "di and dg are exchanged": Mistake(
        "lstm", LSTM, "dc * g, dc * c_prev, dc * i", "dc * i, dc * c_prev, dc * g", r"\(the input .*\(the candid", GATES
    ),
    "do of c, without tanh": Mistake("lstm", LSTM, "do = dh * tanh_c", "do = dh * c", r"\(the output gate o\)", GATES),
    "dc without o": Mistake(
        "lstm", LSTM, "dh * o * (1", "dh * (1", r"\(the candidate g\).*right for a loss of final state 1", GATES
    ),
    "dc without the derivative of tanh": Mistake(
        "lstm", LSTM, " * (1 - tanh_c**2)", "", r"in common: .* right for a loss of final state 1 \(c\)", GATES
    ),
    "dc of the next step is not added": Mistake(
        "lstm", LSTM, "dc = dc + dh", "dc = dh", r"wrong for one of final state 1 \(c\): look", GATES
    ),
    "f is not passed through its sigmoid": Mistake("lstm", LSTM, "df * f * (1 - f)", "df", r"\(the forget gate f\)"),
    "the sigmoid of f lacks 1 - f": Mistake("lstm", LSTM, "df * f * (1 - f)", "df * f", r"\(the forget gate f\)"),
    "tanh of g as if it were a sigmoid": Mistake("lstm", LSTM, "dg * (1 - g**2)", "dg * g * (1 - g)", r"candidate g\)"),
    "the sigmoid of o is that of i": Mistake("lstm", LSTM, "do * o * (1 - o)", "do * i * (1 - i)", r"output gate o\)"),
    "gates in another order": Mistake(
        "lstm", LSTM, "([di, df, dg, do]", "([di, dg, df, do]", r"\(the forget gate f\) and columns 6 to 8"
    ),
    # From step to step.
    "c's gradient ends at each step": Mistake("lstm", LSTM, "dc_t * f)", "0)", r"only .* initial state 1 \(c\) is"),
    "c's gradient passes i": Mistake("lstm", LSTM, "dc_t * f)", "dc_t * i)", r"only .* initial state 1 \(c\) is"),
    "h's gradient ends at each step": Mistake("lstm", LSTM, "dz[t] @ Wh.T)", "0)", r"only .* initial state 0 \(h\) is"),
    "h's gradient is that of y alone": Mistake(
        "lstm", LSTM, "dh_t = dh + dh_of_y[t]", "dh_t = dh_of_y[t]", r"wrong for one of final state 0 \(h\): look"
    ),
    "y's gradient is forgotten in the last step": Mistake(
        "lstm", LSTM, "dh_of_y[t]", "dh_of_y[t] * (t < len(x) - 1)", "wrong for one of the output: look"
    ),
    "Wh multiplies h after the step": Mistake("lstm", LSTM, "h[:-1]", "h[1:]", "only the gradient of parameter Wh"),
    "dWx of the last step alone": Mistake(
        "lstm", LSTM, "summed_products(x, dz)", "x[0].T @ dz[0]", "missing term from other time steps"
    ),
    "db is the mean over the batch": Mistake(
        "lstm",
        LSTM,
        "dz.sum(axis=(0, 1))",
        "dz.mean(axis=1).sum(axis=0)",
        "1/2 times .* 2 is the batch size N: the mean",
    ),
    "dWh twice": Mistake("lstm", LSTM, "summed_products(h", "2 * summed_products(h", "2 times .*: a term .* twice$"),
    "dx is negated": Mistake("lstm", LSTM, "dz @ Wx.T", "-dz @ Wx.T", "the sign: every number"),
    # GRU and RNN.
    "dz is negated": Mistake("gru", GRU, "dh * (h_prev - g)", "dh * (g - h_prev)", r"gate z\).*wrong sign", GATES),
    "the old state's own part is forgotten": Mistake(
        "gru", GRU, "dh_t * z + ", "", r"only .* initial state 0 \(h\) is"
    ),
    "the candidate's share is z": Mistake(
        "gru", GRU, "dh * (1 - z)", "dh * z", r"reset gate r\) and .*candidate h", GATES
    ),
    "u is not reset": Mistake(
        "gru", GRU, "da_g * u, da_g * r", "da_g * u, da_g", r"candidate h\) .* Wh and b are", GATES
    ),
    "r without the derivative of tanh": Mistake(
        "gru", GRU, "= da_g * u", "= dg * u", r"columns 3 to 5 \(the reset", GATES
    ),
    "both biases get one gradient": Mistake(
        "gru", GRU, "da_h.sum(", "da_x.sum(", r"only .* parameter b is wrong, in columns 6 to 8 \(the candidate h\)"
    ),
    "z's sigmoid lacks 1 - z": Mistake(
        "gru", GRU, "dz * z * (1 - z)", "dz * z", r"columns 0 to 2 \(the update gate z\)"
    ),
    "dr of the wrong h": Mistake(
        "gru_reset_before", CHO, "dv * h_prev", "dv * h_prev**2", r"columns 3 to 5 \(the reset gate r\)", GATES
    ),
    "tanh's derivative at the state before": Mistake(
        "rnn", RNN, "sum_gradient(h[t + 1]", "sum_gradient(h[t]", "wrong in all columns, so the mistake comes before"
    ),
    "h's gradient ends": Mistake("rnn", RNN, "dz[t] @ Wh.T", "0", r"only .* initial state 0 \(h\) is wrong"),
    "Wh is not transposed": Mistake("rnn", RNN, "dz[t] @ Wh.T", "dz[t] @ Wh", "a transposed weight: .* parameter Wh"),
    # Layers of images and vectors.
    "dense: db is a mean": Mistake("dense", DENSE, "dy.sum(", "dy.mean(", "1/4 times .* batch size N: the mean"),
    "dense: dW is a mean": Mistake("dense", DENSE, "x.T @ dy", "x.T @ dy / len(x)", "1/4 times .* the batch size N"),
    "dense: dW of the first row": Mistake("dense", DENSE, "x.T @ dy", "x[:1].T @ dy[:1]", "the sum over the batch"),
    "conv2d: db of the first image": Mistake(
        "conv2d", CONV, "dy.sum(axis=(0, ", "dy[:1].sum(axis=(0, ", "over the batch"
    ),
    "conv2d: db for every tap": Mistake("conv2d", CONV, "dy.sum", "6 * dy.sum", "6 times the right gradient$"),
    "conv2d: padding stays": Mistake(
        "conv2d",
        CONV,
        "top : top + x.shape[1], left : left + x.shape[2]",
        ": x.shape[1], : x.shape[2]",
        "padding='valid'",
    ),
    "conv2d: strides are forgotten": Mistake(
        "conv2d", CONV, "_taps(W, dy, strides,", "_taps(W, dy, (1, 1),", "strides: with strides=1 every gradient"
    ),
    "conv2d: dilation is forgotten": Mistake(
        "conv2d", DILATED, "_taps(W, dy, strides, dilation", "_taps(W, dy, strides, (1, 1)", "dilation_rate=1 every"
    ),
    "conv2d: taps from the other end": Mistake(
        "conv2d", CONV, "_by_group(W[i, j]", "_by_group(W[::-1, ::-1][i, j]", "a flipped kernel"
    ),
    "pool: divided by the whole window": Mistake(
        "pool2d",
        AVERAGE,
        "dy / _counts(dx, dy, kh, kw, sh, sw, top, left, include_pad)",
        "dy / (kh * kw)",
        "padding='valid' every",
        "def average_backward",
    ),
    "pool: not divided": Mistake(
        "pool2d",
        AVERAGE,
        "dy / _counts(dx, dy, kh, kw, sh, sw, top, left, include_pad)",
        "dy",
        UNEXPLAINED,
        "def average_backward",
    ),
    "pool: shared windows overwrite": Mistake(
        "pool2d", MAX, "dx[pixels] +=", "dx[pixels] =", "strides=None every", "def max_backward"
    ),
    "embedding: ids that share a row": Mistake(
        "embedding", EMBEDDING, "np.add.at(dW, ids, dy)", "dW[ids] += dy", "ids that occur more than once"
    ),
    "softmax: without the sum": Mistake(
        "softmax", SOFTMAX, "(dy - (dy * y).sum(axis=1, keepdims=True))", "dy", UNEXPLAINED
    ),
    "softmax: summed over the batch": Mistake(
        "softmax", SOFTMAX, "sum(axis=1", "sum(axis=0", "the examples of a batch are mixed up"
    ),
    "tanh: of x": Mistake("activation", TANH, "(1 - y * y)", "(1 - y)", UNEXPLAINED, "def tanh_backward"),
    # Norms.
    "batch norm: not through the mean": Mistake(
        "norm", BATCH, "(dbeta + u * dgamma)", "(u * dgamma)", "the mean over axis 0 of x: .* a constant", "def batch_b"
    ),
    "batch norm: not through the variance": Mistake(
        "norm", BATCH, "(dbeta + u * dgamma)", "dbeta", "the variance over axis 0 of x: .* a multiple of", "def batch_b"
    ),
    "batch norm: through neither": Mistake(
        "norm", BATCH, "from_x else dy", "False else dy", "the mean and variance over axis 0", "def batch_b"
    ),
    "batch norm: without gamma": Mistake("norm", BATCH, "gamma * g", "g", "gamma is left out", "def batch_b"),
    "batch norm: dgamma of x": Mistake("norm", BATCH, "(dy * u)", "(dy * x)", UNEXPLAINED, "def batch_b"),
    "layer norm: not through the mean": Mistake(
        "norm", LAYER, "g - mean_g -", "g -", "the mean over axis 1", "def layer_b"
    ),
    "layer norm: not through the variance": Mistake(
        "norm", LAYER, " - u * mean_gu", "", "the variance over axis 1", "def layer_b"
    ),
    "layer norm: over the batch": Mistake(
        "norm", LAYER, "a.mean(axis=1", "a.mean(axis=0", "are mixed up", "def layer_b"
    ),
}
