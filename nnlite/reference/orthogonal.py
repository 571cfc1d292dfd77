"""Columns made orthonormal: Q of A = Q R, where R's diagonal is positive."""

import numpy as np


def work_size(cols):
    return 0


def orthonormalise(a, work):  # IN, OUT (rows,cols), rows >= cols; scratch memory
    for _ in range(2):  # the first time leaves rounding errors where columns were almost dependent
        halves(a)


def halves(a):
    L = a.shape[1] // 2
    if L == 0:
        a /= np.sqrt((a * a).sum(axis=0))
        return
    left, right = a[:, :L], a[:, L:]
    halves(left)
    right -= left @ (left.T @ right)
    halves(right)
