"""Pooling of a batch of images: 2 x 2 as in small networks, overlapping windows, few channels, whole images."""

from work import layer_work, shape_text

# Image (N, H, W, C), window, strides, padding.
WINDOWS = {
    "MaxPool2D": [
        ((64, 32, 32, 16), 2, 2, 0),
        ((64, 28, 28, 8), 2, 2, 0),
        ((64, 28, 28, 1), 2, 2, 0),
        ((64, 32, 32, 16), 3, 2, 1),
    ],
    "AvgPool2D": [((64, 32, 32, 16), 2, 2, 0), ((64, 32, 32, 16), 3, 2, 1)],
}
WHOLE, FUNCTIONS = (64, 8, 8, 64), {"GlobalMaxPool2D": "amax", "GlobalAvgPool2D": "mean"}


def pool(name, shape, size, strides, padding):
    options = {"count_include_pad": False} if name == "AvgPool2D" else {}
    return layer_work(
        f"{name} {size} x {size}{f', strides {strides}' * (strides != size)} of {shape_text(shape)}",
        lambda nnlite: getattr(nnlite, name)(size, strides, padding),
        lambda torch: getattr(torch.nn, name.replace("2D", "2d"))(size, strides, padding, **options),
        shape,
        images=True,
    )


def global_pool(name):
    return layer_work(
        f"{name} of {shape_text(WHOLE)}",
        lambda nnlite: getattr(nnlite, name)(),
        lambda torch: lambda x: getattr(torch, FUNCTIONS[name])(x, (2, 3)),
        WHOLE,
        images=True,
    )


WORKS = [pool(name, *sizes) for name, rows in WINDOWS.items() for sizes in rows] + [global_pool(n) for n in FUNCTIONS]
