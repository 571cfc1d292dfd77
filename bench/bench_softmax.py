"""Cross-entropy of the sonnet model's logits: forward and backward."""

from work import Work, normal, on_reference, rng, time_work

N, T, V = 128, 40, 38


def nnlite_loss():
    from nnlite import SparseCategoricalCrossentropy

    loss, logits, labels = (
        SparseCategoricalCrossentropy(from_logits=True),
        normal(N, T, V),
        rng().integers(V, size=(N, T)),
    )

    def run():
        loss.forward(labels, logits)
        loss.backward()

    return run


def pytorch_loss():
    import torch

    logits = torch.from_numpy(normal(N * T, V)).requires_grad_()
    labels = torch.from_numpy(rng().integers(V, size=N * T))

    def run():
        logits.grad = None
        torch.nn.functional.cross_entropy(logits, labels).backward()

    return run


WORKS = [
    Work(
        f"cross-entropy of {N * T} rows of {V} logits: forward and backward",
        {"nnlite": nnlite_loss, "pytorch": pytorch_loss, "reference": on_reference(nnlite_loss)},
    )
]


def test_softmax(benchmark, work, threads):
    time_work(benchmark, work, threads)
