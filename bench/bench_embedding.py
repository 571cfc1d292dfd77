"""Embedding of a batch of characters: forward and backward."""

from work import Work, normal, on_reference, rng, time_work

N, T, V, U = 128, 40, 38, 64


def nnlite_embedding():
    from nnlite import Embedding

    layer, ids, dy = Embedding(V, U, seed=0), rng().integers(V, size=(N, T)), normal(N, T, U)

    def run():
        layer.forward(ids)
        layer.backward(dy)

    return run


def pytorch_embedding():
    import torch

    layer, dy = torch.nn.Embedding(V, U), torch.from_numpy(normal(N, T, U))
    ids = torch.from_numpy(rng().integers(V, size=(N, T)))

    def run():
        layer.zero_grad()
        layer(ids).backward(dy)

    return run


WORKS = [
    Work(
        f"Embedding {V} x {U} of {N * T} ids: forward and backward",
        {"nnlite": nnlite_embedding, "pytorch": pytorch_embedding, "reference": on_reference(nnlite_embedding)},
    )
]


def test_embedding(benchmark, work, threads):
    time_work(benchmark, work, threads)
