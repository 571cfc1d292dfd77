"""Sequences of unequal length, for the tests of recurrent layers."""

import numpy as np


def unequal(N, T):
    """N lengths from 1 to T."""
    return 1 + (7 * np.arange(N) + 2) % T


def torch_sequences(torch, module, weights, x, state, lengths=None):
    """The outputs and the final state of a recurrent PyTorch module, batch first, with these weights."""
    if lengths is None:
        return torch.func.functional_call(module, weights, (x, state))
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_padded_sequence(x, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
    y, state = torch.func.functional_call(module, weights, (packed, state))
    return rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0], state
