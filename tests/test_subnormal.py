"""Inside of a kernel subnormal numbers are 0, in every thread of it; outside nothing has changed."""

import ctypes
import math
import os
import platform
import subprocess
import sys
import threading

import numpy as np
import pytest
from chain import float_types, randomized, threads
from numeric import assert_same_bits

import nnlite
from nnlite.kernels import activation, dense, host, update


def is_loaded(library):
    try:
        return bool(ctypes.CDLL(library, os.RTLD_NOW | os.RTLD_NOLOAD))
    except OSError:
        return False


ARM = platform.machine() == "aarch64"  # with GCC's OpenMP alone there is a way to reach every thread
pytestmark = pytest.mark.skipif(
    not (platform.machine() in ("x86_64", "AMD64") or (ARM and is_loaded("libgomp.so.1"))),
    reason="where subnormal numbers cost nothing they may live",
)


def subnormals(array):
    return int(((array != 0) & (np.abs(array) < np.finfo(array.dtype).smallest_normal)).sum())


def small(shape, dtype, rng=0):
    """Numbers of which most are subnormal: around a tenth of the smallest normal one, of both signs."""
    x = np.random.default_rng(rng).standard_normal(shape) * (0.1 * float(np.finfo(dtype).smallest_normal))
    x = x.astype(dtype)
    assert subnormals(x) > 0.9 * x.size
    return x


# From names to layers and the shape of x.
IMAGES, SEQUENCES = (5, 9, 11, 7), (19, 6, 5)
LAYERS = {
    "dense": (lambda **kw: nnlite.Dense(37, **kw), (41, 67)),
    "dense, one row": (lambda **kw: nnlite.Dense(37, **kw), (1, 67)),
    "3 x 3": (lambda **kw: nnlite.Conv2D(17, 3, padding="same", **kw), IMAGES),
    "winograd": (lambda **kw: nnlite.Conv2D(32, 3, padding="same", **kw), (3, 20, 20, 16)),
    "5 x 5, stride 2": (lambda **kw: nnlite.Conv2D(17, 5, strides=2, **kw), IMAGES),
    "few channels": (lambda **kw: nnlite.Conv2D(9, 3, **kw), (5, 9, 11, 1)),
    "groups": (lambda **kw: nnlite.Conv2D(14, 3, groups=7, **kw), IMAGES),
    "average": (lambda **kw: nnlite.AvgPool2D(2, **kw), IMAGES),
    "rnn": (lambda **kw: nnlite.RNN(13, **kw), SEQUENCES),
    "lstm": (lambda **kw: nnlite.LSTM(13, return_sequences=True, **kw), SEQUENCES),
    "gru": (lambda **kw: nnlite.GRU(13, **kw), SEQUENCES),
    "gru, reset before": (lambda **kw: nnlite.GRU(13, reset_after=False, **kw), SEQUENCES),
    "batch norm": (lambda **kw: nnlite.BatchNorm(**kw), IMAGES),
    "layer norm": (lambda **kw: nnlite.LayerNorm(**kw), IMAGES),
    "tanh": (lambda **kw: nnlite.Tanh(**kw), (37, 41)),
    "sigmoid": (lambda **kw: nnlite.Sigmoid(**kw), (37, 41)),
    "gelu": (lambda **kw: nnlite.GELU(**kw), (37, 41)),
    "leaky relu": (lambda **kw: nnlite.LeakyReLU(0.1, **kw), (37, 41)),
    "softmax": (lambda **kw: nnlite.Softmax(**kw), (37, 41)),
    "dropout": (lambda **kw: nnlite.Dropout(0.3, **kw), (37, 41)),
}
# Where numbers are moved and not computed with, they may pass.
MOVED = {
    "relu": (lambda **kw: nnlite.ReLU(**kw), (37, 41)),
    "max": (lambda **kw: nnlite.MaxPool2D(2, **kw), IMAGES),
    "embedding": (lambda **kw: nnlite.Embedding(9, 13, **kw), (41, 7)),
}


def passes(make, shape, dtype, x_is_small, rows=slice(None)):
    """y, dx and the gradients of the parameters for some rows of a batch. dy is small, x and the parameters may be."""
    layer = make(dtype=dtype, seed=3)
    layer.build(shape[1:])
    randomized(layer)
    layer.rng = np.random.default_rng(3)
    if isinstance(layer, nnlite.Embedding):
        x = np.random.default_rng(1).integers(9, size=shape)
    else:
        x = small(shape, dtype) if x_is_small else np.random.default_rng(1).standard_normal(shape).astype(dtype)
    if x_is_small:
        for param in layer.params.values():
            param[...] = small(param.shape, dtype, 2)
    y = layer.forward(x[rows], training=True)
    dy = small((shape[0], *y.shape[1:]), dtype, 4)[rows]
    dx = layer.backward(dy)
    return {"y": y, "dx": dx} | {f"d{name}": grad for name, grad in layer.grads.items()}


@float_types
@pytest.mark.parametrize("x_is_small", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_what_would_be_subnormal_is_0(name, x_is_small, dtype):
    for what, value in passes(*LAYERS[name], dtype, x_is_small).items():
        assert subnormals(value) == 0, what
        assert np.isfinite(value).all(), what


@float_types
@pytest.mark.parametrize("x_is_small", [False, True])
@pytest.mark.parametrize("name", [*LAYERS, *MOVED])
def test_threads_do_not_matter(name, x_is_small, dtype):
    make, shape = (LAYERS | MOVED)[name]
    results = []
    for n in (1, 2, 3):
        with threads(n):
            results.append(passes(make, (100 * shape[0], *shape[1:]), dtype, x_is_small))
    for other in results[1:]:
        for what, value in other.items():
            if value is not None:
                assert_same_bits(value, results[0][what], what)


@float_types
@pytest.mark.parametrize("name", sorted((LAYERS | MOVED).keys() - {"batch norm", "dropout", "dense, one row"}))
def test_the_other_rows_of_a_batch_do_not_matter(name, dtype):
    make, shape = (LAYERS | MOVED)[name]
    for x_is_small in (False, True):
        whole = passes(make, shape, dtype, x_is_small)
        for rows in (slice(0, 1), slice(1, 3)):
            part = passes(make, shape, dtype, x_is_small, rows)
            for what in ("y", "dx"):
                if whole[what] is not None:
                    assert_same_bits(part[what], whole[what][rows], what)


@float_types
@pytest.mark.parametrize("n", [1, 16, 37, 700_000])
def test_a_parameter_does_not_move_by_less_than_the_smallest_normal_number(n, dtype):
    g, rates = small(n, dtype), (1.0, math.inf)
    for function, memory, others in [
        (update.sgd, 0, (0.1,)),
        (update.sgd_momentum, 1, (0.1, 0.9, True)),
        (update.adagrad, 1, (0.1, 1e-7)),
        (update.rmsprop, 3, (0.1, 0.9, 0.8, 1e-7)),
        (update.adam, 2, (0.1, 0.9, 0.999, 1e-7, 0.0, 3)),
    ]:
        for n_threads in (1, 2):
            with threads(n_threads):
                arrays = [small(n, dtype, i) for i in range(1 + memory)]
                function(g, *arrays, *others, *rates)
                for array in arrays:
                    assert subnormals(array) == 0, function.__name__
    assert subnormals(g) > 0.9 * n, "an input is not changed"


@float_types
def test_averages_leave_the_subnormal_numbers(dtype):
    """They decay by 0.9 a step: rounded to subnormal numbers they would stay at the smallest for ever.

    Without fused multiplications Adam's stays ten times above: the tenth that is to be subtracted is subnormal.
    """
    zeros, p, velocity, square, mean = (np.full(50, value, dtype) for value in (0, 1, 1, 1, 1))
    for t in range(1, 9000 if dtype == "float64" else 1500):
        update.sgd_momentum(zeros, p, velocity, 0.1, 0.9, False, 1.0, math.inf)
        update.rmsprop(zeros, p, square, None, None, 0.1, 0.9, 0.0, 1e-7, 1.0, math.inf)
        update.adam(zeros, p, mean, np.ones(50, dtype), 0.1, 0.9, 0.999, 1e-7, 0.0, t, 1.0, math.inf)
    assert not velocity.any()
    assert not square.any()
    assert subnormals(mean) == 0
    assert mean.max() <= 10 * np.finfo(dtype).smallest_normal


@float_types
def test_gradients_are_exact_down_to_the_smallest_normal_number(dtype):
    """dx = dy W' decays by powers of two: each is exact until it is 0."""
    info = np.finfo(dtype)
    W, b = np.full((1, 1), 0.5, dtype), np.zeros(1, dtype)
    dx, dy = np.empty((1, 1), dtype), np.ones((1, 1), dtype)
    for k in range(1, 2 - info.minexp):
        dense.backward(np.ones((1, 1), dtype), W, dy, dx, None, None)
        assert dx[0, 0] == (2.0**-k if k <= -info.minexp else 0)
        dy, dx = dx, dy
    assert b == 0


# ------------------------------------------------------------------------------------------ outside of a kernel

FLUSH, UPWARD = (1 << 24, 1 << 22) if ARM else (0x8040, 0x4000)
SMALL = small(1_000_000, "float32")  # here: where the mode is set, NumPy cannot make them
libm = ctypes.CDLL(None)


def mode(new=None):
    """The calling thread's MXCSR, or FPCR, without the flags of what has happened; first set it."""
    environment = (ctypes.c_uint32 * 8)()  # glibc and musl: the last word is MXCSR, on ARM the first of two is FPCR
    word = 0 if ARM else 7
    libm.fegetenv(environment)
    if new is not None:
        environment[word] = new
        libm.fesetenv(environment)
    return environment[word] & ~0x3F


linux = pytest.mark.skipif(platform.system() != "Linux", reason="reads what C's library on Linux keeps where")


@pytest.fixture
def usual():
    before = mode()
    yield before
    mode(before)


def use_kernels():
    """With and without a loop of many threads, and where a door refuses its arrays."""
    x, y = SMALL, np.empty_like(SMALL)
    for n in (1, 2):
        with threads(n):
            activation.tanh_forward(x, y)
            assert not y.any()
            dense.forward(x[:16].reshape(1, 16), x[:16].reshape(16, 1), None, y[:1].reshape(1, 1))
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        activation.tanh_forward["float"](x, y.astype("float64"))


@linux
@pytest.mark.parametrize("added", [0, UPWARD, FLUSH, *([] if ARM else [0x0040, 0x8000 | UPWARD])])
def test_the_mode_is_afterwards_what_it_was(usual, added):
    mode(usual | added)
    try:
        use_kernels()
        after = mode()
    finally:
        mode(usual)
    assert after == usual | added


@linux
def test_every_python_thread_keeps_its_own_mode(usual):
    """One that computes while the other is inside of a kernel sees nothing of it."""
    ended, seen = threading.Event(), []

    def other():
        mode(usual | UPWARD)
        while not ended.is_set():
            use_kernels()
        seen.append(mode())

    thread = threading.Thread(target=other)
    thread.start()
    numbers = np.full(100_000, 1e-40, "float32")
    try:
        for _ in range(100):
            assert (numbers * np.float32(0.5)).all()
            assert mode() == usual
    finally:
        ended.set()
        thread.join()
    assert seen == [usual | UPWARD]


@linux
@pytest.mark.skipif(not host.has_openmp(), reason="compiled without OpenMP: there is one thread only")
@pytest.mark.parametrize("added", [0, FLUSH])
def test_threads_that_a_kernel_leaves_behind_compute_as_before(added):
    """Other libraries use the threads of OpenMP, too, and those are made in the middle of a kernel."""
    program = f"""
import ctypes, os, sys
from test_subnormal import mode, use_kernels
usual = mode()
mode(usual | {added})
use_kernels()
try:
    openmp = ctypes.CDLL("libgomp.so.1", os.RTLD_NOW | os.RTLD_NOLOAD)
except OSError:  # Clang's library gives its threads the mode of whoever uses them
    sys.exit()
modes = []
openmp.GOMP_parallel(ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: modes.append(mode())), None, 2, 0)
assert modes == [usual | {added}] * 2, (modes, usual)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
