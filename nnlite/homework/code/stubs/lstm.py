"""An LSTM's backward pass, in NumPy.

Fill in lstm_backward; lstm_forward is given. You may write other functions, and import numpy and what comes with
Python. Leave arguments unchanged: work on copies. Try your code by `nnlite homework check`.

Letters: N sequences of T steps with F features; H units. The gates stand in the order i, f, g, o along 4H: input gate,
forget gate, candidate (often written as c with a tilde), output gate.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_forward(x, h0, c0, Wx, Wh, b):
    """All states and gates. x: (N,T,F), h0 and c0: (N,H), Wx: (F,4H), Wh: (H,4H), b: (4H).

    Returns h and c, (N,T+1,H) each, beginning with h0 and c0, and the gates i, f, g and o, (N,T,H) each.
    """
    h, c, gates = [h0], [c0], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ Wx + h[t] @ Wh + b, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c.append(f * c[t] + i * g)
        h.append(o * np.tanh(c[t + 1]))
        gates.append((i, f, g, o))
    i, f, g, o = (np.stack(gate, axis=1) for gate in zip(*gates))
    return np.stack(h, axis=1), np.stack(c, axis=1), i, f, g, o


def lstm_backward(x, h0, c0, Wx, Wh, b, dh):
    """The gradients of a loss L, by backpropagation through all T steps.

    x, h0, c0, Wx, Wh, b: as above. dh: (N,T,H): dh[:, t] is what the output of step t, h[:, t + 1], contributes to L
    directly, not through later steps.
    Returns dx (N,T,F), dh0 (N,H), dc0 (N,H), dWx (F,4H), dWh (H,4H), db (4H).
    """
    raise NotImplementedError("lstm_backward is yours to write")
