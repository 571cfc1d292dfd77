"""Recurrent layers on recurrent layers, of every kind on every other."""

import itertools

import numpy as np
import pytest
from chain import import_torch, of_the_kernels, randomized, threads
from numeric import assert_close, assert_same_bits
from sequences import torch_sequences

import nnlite
from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Sequential, gradcheck

ORDERS = list(itertools.permutations((RNN, LSTM, GRU)))
orders = pytest.mark.parametrize("kinds", ORDERS, ids=lambda kinds: " on ".join(kind.__name__ for kind in kinds[::-1]))
N, T, F, V = 6, 5, 3, 7
X = np.random.default_rng(0).standard_normal((N, T, F))
IDS, LABELS = np.random.default_rng(1).integers(V, size=(2, N, T))
LENGTHS = np.array([2, 5, 0, 4, 1, 3])


def stack(kinds, last=True, both_ways=False, seed=0, **first):
    """Three layers with random parameters, of which the last gives its last step alone."""
    layers = [
        kind(4 + i, return_sequences=i < 2 or not last, **(first if i == 0 else {})) for i, kind in enumerate(kinds)
    ]
    layers = [Bidirectional(layer) if both_ways else layer for layer in layers]
    input_shape = (T,) if first else (T, F)
    return randomized(Sequential(layers, input_shape=input_shape, dtype="float64", seed=seed))


@orders
@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_gradients_are_the_finite_differences(kinds, last, both_ways):
    gradcheck(stack(kinds, last, both_ways), X, fast=both_ways)


@orders
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("both_ways", [False, True])
@of_the_kernels
def test_rows_of_unequal_length_are_read_as_if_they_were_alone(kinds, last, both_ways):
    model = stack(kinds, last, both_ways)
    y = model.forward(X, lengths=LENGTHS)
    dy = np.random.default_rng(2).standard_normal(y.shape)
    dx = model.backward(dy)
    grads = {k: grad.copy() for k, grad in model.grads.items()}
    sums = {k: np.zeros_like(grad) for k, grad in grads.items()}
    for n, length in enumerate(LENGTHS):
        assert not dx[n, length:].any()
        if length == 0:
            continue
        row = slice(n, n + 1)
        own = model.forward(X[row, :length].copy())
        assert_same_bits(own[0], y[n] if last else y[n, :length].copy(), f"row {n}")
        own_dx = model.backward(dy[row] if last else dy[row, :length].copy())
        assert_same_bits(own_dx[0], dx[n, :length].copy(), f"dx of row {n}")
        for k, grad in model.grads.items():
            sums[k] += grad
    for k, grad in grads.items():
        assert_close(grad, sums[k], 1e-10, k)


@orders
def test_pytorch_agrees(kinds):
    torch = import_torch()
    model = stack(kinds, last=False)
    y = model.forward(X, lengths=LENGTHS)
    expected, lengths = torch.from_numpy(X), torch.from_numpy(LENGTHS)
    for layer in model.layers:
        Wx, Wh, b = (layer.params[name] for name in ("Wx", "Wh", "b"))
        b, bh = b if b.ndim == 2 else (b, np.zeros_like(b))
        arrays = {"weight_ih_l0": Wx.T, "weight_hh_l0": Wh.T, "bias_ih_l0": b, "bias_hh_l0": bh}
        if type(layer) is GRU:  # z, r, h here, and r, z, h in PyTorch
            arrays = {k: np.concatenate([np.split(a, 3)[i] for i in (1, 0, 2)]) for k, a in arrays.items()}
        weights = {k: torch.from_numpy(np.ascontiguousarray(a)) for k, a in arrays.items()}
        module = getattr(torch.nn, type(layer).__name__)(len(Wx), layer.units, batch_first=True, dtype=torch.float64)
        zeros = torch.zeros(1, N, layer.units, dtype=torch.float64)
        state = (zeros, zeros) if type(layer) is LSTM else zeros
        expected, _ = torch_sequences(torch, module, weights, expected, state, lengths)
    assert_close(y, expected.numpy(), 1e-10)


@orders
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_training_ends_at_the_same_bits_on_any_number_of_threads(kinds, lengths):
    results = []
    for n in (1, 2, 3):
        layers = [*stack(kinds, last=False, input_dim=V).layers, Dropout(0.2), Dense(V)]
        model = Sequential(layers, dtype="float64", seed=3)
        model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
        with threads(n):
            model.fit(IDS, LABELS, batch_size=4, epochs=2, verbose=0, lengths=lengths)
        results.append(model.params)
    for params in results[1:]:
        for name, param in params.items():
            assert_same_bits(param, results[0][name], name)


@orders
def test_steps_are_forward(kinds):
    model = stack(kinds, last=False, input_dim=V)
    y = model.forward(IDS)
    model.reset_state()
    for t in range(T):
        assert_same_bits(model.step(IDS[:, t].copy()), y[:, t].copy())


@orders
def test_saved_and_loaded(kinds, tmp_path):
    model = stack(kinds, input_dim=V)
    y = model.forward(IDS, lengths=LENGTHS)
    model.save(tmp_path / "model.safetensors")
    assert_same_bits(nnlite.load_model(tmp_path / "model.safetensors").forward(IDS, lengths=LENGTHS), y)
