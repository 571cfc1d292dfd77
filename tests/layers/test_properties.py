"""What holds for every kernel, whatever the sizes and options: hypothesis looks for those where it does not.

For each drawn layer and input, in float32 and float64, and in both passes:

- the compiled kernel agrees with the reference;
- the bits do not depend on the number of threads;
- a row's answer does not depend on the rows beside it.

`make test` draws 200 examples a kernel, `make test-long` 5,000.
"""

import math

import numpy as np
import pytest
from chain import FLOAT32_BACKWARD, FLOAT64, threads
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_same_bits

import nnlite
from nnlite import (
    GELU,
    GRU,
    LSTM,
    RNN,
    AvgPool2D,
    BatchNorm,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    MeanAbsoluteError,
    MeanSquaredError,
    OneHot,
    ReLU,
    Sigmoid,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    ZeroPadding2D,
)

# Most sizes are small, where edges are; some cross the vectors and tiles of any CPU, or are shared by threads.
sizes = st.one_of(st.integers(1, 5), st.integers(1, 5), st.integers(6, 70))
few = st.integers(1, 4)
pairs = st.tuples(few, few)
flags = st.booleans()
paddings = st.one_of(st.sampled_from(["valid", "same"]), st.integers(0, 3), pairs)
activations = st.sampled_from([None, "relu", "tanh", "sigmoid", "gelu"])


def rows(*features, most=9):
    """Shapes (N, features...)."""
    return st.tuples(st.integers(1, most), *features)


def drawn(make, shapes, numbers=st.sampled_from(["normal", "whole", "large", "zeros"]), **options):  # noqa: B008
    """Examples (layer, its options, shape of x, numbers in x, further arguments of forward)."""
    return st.tuples(st.just(make), st.fixed_dictionaries(options), shapes, numbers, st.just({}))


@st.composite
def convolutions(draw):
    """Sizes up to where blocks of few multiplications and planes set in; groups that divide channels and filters."""
    groups = draw(st.one_of(st.just(1), st.just(1), st.integers(2, 9)))
    channels, filters = groups * draw(st.integers(1, 40 // groups)), groups * draw(st.integers(1, 40 // groups))
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 20))
    dilation = draw(st.one_of(st.just((1, 1)), st.tuples(st.integers(1, 3), st.integers(1, 3))))
    padding = draw(paddings)
    both = padding if isinstance(padding, tuple) else (0, 0) if isinstance(padding, str) else (padding, padding)
    most = [40 if padding == "same" else n + 2 * p for n, p in zip((height, width), both, strict=True)]
    window = [draw(st.integers(1, min(5, (m - 1) // d + 1))) for m, d in zip(most, dilation, strict=True)]
    options = {
        "filters": filters,
        "kernel_size": tuple(window),
        "strides": draw(st.one_of(st.just(1), pairs)),
        "padding": padding,
        "dilation_rate": dilation,
        "groups": groups,
        "use_bias": draw(flags),
        "activation": draw(activations),
    }
    return Conv2D, options, (draw(few), height, width, channels), draw(st.sampled_from(["normal", "whole"])), {}


@st.composite
def pools(draw, layer, **further):
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 20))
    window = draw(st.integers(1, min(4, height))), draw(st.integers(1, min(4, width)))
    padding = draw(st.one_of(st.sampled_from(["valid", "same"]), st.integers(0, min(window) // 2)))
    options = {"pool_size": window, "strides": draw(st.one_of(st.none(), pairs)), "padding": padding}
    options |= {k: draw(v) for k, v in further.items()}
    return layer, options, (draw(few), height, width, draw(sizes)), draw(st.sampled_from(["normal", "whole"])), {}


@st.composite
def recurrent(draw, layer, **further):
    """Floats and ids, states from outside or of zeros, lengths or none, both directions, all steps or the last."""
    N, T, F, H = draw(st.integers(1, 20)), draw(st.integers(1, 6)), draw(sizes), draw(sizes)
    options = {name: draw(flags) for name in ("return_sequences", "go_backwards")}
    options |= {"units": H, "input_dim": F} | {k: draw(v) for k, v in further.items()}
    named = {}
    if draw(flags):
        named["lengths"] = np.array(draw(st.lists(st.integers(0, T), min_size=N, max_size=N)))
    shape, numbers = ((N, T), F) if draw(flags) else ((N, T, F), draw(st.sampled_from(["normal", "whole", "zeros"])))
    return layer, options, shape, numbers, named


def ids(layer, **options):
    """Ids below the layer's number of different ones."""
    return st.integers(1, 50).flatmap(
        lambda n: drawn(layer, rows(st.integers(1, 9)), st.just(n), n=st.just(n), **options)
    )


vectors = rows(sizes, most=70)
images = rows(st.integers(1, 9), st.integers(1, 9), sizes)

KERNELS = {
    "conv2d": convolutions(),
    "max pool": pools(MaxPool2D),
    "average pool": pools(AvgPool2D, count_include_pad=flags),
    "global max pool": drawn(GlobalMaxPool2D, images, keepdims=flags),
    "global average pool": drawn(GlobalAvgPool2D, images, keepdims=flags),
    "zero padding": drawn(ZeroPadding2D, images, padding=st.one_of(few, pairs)),
    "dense": drawn(Dense, vectors, units=sizes, use_bias=flags, activation=activations),
    "dense of steps": drawn(Dense, rows(few, sizes), units=sizes),
    "lstm": recurrent(LSTM),
    "gru": recurrent(GRU, reset_after=flags),
    "rnn": recurrent(RNN, activation=st.sampled_from(["tanh", "relu"])),
    "embedding": ids(lambda n, **options: Embedding(n, **options), units=sizes),
    "one-hot": ids(lambda n, **options: OneHot(n, **options)),
    "batch norm": drawn(BatchNorm, vectors),
    "batch norm of images": drawn(BatchNorm, images),
    "layer norm": drawn(LayerNorm, vectors),
    "relu": drawn(ReLU, vectors),
    "leaky relu": drawn(LeakyReLU, vectors, negative_slope=st.floats(0, 2, allow_subnormal=False)),
    "gelu": drawn(GELU, vectors, approximate=flags),
    "sigmoid": drawn(Sigmoid, vectors),
    "tanh": drawn(Tanh, vectors),
    "softmax": drawn(Softmax, vectors),
    "dropout": drawn(Dropout, vectors, rate=st.floats(0, 0.9)),
}

ROWS_MEET = {"batch norm", "batch norm of images", "dropout"}  # in training


def numbers_of(kind, shape, rng):
    """Normal numbers; whole ones, which are equal often; large ones; zeros beside others; or ids below `kind`."""
    if isinstance(kind, int):
        return rng.integers(kind, size=shape)
    if kind == "whole":
        return rng.integers(-2, 3, size=shape).astype(float)
    x = rng.standard_normal(shape)
    return 20 * x if kind == "large" else x * rng.integers(2, size=shape) if kind == "zeros" else x


def both_passes(example, dtype, training, backend="compiled", first=None):
    """Outputs and gradients by name; of the first rows alone where `first` says how many."""
    make, options, shape, kind, named = example
    rng = np.random.default_rng(1)
    layer = make(**options, dtype=dtype, seed=7)
    layer.build(shape[1:])
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape) / math.sqrt(param.size / param.shape[-1])
    x = numbers_of(kind, shape, rng)[:first]
    x = x if isinstance(kind, int) else x.astype(dtype)
    named = {k: v[:first] for k, v in named.items()}
    with nnlite.use_backend(backend):
        y = layer.forward(x, training=training, **named)
        dy = rng.standard_normal((shape[0], *y.shape[1:]))[:first].astype(dtype)
        dx = layer.backward(dy)
    found = {"y": y} | {f"d{name}": grad.copy() for name, grad in layer.grads.items()}
    return found if dx is None else found | {"dx": dx}


def assert_agrees(value, reference, dtype, name):
    """Looser than the chain of trust: where terms of about 1 cancel, their rounding errors are what is left."""
    assert value.shape == reference.shape
    tolerance = FLOAT64 if dtype == "float64" else FLOAT32_BACKWARD
    atol = tolerance * max(1.0, np.abs(reference).max())
    np.testing.assert_allclose(value, reference, rtol=0, atol=atol, err_msg=name)


def kinked(example):
    """Whether a rounding error may choose another branch: relu at a sum that is 0 up to rounding."""
    return example[1].get("activation") == "relu"


@pytest.mark.parametrize("kernel", KERNELS)
@given(data=st.data())
def test_a_kernel_whatever_it_is_given(kernel, data):
    example = data.draw(KERNELS[kernel])
    dtype, training = data.draw(st.sampled_from(["float64", "float32"])), data.draw(flags)
    found = both_passes(example, dtype, training)
    assert all(np.isfinite(value).all() for value in found.values())

    if not (kinked(example) and dtype == "float32"):
        reference = both_passes(example, dtype, training, "reference")
        assert found.keys() == reference.keys()
        for name, value in found.items():
            assert_agrees(value, reference[name], dtype, name)

    for n in (1, 2, 3):
        with threads(n):
            for name, value in both_passes(example, dtype, training).items():
                assert_same_bits(value, found[name], f"{name} on {n} threads")

    first = data.draw(st.integers(1, example[2][0]))
    if not (training and kernel in ROWS_MEET):
        alone = both_passes(example, dtype, training, first=first)
        for name in alone.keys() & {"y", "dx"}:
            assert_same_bits(alone[name], found[name][:first], f"{name} of the first {first} rows alone")


LOSSES = {
    "squared error": lambda options: MeanSquaredError(),
    "absolute error": lambda options: MeanAbsoluteError(),
    "binary": lambda options: BinaryCrossentropy(from_logits=options["logits"], label_smoothing=options["smoothing"]),
    "categorical": lambda options: CategoricalCrossentropy(
        from_logits=options["logits"], label_smoothing=options["smoothing"]
    ),
    "sparse": lambda options: SparseCategoricalCrossentropy(from_logits=options["logits"]),
}


@pytest.mark.parametrize("loss", LOSSES)
@given(
    shape=st.tuples(st.integers(1, 70), sizes),
    options=st.fixed_dictionaries({"logits": flags, "smoothing": st.sampled_from([0.0, 0.1])}),
    dtype=st.sampled_from(["float64", "float32"]),
    seed=st.integers(0, 99),
)
def test_a_loss_whatever_it_is_given(loss, shape, options, dtype, seed):
    rng = np.random.default_rng(seed)
    z = 3 * rng.standard_normal(shape)
    if loss in ("squared error", "absolute error"):
        y_true, y_pred = rng.standard_normal(shape), z
    elif loss == "binary":
        y_true, y_pred = rng.integers(2, size=shape).astype(float), z if options["logits"] else 1 / (1 + np.exp(-z))
    else:
        y_pred = z if options["logits"] else np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
        labels = rng.integers(shape[1], size=shape[0])
        y_true = labels if loss == "sparse" else np.eye(shape[1])[labels]
    y_pred = y_pred.astype(dtype)
    y_true = y_true.astype(dtype) if y_true.dtype.kind == "f" else y_true
    results = []
    for backend, n in (("reference", 1), ("compiled", 1), ("compiled", 2), ("compiled", 3)):
        made = LOSSES[loss](options)
        with nnlite.use_backend(backend), threads(n):
            results.append({"loss": np.asarray(made.forward(y_true, y_pred)), "dy": made.backward()})
    reference, one, *more = results
    for name, value in one.items():
        assert_agrees(value, reference[name], dtype, name)
        for other in more:
            assert_same_bits(other[name], value, name)
