"""Embedding: each id is replaced by its row of a table. Letters: N ids, V vocabulary, U units."""

import numpy as np


def forward(W, ids, y):  # IN (V,U) (N) OUT (N,U)
    y[:] = W[ids]


def backward(ids, dy, dW):  # IN (N) (N,U) OUT (V,U)
    dW[:] = 0
    np.add.at(dW, ids, dy)  # dW[ids] += dy would add only one of the rows that share an id


def split(ids, places, seen, owners):  # IN (N) OUT (N) scratch (V) OUT (at least V + N // 256)
    """Each 256 rows of an id get a place of their own. The first of id v is v; owners[place] is the id. -> places."""
    count = len(seen)
    owners[:count], seen[:] = np.arange(count), 256 * np.arange(count)
    for n, v in enumerate(ids):
        places[n] = seen[v] // 256
        seen[v] += 1
        if seen[v] % 256 == 0:
            owners[count], seen[v] = v, 256 * count
            count += 1
    return count
