"""check_metric: whether a metric is what `fit` takes means of."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from .. import SGD, Dense, Sequential, SparseCategoricalCrossentropy, metrics
from .comparison import Arrays, close, layouts, same_bits
from .contract import Contract, ContractReport, LeftOut, expect
from .copying import copies_of
from .pairs import DrawPair, Pairs
from .threads import at_once

METRIC = Contract()


class MetricCase(Pairs):
    """A metric to check, and targets and predictions for it."""

    def __init__(self, metric: Any, output_shape: Sequence[int], draw: DrawPair | None) -> None:
        [(self.name, self.metric)] = metrics.get([metric]).items()
        self.given = metric
        super().__init__(self.metric, output_shape, draw)

    def value(self, y_true: np.ndarray, y_pred: np.ndarray, metric: Callable | None = None) -> Arrays:
        """The metric as a result to compare."""
        return {self.name: np.float64((metric or self.metric)(y_true, y_pred))}


@METRIC
def number(case: MetricCase) -> None:
    """`fit` adds the values of batches up: each has to be one number, and no array."""
    value = case.metric(*case.pair())
    is_number = isinstance(value, float | int | np.floating | np.integer | np.bool_) and np.isfinite(value)
    got = f"{type(value).__name__} {np.shape(value)}" if np.shape(value) else f"{value!r}"
    remedy = "return float(...) of a mean over all positions" if value is not None else "add `return` at its end"
    expect(is_number, "the value", "a finite number", got, remedy)


@METRIC
def inputs_stay(case: MetricCase) -> None:
    """y_true and y_pred are read by the loss and by the other metrics, too."""
    case.require_unchanged(case.metric, "after the call")


@METRIC
def repeatable(case: MetricCase) -> None:
    """A metric keeps nothing: the same predictions have the same value, whatever came before."""
    pair = case.pair()
    expected = case.value(*pair)
    case.metric(*case.pair(seed=5))
    same_bits(
        case.value(*pair), expected, "after another batch", "draw no random numbers, and carry nothing over to the next"
    )


@METRIC
def mean(case: MetricCase) -> None:
    """`fit` and `evaluate` weigh the values of batches by their sizes: that is right for means over rows alone."""
    y_true, y_pred = case.pair(rows=7, dtype="float64")
    parts = [slice(0, 4), slice(4, 7)]
    value = sum((part.stop - part.start) * float(case.metric(y_true[part], y_pred[part])) for part in parts) / 7
    whole = float(case.metric(y_true, y_pred))
    remedy = "return a mean over all positions; what is none, such as an F1 score, compute from all of predict(x)"
    expect(
        np.isclose(whole, value, rtol=1e-9, atol=1e-12),
        "the value of a batch",
        f"{value:.6g}, the mean of its parts",
        f"{whole:.6g}",
        remedy,
    )


@METRIC
def order(case: MetricCase) -> None:
    """`fit` shuffles the rows: the value must not depend on their order, but for rounding."""
    y_true, y_pred = case.pair(dtype="float64")
    expected = case.value(y_true, y_pred)
    remedy = "compare each row with its own target alone"
    close(case.value(y_true[::-1].copy(), y_pred[::-1].copy()), expected, "float64", "in reverse order", remedy)


@METRIC
def memory_layout(case: MetricCase) -> None:
    """Slices, transposes and memory maps hold the same numbers as their copies."""
    y_true, y_pred = case.pair()
    expected = case.value(y_true, y_pred)
    remedy = "use what keeps to shapes, and not what looks at memory, such as ravel('K')"
    for name, array in (("y_true", y_true), ("y_pred", y_pred)):
        for kind, other in layouts(array).items():
            found = case.value(*((other, y_pred) if name == "y_true" else (y_true, other)))
            close(found, expected, "float32", f"with {name} {kind}", remedy)


@METRIC
def float32(case: MetricCase) -> None:
    """Predictions are float32: what is summed of many has to be summed in float64."""
    y_true, y_pred = case.pair(dtype="float32")
    wide = y_true.astype(np.float64) if y_true.dtype.kind == "f" else y_true
    found, expected = case.value(y_true, y_pred), case.value(wide, y_pred.astype(np.float64))
    close(found, expected, "float32", "as in float64", "use .mean(dtype=np.float64), or subtract what is large first")


@METRIC
def python_threads(case: MetricCase) -> None:
    """Two models in two threads may have one metric."""
    pairs = [case.pair(seed=seed) for seed in (2, 3)]
    expected = [case.value(*pair) for pair in pairs]
    for found in at_once([lambda pair=pair: case.value(*pair) for pair in pairs], times=50):
        for value, alone in zip(found, expected, strict=True):
            same_bits(value, alone, "beside another Python thread", "keep no number of a call outside of the call")


@METRIC
def config(case: MetricCase) -> None:
    """A file describes a metric by `get_config`: what is missing there comes back with its default."""
    if not isinstance(case.given, metrics.NamedMetric):
        raise LeftOut("it has no arguments, and is saved by its name")
    remedy = "keep each argument of __init__ in an attribute of the same name: a number, a text, or a list of these"
    described = json.loads(json.dumps(case.given.get_config()))
    again = type(case.given).from_config(described)
    expect(again.get_config() == described, "the configuration of a copy", described, again.get_config(), remedy)
    pair = case.pair()
    when = "of the metric that from_config(get_config()) makes"
    same_bits(case.value(*pair, again), case.value(*pair), when, remedy)


@METRIC
def copies(case: MetricCase) -> str | None:
    """A copied model has a copy of its metrics."""
    pair = case.pair()
    copied, note = copies_of(case.metric)
    for how, one in copied.items():
        same_bits(case.value(*pair, one), case.value(*pair), f"after {how}", "leave __deepcopy__ and __reduce__ out")
    return note


@METRIC
def in_a_model(case: MetricCase) -> None:
    """`evaluate` has the value that the metric has of all predictions at once."""
    y_true, y_pred = case.pair(rows=7)
    is_labels = y_true.dtype.kind in "iu" and y_true.shape == y_pred.shape[:-1]
    if case.draws and not is_labels:
        raise LeftOut("draw makes predictions that a model may not give")
    model = Sequential([Dense(case.output_shape[-1])], input_shape=case.output_shape, seed=0)
    loss = SparseCategoricalCrossentropy(from_logits=True) if is_labels else "mse"
    model.compile(SGD(0.1), loss, metrics=[case.given])
    found = {case.name: np.asarray(model.evaluate(y_pred, y_true, batch_size=3))[1]}
    expected = case.value(y_true, model.predict(y_pred))
    close(found, expected, "float32", "as of all predictions at once", "see the check mean")


def check_metric(
    metric: Any, output_shape: Sequence[int], *, draw: DrawPair | None = None, without: Collection[str] = ()
) -> ContractReport:
    """Check a metric, nnlite's or your own, against everything that `fit` and `evaluate` expect of one.

    Args:
        metric: a function of (y_true, y_pred), an object of `nnlite.metrics`, or a name.
        output_shape: of y_pred without the batch axis, such as (V,), small.
        draw: makes (y_true, y_pred) from a random generator and the shape of y_pred, with the batch axis; by default
            standard normal numbers.
        without: names of checks to leave out, where a metric is meant to be different.

    Returns:
        A report that prints as a table: each check with its reason, and which were left out, and why.

    Raises:
        ContractError: a check failed. The message says which, what came, what was expected, and what to do.
        TypeError, ValueError: this is no metric, or no shape.

    Example:
        >>> import numpy as np
        >>> from nnlite.testing import check_metric
        >>> def within_a_fifth(y_true, y_pred):
        ...     return float((np.abs(y_pred - y_true) < 0.2).mean())
        >>> check_metric(within_a_fifth, (3,)).failed
        []
    """
    case = MetricCase(metric, output_shape, draw)
    return METRIC.hold(case.name, case, without)
