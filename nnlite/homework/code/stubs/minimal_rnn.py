"""Karpathy's minimal character-level RNN, in NumPy: the loss with its gradients, and the training loop.

Fill in the functions. You may write others, and import numpy and what comes with Python. Leave arguments unchanged,
but for `params` of `train`. Try your code by `nnlite homework check`.

Letters: V different characters, H units, T characters in a window.
"""

import numpy as np


def rnn_loss(inputs, targets, h, Wx, Wh, b, Wy, by):
    """The loss of one window of text, and its gradients.

        h_t = tanh(Wx[inputs[t]] + h_(t-1) Wh + b)       Wx[k] is character k as a one-hot vector, times Wx
        z_t = h_t Wy + by,  p_t = softmax(z_t)
        loss = sum over t of -ln p_t[targets[t]]

    inputs, targets: (T) integers from 0 to V - 1; h: (H), the state before the window; Wx: (V,H), Wh: (H,H), b: (H),
    Wy: (H,V), by: (V).
    Returns loss, dWx, dWh, db, dWy, dby, and the state after the window (H). Nothing is clipped here, and no gradient
    goes back into the window before.
    """
    raise NotImplementedError("rnn_loss is yours to write")


def train(loss_function, params, ids, length, steps, learning_rate):
    """Train on one window of the text after the other, with Adagrad.

    In each of `steps` steps: the next `length` ids are the inputs, and those one place further on the targets.
    Where no full window with its targets is left, start over at the beginning of the text.

        loss, grads, state = loss_function(inputs, targets, state, params)

    The state is None at the beginning of the text, each time, and else what the window before returned. Clip each
    number of the gradients to -5 .. 5. Then Adagrad, for each parameter p with gradient g, and memory m, which begins
    as 0 and is never reset:

        m = m + g**2,  p = p - learning_rate * g / sqrt(m + 1e-8)

    loss_function: given; params: a dict of arrays; grads: a dict with the same names; ids: (L) integers.
    Returns the new params, and a list of all losses.
    """
    raise NotImplementedError("train is yours to write")
