"""Dense: the output layer of the sonnet model, and a square layer."""

from work import Work, normal, on_reference, time_work

SIZES = [(5120, 200, 38), (512, 512, 512)]


def nnlite_dense(N, F, U):
    def prepare():
        from nnlite import Dense

        layer, x, dy = Dense(U, seed=0), normal(N, F), normal(N, U)

        def run():
            layer.forward(x)
            layer.backward(dy)

        return run

    return prepare


def pytorch_dense(N, F, U):
    def prepare():
        import torch

        layer, x, dy = torch.nn.Linear(F, U), torch.from_numpy(normal(N, F)), torch.from_numpy(normal(N, U))
        x.requires_grad_()

        def run():
            layer.zero_grad()
            x.grad = None
            layer(x).backward(dy)

        return run

    return prepare


WORKS = [
    Work(
        f"Dense {F} -> {U}, {N} rows: forward and backward",
        {
            "nnlite": nnlite_dense(N, F, U),
            "pytorch": pytorch_dense(N, F, U),
            "reference": on_reference(nnlite_dense(N, F, U)),
        },
    )
    for N, F, U in SIZES
]


def test_dense(benchmark, work, threads):
    time_work(benchmark, work, threads)
