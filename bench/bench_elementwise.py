"""Elementwise layers on the hidden states of a batch: forward and backward."""

from work import Work, normal, on_reference, time_work

SHAPE = (128, 40, 200)


def nnlite_layer(name, *arguments):
    def prepare():
        import nnlite

        layer, x, dy = getattr(nnlite, name)(*arguments), normal(*SHAPE), normal(*SHAPE)

        def run():
            layer.forward(x, training=True)
            layer.backward(dy)

        return run

    return prepare


def pytorch_layer(name, *arguments):
    def prepare():
        import torch

        layer, x, dy = getattr(torch.nn, name)(*arguments), normal(*SHAPE), torch.from_numpy(normal(*SHAPE))
        x = torch.from_numpy(x).requires_grad_()

        def run():
            x.grad = None
            layer(x).backward(dy)

        return run

    return prepare


WORKS = [
    Work(
        f"{name} of 128 x 40 x 200: forward and backward",
        {
            "nnlite": nnlite_layer(name, *arguments),
            "pytorch": pytorch_layer(name, *arguments),
            "reference": on_reference(nnlite_layer(name, *arguments)),
        },
    )
    for name, *arguments in [("Tanh",), ("Sigmoid",), ("ReLU",), ("LeakyReLU", 0.3), ("GELU",), ("Dropout", 0.2)]
]


def test_elementwise(benchmark, work, threads):
    time_work(benchmark, work, threads)
