"""Too many threads, too little memory for them, and whatever OpenMP's variables hold: kernels compute nevertheless."""

import os
import subprocess
import sys

import pytest

from nnlite.kernels import host

pytestmark = pytest.mark.skipif(not host.has_openmp(), reason="compiled without OpenMP: there is one thread only")

# Kernels that share their work, and some that need much of a stack.
WORK = """
import os, sys, numpy as np, nnlite
rng = np.random.default_rng(0)
def drawn(*shape):
    return rng.standard_normal(shape).astype(dtype)
def results():
    for kind, sizes, options, shape in (
        (nnlite.Dense, [300], {}, (64, 300)),
        (nnlite.LSTM, [90], dict(return_sequences=True), (32, 9, 70)),
        (nnlite.GRU, [90], dict(return_sequences=True), (32, 9, 70)),
        (nnlite.GRU, [90], dict(reset_after=False), (32, 9, 70)),
        (nnlite.Conv2D, [32, 3], {}, (8, 20, 20, 16)),
        (nnlite.Conv2D, [32, 3], dict(groups=16), (8, 20, 20, 16)),
        (nnlite.Conv2D, [7, 5], dict(strides=2), (8, 40, 40, 3)),
        (nnlite.MaxPool2D, [3], {}, (32, 60, 60, 3)),
        (nnlite.LayerNorm, [], {}, (6000, 100)),
        (nnlite.BatchNorm, [], {}, (6000, 100)),
        (nnlite.Softmax, [], {}, (6000, 100)),
        (nnlite.Dense, [30], {}, (5000, 30)),
    ):
        layer = kind(*sizes, **options, dtype=dtype, seed=0)
        y = layer.forward(drawn(*shape), training=True)
        yield from (y.tobytes(), layer.backward(y).tobytes(), *(grad.tobytes() for grad in layer.grads.values()))
"""


def python(code, **environment):
    environment = os.environ | environment
    environment.pop("NNLITE_NUM_THREADS", None)
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)


SAME = """
for dtype in ("float32", "float64"):
    rng = np.random.default_rng(0)
    found = [*results()]
    nnlite.set_num_threads(1)
    rng = np.random.default_rng(0)
    assert [*results()] == found, dtype
    nnlite.set_num_threads(threads)
print("the same bits on", threads)
"""


@pytest.mark.parametrize(
    "size",
    [
        *("0", "16k", "100G", "9" * 30, "much"),
        *(pytest.param(size, marks=pytest.mark.long) for size in ("1", "1k", "17k", "64k", "9999999G", "-5", "")),
    ],
)
def test_any_size_of_stack(size):
    result = python(WORK + "threads = 2\nnnlite.set_num_threads(2)" + SAME, OMP_STACKSIZE=size)
    assert (result.returncode, result.stdout) == (0, "the same bits on 2\n"), result.stderr


@pytest.mark.parametrize(
    "number",
    ["0", "9" * 14, "many", *(pytest.param(one, marks=pytest.mark.long) for one in ("1", "100000", "-3", "2,3", ""))],
)
def test_any_number_of_threads_in_the_environment(number):
    code = "threads = nnlite.get_num_threads()\nassert 1 <= threads <= 1024\nnnlite.set_num_threads(min(threads, 40))\n"
    result = python(WORK + code + SAME, OMP_NUM_THREADS=number)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
@pytest.mark.parametrize("megabytes", [50, 200, 1000, 4000])
def test_more_threads_than_memory_is_allowed_for(megabytes):
    limit = f"""
import resource
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {megabytes} * 2**20, -1))
threads = 1000
nnlite.set_num_threads(threads)
"""
    result = python(WORK + limit + SAME)
    lacks = "MemoryError: Unable to allocate", "failed to map segment"  # Conv2D's for 1000 threads; a kernel's own file
    if megabytes >= 1000 or not any(message in result.stderr for message in lacks):
        assert (result.returncode, result.stdout) == (0, "the same bits on 1000\n"), result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
def test_no_more_threads_than_a_user_may_have():
    limit = """
import resource
if os.getuid() == 0:
    os.setuid(65534)  # whom limits hold for
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
threads = 8
nnlite.set_num_threads(threads)
"""
    result = python(WORK + limit + SAME)
    assert (result.returncode, result.stdout) == (0, "the same bits on 8\n"), result.stderr
