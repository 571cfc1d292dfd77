"""Where something is wrong in x or y, it is said by its place in the user's arrays, with the epoch and the batch."""

import numpy as np
import pytest

import nnlite
from nnlite import GRU, SGD, Dense, Flatten, Sequential

rng = np.random.default_rng(0)


def regressor():
    return Sequential([Dense(3), Dense(2)], input_shape=(4,), seed=0)


@pytest.mark.parametrize("make", [regressor, lambda: Sequential([Flatten(), Dense(2)], seed=0)])
@pytest.mark.parametrize("name", ["x", "y"])
def test_nan_is_reported_where_the_user_has_it(name, make):
    model, arrays = make(), {"x": rng.standard_normal((60, 4)), "y": rng.standard_normal((60, 2))}
    model.compile(SGD(0.1), "mse")
    arrays[name][50, 1] = np.nan
    order = np.random.default_rng()
    order.bit_generator.state = model.rng.bit_generator.state
    batch = int(np.flatnonzero(order.permutation(60) == 50)[0]) // 9 + 1
    message = rf"epoch 1, batch {batch}: the loss is nan, because {name} holds nan at \(50, 1\)"
    with pytest.raises(nnlite.NonFiniteLossError, match=message):
        model.fit(**arrays, batch_size=9, verbose=0)
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"batch 6: .* {name} holds nan at \(50, 1\)"):
        make_compiled(make).fit(**arrays, batch_size=9, shuffle=False, verbose=0)
    good = rng.standard_normal((60, 4)), rng.standard_normal((60, 2))
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"epoch 1, validation: .* {name} holds nan at \(50, 1\)"):
        make_compiled(make).fit(*good, validation_data=(arrays["x"], arrays["y"]), batch_size=9, verbose=0)
    with pytest.raises(nnlite.NonFiniteLossError, match=rf"^the loss is nan, because {name} holds nan at \(50, 1\)"):
        make_compiled(make).train_on_batch(**arrays)


def make_compiled(make):
    model = make()
    model.compile(SGD(0.1), "mse")
    return model


def test_nan_in_a_padded_sequence_is_reported_where_the_user_has_it():
    model = Sequential([GRU(3, return_sequences=True), Dense(2)], seed=0)
    model.compile(SGD(0.1), "mse")
    x, y, lengths = rng.standard_normal((20, 4, 3)), rng.standard_normal((20, 4, 2)), np.full(20, 3)
    x[:, 3] = np.nan  # padding
    model.fit(x, y, lengths=lengths, batch_size=3, verbose=0)
    x[17, 1, 2] = np.nan
    with pytest.raises(nnlite.NonFiniteLossError, match=r"because x holds nan at \(17, 1, 2\)"):
        model.fit(x, y, lengths=lengths, batch_size=3, verbose=0)
