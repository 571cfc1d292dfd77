"""Embedding of a batch of characters, and of words: forward and backward."""

from work import layer_work, rng

# N, T, V, U.
SIZES = [(128, 40, 38, 64), (32, 40, 10000, 128)]


def embedding(N, T, V, U):
    return layer_work(
        f"Embedding {V} x {U} of {N * T} ids",
        lambda nnlite: nnlite.Embedding(V, U, seed=0),
        lambda torch: torch.nn.Embedding(V, U),
        lambda: [rng().integers(V, size=(N, T))] * 2,
    )


WORKS = [embedding(*sizes) for sizes in SIZES]
