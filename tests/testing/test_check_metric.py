"""check_metric: every exported metric keeps the contract, and one with a mistake is caught by the check for it."""

import inspect
import time

import numpy as np
import pytest
from contracts import alone, assert_caught

from nnlite import metrics
from nnlite.metrics import NamedMetric
from nnlite.testing import check_metric
from nnlite.testing.metric import METRIC


def labels(rng, shape):
    return rng.integers(shape[-1], size=shape[:-1]), rng.standard_normal(shape)


def one_hot(rng, shape):
    return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])], rng.standard_normal(shape)


def answers(rng, shape):
    return rng.integers(2, size=shape), rng.uniform(size=shape)


CASES = [
    ("accuracy", labels),
    ("accuracy", one_hot),
    ("binary_accuracy", answers),
    ("categorical_accuracy", one_hot),
    ("mean_absolute_error", None),
    ("mean_squared_error", None),
    ("sparse_categorical_accuracy", labels),
    ("BinaryAccuracy(threshold=0.3)", answers),
    ("CategoricalAccuracy('right')", one_hot),
    ("MeanAbsoluteError('off')", None),
    ("MeanSquaredError()", None),
    ("SparseCategoricalAccuracy()", labels),
    ("SparseTopKCategoricalAccuracy(k=2)", labels),
    ("TopKCategoricalAccuracy(k=2)", one_hot),
    ("sparse_top_k_categorical_accuracy", labels),
    ("top_k_categorical_accuracy", one_hot),
]
NO_MEANS = {"MetricFunction", "NamedMetric", "confusion_matrix", "get"}


@pytest.mark.parametrize("shape", [(6,), (2, 7)])
@pytest.mark.parametrize(("code", "draw"), CASES)
def test_every_exported_metric_keeps_the_contract(code, draw, shape):
    report = check_metric(eval(code, vars(metrics)), shape, draw=draw)
    assert set(report.left_out) <= {"config", "in_a_model"}


def test_no_exported_metric_is_left_out():
    made = [eval(code, vars(metrics)) for code, _ in CASES]
    names = {(type(one) if isinstance(one, NamedMetric) else one).__name__ for one in made}
    assert names == set(metrics.__all__) - NO_MEANS
    assert all(inspect.isfunction(one) or isinstance(one, NamedMetric) for one in made)


def right(y_true, y_pred):
    return float((np.abs(y_pred - y_true) < 0.2).mean())


def number(y_true, y_pred):
    return (np.abs(y_pred - y_true) < 0.2).mean(axis=-1)


def inputs_stay(y_true, y_pred):
    y_pred -= y_true
    return float((np.abs(y_pred) < 0.2).mean())


values = []


def repeatable(y_true, y_pred):
    values.append(np.square(y_pred - y_true).mean())
    return float(np.mean(values))


def mean(y_true, y_pred):
    return float(np.sqrt(np.square(y_pred - y_true).mean()))


def order(y_true, y_pred):
    return float((y_pred - y_true)[0].mean())


def memory_layout(y_true, y_pred):
    return right(y_true, y_pred.ravel("K").reshape(y_pred.shape))


def float32(y_true, y_pred):
    return float(np.square(y_pred + y_pred.dtype.type(1e4) - y_true).mean()) - 1e8


total = [0.0]


def python_threads(y_true, y_pred):
    total[0] = 0.0
    for row, true in zip(y_pred, y_true, strict=True):
        total[0] += float(np.square(row - true).mean())
        time.sleep(1e-4)  # the other thread comes in
    return total[0] / max(1, len(y_pred))


class Config(NamedMetric):
    def __init__(self, name="config", limit=0.2):
        super().__init__(name)
        self.limit = 2 * limit

    def __call__(self, y_true, y_pred):
        return float((np.abs(y_pred - y_true) < self.limit).mean())


class Copies(Config):
    def __init__(self, name="copies", limit=0.2):
        NamedMetric.__init__(self, name)
        self.limit = limit

    def __deepcopy__(self, memo):
        return Copies(self.name, 10)


def in_a_model(y_true, y_pred):
    return right(y_true, y_pred) + (len(y_pred) == 3)


BROKEN = {
    "number": (number, r"the value: expected a finite number, got ndarray \(5,\): return float\(...\) of a mean"),
    "inputs_stay": (inputs_stay, "y_pred: expected the same bits after the call, got .*: compute in a new array"),
    "repeatable": (repeatable, "repeatable: expected the same bits after another batch, got .*: draw no random"),
    "mean": (
        mean,
        "the value of a batch: expected .*, the mean of its parts, got .*: return a mean over all positions",
    ),
    "order": (order, r"order: expected .* at \(\) in reverse order, got .*: compare each row with its own target"),
    "memory_layout": (
        memory_layout,
        "memory_layout: expected .* with y_pred in the order of Fortran, got .*: use what",
    ),
    "float32": (float32, "float32: expected .* as in float64, got .*: use .mean"),
    "python_threads": (python_threads, "python_threads: expected the same bits beside another Python thread, got"),
    "config": (Config(), "the configuration of a copy: expected .*limit.*: keep each argument of __init__"),
    "copies": (Copies(), "copies: expected the same bits after copy.deepcopy, got .*: leave __deepcopy__"),
    "in_a_model": (in_a_model, "in_a_model: expected .* as of all predictions at once, got .*: see the check mean"),
}


@pytest.mark.parametrize("check", METRIC.checks)
def test_each_check_catches_the_mistake_that_it_is_for(check):
    metric, message = BROKEN[check]
    assert_caught(check, message, lambda: check_metric(metric, (4,)))


def test_a_metric_of_ones_own_that_is_right_passes():
    assert check_metric(right, (4,)).left_out == {"config": "it has no arguments, and is saved by its name"}


def test_a_metric_that_forgets_to_return():
    def silent(y_true, y_pred):
        right(y_true, y_pred)

    message = "the value: expected a finite number, got None: add `return` at its end"
    assert_caught("number", message, lambda: check_metric(silent, (4,)))


# Mistakes that show in one place alone.


def rated(mistake):
    """The metric, which a function of (y_true, y_pred, value) changes."""

    def own(y_true, y_pred):
        return mistake(y_true, y_pred, float(np.square(y_pred - y_true, dtype=np.float64).mean()))

    return own


class DrawsANumber(NamedMetric):
    def __init__(self, name="drawn"):
        super().__init__(name)
        self._scale = float(np.random.default_rng().uniform(1, 2))

    def __call__(self, y_true, y_pred):
        return float(np.abs(y_pred - y_true).mean()) * self._scale


class Pickled(Config):
    def __init__(self, name="pickled", limit=0.2):
        NamedMetric.__init__(self, name)
        self.limit = limit

    def __deepcopy__(self, memo):
        return Pickled(self.name, self.limit)

    def __getstate__(self):
        return vars(self) | {"limit": 9.0}


SUBTLE = [
    ("number", rated(lambda t, p, value: float("nan")), "the value: expected a finite number, got nan"),
    ("number", rated(lambda t, p, value: "right"), "the value: expected .*, got 'right'|isfinite"),
    (
        "inputs_stay",
        rated(lambda t, p, value: t.fill(0) or value),
        "y_true: expected the same bits after",
    ),
    ("mean", rated(lambda t, p, value: value * (1 + 1e-8 * len(p))), "the value of a batch"),
    ("mean", rated(lambda t, p, value: value + (len(p) == 3)), "the value of a batch"),
    ("mean", rated(lambda t, p, value: value + (len(p) == 4)), "the value of a batch"),
    (
        "memory_layout",
        rated(lambda t, p, value: value * (1 + np.isfortran(t))),
        "y_true in the order of F",
    ),
    ("config", DrawsANumber(), r"the same bits of the metric that from_config\(get_config\(\)\) makes"),
    ("copies", Pickled(), "expected the same bits after pickle"),
]


@pytest.mark.parametrize(("check", "metric", "message"), SUBTLE)
def test_a_mistake_in_one_place_is_caught(check, metric, message):
    assert_caught(check, message, lambda: check_metric(metric, (4,), without=alone(METRIC, check)))


@pytest.mark.parametrize("value", [3, np.int64(3), np.float32(3), np.bool_(True)])
def test_any_number_will_do(value):
    assert check_metric(rated(lambda t, p, v: value), (4,), without=alone(METRIC, "number")).passed == ["number"]


def test_labels_are_judged_in_a_model_too_and_other_pairs_of_the_callers_are_not():
    for draw, out in ((labels, {}), (one_hot, {"in_a_model": "draw makes predictions that a model may not give"})):
        report = check_metric("accuracy", (6,), draw=draw)
        assert report.left_out == out | {"config": "it has no arguments, and is saved by its name"}
