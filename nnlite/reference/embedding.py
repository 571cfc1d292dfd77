"""Embedding: each id is replaced by its row of a table. Letters: N ids, V vocabulary, U units."""

import numpy as np


def forward(W, ids, y):  # IN (V,U) (N) OUT (N,U)
    y[:] = W[ids]


def backward(ids, dy, dW):  # IN (N) (N,U) OUT (V,U)
    dW[:] = 0
    np.add.at(dW, ids, dy)  # dW[ids] += dy would add only one of the rows that share an id
