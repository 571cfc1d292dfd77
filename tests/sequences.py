"""Sequences of unequal length, for the tests of recurrent layers."""


def torch_sequences(torch, module, weights, x, state, lengths=None):
    """The outputs and the final state of a recurrent PyTorch module, batch first, with these weights."""
    if lengths is None:
        return torch.func.functional_call(module, weights, (x, state))
    rnn = torch.nn.utils.rnn
    # It refuses sequences without a step: they get one, and their outputs and states are put right below.
    packed = rnn.pack_padded_sequence(x, lengths.clamp(min=1), batch_first=True, enforce_sorted=False)
    y, final = torch.func.functional_call(module, weights, (packed, state))
    y, _ = rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    y = torch.where((lengths == 0)[:, None, None], torch.zeros(()).to(y), y)

    def carried(start, end):
        return torch.where((lengths == 0)[:, None], start, end)

    return y, carried(state, final) if torch.is_tensor(state) else tuple(map(carried, state, final))
