"""Conv2D: each pixel of the output is a weighted sum over a window of the input; each filter has weights of its own.

    y[n,h,w,f] = b[f] + sum over i, j, c of x[n, h*sh + i*dh - top, w*sw + j*dw - left, c] W[i,j,c,f]

Letters: N batch, H W of the input, OH OW of the output, C channels, F filters, kh kw of the kernel, sh sw strides,
dh dw dilation. Outside of the image x is 0. With groups, the filters of a group see the channels of that group alone.

This version handles one tap (i, j) of the kernel at a time: what all windows see there is one slice of the padded x.
"""

import numpy as np


def work_size(x_shape, W_shape, y_shape, strides, pads, dilation, groups):
    return 0


def forward(x, W, b, y, work, strides, pads, dilation, groups):
    # IN (N,H,W,C) (kh,kw,C/groups,F) (F) or None  OUT (N,OH,OW,F); pads = (top, left)
    y[:] = 0 if b is None else b  # (1)
    padded, y_groups = _padded(x, W, y, strides, pads, dilation), _by_group(y, groups)
    for i, j, seen in _taps(W, y, strides, dilation):
        x_groups, W_groups = _by_group(padded[seen], groups), _by_group(W[i, j], groups)
        # x W of each group, axis 1. Not np.einsum: it takes five times as long, and where N = 0 it can return NaN.
        y_rows = np.matmul(_rows(x_groups), W_groups, axes=[(0, 2), (0, 2), (0, 2)])
        y_groups += y_rows.reshape(y_groups.shape)  # (2)


def backward(x, W, dy, dx, dW, db, work, strides, pads, dilation, groups):
    # IN (N,H,W,C) (kh,kw,C/groups,F) (N,OH,OW,F)  OUT (N,H,W,C), (kh,kw,C/groups,F), (F), each or None
    padded = _padded(x, W, dy, strides, pads, dilation)
    dpadded, dy_rows, (top, left) = np.zeros_like(padded), _rows(_by_group(dy, groups)), pads
    for i, j, seen in _taps(W, dy, strides, dilation):
        x_groups, W_groups = _by_group(padded[seen], groups), _by_group(W[i, j], groups)
        dx_groups = _by_group(dpadded[seen], groups)
        dx_rows = np.matmul(dy_rows, W_groups, axes=[(0, 2), (2, 0), (0, 2)])  # dy W^T
        dx_groups += dx_rows.reshape(dx_groups.shape)  # undoes (2) for x
        if dW is not None:
            dW_groups = _by_group(dW[i, j], groups)  # x^T dy
            dW_groups[:] = np.matmul(_rows(x_groups), dy_rows, axes=[(2, 0), (0, 2), (0, 2)])  # undoes (2) for W
    if dx is not None:
        dx[:] = dpadded[:, top : top + x.shape[1], left : left + x.shape[2]]
    if db is not None:
        db[:] = dy.sum(axis=(0, 1, 2))  # undoes (1)


def _padded(x, W, y, strides, pads, dilation):
    """x with zeros around it, as far as the windows reach."""
    (N, H, width, C), (kh, kw, *_), (_, OH, OW, _) = x.shape, W.shape, y.shape
    (sh, sw), (top, left), (dh, dw) = strides, pads, dilation
    rows, cols = (OH - 1) * sh + (kh - 1) * dh + 1, (OW - 1) * sw + (kw - 1) * dw + 1
    padded = np.zeros((N, max(rows, top + H), max(cols, left + width), C), x.dtype)
    padded[:, top : top + H, left : left + width] = x
    return padded


def _taps(W, y, strides, dilation):
    """Each tap (i, j) of the kernel, and the slices of the padded x that it sees."""
    (kh, kw, *_), (_, OH, OW, _), (sh, sw), (dh, dw) = W.shape, y.shape, strides, dilation
    for i in range(kh):
        for j in range(kw):
            rows, cols = slice(i * dh, i * dh + (OH - 1) * sh + 1, sh), slice(j * dw, j * dw + (OW - 1) * sw + 1, sw)
            yield i, j, (slice(None), rows, cols)


def _rows(a):
    """(N,OH,OW,groups,C) as (N*OH*OW,groups,C)."""
    return a.reshape(-1, *a.shape[3:])


def _by_group(a, groups):
    """A view of `a` whose last axis is cut in two: (..., groups, C/groups)."""
    return a.reshape(*a.shape[:-1], groups, a.shape[-1] // groups)
