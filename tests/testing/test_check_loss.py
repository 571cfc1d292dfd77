"""check_loss: every exported loss keeps the contract, and a loss with one mistake is caught by the check for it."""

import inspect
import time

import numpy as np
import pytest
from contracts import assert_caught

import nnlite
from nnlite import get_num_threads, losses
from nnlite.kernels import backend
from nnlite.losses import Loss
from nnlite.testing import ContractError, check_loss
from nnlite.testing.loss import LOSS

CASES = [
    "MeanSquaredError()",
    "MeanSquaredError(reduction='sum')",
    "MeanAbsoluteError()",
    "BinaryCrossentropy()",
    "BinaryCrossentropy(from_logits=True, label_smoothing=0.1)",
    "CategoricalCrossentropy()",
    "CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction='sum')",
    "SparseCategoricalCrossentropy()",
    "SparseCategoricalCrossentropy(from_logits=True)",
    "SparseCategoricalCrossentropy(from_logits=True, reduction='sum')",
]


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
@pytest.mark.parametrize("code", CASES)
def test_every_exported_loss_keeps_the_contract(code, shape):
    assert check_loss(eval(code, vars(losses)), shape).passed == list(LOSS.checks)


def test_no_exported_loss_is_left_out():
    kinds = {kind for kind in map(vars(losses).get, losses.__all__) if inspect.isclass(kind) and kind is not Loss}
    assert {type(eval(code, vars(losses))) for code in CASES} == kinds


def test_a_mean_over_some_rows_is_no_mean_over_batches():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    assert_caught("reduction", "forward: expected the mean over the rows", lambda: check_loss(loss, (4,)))
    check_loss(loss, (4,), without=["reduction"])


class Right(Loss):
    """Squares in plain NumPy, as a user writes them."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, y_true, y_pred):
        self.e = y_pred - y_true
        return self.factor * float(np.square(self.e, dtype=np.float64).mean())

    def backward(self):
        return self.e * (2 * self.factor / self.e.size)


class Number(Right):
    def forward(self, y_true, y_pred):
        super().forward(y_true, y_pred)
        return self.e.mean(axis=-1)


class Nothing(Right):
    def forward(self, y_true, y_pred):
        super().forward(y_true, y_pred)


class GradientShape(Right):
    def backward(self):
        return super().backward().astype(np.float64)


class Gradients(Right):
    def backward(self):
        return super().backward() / 2


class InputsStay(Right):
    def forward(self, y_true, y_pred):
        y_pred -= y_true
        self.e = y_pred
        return float(np.square(self.e).mean())


class ResultsStay(Right):
    dy = None

    def backward(self):
        dy = super().backward()
        if self.dy is None or self.dy.shape != dy.shape:
            self.dy = dy
        self.dy[...] = dy
        return self.dy


class BackwardTwice(Right):
    def backward(self):
        self.e *= np.float32(2 / self.e.size)
        return self.e.copy()


class Repeatable(Right):
    worst = 0.0

    def forward(self, y_true, y_pred):
        self.worst = max(self.worst, super().forward(y_true, y_pred))
        return super().forward(y_true, y_pred) / self.worst


class BatchOfOne(Right):
    def forward(self, y_true, y_pred):
        super().forward(y_true, y_pred)
        with np.errstate(all="ignore"):
            return float(np.float64(np.square(self.e).sum()) / (len(self.e) - 1))


class MemoryLayout(Right):
    def forward(self, y_true, y_pred):
        return super().forward(y_true, y_pred.ravel("K").reshape(y_pred.shape))


class Float32(Right):
    def forward(self, y_true, y_pred):
        return super().forward(y_true, (y_pred + y_pred.dtype.type(1e4)) - y_pred.dtype.type(1e4))


class Reduction(Right):
    def forward(self, y_true, y_pred):
        return np.sqrt(super().forward(y_true, y_pred))


class SampleWeight(Right):
    def forward(self, y_true, y_pred, sample_weight=None):
        loss = super().forward(y_true, y_pred)
        return loss if sample_weight is None else loss * float(sample_weight.mean())


class Config(Right):
    def __init__(self, factor=1.0):
        super().__init__(3 * factor)


class Copies(Right):
    kept_of_all = {}  # noqa: RUF012  the mistake

    def forward(self, y_true, y_pred):
        self.kept_of_all["e"] = y_pred - y_true
        return super().forward(y_true, y_pred)

    def backward(self):
        return self.kept_of_all["e"] * (2 / self.kept_of_all["e"].size)


class Backends(losses.MeanSquaredError):
    def forward(self, y_true, y_pred, sample_weight=None):
        factor = 1.01 if backend()._package == "nnlite.reference" else 1.0
        return factor * super().forward(y_true, y_pred, sample_weight)


class Threads(losses.MeanSquaredError):
    def forward(self, y_true, y_pred, sample_weight=None):
        return get_num_threads() * super().forward(y_true, y_pred, sample_weight)


Backends.__module__ = Threads.__module__ = "nnlite.losses"  # which have kernels


class PythonThreads(Right):
    def forward(self, y_true, y_pred):
        self.e = y_pred - y_true
        time.sleep(1e-4)  # the other thread comes in
        return float(np.square(self.e, dtype=np.float64).mean())

    forward.takes_turns = True  # it says so


class InAModel(Right):
    def forward(self, y_true, y_pred):
        return -super().forward(y_true, y_pred)


BROKEN = {
    "number": (Number, r"forward: expected a finite float, got ndarray \(5,\): return float\(...\) of a mean"),
    "gradient_shape": (GradientShape, r"backward: expected an array float32 \(5, 4\), as y_pred, got float64 \(5, 4\)"),
    "gradients": (Gradients, "the gradient of input y_pred is wrong.*a constant factor"),
    "inputs_stay": (InputsStay, "y_pred: expected the same bits after forward and backward, got .*: compute in a new"),
    "results_stay": (ResultsStay, "gradient: expected the same bits after the next batch, got .*: return a new array"),
    "backward_twice": (BackwardTwice, "gradient: expected the same bits from a second backward, got .*: leave what"),
    "repeatable": (
        Repeatable,
        "loss: expected the same bits after another batch, got .*: draw no random numbers, and carry nothing over",
    ),
    "batch_of_one": (
        BatchOfOne,
        "loss: expected finite numbers, got NaN or infinity: divide by no number of rows minus",
    ),
    "memory_layout": (MemoryLayout, "loss: expected .* with y_pred in the order of Fortran, got .*: use what keeps to"),
    "float32": (Float32, ": expected .* as in float64, got .*: sum in float64"),
    "reduction": (Reduction, "forward: expected the mean over the rows, got .*: divide the sum over all positions"),
    "sample_weight": (SampleWeight, "gradient: expected .* with all weights 2, got .*: multiply the loss of each row"),
    "config": (Config, "the configuration of a copy: expected .*factor.*: keep each argument of __init__"),
    "copies": (
        Copies,
        "gradient: expected the same bits while its copy by copy.deepcopy is at work, got .*: keep what",
    ),
    "backends": (Backends, "loss: expected .* as in the reference, float32, got .*: compare csrc/"),
    "threads": (Threads, "loss: expected the same bits with 2 threads, got .*: cut sums into parts"),
    "python_threads": (PythonThreads, "loss: expected the same bits beside another Python thread, got .*: do not take"),
    "in_a_model": (InAModel, "loss after 50 steps: expected below .*, got .*: check the sign of the gradient"),
}


@pytest.mark.parametrize("check", LOSS.checks)
def test_each_check_catches_the_mistake_that_it_is_for(check):
    kind, message = BROKEN[check]
    assert_caught(check, message, lambda: check_loss(kind(), (4,)))


class FromElsewhere(Right):
    def forward(self, y_true, y_pred):
        return super().forward(y_true, y_pred) * np.random.default_rng().uniform(0.9, 1.1)


@pytest.mark.parametrize(
    ("kind", "headline"),
    [
        (InputsStay, "check inputs_stay: y_pred: .*: compute in a new"),
        (FromElsewhere, "check repeatable: loss: .*: draw no random"),
    ],
)
def test_the_first_line_names_the_cause(kind, headline):
    with pytest.raises(ContractError, match=headline):
        check_loss(kind(), (4,))


def test_a_loss_that_forgets_to_return():
    message = "forward: expected a finite float, got None: add `return` at its end"
    assert_caught("number", message, lambda: check_loss(Nothing(), (4,)))


def test_a_loss_of_ones_own_that_is_right_passes():
    report = check_loss(Right(), (2, 3))
    assert list(report.left_out) == ["sample_weight", "backends", "threads"]


class Bare:
    """A sum, in two methods, and nothing of nnlite's."""

    def forward(self, y_true, y_pred):
        self.e = y_pred - y_true
        return float(np.square(self.e, dtype=np.float64).sum())

    def backward(self):
        return 2 * self.e


def test_a_class_of_two_methods_is_checked_as_far_as_it_goes():
    report = check_loss(Bare(), (4,))
    assert list(report.left_out) == ["sample_weight", "config", "backends", "threads", "python_threads"]
    assert report["reduction"].text == "it is a sum over the rows: its numbers depend on batch_size"


def test_pairs_of_another_kind_are_drawn_by_the_caller():
    class Logarithms(Bare):
        def forward(self, y_true, y_pred):
            self.p = y_pred
            self.e = np.log(y_pred) - np.log(y_true)
            return float(np.square(self.e, dtype=np.float64).mean())

        def backward(self):
            return 2 * self.e / self.p / self.p.size

    def positive(rng, shape):
        return rng.uniform(1, 2, shape), rng.uniform(1, 2, shape)

    report = check_loss(Logarithms(), (3,), draw=positive)
    assert report.left_out["in_a_model"] == "draw makes predictions that a model may not give"


@pytest.mark.parametrize(
    ("loss", "shape", "message"),
    [
        (nnlite.MeanSquaredError, (3,), "loss: expected a loss, got the class MeanSquaredError: use an instance"),
        ("mse", 3, r"output_shape: expected a tuple without the batch axis, such as \(T, F\), got 3"),
    ],
)
def test_what_cannot_be_checked_is_refused(loss, shape, message):
    with pytest.raises(TypeError, match=message):
        check_loss(loss, shape)


def test_a_loss_of_labels_is_told_to_draw_them():
    class OfLabels:
        def forward(self, y_true, y_pred):
            return float(np.mean(y_pred[np.arange(len(y_true)), y_true]))

        def backward(self):
            return np.zeros((1, 1))

    with pytest.raises(ContractError, match=r"IndexError: .*for labels or probabilities use draw=lambda rng, shape: "):
        check_loss(OfLabels(), (3,))
