"""Dense: y = x W + b. Letters: N rows, F features in, U units."""


def forward(x, W, b, y):  # IN (N,F) (F,U) (U) or None  OUT (N,U)
    y[:] = x @ W if b is None else x @ W + b


def backward(x, W, dy, dx, dW, db):  # IN (N,F) (F,U) (N,U)  OUT (N,F) (F,U) (U), each or None
    if dx is not None:
        dx[:] = dy @ W.T
    if dW is not None:
        dW[:] = x.T @ dy
    if db is not None:
        db[:] = dy.sum(axis=0)
