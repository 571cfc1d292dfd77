"""Every gradient of `trace` agrees with the formulas, central differences and PyTorch."""

import functools

import numpy as np
import pytest
from chain import FLOAT64, backends, float_types, import_torch
from numeric import assert_close, central_differences
from written_out import STATES, cross_entropy, nudges, run

import nnlite
from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Sequential
from nnlite.inspect import trace

N, T, F, H, V = 3, 4, 5, 3, 6
RESET_BEFORE = functools.partial(GRU, reset_after=False)
KINDS = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN, "GRU, reset before": RESET_BEFORE}
kinds = pytest.mark.parametrize("kind", KINDS)


def drawn(model, seed=0):
    """The model, its parameters drawn at random: zero biases would hide mistakes."""
    rng = np.random.default_rng(seed)
    for param in model.params.values():
        param[...] = rng.standard_normal(param.shape) / np.sqrt(len(param))
    return model


class Case:
    """A recurrent layer in front of a Dense one, the way it is traced, and the way it is written out."""

    def __init__(self, kind, sequences=True, ids=False, padded=False, dtype="float64", **options):
        rng = np.random.default_rng(3)
        self.kind, self.sequences, self.relu = kind, sequences, options.get("activation") == "relu"
        layer = KINDS[kind](H, return_sequences=sequences, stateful=True, input_dim=F, name="layer", **options)
        shape = (T,) if ids else (T, F)
        self.model = drawn(Sequential([layer, Dense(V, name="dense")], input_shape=shape, dtype=dtype))
        self.x = rng.integers(F, size=(N, T)) if ids else rng.standard_normal((N, T, F)).astype(dtype)
        self.labels = rng.integers(V, size=(N, T) if sequences else N)
        self.lengths = np.array([2, T, 0]) if padded else None
        self.start = {name: rng.standard_normal((N, H)) for name in STATES[kind]}
        layer.state = tuple(self.start[name].astype(dtype) for name in layer.states)

    def trace(self):
        return trace(self.model, self.x, self.labels, lengths=self.lengths, fresh_state=False)

    def written_out(self, xp, nudge, cast=np.asarray):
        """The values by name, and the loss."""
        lengths = np.full(N, T) if self.lengths is None else self.lengths
        real = (np.arange(T) < lengths[:, None])[:, :, None].astype(float)
        x = np.eye(F)[self.x] if self.x.ndim == 2 else self.x
        *weights, Wy, by = (cast(param) for param in self.model.params.values())
        start = {name: cast(state) for name, state in self.start.items()}
        values = run(xp, self.kind, cast(x), cast(real), weights, start, nudge, self.relu)
        h, weight = (values["h"], real[:, :, 0]) if self.sequences else (values["h"][:, -1], np.ones(N))
        logits = h @ Wy + by
        return values, cross_entropy(xp, logits, cast(np.eye(V)[self.labels]), cast(weight / weight.sum()))


def assert_gradients(seen, gradients, tolerance):
    """Of every number, and of the initial states; and none is missing."""
    assert {name.removesuffix("0") for name in gradients} == {name[1:] for name in seen if name.startswith("d")}
    for name, gradient in gradients.items():
        is_initial = name.endswith("0")
        actual = seen.initial[f"d{name[:-1]}"] if is_initial else seen[f"d{name}"]
        assert np.abs(gradient).max() > 1e-6, f"d{name}: nothing to compare"
        assert_close(actual, gradient, tolerance, f"d{name}")


VARIANTS = {
    "every step": {},
    "the last step": {"sequences": False},
    "ids": {"ids": True},
    "padded": {"padded": True},
    "padded ids, the last step": {"padded": True, "ids": True, "sequences": False},
}
variants = pytest.mark.parametrize("variant", VARIANTS)
CASES = [(kind, VARIANTS[name]) for kind in KINDS for name in VARIANTS] + [("RNN", {"activation": "relu"})]
cases = pytest.mark.parametrize(("kind", "options"), CASES, ids=lambda value: str(value))


@backends
@cases
def test_gradients_are_central_differences(kind, options, backend_name):
    """One number of one step of one row, plus and minus a little, and all that follows computed anew."""
    case = Case(kind, **options)
    nudge = nudges(kind, N, T, H)
    with nnlite.use_backend(backend_name):
        seen = case.trace()
    values, loss = case.written_out(np, nudge)
    assert seen.loss == pytest.approx(loss, rel=1e-12)
    for name, value in values.items():
        assert_close(seen["layer"][name], value, FLOAT64, name)
    for name, state in case.start.items():
        np.testing.assert_array_equal(seen["layer"].initial[name], state)
    differences = {k: central_differences(lambda: case.written_out(np, nudge)[1], array) for k, array in nudge.items()}
    assert_gradients(seen["layer"], differences, 1e-7)


@cases
def test_gradients_are_those_of_pytorch(kind, options):
    torch = import_torch()
    case = Case(kind, **options)
    nudge = {name: torch.tensor(array, requires_grad=True) for name, array in nudges(kind, N, T, H).items()}
    _, loss = case.written_out(torch, nudge, torch.as_tensor)
    loss.backward()
    assert_gradients(case.trace()["layer"], {name: tensor.grad.numpy() for name, tensor in nudge.items()}, FLOAT64)


@cases
def test_float32_shows_the_same(kind, options):
    seen, exact = (Case(kind, dtype=dtype, **options) for dtype in ("float32", "float64"))
    for name, param in seen.model.params.items():
        exact.model.params[name][...] = param
    seen, exact = seen.trace()["layer"], exact.trace()["layer"]
    for name, array in exact.items():
        assert seen[name].dtype == np.float32
        assert_close(seen[name], array, 1e-4, name)


@pytest.mark.parametrize("options", [{}, {"sequences": False}, {"ids": True}], ids=str)
def test_the_four_formulas(options):
    """Of the LSTM, at the last step; and at every other with what comes back from the step after it."""
    case = Case("LSTM", **options)
    seen = case.trace()["layer"]
    i, f, g, o, c, h, di, df, dg, do, dc, dh = (array.swapaxes(0, 1) for array in seen.values())
    _, Wh, _, Wy, by = case.model.params.values()
    out = h if case.sequences else h[-1]
    logits = out @ Wy + by
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    labels = case.labels.swapaxes(0, 1) if case.sequences else case.labels
    dy = np.zeros((T, N, H))
    dy[slice(None) if case.sequences else -1] = (p - np.eye(V)[labels]) @ Wy.T / labels.size
    for t in reversed(range(T)):
        c_before = c[t - 1] if t else seen.initial["c"]
        delta_h, delta_c = dy[t], np.zeros((N, H))
        if t < T - 1:
            k = t + 1
            dz = [di[k] * i[k] * (1 - i[k]), df[k] * f[k] * (1 - f[k]), dg[k] * (1 - g[k] ** 2)]
            delta_h = delta_h + np.concatenate([*dz, do[k] * o[k] * (1 - o[k])], axis=1) @ Wh.T
            delta_c = dc[k] * f[k]
        delta_c = delta_c + delta_h * o[t] * (1 - np.tanh(c[t]) ** 2)
        assert_close(dh[t], delta_h, FLOAT64, f"dh at {t}")
        assert_close(dc[t], delta_c, FLOAT64, f"dc at {t}")
        assert_close(do[t], delta_h * np.tanh(c[t]), FLOAT64, f"do at {t}")
        assert_close(di[t], delta_c * g[t], FLOAT64, f"di at {t}")
        assert_close(df[t], delta_c * c_before, FLOAT64, f"df at {t}")
        assert_close(dg[t], delta_c * i[t], FLOAT64, f"dg at {t}")


@backends
@float_types
@kinds
def test_what_is_shown_adds_up_to_the_gradients_of_training(kind, dtype, backend_name):
    """The initial states' gradients, seen step by step, are those of one backward; sizes that cross the vectors."""
    rng = np.random.default_rng(0)
    layer = KINDS[kind](37, return_sequences=True, dtype=dtype, seed=0)
    x, target = (rng.standard_normal((11, 9, size)).astype(dtype) for size in (7, 37))
    with nnlite.use_backend(backend_name):
        seen = trace(layer, x, target, loss="mse")[layer.name]
        y = layer.forward(x)
        np.testing.assert_array_equal(seen["h"], y)
        layer.backward((2 * (y - target) / y.size).astype(dtype))
    for name, expected in zip(layer.states, layer.dinitial_state, strict=True):
        assert_close(seen.initial[f"d{name}"], expected, 1e-12 if dtype == "float64" else 1e-5, name)


@pytest.mark.parametrize("padded", [False, True])
@kinds
def test_bidirectional_in_stacks(kind, padded):
    """A layer that reads both ways under one that gives its last step, as PyTorch sees them."""
    torch = import_torch()
    rng = np.random.default_rng(1)
    make = KINDS[kind]
    layers = [Bidirectional(make(H, return_sequences=True), name="both"), make(H, name="top"), Dense(V)]
    model = drawn(Sequential(layers, input_shape=(T, F), dtype="float64"))
    x, labels = rng.standard_normal((N, T, F)), rng.integers(V, size=N)
    lengths = np.array([2, T, 1]) if padded else None
    seen = trace(model, x, labels, lengths=lengths)
    assert list(seen) == ["both.forward", "both.backward", "top"]

    ends = lengths if padded else np.full(N, T)
    steps = np.arange(T)
    turned = np.where(steps < ends[:, None], ends[:, None] - 1 - steps, steps)  # where each step stands from the end
    rows = np.arange(N)[:, None]
    real = torch.tensor((steps < ends[:, None])[:, :, None].astype(float))
    *weights, Wy, by = (torch.tensor(param) for param in model.params.values())
    start = dict.fromkeys(STATES[kind], torch.zeros(N, H, dtype=torch.float64))
    nudge = [
        {name: torch.tensor(array, requires_grad=True) for name, array in nudges(kind, N, T, H).items()}
        for _ in range(3)
    ]
    x = torch.tensor(x)
    one = run(torch, kind, x, real, weights[:3], start, nudge[0])
    other = run(torch, kind, x[rows, turned], real, weights[3:6], start, nudge[1])
    y = torch.cat([one["h"] * real, (other["h"] * real)[rows, turned]], 2)
    top = run(torch, kind, y, real, weights[6:], start, nudge[2])
    logits = top["h"][:, -1] @ Wy + by
    cross_entropy(torch, logits, torch.eye(V)[labels], torch.full((N,), 1 / N, dtype=torch.float64)).backward()
    for layer, values, nudged in zip(seen.values(), (one, other, top), nudge, strict=True):
        for name, array in nudged.items():
            grad = array.grad.numpy()
            if layer.name == "both.backward" and array.ndim == 3:
                grad = grad[rows, turned]
                assert_close(layer[name], values[name].detach().numpy()[rows, turned], FLOAT64, name)
            elif array.ndim == 3:
                assert_close(layer[name], values[name].detach().numpy(), FLOAT64, name)
            actual = layer.initial[f"d{name[:-1]}"] if array.ndim == 2 else layer[f"d{name}"]
            assert_close(actual, grad, FLOAT64, f"{layer.name} d{name}")
