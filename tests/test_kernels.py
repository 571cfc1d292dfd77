"""The switch between the two backends, threads, and the CPU that the kernels were compiled for."""

import functools
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
from chain import float_types, threads
from numeric import assert_same_bits

import nnlite
from nnlite import kernels, reference
from nnlite.kernels import backend, empty, host, of_dtype
from nnlite.reference import dense, lstm, rnn


def modules(package):
    return {module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")}


KERNELS = sorted(modules(kernels) - {"host"})


def functions(package, name):
    """From names to argument names of a module's public functions."""
    module = importlib.import_module(f"{package}.{name}")
    public = {n: f for n, f in vars(module).items() if callable(f) and not n.startswith("_")}
    return {n: list(inspect.signature(f).parameters) for n, f in public.items()}


def test_every_kernel_has_a_reference():
    assert modules(reference) - {"host"} == set(KERNELS)
    assert "lstm" in KERNELS


def test_the_host_of_the_reference_is_numpy_on_one_thread(monkeypatch):
    host = importlib.import_module("nnlite.reference.host")
    assert not host.has_openmp()
    assert not host.checks_indices()
    host.set_num_threads(3)
    assert host.get_num_threads() == 1
    array = host.empty((2, 3), np.dtype("float32"))
    assert (array.shape, array.dtype) == ((2, 3), np.float32)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0: {1, 4, 5}}[process], raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert host.available_threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert host.available_threads() == 8


@pytest.mark.parametrize("name", KERNELS)
def test_reference_has_the_same_functions_and_arguments(name):
    compiled, plain = functions("nnlite.kernels", name), functions("nnlite.reference", name)
    assert compiled
    for function, arguments in compiled.items():
        assert plain.get(function) == arguments, f"{name}.{function}"


@pytest.mark.parametrize("name", ["compiled", "reference"])
def test_what_rounds_to_zero_is_no_error_where_numpys_are(name):
    x = np.array([[[-1e3, 0, 1e3], [1e-42, 1e-30, 1]]], "float32")
    layers = nnlite.LSTM(3, return_sequences=True), nnlite.Dense(3, "sigmoid"), nnlite.GELU(), nnlite.Softmax()
    with nnlite.use_backend(name), np.errstate(all="raise"):
        for layer in layers:
            y = layer(x, training=True)
            assert np.isfinite(layer.backward(np.full_like(y, 1e-30))).all()
        model = nnlite.Sequential([nnlite.Dense(3)], seed=0)
        model.compile("adam", "mse")
        model.fit(x[0], x[0], verbose=0)
        assert nnlite.sampling_probabilities(x[0, 0], temperature=0.1).tolist() == [0, 0, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["compiled", "reference"])
def test_of_dtype_is_the_kernel_itself_for_one_dtype(name, dtype):
    x, W, b = np.ones((2, 3), dtype), np.ones((3, 4), dtype), np.ones(4, dtype)
    expected, got = np.empty((2, 2, 4), dtype)
    with nnlite.use_backend(name):
        backend().dense.forward(x, W, b, expected)
        kernel = of_dtype(backend().dense.forward, np.dtype(dtype))
        kernel(x, W, b, got)
    assert_same_bits(got, expected)
    if name == "compiled" and hasattr(backend().dense.forward, "__signatures__"):  # not so with NNLITE_DEBUG=1
        with pytest.raises(ValueError, match="Buffer dtype mismatch"):
            kernel(*(array.astype("float64" if dtype == "float32" else "float32") for array in (x, W, b, got)))


def test_use_backend_holds_inside_the_with_and_in_its_thread_alone():
    seen = []
    assert backend().dense.__name__ == "nnlite.kernels.dense"
    with nnlite.use_backend("reference"):
        assert backend().dense.__name__ == "nnlite.reference.dense"
        with nnlite.use_backend("compiled"):
            assert backend().dense.__name__ == "nnlite.kernels.dense"
        assert backend().dense.__name__ == "nnlite.reference.dense"
        other = threading.Thread(target=lambda: seen.append(backend().dense.__name__))
        other.start()
        other.join()
    assert seen == ["nnlite.kernels.dense"]
    with pytest.raises(ZeroDivisionError), nnlite.use_backend("reference"):
        raise ZeroDivisionError
    assert backend().dense.__name__ == "nnlite.kernels.dense"


def test_an_own_module_stands_in_for_a_kernel():
    """A student's LSTM trains: here the reference's functions under another name, counted."""
    calls = []

    def backward(*arguments):
        calls.append(len(arguments))
        lstm.backward(*arguments)

    x, y = np.random.default_rng(0).integers(0, 5, (2, 6, 4))
    weights = []
    for choice in ({"name": "reference"}, {"name": "reference", "lstm": types.SimpleNamespace(backward=backward)}):
        model = nnlite.Sequential([nnlite.LSTM(3, return_sequences=True, input_dim=5), nnlite.Dense(5)], seed=0)
        model.compile(nnlite.Adam(0.01), nnlite.SparseCategoricalCrossentropy(from_logits=True))
        with nnlite.use_backend(**choice):
            model.fit(x, y, epochs=3, verbose=0)
        weights.append(model.get_weights())
    assert calls == [13] * 3
    for one, other in zip(*weights, strict=True):
        assert_same_bits(one, other)


def test_own_modules_hold_inside_the_with_alone():
    own = types.SimpleNamespace(forward=lambda x, W, b, y: y.fill(7))
    compiled = backend().dense
    with nnlite.use_backend(dense=own):
        assert backend().dense.forward is own.forward
        assert backend().dense.backward is dense.backward
        assert backend().lstm.__name__ == "nnlite.kernels.lstm"
        with nnlite.use_backend("reference"):
            assert backend().dense is dense
        with nnlite.use_backend(lstm=rnn):
            assert backend().dense.forward is own.forward
    assert backend().dense is compiled


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"lstn": lstm}, "expected a kernel's name, one of activation, .* rnn, .* got 'lstn'"),
        ({"host": lstm}, "got 'host'"),
        (
            {"lstm": types.SimpleNamespace(backwards=print)},
            "lstm: expected a module with functions of nnlite/reference",
        ),
        ({"lstm": types.SimpleNamespace(backward=None)}, "such as forward and backward, got namespace"),
    ],
)
def test_own_modules_that_replace_nothing_are_refused(own, message):
    with pytest.raises(ValueError, match=message), nnlite.use_backend(**own):
        pass


def test_an_unknown_backend_is_refused():
    with (
        pytest.raises(ValueError, match="expected 'compiled' or 'reference', got 'numpy'"),
        nnlite.use_backend("numpy"),
    ):
        pass


@float_types
@pytest.mark.parametrize("shape", [(0, 5), (3,), (64, 1000), (129, 1, 257)])
def test_large_results_begin_at_a_cache_line(shape, dtype):
    arrays = [(small, empty(shape, np.dtype(dtype), *small)) for small in ((), (0,)) for _ in range(8)]
    for small, array in arrays:
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert (not small and array.nbytes < 32 * 1024) or not array.size or array.ctypes.data % 64 == 0
    with pytest.raises(MemoryError):
        empty((2**40,), np.dtype(dtype))


def test_threads_can_be_set():
    with threads(3):
        assert nnlite.get_num_threads() == (3 if host.has_openmp() else 1)


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2", None, 1025, 10**11])
def test_threads_must_be_a_number(n):
    with pytest.raises(ValueError, match="expected a whole number from 1 to 1024"):
        nnlite.set_num_threads(n)


def python(code, **environment):
    """Run it in a fresh Python."""
    environment = {name: value for name, value in (os.environ | environment).items() if value is not None}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=240)


def test_a_fresh_python_has_the_kernels_that_are_tested():
    """Those of `make test-portable` and `make test-sanitize` are elsewhere than in the checkout."""
    result = python("from nnlite.kernels import host; print(host.__file__)")
    assert result.stdout.strip() == host.__file__


WITHOUT_OPENMP = """
import importlib, subprocess, sys
def import_module(name, load=importlib.import_module):
    module = load(name)
    if name == "nnlite.kernels.host":
        module.has_openmp = lambda: False
    return module
importlib.import_module = import_module
import nnlite
"""


@pytest.mark.parametrize(
    ("number", "lines"), [({}, 1), ({"NNLITE_NUM_THREADS": "2"}, 1), ({"NNLITE_NUM_THREADS": "1"}, 0)]
)
def test_kernels_without_openmp_say_so_once(number, lines):
    """And not in what the process starts, such as a sweep's workers."""
    asked = {"NNLITE_NUM_THREADS": None, "OMP_NUM_THREADS": None} | number
    result = python(f"{WITHOUT_OPENMP}\nsubprocess.run([sys.executable, '-c', {WITHOUT_OPENMP!r}])", **asked)
    assert result.returncode == 0
    said = result.stderr.splitlines()
    assert len(said) == lines, said
    for line in said:
        assert line.startswith("nnlite was compiled without OpenMP: its kernels use one thread")
        assert "brew install libomp" in line


@pytest.mark.skipif(not host.has_openmp(), reason="compiled without OpenMP: there is one thread only")
def test_threads_come_from_the_environment():
    result = python("import nnlite; print(nnlite.get_num_threads())", NNLITE_NUM_THREADS="3")
    assert result.stdout == "3\n", result.stderr


@pytest.mark.skipif(not host.has_openmp(), reason="compiled without OpenMP: there is one thread only")
def test_the_number_of_threads_holds_for_kernels_called_from_any_python_thread():
    code = """
import os, threading, numpy as np, nnlite
layer, x = nnlite.Dense(300, seed=0), np.ones((300, 300), "float32")
def tasks():
    return {*os.listdir("/proc/self/task")} if os.path.exists("/proc/self/task") else set()
def compute():
    before = tasks()
    layer.forward(x)
    # By name: a thread that was joined may be listed for a moment longer.
    print(nnlite.get_num_threads(), len(tasks() - before))
def in_a_thread():
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
in_a_thread()
nnlite.set_num_threads(2)
in_a_thread()
"""
    result = python(code, NNLITE_NUM_THREADS="1", OMP_NUM_THREADS="3")
    started = 1 if os.path.exists("/proc/self/task") else 0
    assert result.stdout == f"1 0\n2 {started}\n", result.stderr


@pytest.mark.parametrize("text", ["many", "0", "1025", "1" * 20, "9" * 5000, ""])
def test_a_wrong_environment_is_an_import_error(text):
    result = python("import nnlite", NNLITE_NUM_THREADS=text)
    expected = f"ImportError: NNLITE_NUM_THREADS: expected a whole number from 1 to 1024, got {text!r:.100}"
    assert expected in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_computes_on_one_thread_instead_of_waiting_for_ever():
    code = """
import os, numpy as np, nnlite
nnlite.set_num_threads(2)
layer, x = nnlite.Dense(300, seed=0), np.ones((300, 300), "float32")
y = layer.forward(x)
child = os.fork()
if child == 0:
    os._exit(nnlite.get_num_threads() == 1 and (layer.forward(x) == y).all() and 7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert python(code).stdout == "7\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_refuses_more_threads_instead_of_waiting_for_ever():
    code = """
import os, warnings, numpy as np, nnlite
warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, of a fork beside threads
nnlite.set_num_threads(2)
layer, x = nnlite.Dense(300, seed=0), np.ones((300, 300), "float32")
layer.forward(x)
if os.fork() == 0:
    nnlite.set_num_threads(1)
    try:
        nnlite.set_num_threads(2)
    except RuntimeError as error:
        print(error, flush=True)
    layer.forward(x)
    os._exit(0)
os.wait()
nnlite.set_num_threads(2)
"""
    result = python(code)
    assert "set_num_threads: expected 1 in a forked process, got 2" in result.stdout, result.stderr
    assert "spawn" in result.stdout
    if result.stderr:  # in full, as a report of ThreadSanitizer
        pytest.fail(result.stderr)


def reader():
    """A recurrent network's layers, x and y."""
    layers = [
        nnlite.Embedding(19, 67),
        nnlite.LSTM(67, return_sequences=True),
        nnlite.Dropout(0.2),
        nnlite.LSTM(35, return_sequences=True),
        nnlite.Dense(19),
    ]
    return layers, *np.random.default_rng(0).integers(19, size=(2, 70, 12))


def viewer():
    """A convolutional network's."""
    layers = [
        *(nnlite.Conv2D(16, 5, padding="same"), nnlite.ReLU(), nnlite.MaxPool2D()),
        *(nnlite.Conv2D(19, 3), nnlite.ReLU(), nnlite.AvgPool2D()),
        *(nnlite.Flatten(), nnlite.Dense(10)),
    ]
    rng = np.random.default_rng(0)
    return layers, rng.standard_normal((70, 17, 16, 2)), rng.integers(10, size=70)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [reader, viewer])
def test_training_ends_at_the_same_bits_on_any_number_of_threads(make, dtype):
    results = []
    for n in (1, 2, 3):
        with threads(n):
            layers, x, y = make()
            x = x.astype(dtype) if x.dtype.kind == "f" else x
            model = nnlite.Sequential(layers, dtype=dtype, seed=3)
            loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(nnlite.Adam(1e-2, global_clipnorm=1.0), loss)
            history = model.fit(x, y, batch_size=33, epochs=2, verbose=0)
            results.append((history.history["loss"], model.params))
    for losses, params in results[1:]:
        assert losses == results[0][0]
        for name, param in params.items():
            assert_same_bits(param, results[0][1][name], name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kind", "units"),
    [(nnlite.LSTM, 301), (nnlite.GRU, 349), (functools.partial(nnlite.GRU, reset_after=False), 533), (nnlite.RNN, 601)],
)
def test_a_row_alone_has_the_bits_that_it_has_in_a_batch_where_no_near_cache_holds_the_weights(kind, units, dtype):
    rng = np.random.default_rng(0)
    layer = kind(units, return_sequences=True, dtype=dtype, seed=0)
    x, dy = (rng.standard_normal((2, 17, n)).astype(dtype) for n in (5, units))
    h = rng.standard_normal((2, units)).astype(dtype)

    def passes(rows):
        y = layer.forward(x[rows], initial_state=(h[rows],) * len(layer.states))
        return y, layer.backward(dy[rows]), *layer.state, *layer.dinitial_state

    alone, together = passes(slice(1, 2)), passes(slice(None))
    for row, rows in zip(alone, together, strict=True):
        assert_same_bits(row[0], rows[1], layer.kernel)
    first = layer.forward(x[1:, :8], initial_state=(h[1:],) * len(layer.states))  # so few steps need no copy of weights
    rest = layer.forward(x[1:, 8:], initial_state=layer.state)
    assert_same_bits(np.concatenate([first, rest], axis=1), alone[0], f"{layer.kernel} in two pieces")


def same_bits_on(counts, kind, units, steps, dtype):
    rng = np.random.default_rng(0)
    layer = kind(units, return_sequences=True, dtype=dtype, seed=0)
    x, dy = (rng.standard_normal((1, steps, n)).astype(dtype) for n in (5, units))
    for lengths in (None, [steps - 2]):
        alone = None
        for n in (1, *counts):
            with threads(n):
                result = [layer.forward(x, lengths=lengths), layer.backward(dy), *layer.grads.values()]
            alone = alone or [a.copy() for a in result]
            for a, b in zip(alone, result, strict=True):
                assert_same_bits(a, b, f"{layer.kernel} on {n} threads")


# So many weights that a step is shared: SERIAL_WORK of host.h, and more than a second-level cache of 2 MB holds.
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "units"), [(nnlite.LSTM, 363), (nnlite.GRU, 421), (nnlite.RNN, 727)])
def test_threads_that_share_the_steps_of_a_row_change_no_bit(kind, units, dtype):
    same_bits_on((2, 3), kind, units, 19, dtype)


def test_nor_do_more_than_there_are_strips_or_a_team_that_is_gathered_anew():
    """261 steps are more than backward holds gradients of at once.

    (The name keeps it from ThreadSanitizer, which takes the end of so many of OpenMP's threads for a race.)
    """
    same_bits_on((2, 50), nnlite.RNN, 727, 261, "float32")


@pytest.mark.skipif(not host.has_openmp(), reason="compiled without OpenMP: there is one thread only")
def test_a_shared_step_waits_for_no_thread_that_does_not_run():
    code = """
import numpy as np, nnlite
layer, x = nnlite.RNN(727, return_sequences=True, seed=0), np.ones((1, 20, 5), "float32")
passes = []
for n in (1, 4):
    nnlite.set_num_threads(n)
    y = layer.forward(x)
    passes.append([y.tobytes(), layer.backward(y).tobytes()])
print(passes[0] == passes[1])
"""
    result = python(code, OMP_THREAD_LIMIT="1")  # the four are one
    assert result.stdout == "True\n", result.stderr
