"""check_layer: every exported layer keeps the contract, and a layer with one mistake is caught by the check for it."""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
from contracts import assert_caught

import nnlite
from nnlite import Layer, get_num_threads
from nnlite.kernels import backend
from nnlite.testing import ContractError, ContractReport, check_layer, comparison
from nnlite.testing.layer_case import LAYER

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


@pytest.mark.parametrize("offset", [0, 1, 3, 8])
def test_what_is_moved_begins_where_it_is_told_to(offset):
    for n in range(1, 20):  # of any size, as their first places are others
        array = comparison.moved(np.arange(float(n)), offset)
        assert array.ctypes.data % 64 == 8 * offset % 64
        assert array.tolist() == [*range(n)]
