"""The chain of trust that every layer is held by, link by link:

    finite differences (float64)  ->  compiled float64 = reference  ->  compiled float32 = reference  ->  PyTorch

A test file derives a class from `ChainOfTrust`, lists its cases, and says how PyTorch computes the same:

    class TestDense(ChainOfTrust):
        cases = (Case("odd", lambda **kw: Dense(19, **kw), (3, 17)), ...)

        def witness(self, torch, layer, x, **params):
            return {"y": x @ params["W"] + params["b"]}
"""

import contextlib
import math
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from extras import import_extra
from kinds import floats_of, ids_of, no_numbers
from numeric import assert_close, assert_same_bits, central_differences
from numpy.lib.stride_tricks import as_strided

import nnlite
from nnlite import kernels
from nnlite.kernels import backend
from nnlite.layers.base import storage
from nnlite.testing import check_layer

FLOAT64, FLOAT32_FORWARD, FLOAT32_BACKWARD = 1e-10, 1e-5, 1e-4
DIFFERENCES = 1e-7  # what central differences are worth in float64

of_the_kernels = pytest.mark.skipif(
    bool(kernels.why_reference), reason="what it promises is of the compiled kernels, and nnlite runs on NumPy"
)
float_types = pytest.mark.parametrize("dtype", ["float32", "float64"])
backends = pytest.mark.parametrize("backend_name", ["compiled", "reference"])


def import_torch():
    """PyTorch, the outside witness. Leave its number of threads: it may share OpenMP, and so that number, with ours."""
    return import_extra("torch", "peers")


@contextlib.contextmanager
def threads(n):
    """Let the kernels use n threads inside the `with`."""
    before = nnlite.get_num_threads()
    nnlite.set_num_threads(n)
    try:
        yield
    finally:
        nnlite.set_num_threads(before)


def randomized(layer, rng=0):
    """A built layer or model, its parameters drawn at random: the zeros and ones of a new one would hide mistakes."""
    rng = np.random.default_rng(rng)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape) / math.sqrt(max(1, param.shape[0]))
    return layer


class Guarded:
    """Makes arrays of NaN (of integers: -1) that stand amid more of it, where no kernel may write."""

    guard = 1024  # bytes on each side: more than the rows of a tile

    def __init__(self):
        self._arounds = []

    def empty(self, shape, dtype, *_):
        size = math.prod(shape) * np.dtype(dtype).itemsize
        around = np.full(size + 2 * self.guard, 0xFF, np.uint8)
        self._arounds.append(around)
        return around[self.guard : self.guard + size].view(dtype).reshape(shape)

    def copy(self, array):
        copy = self.empty(array.shape, array.dtype)
        copy[...] = array
        return copy

    def assert_untouched(self):
        for around in self._arounds:
            assert (around[: self.guard] == 0xFF).all(), "written before the first number of an array"
            assert (around[-self.guard :] == 0xFF).all(), "written behind the last number of an array"


def run_kernel(name, function, inputs, outputs, *sizes, dtype="float64", backend_name="compiled"):
    """Call backend.name.function(*inputs, *outputs, *sizes) and return the outputs.

    Inputs of floats are cast to the dtype. Outputs are given by their shapes, or as arrays of the shape and dtype that
    they are to have; new ones are made that hold NaN before the call (integers: -1), so that what the kernel does not
    write shows, and what it adds to instead of writing. There is NaN around them, too, and around the inputs.
    """
    guarded = Guarded()
    inputs = [guarded.copy(x.astype(dtype) if x.dtype.kind == "f" else x) for x in inputs]
    outputs = [guarded.empty(o, dtype) if isinstance(o, tuple) else guarded.empty(o.shape, o.dtype) for o in outputs]
    with nnlite.use_backend(backend_name):
        getattr(getattr(backend(), name), function)(*inputs, *outputs, *sizes)
    guarded.assert_untouched()
    return outputs


def assert_backends_agree(name, function, inputs, outputs, *sizes, dtype, tolerance=None):
    """Run both backends, and assert that they agree within the chain's tolerance for the dtype."""
    if tolerance is None:
        is_backward = "backward" in function
        tolerance = FLOAT64 if dtype == "float64" else FLOAT32_BACKWARD if is_backward else FLOAT32_FORWARD
    results = [
        run_kernel(name, function, inputs, outputs, *sizes, dtype=dtype, backend_name=b)
        for b in ("compiled", "reference")
    ]
    for i, (compiled, reference) in enumerate(zip(*results, strict=True)):
        assert_close(compiled, reference, tolerance, f"{name}.{function}, output {i}")


def assert_threads_do_not_matter(name, function, inputs, outputs, *sizes, dtype):
    """Run on 1, 2 and 3 threads, and assert the same bits."""
    results = []
    for n in (1, 2, 3):
        with threads(n):
            results.append(run_kernel(name, function, inputs, [*outputs], *sizes, dtype=dtype))
    for others in results[1:]:
        for i, (one, other) in enumerate(zip(results[0], others, strict=True)):
            assert_same_bits(other, one, f"{name}.{function}, output {i}")


@dataclass
class Case:
    """A layer and its input.

    Args:
        name: of the test.
        make: the layer, from keyword arguments `dtype` and `seed`.
        shape: of x, with the batch axis.
        ids: where x holds integer ids, the number that they stay below.
        training: what `forward` is told.
        large: too large for finite differences; so large that threads share the work.
        inputs: float64 inputs from a random generator, where standard normals will not do.
    """

    name: str
    make: Callable
    shape: tuple
    ids: int | None = None
    training: bool = False
    large: bool = False
    inputs: Callable | None = None

    def rng(self):
        return np.random.default_rng(zlib.crc32(self.name.encode()))

    def draw(self, dtype="float64"):
        """The layer's inputs by name."""
        rng = self.rng()
        if self.inputs is not None:
            inputs = self.inputs(rng)
        elif self.ids is not None:
            inputs = {"x": rng.integers(self.ids, size=self.shape)}
        else:
            inputs = {"x": rng.standard_normal(self.shape)}
        return {k: v.astype(dtype) if v.dtype.kind == "f" else v for k, v in inputs.items()}

    def rows(self, rng, shape):
        """x of a shape, of any number of rows."""
        if self.ids is not None:
            return rng.integers(self.ids, size=shape)
        if self.inputs is None:
            return rng.standard_normal(shape)
        parts = [self.inputs(rng)["x"] for _ in range(-(-shape[0] // self.shape[0]) or 1)]
        return np.concatenate(parts)[: shape[0]]

    def layer(self, dtype="float64"):
        """The layer, its parameters drawn at random."""
        layer = self.make(dtype=dtype, seed=7)
        layer.build(self.shape[1:])
        layer.rng = np.random.default_rng(7)
        return randomized(layer, self.rng())


class ChainOfTrust:
    """Tests of a layer. Derive, set `cases`, define `witness`; override the two passes for further in- and outputs."""

    cases = ()

    def forward(self, layer, inputs, training):
        """The outputs by name."""
        return {"y": layer.forward(inputs["x"], training=training)}

    def backward(self, layer, doutputs):
        """The gradients of the inputs, by the inputs' names."""
        return {"x": layer.backward(doutputs["y"])}

    def witness(self, torch, layer, x, **params):
        """The outputs by name, as PyTorch computes them from tensors."""
        raise NotImplementedError(f"{type(self).__name__} has no witness(torch, layer, x, **params)")

    def run(self, case, dtype="float64", backend_name=None, doutputs=None):
        """Both passes; returns the outputs, and the gradients of inputs and parameters, by name.

        They run on the compiled kernels, or on the backend of this name.
        """
        layer = case.layer(dtype)
        with nnlite.use_backend(backend_name or nnlite.get_backend()):
            outputs = self.forward(layer, case.draw(dtype), case.training)
            for grad in layer.grads.values():
                grad.fill(np.nan)  # gradients are written, not added to what is there
            gradients = self.backward(layer, doutputs or self.draw_doutputs(case, outputs))
        assert all(y.dtype == dtype for y in outputs.values())
        gradients = {f"d{k}": v for k, v in (gradients | layer.grads).items() if v is not None}
        assert all(d.dtype == dtype for d in gradients.values())
        return outputs, gradients

    @staticmethod
    def draw_doutputs(case, outputs):
        rng = np.random.default_rng(case.rng().integers(2**32))
        return {k: rng.standard_normal(y.shape).astype(y.dtype) for k, y in outputs.items()}

    def test_gradients_are_the_finite_differences(self, small_case):
        case = small_case
        inputs, layer = case.draw(), case.layer()

        def loss():
            layer.rng = np.random.default_rng(7)  # the same mask for Dropout
            outputs = self.forward(layer, inputs, case.training)
            return sum(float((doutputs[k] * y).sum()) for k, y in outputs.items())

        outputs, gradients = self.run(case)
        doutputs = self.draw_doutputs(case, outputs)
        for name, array in (inputs | layer.params).items():
            if array.dtype.kind == "f":
                differences = central_differences(loss, array)
                assert_close(gradients[f"d{name}"], differences, DIFFERENCES, f"d{name} by {case.name}")
            else:
                assert f"d{name}" not in gradients, f"{name} holds integers, and has a gradient"

    @float_types
    def test_compiled_is_the_reference(self, case, dtype):
        results = [self.run(case, dtype, b) for b in ("compiled", "reference")]
        tolerances = (FLOAT64, FLOAT64) if dtype == "float64" else (FLOAT32_FORWARD, FLOAT32_BACKWARD)
        for compiled, reference, tolerance in zip(*results, tolerances, strict=True):
            assert compiled.keys() == reference.keys()
            for name, value in compiled.items():
                assert_close(value, reference[name], tolerance, f"{name}, {dtype}")

    def test_pytorch_agrees(self, case):
        torch = import_torch()
        tensors, layer = {}, case.layer()
        for name, array in (case.draw() | layer.params).items():
            tensors[name] = torch.tensor(array)
            tensors[name].requires_grad_(array.dtype.kind == "f")
        expected = self.witness(torch, layer, **tensors)
        outputs, gradients = self.run(case)
        for name, value in outputs.items():
            assert_close(value, expected[name].detach().numpy(), FLOAT64, name)
        doutputs = self.draw_doutputs(case, outputs)
        if not gradients:
            return
        sum((torch.tensor(doutputs[k]) * y).sum() for k, y in expected.items()).backward()
        for name, value in gradients.items():
            assert_close(value, tensors[name[1:]].grad.numpy(), FLOAT64, name)

    @float_types
    @backends
    def test_no_gradient_in_none_out(self, case, dtype, backend_name):
        outputs, _ = self.run(case, dtype, backend_name)
        zeros = {k: np.zeros_like(y) for k, y in outputs.items()}
        for name, value in self.run(case, dtype, backend_name, zeros)[1].items():
            assert not value.any(), f"{name}: dy is 0 and the gradient is not"

    @float_types
    def test_threads_do_not_matter(self, case, dtype):
        results = []
        for n in (1, 2, 3):
            with threads(n):
                outputs, gradients = self.run(case, dtype)
                results.append(outputs | gradients)
        for other in results[1:]:
            for name, value in other.items():
                assert_same_bits(value, results[0][name], name)

    @float_types
    def test_nothing_beside_the_arrays_is_read_or_written(self, case, dtype, monkeypatch):
        """There is NaN around inputs, results and scratch memory, and in what is not written yet."""
        expected, guarded = self.run(case, dtype), Guarded()
        for name, module in list(sys.modules.items()):
            if name.startswith("nnlite.layers.") and getattr(module, "empty", None) is kernels.empty:
                monkeypatch.setattr(module, "empty", guarded.empty)
        for owner, name in ((case, "draw"), (self, "draw_doutputs")):
            drawn = getattr(owner, name)
            monkeypatch.setattr(
                owner, name, lambda *args, drawn=drawn: {k: guarded.copy(v) for k, v in drawn(*args).items()}
            )
        for part, values in zip(self.run(case, dtype), expected, strict=True):
            for name, value in values.items():
                assert_same_bits(part[name], value, name)
        guarded.assert_untouched()

    @backends
    def test_nothing_handed_out_changes_later(self, case, backend_name):
        layer = case.layer()
        inputs = case.draw()
        with nnlite.use_backend(backend_name):
            outputs = self.forward(layer, inputs, case.training)
            doutputs = self.draw_doutputs(case, outputs)
            gradients = self.backward(layer, doutputs)
            before = [{k: v.copy() for k, v in d.items() if v is not None} for d in (inputs, outputs, gradients)]
            other = {k: v + 1.0 if v.dtype.kind == "f" else np.roll(v, 1) for k, v in inputs.items()}
            self.backward(layer, {k: 2 * v for k, v in doutputs.items()})
            self.forward(layer, other, case.training)
            self.backward(layer, doutputs)
        for arrays, copies in zip((inputs, outputs, gradients), before, strict=True):
            for name, copy in copies.items():
                assert_same_bits(arrays[name], copy, name)

    @backends
    def test_backward_twice_is_backward_once(self, case, backend_name):
        layer = case.layer()
        with nnlite.use_backend(backend_name):
            doutputs = self.draw_doutputs(case, self.forward(layer, case.draw(), case.training))
            once = self.backward(layer, doutputs) | {f"d{k}": v.copy() for k, v in layer.grads.items()}
            twice = self.backward(layer, doutputs) | {f"d{k}": v for k, v in layer.grads.items()}
        for name, value in once.items():
            if value is not None:
                assert_same_bits(twice[name], value, name)

    @float_types
    @backends
    def test_empty_batch(self, case, dtype, backend_name, monkeypatch):
        """Where an array of no numbers begins, memory can hold anything: here it is NaN, with strides of 0."""

        def on_nan(array):
            return array if array.size else as_strided(np.full(1, np.nan, array.dtype), array.shape, (0,) * array.ndim)

        empty, concatenate = storage.empty, np.concatenate
        monkeypatch.setattr(storage, "empty", lambda *arguments: on_nan(empty(*arguments)))
        monkeypatch.setattr(np, "concatenate", lambda *args, **options: on_nan(concatenate(*args, **options)))
        layer = case.layer(dtype)
        inputs = {k: v[:0] for k, v in case.draw(dtype).items()}
        with nnlite.use_backend(backend_name):
            outputs = self.forward(layer, inputs, case.training)
            for grad in layer.grads.values():
                grad.fill(np.nan)
            gradients = self.backward(layer, outputs)
        assert outputs["y"].shape == (0, *layer.output_shape(case.shape[1:]))
        for name, value in gradients.items():
            assert value is None or value.shape == inputs[name].shape
        for name, grad in layer.grads.items():
            assert not grad.any(), f"d{name} of no examples is not 0"

    def test_the_contract_is_kept(self, small_case):
        check_layer(small_case.make(dtype="float32", seed=7), small_case.shape[1:], draw=small_case.rows)

    @float_types
    def test_numbers_of_any_kind_are_the_layers(self, small_case, dtype):
        """The same for both backends, which get the layer's."""
        case, inputs = small_case, small_case.draw(dtype)
        kinds = floats_of if inputs["x"].dtype.kind == "f" else ids_of
        for kind, x, numbers in kinds(inputs["x"]):
            own = numbers.astype(dtype if kinds is floats_of else np.intp)
            found = []
            for given in (x, own):
                layer = case.layer(dtype)
                outputs = self.forward(layer, inputs | {"x": given}, case.training)
                gradients = self.backward(layer, self.draw_doutputs(case, outputs))
                found.append(outputs | {f"d{k}": d for k, d in (gradients | layer.grads).items()})
            for name, value in found[1].items():
                if value is None:
                    assert found[0][name] is None, f"{name} from {kind}"
                else:
                    assert_same_bits(found[0][name], value, f"{name} from {kind}")

    def test_dy_of_any_kind_is_the_layers(self, small_case):
        case, layer = small_case, small_case.layer("float32")
        y = self.forward(layer, case.draw("float32"), case.training)["y"]
        for kind, dy, numbers in floats_of(self.draw_doutputs(case, {"y": y})["y"]):
            found = []
            for given in (dy, numbers.astype("float32")):
                dx = layer.backward(given)
                found.append([grad.copy() for grad in (dx, *layer.grads.values()) if grad is not None])
            for one, other in zip(*found, strict=True):
                assert_same_bits(one, other, f"from {kind}")

    def test_what_is_no_number_is_refused(self, small_case):
        case, layer, inputs = small_case, small_case.layer("float32"), small_case.draw("float32")
        y = self.forward(layer, inputs, case.training)["y"]
        for kind, x, remedy in no_numbers(inputs["x"]):
            new = case.make(dtype="float32", seed=0)
            with pytest.raises(TypeError, match=f"^x: expected numbers, got .*: .*{remedy}"):
                new.forward(x, training=case.training)
            assert not new.built, f"built from {kind}"
        for _, dy, remedy in no_numbers(y):
            with pytest.raises(TypeError, match=f"^dy: expected numbers, got .*: .*{remedy}"):
                layer.backward(dy)
        layer.backward(y)

    def test_wrong_dy_is_refused(self, small_case):
        layer = small_case.layer()
        y = self.forward(layer, small_case.draw(), small_case.training)["y"]
        for wrong in (np.concatenate([y, y], axis=-1), np.concatenate([y, y]), y[None], y.tolist() + y.tolist()):
            with pytest.raises(ValueError, match="dy: expected shape of y"):
                layer.backward(wrong)
        with pytest.raises(ValueError, match="dy: expected lists of one length"):
            layer.backward([[1.0], [1.0, 2.0]])

    def test_explain_says_the_shape_and_the_number_of_parameters(self, case):
        layer, text = case.layer(), case.layer().explain(case.shape[1:])
        assert nnlite.checks.shape_text(layer.output_shape(case.shape[1:])) in text
        assert f"{layer.parameter_count}" in text or not layer.parameter_count

    def test_a_layer_of_the_configuration_shows_the_same(self, case):
        layer = case.layer()
        assert repr(type(layer).from_config(layer.get_config())) == repr(layer)
