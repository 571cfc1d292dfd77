"""Normalization of images and of sequences: forward and backward, and BatchNorm in inference."""

from work import BOTH, INFERENCE, layer_work, shape_text

IMAGES = [(64, 28, 28, 8), (64, 32, 32, 16), (64, 16, 16, 64)]
SEQUENCES = [(128, 40, 200), (64, 64, 512), (4096, 64)]


def batch_norm(shape, passes):
    return layer_work(
        f"BatchNorm of {shape_text(shape)}",
        lambda nnlite: nnlite.BatchNorm(),
        lambda torch: torch.nn.BatchNorm2d(shape[-1]).train(passes == BOTH),
        shape,
        passes=passes,
        images=True,
    )


def layer_norm(shape):
    return layer_work(
        f"LayerNorm of {shape_text(shape)}",
        lambda nnlite: nnlite.LayerNorm(),
        lambda torch: torch.nn.LayerNorm(shape[-1]),
        shape,
    )


WORKS = [batch_norm(shape, passes) for shape in IMAGES for passes in (BOTH, INFERENCE)]
WORKS += [layer_norm(shape) for shape in SEQUENCES]
