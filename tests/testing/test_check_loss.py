"""check_loss: every exported loss keeps the contract, and a loss with one mistake is caught by the check for it."""

import contextlib
import inspect
import sys
import time

import numpy as np
import pytest
from contracts import alone, assert_caught

import nnlite
from nnlite import get_num_threads, losses
from nnlite.kernels import backend
from nnlite.losses import Loss
from nnlite.testing import ContractError, check_loss
from nnlite.testing.loss import LOSS, LossCase
from nnlite.testing.threads import at_once, threads_of_kernels

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


# Mistakes that show in one place alone: each is caught by one of the things that a check looks at.


def costing(mistake):
    """The loss, which a function of (y_true, y_pred, loss) changes."""

    class Own(Right):
        def forward(self, y_true, y_pred):
            return mistake(y_true, y_pred, super().forward(y_true, y_pred))

    return Own


def going_back(mistake):
    """The loss, whose gradient a function of (loss, gradient) makes."""
    return type("Own", (Right,), {"backward": lambda self: mistake(self, Right.backward(self))})


def weighing(weights, gradient=lambda found, weight: found):
    """The loss, whose weights a function of them makes, and its gradient another one."""

    class Own(Right):
        def forward(self, y_true, y_pred, sample_weight=None):
            super().forward(y_true, y_pred)
            self.weight = np.ones(len(y_pred)) if sample_weight is None else sample_weight
            return float((np.square(self.e.astype(np.float64)) * weights(self.weight)[:, None]).mean())

        def backward(self):
            found = super().backward() * weights(self.weight)[:, None].astype(self.e.dtype)
            return gradient(found, self.weight)

    return Own


def with_kernels(is_wrong):
    """As nnlite's own, which have kernels."""

    class Own(losses.MeanSquaredError):
        def forward(self, y_true, y_pred, sample_weight=None):
            return super().forward(y_true, y_pred, sample_weight) * (1 + 0.01 * is_wrong(y_pred))

    Own.__module__ = "nnlite.losses"
    return Own


class Root:
    """Does not say what it is."""

    def forward(self, y_true, y_pred):
        return float(np.sqrt(np.square(y_pred - y_true).sum()))

    def backward(self):
        raise NotImplementedError


class DrawsANumber(Right):
    def __init__(self, factor=1.0):
        super().__init__(factor)
        self._scale = float(np.random.default_rng().uniform(1, 2))

    def forward(self, y_true, y_pred):
        return super().forward(y_true, y_pred) * self._scale

    def backward(self):
        return super().backward() * np.float32(self._scale)


class Pickled(Right):
    scale = 1.0

    def __deepcopy__(self, memo):
        new = type(self)(self.factor)
        vars(new).update(vars(self))
        return new

    def __getstate__(self):
        return vars(self) | {"scale": 2.0}

    def forward(self, y_true, y_pred):
        return super().forward(y_true, y_pred) * self.scale


def on_reference():
    return backend()._package == "nnlite.reference"


def first_row(found, weight):
    return np.where((np.arange(len(found)) == 0)[:, None] & (weight[0] == 0), np.float32(1), found)


SUBTLE = [
    ("number", costing(lambda t, p, loss: float("nan")), "forward: expected a finite float, got nan: return"),
    ("number", costing(lambda t, p, loss: 3), "forward: expected a finite float, got 3: return float"),
    ("gradient_shape", going_back(lambda self, dy: dy.astype("f4")), "expected an array float64 .* got float32"),
    ("gradient_shape", going_back(lambda self, dy: dy[:, :1]), r"float32 \(5, 4\), as y_pred, got float32 \(5, 1\)"),
    ("gradient_shape", going_back(lambda self, dy: dy.tolist()), r"as y_pred, got list \(5, 4\)"),
    (
        "inputs_stay",
        costing(lambda t, p, loss: t.fill(0) or loss),
        "y_true: expected the same bits after",
    ),
    (
        "backward_twice",
        going_back(lambda self, dy: vars(self).setdefault("dy", dy)),
        "gradient: expected the same bits from a second backward, .* such as nan",
    ),
    ("batch_of_one", going_back(lambda self, dy: np.squeeze(dy)), r"gradient: expected shape \(1, 4\), got \(4,\)"),
    ("batch_of_one", going_back(lambda self, dy: dy / np.float32(len(dy) > 1)), "gradient: expected finite numbers"),
    (
        "memory_layout",
        costing(lambda t, p, loss: loss * (1 + np.isfortran(t))),
        "loss: .* with y_true in the order of Fortran",
    ),
    (
        "memory_layout",
        costing(lambda t, p, loss: loss * (1 + 1e-15 * (not p.flags.writeable))),
        "loss: expected the same bits with y_pred read-only",
    ),
    (
        "float32",
        going_back(lambda self, dy: dy + dy.dtype.type(1e4) - dy.dtype.type(1e4)),
        "gradient: .* as in float64",
    ),
    (
        "reduction",
        type("Own", (Right,), {"reduction": property(lambda self: "sum", lambda self, value: None)}),
        "forward: expected the sum over the rows, got",
    ),
    (
        "reduction",
        costing(lambda t, p, loss: loss * (1 + 1e-8 * len(p))),
        "forward: expected the mean over the rows",
    ),
    ("sample_weight", weighing(lambda w: w + (w == 0)), "the gradient of a row of weight 0: expected 0, got"),
    (
        "sample_weight",
        weighing(lambda w: w * len(w) / np.count_nonzero(w)),
        "rest: .* beside a row of weight 0",
    ),
    ("sample_weight", weighing(lambda w: w, first_row), "the gradient of a row of weight 0: expected 0, got .1"),
    ("config", DrawsANumber, r"expected the same bits of the loss that from_config\(get_config\(\)\) makes"),
    ("copies", Pickled, "loss: expected the same bits after pickle"),
    ("backends", with_kernels(lambda y: y.dtype == "float64" and on_reference()), "as in the reference, float64"),
    ("backends", with_kernels(lambda y: y.dtype == "float32" and on_reference()), "as in the reference, float32"),
    *(
        ("threads", with_kernels(lambda y, n=n: get_num_threads() == n), f"loss: .* with {m} threads")
        for n, m in ((1, 2), (2, 2), (3, 3))
    ),
    ("in_a_model", DrawsANumber, "expected the same bits of the model that was loaded, got .*: see the check config"),
]


@pytest.mark.parametrize(("check", "kind", "message"), SUBTLE)
def test_a_mistake_in_one_place_is_caught(check, kind, message):
    with np.errstate(all="ignore"):
        assert_caught(check, message, lambda: check_loss(kind(), (4,), without=alone(LOSS, check)))


@pytest.mark.parametrize(
    ("check", "kind", "text"),
    [
        ("memory_layout", costing(lambda t, p, loss: loss * (1 + 1e-7 * np.isfortran(p))), ""),
        ("memory_layout", costing(lambda t, p, loss: loss * (1 + 1e-7 * np.isfortran(t))), ""),
        ("sample_weight", weighing(lambda w: w), ""),
        ("reduction", Root, "it is neither a mean nor a sum over the rows: its numbers depend on batch_size"),
    ],
)
def test_what_is_no_mistake_passes(check, kind, text):
    report = check_loss(kind(), (4,), without=alone(LOSS, check))
    assert report.passed == [check]
    assert report[check].text == text


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

    with pytest.raises(ContractError) as report:
        check_loss(OfLabels(), (3,), draw=lambda rng, shape: (np.ones(9), np.ones(3)))
    assert "use draw" not in str(report.value)


@pytest.mark.parametrize(
    ("loss", "is_labels", "is_share", "predicts_shares"),
    [
        (losses.MeanSquaredError(), False, False, False),
        (losses.SparseCategoricalCrossentropy(), True, False, True),
        (losses.SparseCategoricalCrossentropy(from_logits=True), True, False, False),
        (losses.CategoricalCrossentropy(), False, True, True),
        (losses.CategoricalCrossentropy(from_logits=True), False, True, False),
    ],
)
def test_pairs_are_what_a_loss_takes(loss, is_labels, is_share, predicts_shares):
    case = LossCase(loss, (2, 4), None)
    y_true, y_pred = case.pair(50, "float64")
    assert y_pred.shape == (50, 2, 4)
    if is_labels:
        assert (y_true.shape, {*y_true.ravel().tolist()}) == ((50, 2), {0, 1, 2, 3})
    for y, shares in ((y_pred, predicts_shares), *(((y_true, is_share),) if not is_labels else ())):
        assert (y.min() > 0.025) == shares
        assert np.allclose(y.sum(axis=-1), 1) == shares
    assert [y.dtype for y in case.pair(dtype="float32")][1] == "float32"
    assert (case.pair(seed=1)[1] != case.pair(seed=2)[1]).all()


def test_threads_are_given_back_and_python_s_as_well():
    before, interval = get_num_threads(), sys.getswitchinterval()
    with contextlib.suppress(KeyError), threads_of_kernels(before + 1):
        within = get_num_threads()
        raise KeyError
    assert (within, get_num_threads()) == (before + 1, before)
    with nnlite.use_backend("reference"):
        found = at_once([lambda: (nnlite.get_backend(), sys.getswitchinterval()), lambda: 2], times=3)
    assert [one[0][0] for one in found] == ["reference"] * 3
    assert [one[1] for one in found] == [2] * 3
    assert found[0][0][1] < 1e-4
    with pytest.raises(KeyError):
        at_once([lambda: {}["a"]], times=1)
    assert sys.getswitchinterval() == interval
