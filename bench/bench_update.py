"""Optimizer updates of the sonnet model's parameters, with gradients clipped to a global norm."""

from work import Work, normal, on_reference, time_work

SHAPES = {"Wx": (38, 800), "Wh": (200, 800), "b": (800,), "W": (200, 38), "bias": (38,)}
NAMES = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")


def nnlite_update(name):
    def prepare():
        import nnlite

        params, grads = ({k: normal(*shape) for k, shape in SHAPES.items()} for _ in range(2))
        optimizer = getattr(nnlite, name)(global_clipnorm=1.0)
        return lambda: optimizer.apply(grads, params)

    return prepare


def pytorch_update(name):
    def prepare():
        import torch

        params = [torch.from_numpy(normal(*shape)) for shape in SHAPES.values()]
        for param in params:
            param.requires_grad_()
            param.grad = torch.from_numpy(normal(*param.shape))
        options = {} if name == "RMSprop" else {"fused": True}  # RMSprop has no fused version
        optimizer = getattr(torch.optim, name)(params, lr=1e-3, **options)

        def run():
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()

        return run

    return prepare


WORKS = [
    Work(
        f"{name} with clipping, 200,000 parameters in 5 arrays",
        {
            "nnlite": nnlite_update(name),
            "pytorch": pytorch_update(name),
            "reference": on_reference(nnlite_update(name)),
        },
    )
    for name in NAMES
]


def test_update(benchmark, work, threads):
    time_work(benchmark, work, threads)
