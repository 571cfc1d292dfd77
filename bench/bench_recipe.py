"""One iteration of the minimal recipe: a window of 40 characters forward and backward, clip by value, Adagrad."""

from work import Work, rng

V, H, T = 38, 100, 40
WINDOWS = 50  # in turn: a model that sees only one window memorizes it, which changes the computation


def windows():
    return rng().integers(V, size=(2, WINDOWS, 1, T))


def in_turn(step, x, y):
    """A function that makes a step with the next window."""
    place = 0

    def run():
        nonlocal place
        place = (place + 1) % WINDOWS
        return step(x[place], y[place])

    return run


def nnlite_step():
    import nnlite

    layers = [nnlite.RNN(H, return_sequences=True, stateful=True, input_dim=V), nnlite.Dense(V)]
    model = nnlite.Sequential(layers, input_shape=(T,), seed=0)
    for param in model.params.values():
        if param.ndim == 2:
            param[...] = 0.01 * model.rng.standard_normal(param.shape)
    optimizer = nnlite.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-8, clipvalue=5.0)
    model.compile(optimizer, nnlite.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))
    return in_turn(model.train_on_batch, *windows())


def numpy_step():
    """The program that `nnlite reproduce minimal-rnn` runs, in its float64."""
    import numpy as np

    from nnlite.experiment import plain_rnn

    weights = plain_rnn.first_weights(V, H, rng())
    memory = {name: np.zeros_like(array) for name, array in weights.items()}
    h = np.zeros(H)

    def step(x, y):
        nonlocal h
        loss, hs, p = plain_rnn.forward(weights, x[0], y[0], h)
        plain_rnn.adagrad(weights, plain_rnn.backward(weights, x[0], y[0], h, hs, p), memory)
        h = hs[-1].copy()
        return loss

    return in_turn(step, *windows())


def pytorch_step():
    import torch
    from torch.nn import functional

    rnn, dense = torch.nn.RNN(V, H, batch_first=True), torch.nn.Linear(H, V)
    parameters = [*rnn.parameters(), *dense.parameters()]
    with torch.no_grad():
        for parameter in parameters:
            parameter.normal_(0, 0.01) if parameter.ndim == 2 else parameter.zero_()
    optimizer = torch.optim.Adagrad(parameters, 0.1, eps=1e-8, fused=True)  # the fastest of its three
    state = torch.zeros(1, 1, H)
    x, y = torch.from_numpy(windows())
    x = functional.one_hot(x, V).float()  # not timed

    def step(x, y):
        nonlocal state
        optimizer.zero_grad()
        h, last = rnn(x, state)
        state = last.detach()
        loss = functional.cross_entropy(dense(h).reshape(-1, V), y.reshape(-1), reduction="sum")
        loss.backward()
        torch.nn.utils.clip_grad_value_(parameters, 5.0)
        optimizer.step()
        return loss.item()

    return in_turn(step, x, y)


NAME = f"minimal recipe, an iteration: RNN({H}), T {T}, V {V}, batch 1, Adagrad"
WORKS = [
    Work(f"{NAME}, beside PyTorch", {"nnlite": nnlite_step, "PyTorch": pytorch_step}),
    Work(f"{NAME}, beside NumPy", {"nnlite": nnlite_step, "NumPy": numpy_step}),
]
