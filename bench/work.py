"""Work: a computation that nnlite and its peers each implement, to be timed. A row of a table of sizes makes one."""

import contextlib
import importlib
import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# The packages that a contestant needs; a peer that is not installed is left out. PyTorch has two memory layouts for
# images, and which one is faster depends on the work. No family imports nnlite as long as no work of it is prepared:
# it changes how long OpenMP's threads wait and what becomes of freed memory, which is not to change a peer.
PACKAGES = {
    "nnlite": ["nnlite"],
    "reference": ["nnlite"],
    "PyTorch": ["torch"],
    "PyTorch NHWC": ["torch"],
    "ONNX Runtime": ["onnxruntime", "onnx"],
    "JAX": ["jax"],
    "NumPy": ["numpy"],
    "normal numbers": ["nnlite"],
}
threads = 1  # of this process: set_threads
BOTH, FORWARD, INFERENCE = "forward and backward", "forward", "inference"


@dataclass
class Work:
    """One row of the table.

    Args:
        name: the computation and its sizes.
        contestants: from "nnlite" and its peers' names to a function without arguments that prepares everything and
            returns the function to be timed.
        operations: multiplications and additions in the products, as nnlite computes them.
        threads: the numbers of threads to measure with.
        dtype: of all numbers, in all contestants.
    """

    name: str
    contestants: dict[str, Callable[[], Callable[[], object]]]
    operations: float | None = None
    threads: tuple[int, ...] = (1, 2)
    dtype: str = "float32"


def all_works():
    """All work, by (family, name)."""
    families = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    return {(f.removeprefix("bench_"), w.name): w for f in families for w in importlib.import_module(f).WORKS}


def rng():
    return np.random.default_rng(0)


def normal(*shape, dtype="float32"):
    """Normally distributed numbers, as small as weights."""
    return (0.1 * rng().standard_normal(shape)).astype(dtype)


def of_dtype(dtype):
    """The end of a name that says so."""
    return ", float64" * (dtype == "float64")


def shape_text(shape):
    return " x ".join(map(str, shape))


def layer_work(name, ours, theirs, x, *, passes=BOTH, images=False, peers=None, dtype="float32", **options):
    """Work of one layer: its passes over the same numbers.

    Args:
        ours, theirs: from the modules nnlite and torch to the layer.
        x: its shape; or a function to nnlite's input and PyTorch's, which then needs no gradient.
        images: whether PyTorch is to try both memory layouts.
        peers: other contestants.
    """
    backward = passes == BOTH
    inputs = x if callable(x) else lambda: [normal(*x, dtype=dtype)] * 2

    def nnlite_passes():
        import nnlite

        layer, (x, _) = ours(nnlite), inputs()
        dy = normal(*layer.forward(x, training=backward).shape, dtype=dtype)

        def run():
            layer.forward(x, training=backward)
            if backward:
                layer.backward(dy)

        return run

    def pytorch_passes(lay_out):
        import torch

        module, dx = theirs(torch), backward and not callable(x)
        is_module = isinstance(module, torch.nn.Module)
        module = lay_out(module.to(getattr(torch, dtype))) if is_module else module
        tensor = lay_out(inputs()[1]).requires_grad_(dx)
        learned = [*(module.parameters() if is_module else ()), *([tensor] if dx else ())]
        y_of = (lambda: module(tensor)[0]) if isinstance(module, torch.nn.RNNBase) else (lambda: module(tensor))
        dy = 0.1 * torch.randn_like(y_of())

        def run():
            with torch.set_grad_enabled(backward):
                y = y_of()
            if backward:
                for one in learned:
                    one.grad = None
                y.backward(dy)

        return run

    torch_too = in_both_layouts(pytorch_passes) if images else {"PyTorch": lambda: pytorch_passes(as_it_lies)}
    contestants = {"nnlite": nnlite_passes, **(torch_too if theirs else {}), **(peers or {})}
    return Work(f"{name}: {passes}{of_dtype(dtype)}", contestants, dtype=dtype, **options)


def as_it_lies(thing):
    import torch

    return torch.from_numpy(thing) if isinstance(thing, np.ndarray) else thing


def in_both_layouts(prepare):
    """PyTorch in both memory layouts: `prepare` gets the function that converts images and modules."""

    def in_layout(name):
        def prepared():
            import torch

            def lay_out(thing):
                thing = torch.from_numpy(thing).permute(0, 3, 1, 2) if isinstance(thing, np.ndarray) else thing
                return thing.to(memory_format=getattr(torch, name))

            return prepare(lay_out)

        return prepared

    return {"PyTorch": in_layout("contiguous_format"), "PyTorch NHWC": in_layout("channels_last")}


def in_onnx_runtime(operator, x, weights, **attributes):
    """An operator of ONNX, on inputs of these shapes: x, and what it learned."""

    def prepare():
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper

        array, learned = normal(*x), {f"w{i}": normal(*shape) for i, shape in enumerate(weights)}
        node = helper.make_node(operator, ["x", *learned], ["y"], **attributes)
        ends = [
            [helper.make_tensor_value_info(*end)]
            for end in (("x", TensorProto.FLOAT, x), ("y", TensorProto.FLOAT, None))
        ]
        tensors = [numpy_helper.from_array(values, name) for name, values in learned.items()]
        graph = helper.make_graph([node], "layer", *ends, tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        return lambda: session.run(None, {"x": array})

    return {"ONNX Runtime": prepare}


def is_installed(name):
    return all(importlib.util.find_spec(package) for package in PACKAGES[name])


@contextlib.contextmanager
def as_contestant(name, threads):
    """What this process runs is computed by this contestant, on so many threads."""
    if name == "JAX" and hasattr(os, "sched_setaffinity"):  # it takes as many threads as the process has cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    for package in PACKAGES[name]:
        importlib.import_module(package)
    set_threads(threads)
    with sys.modules["nnlite"].use_backend("reference") if name == "reference" else contextlib.nullcontext():
        yield


def start(target, *arguments):
    """Run target(*arguments, pipe) in a new process, which ends with this one: the pipe's other end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=target, args=(*arguments, theirs), daemon=True).start()
    theirs.close()  # so that the end of the process is the end of the pipe
    return ours


def set_threads(n):
    """Set the number of threads of NumPy's BLAS, and of nnlite, PyTorch and ONNX Runtime where they are loaded."""
    import threadpoolctl

    global threads
    threads = n
    threadpoolctl.threadpool_limits(n, user_api="blas")
    for package in sys.modules.keys() & {"nnlite", "torch"}:
        sys.modules[package].set_num_threads(n)
