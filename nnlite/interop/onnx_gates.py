"""The weights of recurrent layers in ONNX: transposed, and with their gates in another order.

what         nnlite                            ONNX, for each of D directions
of x         Wx (F, GH), for x Wx              W (GH, F), for x W': a row for each unit
of h         Wh (H, GH)                        R (GH, H)
biases       b (GH); of the GRU (2, GH)        B (2 GH): of x, and then of h
LSTM         i, f, g, o                        i, o, f, c (which is g)
GRU          z, r, h                           z, r, h
"""

import numpy as np

# Of nnlite's blocks of H columns, those that ONNX has one after the other.
GATES = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [0, 1, 2]}


def weights_for(op: str, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W, R and B of one direction.

    Example:
        >>> import numpy as np
        >>> W, R, B = weights_for("LSTM", np.array([[1, 2, 3, 4]]), np.zeros((1, 4)), np.zeros(4))
        >>> W.tolist(), R.shape, B.shape
        ([[1], [4], [2], [3]], (4, 1), (8,))
    """
    both = b if b.ndim == 2 else np.stack([b, np.zeros_like(b)])
    W, R, B = (_reordered(columns, GATES[op]) for columns in (Wx, Wh, both))
    return W.T, R.T, B.reshape(-1)


def weights_from(op: str, W: np.ndarray, R: np.ndarray, B: np.ndarray, has_both: bool) -> dict[str, np.ndarray]:
    """Wx, Wh and b, from W, R and B of one direction.

    Args:
        has_both: whether b has a row for x and one for h, as that of the GRU; else it is their sum.
    """
    back = np.argsort(GATES[op]).tolist()
    Wx, Wh, both = (_reordered(columns, back) for columns in (W.T, R.T, B.reshape(2, -1)))
    return {"Wx": Wx, "Wh": Wh, "b": both if has_both else both[0] + both[1]}


def _reordered(columns, order):
    blocks = np.split(columns, len(order), axis=-1)
    return np.concatenate([blocks[gate] for gate in order], axis=-1)
