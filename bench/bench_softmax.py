"""Cross-entropy of logits, of characters and of words: forward and backward."""

from work import BOTH, Work, normal, rng

# N, T, V.
SIZES = [(128, 40, 38), (32, 40, 10000)]


def cross_entropy(N, T, V):
    def nnlite_loss():
        from nnlite import SparseCategoricalCrossentropy

        loss, logits = SparseCategoricalCrossentropy(from_logits=True), normal(N, T, V)
        labels = rng().integers(V, size=(N, T))

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

    name = f"cross-entropy of {N * T} rows of {V} logits: {BOTH}"
    return Work(name, {"nnlite": nnlite_loss, "PyTorch": pytorch_loss})


WORKS = [cross_entropy(*sizes) for sizes in SIZES]
