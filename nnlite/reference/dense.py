"""Dense: y = x W + b. Letters: N rows, F features in, U units."""


def forward(x, W, b, y):  # IN (N,F) (F,U) (U)  OUT (N,U)
    y[:] = x @ W + b


def backward(x, W, dy, dx, dW, db):  # IN (N,F) (F,U) (N,U)  OUT (N,F) (F,U) (U)
    if dx is not None:
        dx[:] = dy @ W.T
    dW[:] = x.T @ dy
    db[:] = dy.sum(axis=0)
