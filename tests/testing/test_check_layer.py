"""check_layer: every exported layer keeps the contract, and a layer with one mistake is caught by the check for it."""

import copy
import inspect
import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from contracts import alone, assert_caught

import nnlite
from nnlite import Layer, get_num_threads
from nnlite.kernels import backend
from nnlite.testing import ContractError, ContractReport, check_layer, comparison, layer_numbers
from nnlite.testing import threads as testing_threads
from nnlite.testing.contract import Contract, LeftOut, on_compiled_kernels
from nnlite.testing.copying import copies_of
from nnlite.testing.layer_case import LAYER, LayerCase

LAYERS = {
    layer
    for layer in map(nnlite.__dict__.get, nnlite.__all__)
    if inspect.isclass(layer) and issubclass(layer, Layer) and layer is not Layer
}

# Layers and input shapes: every class, with the options that take other paths.
CASES = [
    ("RNN(3)", (4, 2)),
    ("RNN(3, activation='relu', return_sequences=True)", (4, 2)),
    ("RNN(17, go_backwards=True)", (3, 2)),
    ("GRU(3)", (4, 2)),
    ("GRU(3, reset_after=False, return_sequences=True)", (4, 2)),
    ("GRU(5, input_dim=7)", (4,)),
    ("LSTM(3)", (4, 2)),
    ("LSTM(3, return_sequences=True, input_dim=7)", (4,)),
    ("LSTM(3, dropout=0.4)", (4, 5)),
    ("LSTM(3, stateful=True)", (4, 2)),
    ("Bidirectional(LSTM(3, return_sequences=True))", (4, 2)),
    ("Bidirectional(GRU(3), merge_mode='mul')", (4, 2)),
    ("Conv2D(3, 3)", (5, 5, 2)),
    ("Conv2D(4, (2, 3), strides=2, padding='same', activation='relu', use_bias=False)", (5, 6, 2)),
    ("Conv2D(4, 3, groups=2, dilation_rate=2, padding=((1, 2), (0, 1)))", (6, 5, 4)),
    ("Conv2D(3, 2, kernel_regularizer='l2')", (3, 3, 2)),
    ("MaxPool2D()", (4, 5, 3)),
    ("MaxPool2D(3, strides=1, padding='same')", (4, 5, 2)),
    ("AvgPool2D()", (4, 5, 3)),
    ("AvgPool2D(3, strides=2, padding=1, count_include_pad=False)", (4, 5, 2)),
    ("GlobalMaxPool2D()", (3, 4, 2)),
    ("GlobalAvgPool2D()", (3, 4, 2)),
    ("Dense(3)", (4,)),
    ("Dense(17, 'tanh', use_bias=False)", (2, 19)),
    ("Dense(2, LeakyReLU(0.1), kernel_regularizer='l1')", (3,)),
    ("Dropout(0.4)", (6,)),
    ("Dropout(0)", (6,)),
    ("Embedding(7, 3)", (4,)),
    ("OneHot(7)", (4,)),
    ("ReLU()", (19,)),
    ("LeakyReLU(0.2)", (3, 4)),
    ("GELU()", (19,)),
    ("GELU(approximate=True)", (5,)),
    ("Sigmoid()", (19,)),
    ("Softmax()", (3, 5)),
    ("Tanh()", (19,)),
    ("Flatten()", (3, 2, 2)),
    ("Reshape((4, -1))", (2, 6)),
    ("ZeroPadding2D(((1, 0), (2, 1)))", (2, 3, 2)),
    ("BatchNorm(momentum=0.5)", (4,)),
    ("BatchNorm()", (3, 3, 2)),
    ("LayerNorm()", (3, 5)),
    ("RepeatVector(3)", (4,)),
    ("TimeDistributed(Conv2D(2, 2))", (3, 3, 4, 1)),
    ("TimeDistributed(BatchNorm())", (3, 4)),
    ("Activation('gelu')", (4,)),
]


def made(code):
    return eval(code, {name: getattr(nnlite, name) for name in nnlite.__all__})


@pytest.mark.parametrize("backend_name", ["compiled", "reference"])
@pytest.mark.parametrize(("code", "shape"), CASES, ids=[code for code, _ in CASES])
def test_every_exported_layer_keeps_the_contract(code, shape, backend_name):
    with nnlite.use_backend(backend_name):
        report = check_layer(made(code), shape)
    assert set(report.left_out) <= {"frozen", "without_dx", "gradients", "python_threads"}, report
    assert len(report.passed) >= 22


def test_no_exported_layer_is_left_out():
    assert {type(made(code)) for code, _ in CASES} == LAYERS


# A layer of a user's own, right, and with one mistake each.


class Right(Layer):
    """y = x W + b in plain NumPy, as a user writes it."""

    def __init__(self, units=3, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.factor = units, factor

    def build(self, input_shape):
        W = self.rng.standard_normal((input_shape[-1], self.units)) * self.factor
        self.params["W"], self.params["b"] = W.astype(self.dtype), np.zeros(self.units, self.dtype)
        self.grads["W"], self.grads["b"] = np.zeros_like(self.params["W"]), np.zeros_like(self.params["b"])

    def output_shape(self, input_shape):
        return (self.units,)

    def forward(self, x, training=False):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"][...] = self.x.T @ dy
        self.grads["b"][...] = dy.sum(axis=0)
        return dy @ self.params["W"].T


class Build(Right):
    def build(self, input_shape):
        super().build(input_shape)
        self.grads["b"] = self.params["b"]


class OutputShape(Right):
    def output_shape(self, input_shape):
        return input_shape


class Dtype(Right):
    def forward(self, x, training=False):
        return super().forward(x) + np.ones(3)


class GradientShape(Right):
    def backward(self, dy):
        return super().backward(dy)[:, :1]


class ParameterCount(Right):
    @property
    def parameter_count(self):
        return 7


class Config(Right):
    def __init__(self, units=3, factor=2.0, **kwargs):
        super().__init__(units, 2 * factor, **kwargs)

    def forward(self, x, training=False):
        return super().forward(x) * 2


class Saving(Right):
    def build(self, input_shape):
        super().build(input_shape)
        self._shift = self.rng.standard_normal(self.units).astype(self.dtype)

    def forward(self, x, training=False):
        return super().forward(x) + self._shift


class Copies(Right):
    def __deepcopy__(self, memo):
        new = copy.copy(self)
        new.params = nnlite.layers.base.parameters.Parameters("params", dict(self.params), False)
        return new


class Frozen(Right):
    def forward(self, x, training=False):
        y = super().forward(x)
        return y if self.trainable else y - self.params["b"]


class WithoutDx(Right):
    def backward(self, dy, needs_dx=True):
        return super().backward(dy) if needs_dx else None


class Gradients(Right):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"] /= len(dy)
        return dx


class ZeroGradient(Right):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"] += 1e-12
        return dx


class BackwardTwice(Right):
    def backward(self, dy):
        dx = super().backward(dy)
        self.x = dx  # which the next backward would take for x
        return dx


class InputsStay(Right):
    def backward(self, dy):
        dx = super().backward(dy)
        dy *= 2
        return dx


class ResultsStay(Right):
    y = None

    def forward(self, x, training=False):
        y = super().forward(x)
        if self.y is None or self.y.shape != y.shape:
            self.y = y
        self.y[...] = y
        return self.y


class Repeatable(Right):
    def forward(self, x, training=False):
        noise = np.random.default_rng().standard_normal() if training else 0
        return super().forward(x) * (1 + self.dtype.type(1e-6 * noise))


class EmptyBatch(Right):
    def forward(self, x, training=False):
        return super().forward(x.reshape(len(x), -1))


class BatchOfOne(Right):
    def forward(self, x, training=False):
        return np.squeeze(super().forward(x))


class MemoryLayout(Right):
    def forward(self, x, training=False):
        return super().forward(x.ravel("K").reshape(x.shape))


class Alignment(Right):
    def forward(self, x, training=False):
        return super().forward(x) * (1 + (x.ctypes.data % 64) * self.dtype.type(1e-3))


class Float32(Right):
    def forward(self, x, training=False):
        return (super().forward(x) + self.dtype.type(1e4)) - self.dtype.type(1e4)


class Backends(nnlite.Dense):
    def forward(self, x, training=False):
        is_reference = backend()._package == "nnlite.reference"
        return super().forward(x) * (self.dtype.type(1.01) if is_reference else self.dtype.type(1))


class Threads(nnlite.Dense):
    def forward(self, x, training=False):
        return super().forward(x) * self.dtype.type(1 + 1e-3 * get_num_threads())


class PythonThreads(ResultsStay):
    pass


class Rows(Right):
    def forward(self, x, training=False):
        return super().forward(x - x.mean(axis=0))

    def backward(self, dy):
        dx = super().backward(dy)
        return dx - dx.mean(axis=0)


BROKEN = {
    "build": (Build, r"grads\['b'\]: expected an array of its own, got the parameter's memory: use np.zeros_like"),
    "output_shape": (
        OutputShape,
        r"y: expected shape \(5, 4\), as output_shape says, got \(5, 3\): write def output_sh",
    ),
    "dtype": (Dtype, "y: expected float32, the dtype of layer and x, got float64: make arrays with dtype=self.dtype"),
    "gradient_shape": (GradientShape, r"dx: expected shape \(5, 4\), that of x, got \(5, 1\): return dx"),
    "parameter_count": (ParameterCount, "parameter_count: expected 15, as in params, got 7: leave parameter_count"),
    "config": (Config, "the configuration of a copy: expected .*: keep each argument of __init__ in an attribute"),
    "saving": (Saving, "y: expected the same bits of the model that was loaded, got .*: what forward reads has to be"),
    "copies": (
        Copies,
        "W: expected memory of its own after copy.deepcopy, got that of the original: leave __deepcopy_",
    ),
    "frozen": (Frozen, "y: expected the same bits with trainable = False, outside of training, got .*: trainable says"),
    "without_dx": (
        WithoutDx,
        r"grads\['W'\]: expected the same bits with needs_dx=False, got .* such as nan instead of",
    ),
    "gradients": (
        Gradients,
        "Gradients: the gradient of parameter b is wrong.*likely cause: .*the mean, where forward takes the sum",
    ),
    "zero_gradient": (
        ZeroGradient,
        r"grads\['b'\]: expected 0 everywhere for dy = 0, got \[1.*e-12\]: a gradient is dy",
    ),
    "backward_twice": (
        BackwardTwice,
        r"grads\['W'\]: expected the same bits from a second backward, got .*: write the g",
    ),
    "inputs_stay": (
        InputsStay,
        "dy: expected the same bits after forward and backward, got .*: compute in a new array",
    ),
    "results_stay": (
        ResultsStay,
        "y: expected the same bits after the next batch, got .*: return a new array each time",
    ),
    "repeatable": (
        Repeatable,
        "y: expected the same bits from an equal layer, training=True, got .*: draw random numb",
    ),
    "empty_batch": (EmptyBatch, "expected no error, got ValueError: cannot reshape array of size 0"),
    "batch_of_one": (BatchOfOne, r"y: expected shape \(1, 3\), got \(3,\): keep the first axis, without squeeze"),
    "memory_layout": (MemoryLayout, "y: expected .* with x in the order of Fortran, got .*: use what keeps to shapes"),
    "alignment": (
        Alignment,
        "y: expected .* where arrays begin 1 numbers behind a multiple of 64 bytes, got .*: let no",
    ),
    "float32": (Float32, r"y: expected .* as in float64, training=False, got .*: subtract what is large"),
    "backends": (Backends, "y: expected .* as in the reference, float32, got .*: compare csrc/"),
    "threads": (Threads, "y: expected the same bits with 2 threads, got .*: cut sums into parts"),
    "python_threads": (
        PythonThreads,
        "y: expected the same bits with another Python thread at work, got .*: return ar",
    ),
    "rows": (Rows, "y: expected the same bits for row 0, whatever the other rows are, got .*: compute along the other"),
}


@pytest.mark.parametrize("check", LAYER.checks)
def test_each_check_catches_the_mistake_that_it_is_for(check):
    kind, message = BROKEN[check]
    assert_caught(check, message, lambda: check_layer(kind(3), (4,)))


# Mistakes that show in one place alone: each is caught by one of the things that a check looks at.


def built(mistake):
    """The layer, with a mistake at the end of its build."""

    class Own(Right):
        def build(self, input_shape):
            super().build(input_shape)
            mistake(self)

    return Own


def answering(mistake):
    """The layer, whose y a function of (x, y, training) makes."""

    class Own(Right):
        def forward(self, x, training=False):
            return mistake(x, super().forward(x), training)

    return Own


def going_back(mistake):
    """The layer, whose dx a function of (layer, dy, dx) makes."""

    class Own(Right):
        def forward(self, x, training=False):
            self.training = training
            return super().forward(x)

        def backward(self, dy):
            return mistake(self, dy, super().backward(dy))

    return Own


def spoiled(array, result):
    array.fill(0)
    return result


def is_moved(array, offset):
    return array.base is not None and array.ctypes.data % 64 == offset * array.itemsize


class Kernels(nnlite.Dense):
    """As nnlite's own, which have kernels."""

    def forward(self, x, training=False):
        return super().forward(x) * self.dtype.type(1 + 0.01 * self.is_wrong(training))


def with_kernels(is_wrong):
    made = type("Own", (Kernels,), {"is_wrong": lambda self, training: is_wrong(self, training)})
    made.__module__ = "nnlite.layers.own"
    return made


def on_reference():
    return backend()._package == "nnlite.reference"


def kept(layer, name, array):
    """The same array each time, with these numbers, as long as the shape stays."""
    old = vars(layer).get(name)
    if old is None or old.shape != array.shape:
        setattr(layer, name, array)
    vars(layer)[name][...] = array
    return vars(layer)[name]


class NeverBuilt(Right):
    built = property(lambda self: False, lambda self, value: None)


class DrawsItsState(Right):
    def forward(self, x, training=False):
        self.state = (np.random.default_rng().standard_normal(3),)
        return super().forward(x)


class CountParams(Right):
    def count_params(self):
        return 7


class GetWeights(Right):
    def get_weights(self):
        return [0 * array for array in super().get_weights()]


class NoJSON(Right):
    def get_config(self):
        return super().get_config() | {"factor": {1.0}}


class KeysOfNumbers(Right):
    def get_config(self):
        return {"units": self.units, "factor": self.factor, "names": {1: "one"}}

    @classmethod
    def from_config(cls, config):
        layer = cls(config["units"], config["factor"])
        layer.built_of = config["names"][1]
        return layer


class DrawsANumber(Right):
    def __init__(self, units=3, factor=1.0, **kwargs):
        super().__init__(units, factor, **kwargs)
        self._scale = float(np.random.default_rng().uniform(1, 2))

    def forward(self, x, training=False):
        return super().forward(x) * self.dtype.type(self._scale)


class CopiesOfGradients(Right):
    def __deepcopy__(self, memo):
        new = copy.copy(self)
        new.params = copy.deepcopy(self.params)
        return new


class Pickled(Right):
    scale = 1

    def __deepcopy__(self, memo):
        new = object.__new__(type(self))
        vars(new).update(copy.deepcopy(vars(self), memo))
        return new

    def __getstate__(self):
        return vars(self) | {"scale": 2}

    def forward(self, x, training=False):
        return super().forward(x) * self.dtype.type(self.scale)


class NeverTrains(Right):
    _trainable = property(lambda self: False, lambda self, value: None)


class MovesItself(Right):
    def forward(self, x, training=False):
        if training:
            self.params["b"] += 1
        return super().forward(x)


class MovesWithoutGradient(MovesItself):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"][...] = 0
        return dx


class AlwaysDx(Right):
    def backward(self, dy, needs_dx=True):
        return super().backward(dy)


class LeavesGradients(Right):
    def backward(self, dy):
        return super().backward(dy) if len(dy) else np.zeros_like(self.x)


class OtherShape(LeavesGradients):
    def forward(self, x, training=False):
        y = super().forward(x)
        return y if len(x) else y[:, :1]


class Statistics(Right):
    """Its dx is right for the first statistics alone."""

    def build(self, input_shape):
        super().build(input_shape)
        self.statistics["shift"] = np.zeros(self.units, self.dtype)

    def forward(self, x, training=False):
        return super().forward(x) * np.exp(self.statistics["shift"])


class Scales(Right):
    """Its dx is right for scales of 1 alone."""

    def build(self, input_shape):
        super().build(input_shape)
        self.params["s"], self.grads["s"] = np.ones(self.units, self.dtype), np.zeros(self.units, self.dtype)

    def forward(self, x, training=False):
        self.z = super().forward(x)
        return self.z * self.params["s"]

    def backward(self, dy):
        self.grads["s"][...] = (dy * self.z).sum(axis=0)
        return super().backward(dy)


def set_item(name, key, value):
    return lambda layer: getattr(layer, name).__setitem__(key, value(layer))


SUBTLE = [
    ("build", NeverBuilt, r"built: expected True after build\(input_shape\), got False: set self.built = True"),
    ("repeatable", DrawsItsState, r"state\[0\]: expected the same bits from an equal layer"),
    ("build", built(set_item("params", "c", lambda layer: layer.params["b"].copy())), r"grads: expected the names of"),
    ("build", built(set_item("grads", "c", lambda layer: layer.grads["b"].copy())), r"grads: expected the names of"),
    ("build", built(set_item("grads", "b", lambda layer: np.zeros(3))), r"grads\['b'\]: .* float32 \(3,\), .* float64"),
    ("build", built(set_item("grads", "b", lambda layer: np.zeros((3, 1), "f4"))), r"got float32 \(3, 1\)"),
    ("build", built(set_item("grads", "b", lambda layer: [0.0] * 3)), r"grads\['b'\]: .*, got list: make both"),
    ("build", built(set_item("params", "W", lambda layer: np.ones((3, 4), "f4").T)), "changed in place, got another"),
    ("output_shape", answering(lambda x, y, training: y.tolist()), "expected an array, got list: return an array"),
    ("dtype", answering(lambda x, y, training: y.astype("float32")), "y: expected float64, .* got float32"),
    ("dtype", built(set_item("params", "c", lambda layer: np.zeros(3))), r"params\['c'\]: expected float32, .*t64"),
    ("gradient_shape", going_back(lambda layer, dy, dx: None), r"dx: expected shape \(5, 4\), that of x, got None"),
    ("inputs_stay", MovesItself, r"params\['b'\]: expected the same bits after forward and backward"),
    ("inputs_stay", answering(lambda x, y, training: y if training else spoiled(x, y)), "x: expected the same bits"),
    ("inputs_stay", going_back(lambda layer, dy, dx: dy.fill(0) if layer.training else dx), "dy: expected the same"),
    ("results_stay", going_back(lambda layer, dy, dx: kept(layer, "dx", dx)), "dx: expected the same bits after the"),
    ("parameter_count", CountParams, r"count_params\(\): expected 15, got 7"),
    ("parameter_count", GetWeights, r"y: expected the same bits after set_weights\(get_weights\(\)\)"),
    ("config", NoJSON, r"get_config\(\): expected what JSON can write, got Object of type set"),
    ("config", KeysOfNumbers, "expected no error, got KeyError: 1"),
    ("config", DrawsANumber, r"y: expected the same bits of the layer that from_config\(get_config\(\)\) makes"),
    ("copies", CopiesOfGradients, "W: expected memory of its own after copy.deepcopy"),
    ("copies", Pickled, "y: expected the same bits after pickle"),
    ("frozen", NeverTrains, r"a step of training: expected to move \['W', 'b'\], got \[\]: leave trainable"),
    ("frozen", MovesItself, r"a step of training: expected no frozen parameter to move, got \['b'\]"),
    ("frozen", MovesWithoutGradient, r"a step of training: expected to move \['W'\], got \['W', 'b'\]"),
    ("without_dx", AlwaysDx, r"backward\(dy, needs_dx=False\): expected None, got ndarray: return None there"),
    ("gradients", going_back(lambda layer, dy, dx: dx * (1 + layer.training)), "the gradient of input x is wrong"),
    ("gradients", going_back(lambda layer, dy, dx: dx * (2 - layer.training)), "the gradient of input x is wrong"),
    ("gradients", Statistics, "the gradient of input x is wrong"),
    ("gradients", Scales, "the gradient of input x is wrong"),
    ("zero_gradient", going_back(lambda layer, dy, dx: dx + dx.dtype.type(1e-12)), "dx: expected 0 everywhere for"),
    (
        "backward_twice",
        going_back(lambda layer, dy, dx: vars(layer).setdefault("dx", dx)),
        "dx: expected the same bits from a second backward, got .* such as nan",
    ),
    ("empty_batch", OtherShape, r"y: expected shape \(0, 3\), got \(0, 1\)"),
    ("empty_batch", LeavesGradients, r"grads\['W'\]: expected 0 from no rows"),
    ("batch_of_one", going_back(lambda layer, dy, dx: np.squeeze(dx)), r"dx: expected shape \(1, 4\), got \(4,\)"),
    (
        "batch_of_one",
        answering(lambda x, y, training: y * np.float32(np.nan if len(x) == 1 else 1)),
        "y: expected finite numbers, got NaN or infinity",
    ),
    (
        "memory_layout",
        going_back(lambda layer, dy, dx: dx * np.float32(2 if np.isfortran(dy) else 1)),
        "dx: expected .* with dy in the order of Fortran",
    ),
    (
        "memory_layout",
        answering(lambda x, y, training: y if x.flags.writeable else np.nextafter(y, np.float32(9))),
        "y: expected the same bits with x read-only",
    ),
    (
        "memory_layout",
        going_back(lambda layer, dy, dx: dx if dy.flags.writeable else np.nextafter(dx, np.float32(9))),
        "dx: expected the same bits with dy read-only",
    ),
    *(
        ("alignment", answering(lambda x, y, training, n=n: y * np.float32(1 + is_moved(x, n))), f"begin {n} num")
        for n in (1, 3, 8)
    ),
    ("alignment", going_back(lambda layer, dy, dx: dx * np.float32(1 + is_moved(dy, 3))), "dx: .* begin 3 numbers"),
    (
        "alignment",
        with_kernels(lambda layer, training: is_moved(layer.params["W"], 3)),
        "y: expected the same bits where arrays begin 3 numbers",
    ),
    ("float32", going_back(lambda layer, dy, dx: dx + dx.dtype.type(1e4) - dx.dtype.type(1e4)), "dx: .* as in float64"),
    ("backends", with_kernels(lambda one, training: one.dtype == "float64" and on_reference()), "reference, float64"),
    ("backends", with_kernels(lambda one, training: one.dtype == "float32" and on_reference()), "reference, float32"),
    ("backends", with_kernels(lambda layer, training: training and on_reference()), "as in the reference"),
    ("backends", with_kernels(lambda layer, training: not training and on_reference()), "as in the reference"),
    *(
        ("threads", with_kernels(lambda layer, training, n=n: get_num_threads() == n), f"with {m} threads")
        for n, m in ((1, 2), (2, 2), (3, 3), (5, 5))
    ),
    ("rows", answering(lambda x, y, training: y + x[:1, :1] * (np.arange(len(x)) == 4)[:, None]), "for row 4, wh"),
    ("rows", answering(lambda x, y, training: y * np.float32(1 + (len(x) == 1))), "y: .* for row 0 alone"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "kind", "message"), SUBTLE)
def test_a_mistake_in_one_place_is_caught(check, kind, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parameters that are not in params
        assert_caught(check, message, lambda: check_layer(kind(3), (4,), without=alone(LAYER, check)))


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        ("backward_twice", InputsStay),  # a dy that backward spoils is another check's
        (
            "memory_layout",  # NumPy's products round as memory lies
            answering(lambda x, y, training: np.nextafter(y, np.float32(9)) if np.isfortran(x) else y),
        ),
        ("memory_layout", going_back(lambda layer, dy, dx: np.nextafter(dx, dy[0, 0]) if np.isfortran(dy) else dx)),
        ("empty_batch", answering(lambda x, y, training: y + 0 * x.mean())),  # warns of a mean of nothing
    ],
)
def test_what_is_no_mistake_there_passes(check, kind):
    assert check_layer(kind(3), (4,), without=alone(LAYER, check)).passed == [check]


class Aliased(Right):
    """Has its arrays in attributes as well, and gradients that begin with any numbers."""

    def build(self, input_shape):
        super().build(input_shape)
        self.W, self.dW = self.params["W"], self.grads["W"]
        self.dW[...] = self.rng.standard_normal(self.dW.shape)
        self.statistics["mean"] = self.mean = self.rng.standard_normal(3).astype(self.dtype)


class DrawsInItsDtype(Right):
    """Its generator has gone another way in each dtype, once it is built."""

    def build(self, input_shape):
        super().build(input_shape)
        self.rng.standard_normal(size=7, dtype=self.dtype)

    def forward(self, x, training=False):
        return super().forward(x * (self.rng.random(x.shape) < 0.5) if training else x)


@pytest.mark.parametrize(("kind", "check"), [(Aliased, "build"), (Aliased, "config"), (DrawsInItsDtype, "float32")])
def test_what_a_layer_of_ones_own_may_do(kind, check):
    assert check_layer(kind(), (4,), without=alone(LAYER, check)).passed == [check]


@pytest.mark.parametrize(
    ("hold", "held"),
    [
        (lambda one: one, lambda parts: parts),
        (lambda one: [one], lambda parts: parts[0]),
        (lambda one: (3, one), lambda parts: parts[1]),
        (lambda one: {"a": one}, lambda parts: parts["a"]),
    ],
    ids=["layer", "list", "tuple", "dict"],
)
def test_kernels_inside_of_a_layer_of_ones_own_are_checked(hold, held):
    class Holds(Layer):
        def __init__(self):
            super().__init__()
            self.parts = hold(nnlite.Tanh())

        def forward(self, x, training=False):
            return held(self.parts).forward(x)

        def backward(self, dy):
            return held(self.parts).backward(dy)

    assert check_layer(Holds(), (4,), without=alone(LAYER, "backends")).passed == ["backends"]


def test_inputs_and_layers_of_a_case():
    case = LayerCase(nnlite.Dense(3), (np.int64(4),), None)
    assert case.inputs().shape == (5, 4)
    assert case.scales(case.inputs()) == (1, 8)
    assert case.scales(np.ones(3, int)) == (1,)
    assert case.new() is not case.new()
    assert case.unbuilt().rng.random() == case.unbuilt().rng.random()
    norm = LayerCase(nnlite.BatchNorm(), (4,), None).new()  # none is what it is at first
    for array, first in zip((*norm.params.values(), *norm.statistics.values()), (1, 0, 0, 1), strict=True):
        assert (array != first).all()
    np.testing.assert_array_equal(case.new("float64").params["W"], case.new().params["W"])
    assert LayerCase(nnlite.ReLU(), (4,), lambda rng, shape: np.ones(shape)).scales(np.ones(3)) == (1,)
    ids = LayerCase(nnlite.Embedding(3, 2), (40,), None).inputs()
    assert {*ids.ravel().tolist()} == {0, 1, 2}
    assert LayerCase(Bare(), (4,), None).dtype == "float64"
    theirs = type("Own", (Right,), {"__module__": "nnlite_of_a_friend.layers"})
    assert [LayerCase(kind(3), (4,), None).is_ours for kind in (nnlite.Dense, Right, theirs)] == [True, False, False]


class MadeAtOnce(Layer):
    """Has its parameter before it is built."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.params["a"], self.grads["a"] = np.full(4, 0.5, self.dtype), np.zeros(4, self.dtype)

    def forward(self, x, training=False):
        self.x = x
        return x * self.params["a"]

    def backward(self, dy):
        self.grads["a"][...] = (dy * self.x).sum(axis=0)
        return dy * self.params["a"]


def test_parameters_may_be_made_by_the_constructor():
    check_layer(MadeAtOnce(), (4,))


def test_nothing_is_frozen_without_parameters():
    report = check_layer(nnlite.ReLU(), (4,), without=alone(LAYER, "frozen"))
    assert report.left_out["frozen"] == "it has no parameters"


@pytest.mark.parametrize(("size", "text"), [(100, ""), (101, "along random directions, as these are 303 numbers")])
def test_few_gradients_are_compared_number_by_number(size, text, monkeypatch):
    seen = []
    monkeypatch.setattr(layer_numbers, "gradcheck", lambda *_, fast, **__: seen.append(fast))
    assert check_layer(nnlite.ReLU(), (size,), without=alone(LAYER, "gradients"))["gradients"].text == text
    assert seen == [bool(text)] * 4


def test_a_dx_of_ids_is_told():
    class Ids(nnlite.Embedding):
        def backward(self, dy, needs_dx=True):
            super().backward(dy)
            return np.zeros((5, 4))

    report = check_layer(Ids(7, 3), (4,), without=alone(LAYER, "gradient_shape"))
    assert report["gradient_shape"].text == "its input is ids, and dx (5, 4) is of no use to anyone"


@pytest.mark.parametrize(("shape", "rows"), [((4,), 4096), ((16, 16), 128), ((1024,), 64)])
def test_how_many_rows_threads_share(shape, rows):
    assert testing_threads.many(shape) == rows


class Elementwise(Layer):
    """y = x times what `factor` says."""

    def forward(self, x, training=False):
        self.f = self.factor(x)
        return x * self.f

    def backward(self, dy):
        return dy * self.f


class FromElsewhere(Elementwise):
    def factor(self, x):
        return np.random.default_rng().standard_normal(x.shape).astype(x.dtype)


class Counts(Elementwise):
    calls = 0

    def factor(self, x):
        self.calls += 1
        return x.dtype.type(self.calls)


class Halves(Elementwise):
    def factor(self, x):
        x /= 2
        return x.dtype.type(1)


class Limit(Elementwise):
    def factor(self, x):
        return np.minimum(1, 6 / np.maximum(np.abs(x), 1e-9)).astype(x.dtype)


class Hidden(Right):
    def build(self, input_shape):
        self.W = self.rng.standard_normal((input_shape[-1], self.units)).astype(self.dtype)

    def forward(self, x, training=False):
        return x @ self.W

    def backward(self, dy):
        return dy @ self.W.T


class BesideParams(Right):
    def build(self, input_shape):
        super().build(input_shape)
        self._table = self.rng.permutation(input_shape[-1])

    def forward(self, x, training=False):
        return super().forward(x[:, self._table])

    def backward(self, dy):
        return super().backward(dy)[:, np.argsort(self._table)]


class DrawnTooEarly(Right):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._shift = np.random.default_rng().standard_normal(self.units).astype("float32")

    def forward(self, x, training=False):
        return super().forward(x) + self._shift.astype(x.dtype)


@pytest.mark.parametrize(
    ("kind", "headline"),
    [
        (FromElsewhere, "check repeatable: .*: draw random numbers from self.rng alone"),
        (Counts, "check repeatable: .*, and carry nothing from one call to the next"),
        (Halves, r"check inputs_stay: .*: compute in a new array, such as x = x \* 2"),
        (Limit, "check gradients: Limit: the gradient of input x is wrong"),
        (Hidden, r"check build: self.W: expected what build draws to be in params, got .*: add self.params\['W'\] = "),
        (BesideParams, "check build: self._table: .*; what is not learned, to self.statistics"),
        (DrawnTooEarly, "check config: self._shift: expected the same in the layer .*: draw in build, from self.rng"),
    ],
)
def test_the_first_line_names_the_cause(kind, headline):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ContractError, match=headline):
            check_layer(kind(), (4,))


def test_a_layer_of_ones_own_that_is_right_passes():
    report = check_layer(Right(), (4,))
    assert report.left_out == {
        "without_dx": "its backward has no argument needs_dx, so dx is always computed",
        "backends": "it is NumPy alone: it has no compiled kernel",
        "threads": "it is NumPy alone: it has no compiled kernel",
    }
    assert len(report.passed) == len(LAYER.checks) - 3


class Bare:
    """Two passes, and nothing of nnlite's."""

    def __init__(self):
        self.params, self.grads = {"a": np.full(4, 0.5)}, {"a": np.zeros(4)}

    def forward(self, x):
        self.x = x
        return x * self.params["a"]

    def backward(self, dy):
        self.grads["a"][...] = (dy * self.x).sum(axis=0)
        return dy * self.params["a"]


def test_a_class_of_two_passes_is_checked_as_far_as_it_goes():
    report = check_layer(Bare(), (4,))
    assert {"output_shape", "config", "saving", "frozen", "float32", "python_threads"} <= report.left_out.keys()
    assert {"gradients", "zero_gradient", "memory_layout", "rows", "copies", "alignment"} <= set(report.passed)

    class Wrong(Bare):
        def backward(self, dy):
            self.grads["a"] += (dy * self.x).sum(axis=0)
            return dy * self.params["a"]

    with pytest.raises(ContractError, match="gradients: Wrong: the gradient of parameter a changes with every"):
        check_layer(Wrong(), (4,))


def test_ids_and_numbers_of_another_kind_are_drawn_by_the_caller():
    class Table(Right):
        def build(self, input_shape):
            super().build((7,))

        def output_shape(self, input_shape):
            return (*input_shape, self.units)

        def forward(self, x, training=False):
            self.x = x
            return self.params["W"][x] + self.params["b"]

        def backward(self, dy):
            self.grads["W"][...] = 0
            np.add.at(self.grads["W"], self.x, dy)
            self.grads["b"][...] = dy.sum(axis=(0, 1))

    report = check_layer(Table(), (4,), draw=lambda rng, shape: rng.integers(7, size=shape))
    assert "gradients" in report.passed
    assert report["copies"].text == f"without pickle, which does not find {Table.__qualname__} in the module {__name__}"

    class Logarithm(Right):
        def build(self, input_shape):
            self.built = True

        def output_shape(self, input_shape):
            return input_shape

        def forward(self, x, training=False):
            self.x = x
            return np.log(x)

        def backward(self, dy):
            return dy / self.x

    check_layer(Logarithm(), (4,), draw=lambda rng, shape: rng.uniform(1, 2, shape))


def test_the_layer_stays_as_it_is():
    layer = Right()
    before = layer.rng.bit_generator.state
    check_layer(layer, (4,))
    assert not layer.built
    assert not layer.params
    assert layer.rng.bit_generator.state == before


def test_a_report_shows_itself():
    report = check_layer(nnlite.BatchNorm(), (4,))
    assert isinstance(report, ContractReport)
    lines = str(report).splitlines()
    assert lines[0] == "BatchNorm: 24 passed, 0 failed, 1 left out"
    assert "rows             passed    in training they depend on each other, as in BatchNorm" in lines
    assert "<table>" in report._repr_html_()
    assert "left out" in report._repr_html_()


def test_an_error_names_what_else_failed_and_keeps_the_first_cause():
    with pytest.raises(ContractError) as raised:
        check_layer(ResultsStay(), (4,))
    error = raised.value
    assert str(error).splitlines()[1:] == [
        "  why: Who keeps y or dx must not find the numbers of a later batch in it.",
        f"  failed, too: {', '.join(error.report.failed[1:])}",
    ]
    assert error.__cause__ is not None
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_check_can_be_left_out():
    report = check_layer(Rows(), (4,), without=["rows"])
    assert report.left_out["rows"] == "the caller left it out"
    with pytest.raises(ValueError, match=r"without: expected names among build, .*, got 'row': a report"):
        check_layer(Rows(), (4,), without="row")


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            nnlite.Dense,
            (4,),
            "layer: expected a layer with forward and backward, got the class Dense: give one",
        ),
        (3, (4,), "layer: expected a layer with forward and backward, got 3"),
        (nnlite.Dense(3), 4, r"input_shape: expected a tuple without the batch axis, such as \(T, F\), got 4"),
        (
            nnlite.Dense(3),
            (None, 4),
            r"input_shape: expected whole numbers above 0, got \(None, 4\): give a small size",
        ),
        (nnlite.Dense(3), (0, 4), r"input_shape: expected whole numbers above 0, got \(0, 4\)"),
        (nnlite.Dense(3), (2.0, 4), r"input_shape: expected whole numbers above 0, got \(2.0, 4\)"),
        (nnlite.Dense(3), "34", "input_shape: expected a tuple without the batch axis, .*, got '34'"),
        (type("A", (), {"forward": print})(), (4,), "layer: expected a layer with forward and backward, got <"),
    ],
)
def test_what_cannot_be_checked_is_refused(layer, shape, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_layer(layer, shape)


def test_a_built_layer_is_refused():
    layer = nnlite.Dense(3)
    layer.build((4,))
    with pytest.raises(ValueError, match="layer: expected one without parameters, as every check builds its own"):
        check_layer(layer, (4,))


def test_a_forward_without_return_is_told_so():
    class Forgot(nnlite.Layer):
        def forward(self, x, training=False):
            self.y = 2 * x

        def backward(self, dy):
            return 2 * dy

    with pytest.raises(ContractError, match="forward: expected an array, got NoneType: add `return y` at its end"):
        check_layer(Forgot(), (3,))


def test_zeros_of_another_dtype_have_no_same_bits():
    with pytest.raises(AssertionError, match=r"y: expected float32 \(2,\) here, got int32 \(2,\): do it"):
        comparison.same_bits({"y": np.zeros(2, "int32")}, {"y": np.zeros(2, "float32")}, "here", "do it")


def test_nan_is_close_to_nothing():
    with pytest.raises(AssertionError, match="y: expected 1 at"):
        comparison.close({"y": np.full(2, np.nan)}, {"y": np.ones(2)}, "float64", "here", "do it")


@pytest.mark.parametrize(
    ("name", "dtype", "limit"),
    [("y", "float32", 1e-5), ("y", "float64", 1e-10), ("dx", "float32", 1e-4), ("dx", "float64", 1e-10)],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_how_far_numbers_may_be_apart(name, dtype, limit, sign):
    """Relative to the largest number, whatever its sign and size."""
    expected = {name: np.array([1e-6, -2e-5])}
    comparison.close({name: expected[name] + sign * 0.9 * limit * 2e-5}, expected, dtype, "here", "do it")
    with pytest.raises(
        AssertionError, match=f"{name}: expected .* of the largest number away, allowed {limit:.0e}: do"
    ):
        comparison.close({name: expected[name] + sign * 1.1 * limit * 2e-5}, expected, dtype, "here", "do it")


def test_zeros_are_close_to_zeros_alone():
    comparison.close({"y": np.zeros(2)}, {"y": np.zeros(2)}, "float32", "here", "do it")
    with pytest.raises(AssertionError, match=r"got 1e-30, inf of the largest number away"):
        comparison.close({"y": np.full(2, 1e-30)}, {"y": np.zeros(2)}, "float32", "here", "do it")


@pytest.mark.parametrize(
    "compare", [comparison.same_bits, lambda a, b, *rest: comparison.close(a, b, "float32", *rest)]
)
@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"y": np.zeros((1, 3))}, r"y: expected .*\(3,\).* here, got .*\(1, 3\): do it"),
        ({"y": np.zeros(3), "dx": np.zeros(3)}, "expected y here, got y, dx: do it"),
        ({}, "expected y here, got : do it"),
    ],
)
def test_other_shapes_and_names_are_no_agreement(compare, found, message):
    with pytest.raises(AssertionError, match=message):
        compare(found, {"y": np.zeros(3)}, "here", "do it")


def test_layouts_are_what_they_are_called():
    array = np.arange(24.0).reshape(2, 3, 4)
    made = comparison.layouts(array)
    for one in made.values():
        np.testing.assert_array_equal(one, array)
    read_only, gaps, fortran, negative = made.values()
    assert [one.flags.writeable for one in (read_only, array)] == [False, True]
    assert not np.shares_memory(read_only, array)
    assert gaps.strides == (192, 64, 16)
    assert np.isfortran(fortran)
    assert negative.strides == (-96, -32, -8)


def test_changed_numbers_are_near_and_of_the_same_sign():
    array = np.repeat([0.0, 1.0, -100.0], 200)
    distance = (comparison.changed(array, np.random.default_rng(0)) - array).reshape(3, 200) / [[1], [1], [100]]
    assert np.abs(distance).min() > 0.1
    assert np.abs(distance).max() < 0.3
    assert ((distance > 0).any(axis=1) & (distance < 0).any(axis=1)).all()


def elsewhere():
    pass


def renamed():
    pass


elsewhere.__module__ = "a.module.that.is.not.imported"
renamed.__qualname__ = "elsewhere_again"
elsewhere_again = elsewhere


@pytest.mark.parametrize(
    "thing", [elsewhere, renamed, SimpleNamespace(f=elsewhere), SimpleNamespace(kind=type("A", (), {}))]
)
def test_what_pickle_does_not_find_is_copied_without_it(thing):
    copied, note = copies_of(thing)
    assert [*copied] == ["copy.deepcopy"]
    assert note.startswith("without pickle, which does not find ")
    assert [*copies_of(SimpleNamespace(f=made))[0]] == ["copy.deepcopy", "pickle"]


class Case:
    hint = ": a hint"


def test_a_report_has_all_that_checks_say():
    contract = Contract()

    def first(case):
        """Why.

        More.
        """
        return "and more"

    def second(case):
        raise LookupError("no such thing")

    def third(case):
        raise AssertionError("two\nlines")

    for check in (first, second, third):
        assert contract(check) is check
    with pytest.raises(ContractError) as raised:
        contract.hold("title", Case())
    report = raised.value.report
    assert [(one.why, one.outcome, one.text) for one in report.results] == [
        ("Why.", "passed", "and more"),
        ("", "failed", "expected no error, got LookupError: no such thing: a hint"),
        ("", "failed", "two\nlines"),
    ]
    assert isinstance(raised.value.__cause__, LookupError)
    assert str(report).splitlines()[0] == "title: 1 passed, 2 failed, 0 left out"
    assert [" ".join(line.split()) for line in str(report).splitlines()[-2:]] == [
        "second failed expected no error, got LookupError: no such thing: a hint",
        "third failed two",
    ]
    with pytest.raises(ContractError) as raised:
        contract.hold("title", None, without=["first", "third"])
    assert str(raised.value).splitlines()[1:] == ["  why: "]
    assert raised.value.report["second"].text == "expected no error, got LookupError: no such thing"


def test_without_compiled_kernels_a_check_of_them_does_not_apply(monkeypatch):
    def missing(name):
        raise ImportError(f"use_backend: {name!r}: there is none")

    monkeypatch.setattr("nnlite.testing.contract.use_backend", missing)
    with pytest.raises(LeftOut, match="nnlite runs on NumPy here"), on_compiled_kernels():
        raise AssertionError("it went on")


@pytest.mark.parametrize("offset", [0, 1, 3, 8])
def test_what_is_moved_begins_where_it_is_told_to(offset):
    for n in range(1, 20):  # of any size, as their first places are others
        array = comparison.moved(np.arange(float(n)), offset)
        assert array.ctypes.data % 64 == 8 * offset % 64
        assert array.tolist() == [*range(n)]
