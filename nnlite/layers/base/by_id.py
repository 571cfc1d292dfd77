"""Gradients that a kernel adds row by row, by ids: of very many rows, each id's few hundred have a sum of their own.

Over a million rows of 0.1 a running sum in float32 is wrong by 1 %, as it is rounded at each, and has grown large.
"""

import numpy as np

from ...kernels import backend, empty

DEEP = 16384  # rows, from which on it matters: those of an id are fewer
BLOCK = 256  # rows with a sum of their own, as in the kernels' other sums


def spread(ids: np.ndarray, table: np.ndarray) -> tuple:
    """Ids and a table for a kernel, and the owners of its rows, for `collect`: an id has several rows there.

    With few rows, or none of whose ids has many, they are the given ones, and None.
    """
    if ids.size < DEEP or ids.dtype.kind == "f":
        return ids, table, None
    V, units = table.shape
    places, seen, owners = (np.zeros(n, np.intp) for n in (ids.size, V, V + ids.size // BLOCK))
    count = backend().embedding.split(ids.reshape(-1), places, seen, owners)
    if count == V:
        return ids, table, None
    return places.reshape(ids.shape), empty((count, units), table.dtype), owners[:count]


def collect(spread_table: np.ndarray, owners: np.ndarray | None, table: np.ndarray) -> None:
    """Undo `spread`: the table, from what the kernel added to the other one."""
    if owners is not None:
        backend().embedding.backward(owners, spread_table, table)
