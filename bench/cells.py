"""Shared by the benchmarks of recurrent layers: passes over sequences of ids, and a training step."""

from work import Work, normal, on_reference, rng

V, T = 38, 40


def nnlite_passes(cell, H, N, **layer_options):
    def prepare():
        import nnlite

        layer = getattr(nnlite, cell)(H, return_sequences=True, input_dim=V, seed=0, **layer_options)
        ids, dy = rng().integers(V, size=(N, T)), normal(N, T, H)

        def run():
            layer.forward(ids)
            layer.backward(dy)

        return run

    return prepare


def pytorch_passes(cell, H, N):
    def prepare():
        import torch

        layer = getattr(torch.nn, cell)(V, H, batch_first=True)
        x = torch.nn.functional.one_hot(torch.from_numpy(rng().integers(V, size=(N, T))), V).float()
        dy = torch.from_numpy(normal(N, T, H))

        def run():
            layer.zero_grad()
            layer(x)[0].backward(dy)

        return run

    return prepare


def nnlite_step(cell, H, N, optimizer, learning_rate, **clipping):
    def prepare():
        import nnlite

        layers = [getattr(nnlite, cell)(H, return_sequences=True, input_dim=V), nnlite.Dense(V)]
        model = nnlite.Sequential(layers, seed=0)
        loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(getattr(nnlite, optimizer)(learning_rate, **clipping), loss)
        x, y = rng().integers(V, size=(2, N, T))
        return lambda: model.train_on_batch(x, y)

    return prepare


def pytorch_step(cell, H, N, optimizer, learning_rate, clipvalue=None, global_clipnorm=None):
    def prepare():
        import torch
        from torch.nn import functional

        layer, dense = getattr(torch.nn, cell)(V, H, batch_first=True), torch.nn.Linear(H, V)
        parameters = [*layer.parameters(), *dense.parameters()]
        update = getattr(torch.optim, optimizer)(parameters, learning_rate, fused=True)  # the fastest of its three
        x, y = torch.from_numpy(rng().integers(V, size=(2, N, T)))
        x, y = functional.one_hot(x, V).float(), y.reshape(-1)  # not timed

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

    return prepare


def operations(cell, H, N):
    """The operations of both passes, and of a training step: three products with Wh, and three with Dense's weights.

    Ids are looked up, so there is no product with Wx.
    """
    import nnlite

    recurrent = 3 * 2 * N * T * H * getattr(nnlite, cell).gates * H
    return recurrent, recurrent + 3 * 2 * N * T * H * V


def passes(cell, H, N, **options):
    """Both passes."""
    nnlite = nnlite_passes(cell, H, N)
    contestants = {"nnlite": nnlite, "pytorch": pytorch_passes(cell, H, N), "reference": on_reference(nnlite)}
    name = f"{cell}({H}) on ids, T {T}, batch {N}: forward and backward"
    return Work(name, contestants, operations=operations(cell, H, N)[0], **options)


def training_step(cell, H, N, target, optimizer="Adam", learning_rate=3e-3, **options):
    """A training step: forward, loss, backward, clip (by the global norm), update."""
    threads = {"threads": options.pop("threads")} if "threads" in options else {}
    arguments = (cell, H, N, optimizer, learning_rate)
    clipping = options or {"global_clipnorm": 5.0}
    nnlite = nnlite_step(*arguments, **clipping)
    contestants = {"nnlite": nnlite, "pytorch": pytorch_step(*arguments, **clipping), "reference": on_reference(nnlite)}
    name = f"training step with {optimizer}, {cell}({H}), T {T}, V {V}, batch {N}"
    return Work(name, contestants, target=target, operations=operations(cell, H, N)[1], **threads)
