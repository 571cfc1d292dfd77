"""Optimizer updates of an LSTM's and a Dense layer's parameters, with gradients clipped to a global norm."""

import functools

from work import Work, normal

V = 38
OPTIMIZERS = ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
UNITS = {200: "200,000", 1024: "4,400,000"}  # and how many parameters they make


def shapes(H):
    return {"Wx": (V, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,), "W": (H, V), "bias": (V,)}


def nnlite_update(name, H):
    import nnlite

    params, grads = ({k: normal(*shape) for k, shape in shapes(H).items()} for _ in range(2))
    optimizer = getattr(nnlite, name)(global_clipnorm=1.0)
    return lambda: optimizer.apply(grads, params)


def pytorch_update(name, H):
    import torch

    params = [torch.from_numpy(normal(*shape)) for shape in shapes(H).values()]
    for param in params:
        param.requires_grad_()
        param.grad = torch.from_numpy(normal(*param.shape))
    options = {} if name == "RMSprop" else {"fused": True}  # RMSprop has no fused version
    optimizer = getattr(torch.optim, name)(params, lr=1e-3, **options)

    def run():
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()

    return run


WORKS = [
    Work(
        f"{name} with clipping, {count} parameters in 5 arrays",
        {
            "nnlite": functools.partial(nnlite_update, name, H),
            "PyTorch": functools.partial(pytorch_update, name, H),
        },
    )
    for H, count in UNITS.items()
    for name in OPTIMIZERS
]
