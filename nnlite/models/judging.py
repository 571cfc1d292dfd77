"""Judging: what the loss and the metrics say of predictions, those of one's own under watch."""

from typing import Any

import numpy as np

from .. import checks, sequence_lengths
from ..arguments import is_ours


def fitted(judge: Any, y: Any, y_pred: np.ndarray) -> Any:
    """y for a loss or metric; for one of one's own without an axis of size 1 that would broadcast, as nnlite's do.

    (N,) is (N, 1) for such predictions, and (N, 1) is (N,); labels (N, 1) for scores (N, V) are (N,).
    """
    if y.shape == y_pred.shape or is_ours(judge):
        return y
    if (*y.shape, 1) == y_pred.shape or y.shape == (*y_pred.shape, 1):
        return y.reshape(y_pred.shape)
    if y.dtype.kind in "iu" and y.shape == (*y_pred.shape[:-1], 1):
        return y[..., 0]
    return y


def loss(
    judge: Any,
    y: Any,
    y_pred: np.ndarray,
    weights: np.ndarray | None = None,
    readers: set[int] | None = None,
    trained: Any = None,
) -> float:
    """The loss of predictions, as a number.

    Args:
        readers: ids of losses and metrics of one's own that change no array.
        trained: the model whose backward follows: what its layers and its loss keep for it has to stay.
    """
    options = {} if weights is None else {"sample_weight": weights}
    if (getattr(judge, "__module__", None) or "").startswith("nnlite."):  # saves calls
        value = judge.forward(y, y_pred, **options)
        return value if type(value) is float else checks.returned(f"loss: {type(judge).__name__}.forward", value)
    what = f"loss: {type(judge).__name__}.forward"
    keepers = [] if trained is None else [*trained.all_layers.values()]
    return _asked(what, judge, y, y_pred, readers, keepers, lambda y: judge.forward(y, y_pred, **options))


def metric(
    name: str, judge: Any, y: Any, y_pred: np.ndarray, readers: set[int] | None = None, trained: Any = None
) -> float:
    """A metric of predictions, as a number. The other arguments are those of `loss`."""
    if (getattr(judge, "__module__", None) or "").startswith("nnlite."):
        value = judge(y, y_pred)
        return value if type(value) is float else checks.returned(f"metrics: {name}", value)
    keepers = [] if trained is None else [*trained.all_layers.values(), trained.loss]
    return _asked(f"metrics: {name}", judge, y, y_pred, readers, keepers, lambda y: judge(y, y_pred))


def _asked(what, judge, y, y_pred, readers, keepers, call):
    """What a loss or metric of one's own returns, a number; at its first batch also that it reads, and does not write.

    y may be the user's data, and y_pred what the last layer needs in its backward. What the `keepers`, layers and a
    loss, keep for theirs stays at every batch.
    """
    kept = [getattr(one, "_memory", None) for one in keepers]
    value = _called(what, judge, y, y_pred, readers, call)
    for one, old in zip(keepers, kept, strict=True):
        if getattr(one, "_memory", None) is not old:
            name = getattr(one, "name", type(one).__name__)
            raise RuntimeError(
                f"{what}: expected no forward of {name} before its backward, got one, and the gradients would be those "
                f"of other inputs: use a copy, copy.deepcopy(...), or measure in a callback"
            )
    return checks.returned(what, value)


def _called(what, judge, y, y_pred, readers, call):
    if readers is not None and id(judge) in readers:
        return call(fitted(judge, y, y_pred))
    given = {"y_true": y, "y_pred": y_pred}
    before = {name: array.copy() for name, array in given.items()}
    value = call(fitted(judge, y, y_pred))
    for name, array in given.items():
        if not np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f"):
            array[...] = before[name]
            raise ValueError(
                f"{what}: expected {name} to stay as it is, got other numbers in it: compute in a new array, such as "
                f"e = y_pred - y_true instead of y_pred -= y_true"
            )
    if readers is not None:
        readers.add(id(judge))
    return value


def dy(judge: Any, y_pred: np.ndarray, real: np.ndarray | None) -> np.ndarray:
    """dL/dy_pred of the loss, which saw the steps where `real`, (N, T), is True, or all: 0 elsewhere."""
    dy = judge.backward()
    expected = y_pred.shape if real is None else y_pred[real].shape
    if getattr(dy, "shape", None) != expected:
        got = checks.shape_text(dy.shape) if isinstance(dy, np.ndarray) else f"no array, {type(dy).__name__},"
        raise ValueError(
            f"{type(judge).__name__}.backward returned {got} for y_pred {checks.shape_text(expected)}: return "
            f"dL/dy_pred, an array of the shape of y_pred"
        )
    return dy if real is None else sequence_lengths.spread(dy, real)
