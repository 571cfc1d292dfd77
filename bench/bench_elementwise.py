"""Elementwise layers on the hidden states of a batch: forward and backward."""

from work import layer_work, shape_text

SHAPE = (128, 40, 200)
LAYERS = [("Tanh",), ("Sigmoid",), ("ReLU",), ("LeakyReLU", 0.3), ("GELU",), ("Dropout", 0.2)]


def elementwise(name, *arguments):
    return layer_work(
        f"{name} of {shape_text(SHAPE)}",
        lambda nnlite: getattr(nnlite, name)(*arguments),
        lambda torch: getattr(torch.nn, name)(*arguments),
        SHAPE,
    )


WORKS = [elementwise(*layer) for layer in LAYERS]
