"""Numbers near zero beside ordinary ones: gradients that decay over time or with training, and weights of 1e-40.

The peer is nnlite itself, with numbers of ordinary size: the ratio should be 1.
"""

import numpy as np
from work import Work, normal

ROWS, PIXELS = (128, 512), (16, 28, 28, 32)

# From names to layers, the shape of x, and what x holds instead of floats: ids below this number.
LAYERS = {
    "Dense 512 to 512": (lambda n: n.Dense(512), ROWS, None),
    "Dense 512 to 512, one row": (lambda n: n.Dense(512), (1, 512), None),
    "Conv2D 3 x 3, 32 to 32": (lambda n: n.Conv2D(32, 3), PIXELS, None),
    "Conv2D 5 x 5, 32 to 32": (lambda n: n.Conv2D(32, 5), PIXELS, None),
    "Conv2D 3 x 3, 1 to 8": (lambda n: n.Conv2D(8, 3), (64, 28, 28, 1), None),
    "MaxPool2D": (lambda n: n.MaxPool2D(), PIXELS, None),
    "AvgPool2D": (lambda n: n.AvgPool2D(), PIXELS, None),
    "BatchNorm": (lambda n: n.BatchNorm(), PIXELS, None),
    "LayerNorm": (lambda n: n.LayerNorm(), PIXELS, None),
    "Tanh": (lambda n: n.Tanh(), ROWS, None),
    "Sigmoid": (lambda n: n.Sigmoid(), ROWS, None),
    "ReLU": (lambda n: n.ReLU(), ROWS, None),
    "LeakyReLU": (lambda n: n.LeakyReLU(), ROWS, None),
    "GELU": (lambda n: n.GELU(), ROWS, None),
    "Softmax": (lambda n: n.Softmax(), ROWS, None),
    "Dropout": (lambda n: n.Dropout(0.2), ROWS, None),
    "Embedding": (lambda n: n.Embedding(50, 64), (64, 40), 50),
}
OPTIMIZERS = {
    "SGD with momentum": lambda n: n.SGD(momentum=0.9),
    "RMSprop": lambda n: n.RMSprop(rho=0.9),
    "Adam": lambda n: n.Adam(),
}


def layer_passes(make, shape, ids, scale):
    """Both passes, x, parameters and dy being as large as `scale` says."""

    def prepare():
        import nnlite

        layer = make(nnlite)
        x = np.random.default_rng(0).integers(ids, size=shape) if ids else normal(*shape) * np.float32(scale)
        layer.build(shape[1:])
        for param in layer.params.values():
            param[...] = normal(*param.shape) * scale
        dy = normal(*layer.forward(x).shape) * np.float32(scale)

        def run():
            layer.forward(x, training=True)
            layer.backward(dy)

        return run

    return prepare


def lstm_step(scale):
    """An image as a sequence of 784 pixels, one label: the gradient of the first steps has come a long way."""

    def prepare():
        import nnlite

        layer, x = nnlite.LSTM(100, input_dim=1, seed=0), normal(32, 784, 1)
        dy = normal(*layer.forward(x, training=True).shape) * np.float32(scale)

        def run():
            layer.forward(x, training=True)
            layer.backward(dy)

        return run

    return prepare


def update(make, zero_gradients):
    """A step after so many whose gradients were zero, as those of units that a ReLU has switched off."""

    def prepare():
        import nnlite

        optimizer, params, grads = make(nnlite), {"w": normal(200_000)}, {"w": normal(200_000)}
        optimizer.apply(grads, params)
        if zero_gradients:
            grads["w"][:] = 0
        for _ in range(zero_gradients):
            optimizer.apply(grads, params)
        return lambda: optimizer.apply(grads, params)

    return prepare


def beside_normal(name, prepare, normal_size, subnormal_size):
    contestants = {"nnlite": prepare(subnormal_size), "normal numbers": prepare(normal_size)}
    return Work(f"{name}, subnormal numbers", contestants, threads=(1,))


WORKS = [
    beside_normal("LSTM 100 over 784 steps with one output", lstm_step, 1, 1e-30),
    *(
        beside_normal(f"{name} after gradients of 0", lambda n, make=make: update(make, n), 0, 1500)
        for name, make in OPTIMIZERS.items()
    ),
    *(
        beside_normal(name, lambda scale, rest=rest: layer_passes(*rest, scale), 1, 1e-39)
        for name, rest in LAYERS.items()
    ),
]
