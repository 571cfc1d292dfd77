"""Normalization of images and of sequences: forward and backward, and BatchNorm in inference."""

from work import Work, in_both_formats, normal, on_reference, time_work

IMAGES = [(64, 28, 28, 8), (64, 32, 32, 16), (64, 16, 16, 64)]
SEQUENCES = [(128, 40, 200), (64, 64, 512)]


def nnlite_norm(name, shape, training=True):
    def prepare():
        import nnlite

        layer, x, dy = getattr(nnlite, name)(), normal(*shape), normal(*shape)

        def run():
            layer.forward(x, training=training)
            if training:
                layer.backward(dy)

        return run

    return prepare


def pytorch_batch_norm(shape, training=True):
    def prepare(lay_out):
        import torch

        layer = torch.nn.BatchNorm2d(shape[-1]).train(training)
        x, dy = lay_out(normal(*shape)), lay_out(normal(*shape))
        x.requires_grad_(training)

        def run():
            with torch.set_grad_enabled(training):
                y = layer(x)
            if training:
                layer.zero_grad()
                x.grad = None
                y.backward(dy)

        return run

    return prepare


def pytorch_layer_norm(shape):
    def prepare():
        import torch

        layer, x, dy = torch.nn.LayerNorm(shape[-1]), *(torch.from_numpy(normal(*shape)) for _ in range(2))
        x.requires_grad_()

        def run():
            layer.zero_grad()
            x.grad = None
            layer(x).backward(dy)

        return run

    return prepare


def shape_text(shape):
    return " x ".join(map(str, shape))


WORKS = [
    Work(
        f"BatchNorm of {shape_text(shape)}: {'forward and backward' if training else 'inference'}",
        {
            "nnlite": nnlite_norm("BatchNorm", shape, training),
            **in_both_formats(pytorch_batch_norm(shape, training)),
            "reference": on_reference(nnlite_norm("BatchNorm", shape, training)),
        },
    )
    for shape in IMAGES
    for training in (True, False)
]
WORKS += [
    Work(
        f"LayerNorm of {shape_text(shape)}: forward and backward",
        {
            "nnlite": nnlite_norm("LayerNorm", shape),
            "pytorch": pytorch_layer_norm(shape),
            "reference": on_reference(nnlite_norm("LayerNorm", shape)),
        },
    )
    for shape in SEQUENCES
]


def test_norm(benchmark, work, threads):
    time_work(benchmark, work, threads)
