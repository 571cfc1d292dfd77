"""Recurrent layers: passes over sequences, and the training step of a model that predicts the next character."""

import functools

import numpy as np
from work import BOTH, INFERENCE, Work, in_onnx_runtime, layer_work, normal, of_dtype, rng

V, T = 38, 40
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def passes(cell, H, N, **options):
    """Both passes over ids. There is no product with Wx, as its rows are looked up; three are with Wh."""

    def inputs():
        ids = rng().integers(V, size=(N, T))
        return ids, np.eye(V, dtype="float32")[ids]

    layer = {key: options.pop(key) for key in list(options) if key == "reset_after"}
    return layer_work(
        f"{cell}({', '.join([str(H), *(f'{key}={value}' for key, value in layer.items())])}) on ids, T {T}, batch {N}",
        lambda nnlite: getattr(nnlite, cell)(H, return_sequences=True, input_dim=V, seed=0, **layer),
        None if layer else lambda torch: getattr(torch.nn, cell)(V, H, batch_first=True),
        inputs,
        passes=BOTH,
        operations=3 * 2 * N * T * H * GATES[cell] * H,
        **options,
    )


def inference(H, N):
    """An LSTM on the states of another one."""
    return layer_work(
        f"LSTM({H}) on {H} numbers, T {T}, batch {N}",
        lambda nnlite: nnlite.LSTM(H, return_sequences=True, seed=0),
        lambda torch: torch.nn.LSTM(H, H, batch_first=True),
        (N, T, H),
        passes=INFERENCE,
        operations=2 * 2 * N * T * H * 4 * H,
        peers=in_onnx_runtime("LSTM", (T, N, H), [(1, 4 * H, H), (1, 4 * H, H), (1, 8 * H)], hidden_size=H),
    )


def nnlite_step(cell, H, N, T, optimizer, learning_rate, dtype, **clipping):
    import nnlite

    layers = [getattr(nnlite, cell)(H, return_sequences=True, input_dim=V), nnlite.Dense(V)]
    model = nnlite.Sequential(layers, seed=0, dtype=dtype)
    loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(getattr(nnlite, optimizer)(learning_rate, **clipping), loss)
    x, y = rng().integers(V, size=(2, N, T))
    return lambda: model.train_on_batch(x, y)


def pytorch_step(cell, H, N, T, optimizer, learning_rate, dtype, clipvalue=None, global_clipnorm=None):
    import torch
    from torch.nn import functional

    dtype = getattr(torch, dtype)
    layer, dense = getattr(torch.nn, cell)(V, H, batch_first=True, dtype=dtype), torch.nn.Linear(H, V, dtype=dtype)
    parameters = [*layer.parameters(), *dense.parameters()]
    update = getattr(torch.optim, optimizer)(parameters, learning_rate, fused=True)  # the fastest of its three
    x, y = torch.from_numpy(rng().integers(V, size=(2, N, T)))
    x, y = functional.one_hot(x, V).to(dtype), y.reshape(-1)  # not timed

    def run():
        update.zero_grad()
        loss = functional.cross_entropy(dense(layer(x)[0]).reshape(-1, V), y)
        loss.backward()
        if clipvalue is not None:
            torch.nn.utils.clip_grad_value_(parameters, clipvalue)
        if global_clipnorm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, global_clipnorm)
        update.step()
        return loss.item()

    return run


def jax_step(H, N, T, learning_rate, global_clipnorm):
    """The same of an LSTM with Adam, compiled as a whole."""
    import jax
    from jax import numpy as jnp

    def loss_of(weights, x, y):
        def step(state, z):
            h, c = state
            i, f, g, o = jnp.split(z + h @ weights["Wh"], 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        _, h = jax.lax.scan(step, (jnp.zeros((N, H)),) * 2, x @ weights["Wx"] + weights["b"])
        logits = jax.nn.log_softmax(h @ weights["W"] + weights["bias"])
        return -jnp.take_along_axis(logits, y[..., None], axis=-1).mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(weights, m, v, t, x, y):
        loss, grads = jax.value_and_grad(loss_of)(weights, x, y)
        norm = jnp.sqrt(sum((g * g).sum() for g in grads.values()))
        grads = {k: g * jnp.minimum(1, global_clipnorm / norm) for k, g in grads.items()}
        m = {k: 0.9 * m[k] + 0.1 * g for k, g in grads.items()}
        v = {k: 0.999 * v[k] + 0.001 * g * g for k, g in grads.items()}
        rate = learning_rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return {k: w - rate * m[k] / (jnp.sqrt(v[k]) + 1e-7) for k, w in weights.items()}, m, v, t + 1, loss

    shapes = {"Wx": (V, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,), "W": (H, V), "bias": (V,)}
    weights = {k: jnp.asarray(normal(*shape)) for k, shape in shapes.items()}
    state = weights, *({k: jnp.zeros(shape) for k, shape in shapes.items()} for _ in range(2)), 1.0
    x, y = rng().integers(V, size=(2, T, N))
    x, y = jax.nn.one_hot(x, V), jnp.asarray(y)  # not timed

    def run():
        nonlocal state
        *state, loss = step(*state, x, y)
        return float(loss)

    return run


def training_step(
    cell, H, N, optimizer="Adam", rate=3e-3, *, T=T, jax=False, dtype="float32", threads=(1, 2), **clipping
):
    """A training step: forward, loss, backward, clip (by the global norm), update."""
    clipping = clipping or {"global_clipnorm": 5.0}
    arguments = cell, H, N, T, optimizer, rate, dtype
    contestants = {
        "nnlite": functools.partial(nnlite_step, *arguments, **clipping),
        "PyTorch": functools.partial(pytorch_step, *arguments, **clipping),
        **({"JAX": functools.partial(jax_step, H, N, T, rate, **clipping)} if jax else {}),
    }
    operations = 3 * 2 * N * T * H * (GATES[cell] * H + V)  # three products with Wh, and three with Dense's weights
    name = f"training step with {optimizer}, {cell}({H}), T {T}, V {V}, batch {N}{of_dtype(dtype)}"
    return Work(name, contestants, operations, threads, dtype)
