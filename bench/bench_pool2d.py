"""Pooling of a batch of images: 2 x 2 as in small networks, overlapping windows, few channels, whole images."""

from work import Work, in_both_formats, normal, on_reference, time_work

# Layer, image (N, H, W, C), window, strides, padding; and the target in multiples of PyTorch's speed.
WINDOWS = [
    ("MaxPool2D", (64, 32, 32, 16), 2, 2, 0, 1.8),
    ("AvgPool2D", (64, 32, 32, 16), 2, 2, 0, 1.8),
    ("MaxPool2D", (64, 28, 28, 8), 2, 2, 0, None),
    ("MaxPool2D", (64, 28, 28, 1), 2, 2, 0, None),
    ("MaxPool2D", (64, 32, 32, 16), 3, 2, 1, None),
    ("AvgPool2D", (64, 32, 32, 16), 3, 2, 1, None),
]
GLOBAL = [("GlobalMaxPool2D", (64, 8, 8, 64), "amax"), ("GlobalAvgPool2D", (64, 8, 8, 64), "mean")]


def nnlite_pool(name, shape, *arguments):
    def prepare():
        import nnlite

        layer, x = getattr(nnlite, name)(*arguments), normal(*shape)
        dy = normal(shape[0], *layer.output_shape(shape[1:]))

        def run():
            layer.forward(x)
            layer.backward(dy)

        return run

    return prepare


def pytorch_pool(function_of, shape):
    """function_of(torch) is the pool, from and to tensors (N, C, H, W)."""

    def prepare(lay_out):
        import torch

        pool = function_of(torch)
        x = lay_out(normal(*shape)).requires_grad_()
        dy = 0.1 * torch.randn_like(pool(x))

        def run():
            x.grad = None
            pool(x).backward(dy)

        return run

    return prepare


def pytorch_windows(name, size, strides, padding):
    def function_of(torch):
        if name == "MaxPool2D":
            return torch.nn.MaxPool2d(size, strides, padding)
        return torch.nn.AvgPool2d(size, strides, padding, count_include_pad=False)

    return function_of


def work(name, text, shape, arguments, function_of, target=None):
    N, H, W, C = shape
    return Work(
        f"{name}{text} of {N} x {H} x {W} x {C}: forward and backward",
        {
            "nnlite": nnlite_pool(name, shape, *arguments),
            **in_both_formats(pytorch_pool(function_of, shape)),
            "reference": on_reference(nnlite_pool(name, shape, *arguments)),
        },
        target=target,
    )


WORKS = [
    work(
        name,
        f" {size} x {size}{f', strides {strides}' if strides != size else ''}",
        shape,
        (size, strides, padding),
        pytorch_windows(name, size, strides, padding),
        target,
    )
    for name, shape, size, strides, padding, target in WINDOWS
] + [
    work(name, "", shape, (), lambda torch, function=function: lambda x: getattr(torch, function)(x, (2, 3)))
    for name, shape, function in GLOBAL
]


def test_pool2d(benchmark, work, threads):
    time_work(benchmark, work, threads)
