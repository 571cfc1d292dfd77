"""Conv2D on 64 images: layers of small networks (few channels) and of larger ones (many channels)."""

from work import Work, in_both_formats, normal, on_reference, time_work

N = 64
# C -> filters, kernel, image, padding; and the targets in multiples of PyTorch's speed: forward, forward and backward.
FEW = [(1, 8, 5, 28, 2), (3, 8, 5, 32, 0), (3, 64, 3, 32, 0)]
MANY = [(8, 16, 5, 14, 0), (16, 32, 3, 32, 0), (32, 64, 3, 16, 0), (64, 64, 3, 16, 0), (64, 64, 1, 32, 0)]
TARGETS = [(sizes, 1.3, 1.5) for sizes in FEW] + [(sizes, 0.9, 1.0) for sizes in MANY]


def arrays(C, filters, kernel, image, padding):
    """x and dy."""
    out = image + 2 * padding - kernel + 1
    return normal(N, image, image, C), normal(N, out, out, filters)


def nnlite_conv2d(backward, C, filters, kernel, image, padding):
    def prepare():
        from nnlite import Conv2D

        layer = Conv2D(filters, kernel, padding=padding, seed=0)
        x, dy = arrays(C, filters, kernel, image, padding)

        def run():
            layer.forward(x)
            if backward:
                layer.backward(dy)

        return run

    return prepare


def pytorch_conv2d(backward, C, filters, kernel, image, padding):
    def prepare(lay_out):
        import torch

        layer = lay_out(torch.nn.Conv2d(C, filters, kernel, padding=padding))
        x, dy = map(lay_out, arrays(C, filters, kernel, image, padding))
        x.requires_grad_(backward)

        def run():
            with torch.set_grad_enabled(backward):
                y = layer(x)
            if backward:
                layer.zero_grad()
                x.grad = None
                y.backward(dy)

        return run

    return prepare


def operations(backward, C, filters, kernel, image, padding):
    """One product for y, one for dx and one for the weights' gradient.

    With 3 x 3 windows, y, and dx of more than four channels, take 16 multiplications instead of 36
    (`csrc/winograd.pxd`).
    """
    out = image + 2 * padding - kernel + 1
    y = 16 / 36 if kernel == 3 else 1
    dx = y if C > 4 else 1
    return (y + backward * (dx + 1)) * 2 * N * out**2 * filters * C * kernel**2


def name(backward, C, filters, kernel, image, padding):
    passes = "forward and backward" if backward else "forward"
    return f"Conv2D {C} -> {filters}, {kernel} x {kernel} on {image} x {image}{', padded' * (padding > 0)}: {passes}"


WORKS = [
    Work(
        name(backward, *sizes),
        {
            "nnlite": nnlite_conv2d(backward, *sizes),
            **in_both_formats(pytorch_conv2d(backward, *sizes)),
            "reference": on_reference(nnlite_conv2d(backward, *sizes)),
        },
        target=targets[backward],
        operations=operations(backward, *sizes),
    )
    for backward in (False, True)
    for sizes, *targets in TARGETS
]


def test_conv2d(benchmark, work, threads):
    time_work(benchmark, work, threads)
