"""Random models of Keras and of PyTorch, as lists of what their layers are made with."""

from types import SimpleNamespace

import numpy as np


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def size(rng, least=1, most=5):
    return int(rng.integers(least, most + 1))


def keras_model(keras, rng):
    """A model of Keras in float64 with random weights, and inputs for it."""
    kind = pick(rng, "images", "sequences", "ids", "rows", "films")
    L, parts = SimpleNamespace(**vars(keras.layers), Sequential=keras.Sequential), []
    if kind == "images":
        shape = (size(rng, 6, 9), size(rng, 6, 9), size(rng, 1, 4))
        parts += images(L, rng, shape)
        parts += rows(L, rng)
    elif kind == "films":
        shape = (3, 6, 5, 2)
        conv = L.Conv2D(size(rng), 3, padding="same")
        parts += [L.TimeDistributed(pick(rng, conv, L.DepthwiseConv2D(2))), L.TimeDistributed(L.Flatten())]
        parts += sequences(L, rng)
    elif kind == "rows":
        shape = (size(rng),)
        parts += rows(L, rng)
    else:
        shape = (size(rng, 2, 5), size(rng))
        if kind == "ids":
            shape = shape[:1]
            parts.append(L.Embedding(7, size(rng)))
        parts += sequences(L, rng)
    model = keras.Sequential([keras.Input(shape, dtype="int32" if kind == "ids" else "float64"), *parts])
    model.set_weights([spread(rng, w) for w in model.get_weights()])
    x = rng.integers(7, size=(4, *shape)) if kind == "ids" else rng.standard_normal((4, *shape))
    return model, x


def spread(rng, weight):
    """Weights of any value; variances stay positive, as all are."""
    return np.abs(weight + 0.3 * rng.standard_normal(weight.shape)) + 0.1 * rng.standard_normal(weight.shape) ** 2


def images(L, rng, shape):
    C = shape[-1]
    for _ in range(size(rng, 1, 3)):
        bias = {"use_bias": bool(rng.integers(2)), "activation": pick(rng, None, "relu", "tanh", "gelu")}
        where = {"padding": pick(rng, "same", "same", "valid")}
        kind = pick(rng, "conv", "groups", "depthwise", "separable", "norm", "pool", "pad", "activation", "inner")
        if kind == "conv":
            C = size(rng)
            yield L.Conv2D(C, pick(rng, 1, 2, (2, 3)), strides=pick(rng, 1, 1, 2), **where, **bias)
        elif kind == "groups":
            filters = C * size(rng, 1, 2)
            yield L.Conv2D(filters, 2, dilation_rate=pick(rng, 1, 2), groups=C, padding="same", **bias)
            C = filters
        elif kind == "depthwise":
            m = size(rng, 1, 2)
            yield L.DepthwiseConv2D(pick(rng, 1, 3), depth_multiplier=m, **where, **bias)
            C *= m
        elif kind == "separable":
            new = size(rng)
            yield L.SeparableConv2D(new, pick(rng, 1, 2), depth_multiplier=size(rng, 1, 2), **where, **bias)
            C = new
        elif kind == "norm":
            flags = {"center": bool(rng.integers(4)), "scale": bool(rng.integers(4))}
            if not any(flags.values()):
                flags["center"] = True
            yield pick(rng, L.BatchNormalization, L.LayerNormalization)(epsilon=pick(rng, 1e-3, 0.01), **flags)
        elif kind == "pool":
            yield pick(rng, L.MaxPooling2D, L.AveragePooling2D)(pick(rng, 1, (2, 1)), strides=1)
        elif kind == "pad":
            yield L.ZeroPadding2D(((1, 0), (2, 1)))
        elif kind == "inner":
            yield L.Sequential([L.Conv2D(C, 1), L.BatchNormalization()])
        else:
            yield pick(rng, L.ReLU(), L.LeakyReLU(negative_slope=0.1), L.Activation("tanh"), L.ReLU(negative_slope=0.3))
    yield pick(rng, L.Flatten, L.Flatten, L.GlobalMaxPooling2D, L.GlobalAveragePooling2D)()


def sequences(L, rng):
    for _ in range(size(rng, 1, 3)):
        kind = pick(rng, "recurrent", "both", "each", "norm")
        if kind == "recurrent":
            yield recurrent(L, rng, return_sequences=True, go_backwards=bool(rng.integers(2)))
        elif kind == "both":
            layer = recurrent(L, rng, return_sequences=True)
            yield L.Bidirectional(layer, merge_mode=pick(rng, "concat", "sum", "mul", "ave"))
        elif kind == "each":
            yield pick(rng, L.TimeDistributed(L.Dense(size(rng))), L.Dense(size(rng)), L.Sequential([L.Dense(3)]))
        else:
            yield L.LayerNormalization()
    layer = recurrent(L, rng)
    yield pick(rng, layer, L.Bidirectional(layer), L.Flatten())
    yield L.Dense(size(rng))


def recurrent(L, rng, **options):
    options |= {"use_bias": bool(rng.integers(5))}
    kind = pick(rng, L.LSTM, L.GRU, L.SimpleRNN)
    if kind is L.GRU:
        options["reset_after"] = bool(rng.integers(2))
    if kind is L.SimpleRNN:
        options["activation"] = pick(rng, "tanh", "relu")
    return kind(size(rng), **options)


def rows(L, rng):
    for _ in range(size(rng, 1, 3)):
        yield L.Dense(size(rng), activation=pick(rng, None, "relu", "tanh", "sigmoid", "leaky_relu", "softmax"))
        yield pick(rng, L.BatchNormalization(momentum=0.5), L.LayerNormalization(), L.ReLU(), L.Activation("linear"))
    yield L.Dense(size(rng), use_bias=bool(rng.integers(2)))


def torch_model(torch, nnlite, rng):
    """A module of PyTorch in float64, the model of nnlite of the same layers with other weights, and inputs."""
    kind = pick(rng, "images", "sequences", "ids", "rows", "drawn", "films")
    nn, pairs = torch.nn, []
    if kind in ("images", "films"):
        shape = (size(rng, 5, 8), size(rng, 5, 8), size(rng, 1, 4))
        pairs += torch_images(nn, nnlite, rng, shape, kind == "films")
        shape = (3, *shape) if kind == "films" else shape
    elif kind == "drawn":  # a row that becomes an image
        shape, (H, W, C) = (size(rng),), (size(rng, 2, 4), size(rng, 2, 4), size(rng, 1, 3))
        pairs.append((nn.Linear(*shape, H * W * C), nnlite.Dense(H * W * C), None))
        if rng.integers(2):
            pairs.append((nn.BatchNorm1d(H * W * C, momentum=0.5), nnlite.BatchNorm(momentum=0.5, epsilon=1e-5), None))
        pairs.append((nn.Unflatten(1, (C, H, W)), nnlite.Reshape((H, W, C)), None))
        pairs += [(nn.Conv2d(C, 2, 2, bias=False), nnlite.Conv2D(2, 2, use_bias=False), None)]
        pairs += [(nn.Flatten(), nnlite.Flatten(), None)]
        pairs += torch_rows(nn, nnlite, rng, 2 * (H - 1) * (W - 1))
    elif kind == "rows":
        shape = (size(rng),)
        pairs += torch_rows(nn, nnlite, rng, *shape)
    else:
        shape = (size(rng, 2, 5), size(rng))
        if kind == "ids":
            E = shape[1]
            shape = shape[:1]
            pairs.append((nn.Embedding(7, E), nnlite.Embedding(7, E), None))
            pairs += torch_sequences(nn, nnlite, rng, E)
        else:
            pairs += torch_sequences(nn, nnlite, rng, shape[1])
    x = rng.integers(7, size=(4, *shape)) if kind == "ids" else rng.standard_normal((4, *shape))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            names = rng.permutation([f"{a}{b}" for a in "pqrstuvw" for b in "xyz"])
            is_numbered = rng.integers(2)
            for number, (module, _, _) in enumerate(pairs):
                self.add_module(str(number) if is_numbered else str(names[number]), module)

        def forward(self, x):
            if x.is_floating_point() and kind in ("images", "films"):
                x = x.movedim(-1, -3)
            for module, (_, _, after) in zip(self.children(), pairs, strict=True):
                if after == "each":
                    y = module(x.flatten(0, 1))
                    x = y.unflatten(0, x.shape[:2])
                    continue
                x = module(x)
                x = x[0] if isinstance(x, tuple) else x
                if after == "last":
                    x = x[:, -1]
                elif after == "both":  # the last of each direction's own
                    H = x.shape[-1] // 2
                    x = torch.cat([x[:, -1, :H], x[:, 0, H:]], 1)
                elif after == "mean":
                    x = x.mean((2, 3))
            return x

    theirs = Net().double()
    with torch.no_grad():
        for array in theirs.state_dict().values():
            if array.is_floating_point():
                array.copy_(torch.tensor(spread(rng, array.numpy())))
    layers = [layer for _, ours, _ in pairs for layer in (ours if isinstance(ours, list) else [ours])]
    return theirs, nnlite.Sequential(layers, input_shape=shape, dtype="float64", seed=int(rng.integers(99))), x


def torch_images(nn, nnlite, rng, shape, is_film):
    H, W, C = shape

    def each(layer):
        return nnlite.TimeDistributed(layer) if is_film else layer

    after = "each" if is_film else None
    for _ in range(size(rng, 1, 3)):
        kind = pick(rng, "conv", "groups", "norm", "activation", "pool")
        bias = bool(rng.integers(2))
        if kind == "conv":
            new, (kh, kw), P = size(rng), pick(rng, (1, 1), (2, 2), (2, 3)), size(rng, 0, 1)
            ours = nnlite.Conv2D(new, (kh, kw), padding=P, use_bias=bias)
            yield nn.Conv2d(C, new, (kh, kw), padding=P, bias=bias), each(ours), after
            H, W, C = H + 2 * P - kh + 1, W + 2 * P - kw + 1, new
        elif kind == "groups":
            new = C * size(rng, 1, 2)
            ours = nnlite.Conv2D(new, 3, padding=1, groups=C, use_bias=bias)
            yield nn.Conv2d(C, new, 3, padding=1, groups=C, bias=bias), each(ours), after
            C = new
        elif kind == "norm":
            yield nn.BatchNorm2d(C, momentum=0.5), each(nnlite.BatchNorm(momentum=0.5, epsilon=1e-5)), after
        elif kind == "activation":
            yield (*pick(rng, (nn.ReLU(), each(nnlite.ReLU())), (nn.Tanh(), each(nnlite.Tanh()))), after)
        else:
            yield nn.MaxPool2d(2, stride=1), each(nnlite.MaxPool2D(2, strides=1)), after
            H, W = H - 1, W - 1
    if not is_film and rng.integers(4) == 0:
        yield nn.Identity(), nnlite.GlobalAvgPool2D(), "mean"
        yield from torch_rows(nn, nnlite, rng, C)
        return
    yield nn.Flatten(), each(nnlite.Flatten()), after
    F = H * W * C
    if is_film:
        yield from torch_sequences(nn, nnlite, rng, F)
        return
    if rng.integers(2):
        yield nn.BatchNorm1d(F), nnlite.BatchNorm(epsilon=1e-5, momentum=0.9), None
    yield from torch_rows(nn, nnlite, rng, F)


def torch_sequences(nn, nnlite, rng, F):
    for is_last in (*[False] * size(rng, 0, 2), True):
        kind = pick(rng, "LSTM", "GRU", "RNN")
        H, depth, is_both, has_bias = size(rng), size(rng), bool(rng.integers(2)), bool(rng.integers(4))
        depth = min(depth, 3)
        activation = {"nonlinearity": pick(rng, "tanh", "relu")} if kind == "RNN" else {}
        theirs = getattr(nn, kind)(F, H, depth, batch_first=True, bidirectional=is_both, bias=has_bias, **activation)
        ours = []
        for number in range(depth):
            options = {"activation": activation["nonlinearity"]} if activation else {}
            layer = getattr(nnlite, kind)(H, return_sequences=not is_last or number < depth - 1, **options)
            ours.append(nnlite.Bidirectional(layer) if is_both else layer)
        yield theirs, ours, ("both" if is_both else "last") if is_last else None
        F = 2 * H if is_both else H
        if not is_last and rng.integers(2):
            yield nn.LayerNorm(F), nnlite.LayerNorm(epsilon=1e-5), None
    yield from torch_rows(nn, nnlite, rng, F)


def torch_rows(nn, nnlite, rng, F):
    for _ in range(size(rng, 1, 3)):
        U = size(rng)
        bias = bool(rng.integers(4))
        yield nn.Linear(F, U, bias=bias), nnlite.Dense(U, activation=pick(rng, None, "linear"), use_bias=bias), None
        layer_norm = nn.LayerNorm(U), nnlite.LayerNorm(epsilon=1e-5)
        batch_norm = nn.BatchNorm1d(U), nnlite.BatchNorm(epsilon=1e-5, momentum=0.9)
        yield (*pick(rng, layer_norm, batch_norm, (nn.Tanh(), nnlite.Tanh())), None)
        F = U
    yield nn.Linear(F, 2), nnlite.Dense(2), None
