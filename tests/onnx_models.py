"""Models drawn at random, of every layer and option, for the bridges to other programs."""

import numpy as np

from nnlite import (
    GELU,
    GRU,
    LSTM,
    RNN,
    AvgPool2D,
    BatchNorm,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    OneHot,
    ReLU,
    RepeatVector,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    TimeDistributed,
    ZeroPadding2D,
)


class Draw:
    """Draws layers that fit a shape, one after the other."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one_of(self, *values):
        return values[self.rng.integers(len(values))]

    def number(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def maybe(self):
        return bool(self.rng.integers(2))

    def pair(self, low, high):
        return self.one_of(self.number(low, high), (self.number(low, high), self.number(low, high)))

    def padding(self):
        four = ((self.number(0, 2), self.number(0, 2)), (self.number(0, 2), self.number(0, 2)))
        return self.one_of("valid", "same", "same", self.number(0, 2), (self.number(0, 2), self.number(0, 2)), four)

    def activation(self):
        named = "relu", "sigmoid", "tanh", "softmax", "gelu", "leaky_relu"
        return self.one_of(None, None, *named, LeakyReLU(0.13), GELU(approximate=True))

    def recurrent(self, shape, **fixed):
        """RNN, LSTM or GRU with any options, or a pair of them."""
        options = {"return_sequences": self.maybe(), "dropout": self.one_of(0, 0.3)} | fixed
        options |= {"input_dim": shape[-1]} if self.maybe() and len(shape) == 2 else {}
        both = self.number(0, 2) == 0
        if not both:
            way = self.number(0, 4)
            options |= (
                {"go_backwards": True} if way == 0 else {"stateful": self.one_of(True, "training")} if way == 1 else {}
            )
        kind = self.number(0, 4)
        if kind == 0:
            layer = RNN(self.number(1, 9), activation=self.one_of("tanh", "relu"), **options)
        elif kind < 3:
            layer = LSTM(self.number(1, 9), **options)
        else:
            layer = GRU(self.number(1, 9), reset_after=self.maybe(), **options)
        return Bidirectional(layer, self.one_of("concat", "sum", "mul", "ave")) if both else layer

    def anywhere(self):
        """A layer for an array of any shape."""
        kinds = ReLU, Sigmoid, Tanh, Softmax, GELU, LeakyReLU, LayerNorm, BatchNorm, LayerNorm, BatchNorm
        makers = *kinds, lambda: GELU(approximate=True), lambda: LeakyReLU(0.01), lambda: Dropout(0.3)
        makers += (lambda: LayerNorm(epsilon=0.01), lambda: BatchNorm(momentum=0.9, epsilon=1e-4))
        makers += (lambda: Dense(self.number(1, 7), self.activation(), self.maybe()),) * 4
        return self.one_of(*makers)()

    def of_image(self, shape):
        C = shape[2]
        groups = self.one_of(1, 1, C)
        makers = (
            lambda: Conv2D(
                groups * self.number(1, 4), self.pair(1, 3), self.pair(1, 2), self.padding(), groups=groups,
                dilation_rate=self.pair(1, 2), use_bias=self.maybe(), activation=self.activation(),
            ),
            lambda: MaxPool2D(self.pair(1, 3), self.one_of(None, self.pair(1, 3)), self.padding()),
            lambda: AvgPool2D(
                self.pair(1, 3), self.one_of(None, self.pair(1, 3)), self.padding(), count_include_pad=self.maybe()
            ),
            lambda: self.one_of(GlobalAvgPool2D, GlobalMaxPool2D)(keepdims=self.maybe()),
            lambda: ZeroPadding2D(self.one_of(1, (0, 1), ((1, 0), (2, 1)))),
            self.anywhere,
        )  # fmt: skip
        return self.one_of(makers[0], *makers)()

    def layer(self, shape):
        """A layer for inputs of this shape, without the batch axis."""
        if len(shape) == 1:
            makers = (
                lambda: RepeatVector(self.number(1, 4)),
                lambda: Reshape((shape[0], 1)),
                lambda: Reshape((1, -1, 1)),
            )
            return self.one_of(self.anywhere, self.anywhere, *makers)()
        if len(shape) == 2:
            inside = self.one_of(self.anywhere, lambda: Reshape((-1, 1, 1)), Flatten, lambda: RepeatVector(2))
            makers = (lambda: TimeDistributed(inside()), Flatten, lambda: Reshape((shape[1], -1)))
            return self.one_of(self.anywhere, *[lambda: self.recurrent(shape)] * 4, *makers)()
        if len(shape) == 3:
            ends = Flatten, lambda: Reshape((-1, shape[2])), lambda: TimeDistributed(self.anywhere())
            return self.one_of(*[lambda: self.of_image(shape)] * 7, *ends)()
        ends = Flatten, lambda: TimeDistributed(Flatten()), lambda: Reshape((shape[0], -1)), self.anywhere
        return self.one_of(*[lambda: TimeDistributed(self.of_image(shape[1:]))] * 4, *ends)()

    def model(self, dtype="float32"):
        """A model, and the shape of its inputs; and V where these are ids, else None."""
        F, V = self.number(1, 6), None
        shape = self.one_of(
            (F,), *[(self.number(1, 6), F)] * 2, *[(self.number(3, 9), self.number(3, 9), F)] * 4,
            (self.number(2, 3), self.number(3, 5), self.number(3, 5), 2), None, None,
        )  # fmt: skip
        layers = []
        if shape is None:
            V, shape = self.number(1, 9), (self.number(1, 6),)
            first = self.one_of(Embedding(V, 3), OneHot(V), self.recurrent(shape, input_dim=V, dropout=0))
            layers.append(first)
        start, model = shape, None
        for _ in range(self.number(0 if layers else 1, 6)):
            if layers:
                shape = Sequential(layers, dtype=dtype).output_shape(start) if model is None else model.output_shape()
            layer = self.layer(shape)
            try:
                Sequential([layer], dtype=dtype).build(shape)
            except ValueError:  # such as a window that does not fit
                continue
            if int(np.prod(layer.output_shape(shape))) > 3000:
                continue
            layers.append(layer)
            model = None
        if not layers:
            layers = [Tanh()]
        if len(layers) > 2 and self.number(0, 3) == 0:
            layers = [layers[0], Sequential(layers[1:-1], name="inner"), layers[-1]]
        return Sequential(layers, start, dtype, seed=self.number(0, 99)), start, V

    def fill(self, model):
        """Other numbers than those that weights start with, zeros among them."""
        for array in model.params.values():
            array += self.rng.normal(size=array.shape) * 0.2
        for name, array in model.statistics.items():
            values = self.rng.uniform(0.5, 2, array.shape) if "variance" in name else self.rng.normal(size=array.shape)
            array[...] = values.astype(model.dtype)  # statistics are float64 in any model

    def inputs(self, N, shape, V, dtype="float32"):
        if V is not None:
            return self.rng.integers(0, V, (N, *shape))
        return self.rng.normal(size=(N, *shape)).astype(dtype)
