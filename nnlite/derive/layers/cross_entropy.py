"""Derivation of SparseCategoricalCrossentropy: -log of the label's probability, and y-hat minus y."""

import numpy as np

from ...losses import SMALLEST_PROBABILITY, SparseCategoricalCrossentropy
from ..engine import Expression, Page, Quantity, constant, equations, log, total
from .softmax import shares


def loss(
    page: Page, loss: SparseCategoricalCrossentropy, y_true: np.ndarray, y_pred_array: np.ndarray
) -> dict[str, Quantity]:
    if loss.ignore_class is not None:
        raise ValueError("loss: expected one without ignore_class to derive: leave those positions out of both arrays")
    y_pred, labels = Quantity("y_pred", y_pred_array), np.reshape(y_true, y_pred_array.shape[:-1])
    V, is_whole, rows = y_pred.shape[-1], bool(page.choice.all("loss")), page.choice.rows("dy_pred")
    D = constant("D", 1 if loss.reduction == "sum" else labels.size)
    derived, dy_pred = Quantity.unknown("loss", ()), Quantity.unknown("dy_pred", y_pred.shape)
    page.formula(
        *equations(SparseCategoricalCrossentropy, "p", "loss", "dy_pred" if loss.from_logits else "dy_pred[label]"),
        *["p is y-hat, and onehot(label) is y"] * loss.from_logits,
        f"D = {D.value:g}: {'the loss is a sum' if loss.reduction == 'sum' else 'number of positions'}",
    )
    page.tables(y_pred)
    surprises: list[Expression] = []
    gradients: dict[tuple[int, ...], Expression] = {}
    for n in np.ndindex(labels.shape) if is_whole else rows:
        label = int(labels[n])
        page.line(f"{y_pred.letters((*n, ':'))}, whose label is {label}")
        surprise, gradient = (_from_logits if loss.from_logits else _from_probabilities)(page, y_pred, n, label, V, D)
        surprises.append(page.equation(f"-log p[{label}]", surprise).named(f"(-log p[{label}])"))
        gradients |= {(*n, v): written for v, written in enumerate(gradient)}
        page.line()
    if is_whole:
        derived[()] = page.equation("loss", total(surprises) / D)
        page.line()
    for index in page.choice.all("dy_pred"):
        dy_pred[index] = page.equation(dy_pred.letters(index), gradients[index])
    return {"loss": derived, "dy_pred": dy_pred}


def _from_logits(page, y_pred, n, label, V, D):
    p, m, whole = shares(page, y_pred, n, "p[{}]")
    # The logarithm of a quotient as a difference, because p of the label may be too small for a float.
    surprise = log(whole) - (y_pred[*n, label] - m)
    return surprise, [(p[v] - constant(f"onehot[{v}]", v == label)) / D for v in range(V)]


def _from_probabilities(page, y_pred, n, label, V, D):
    p = y_pred[*n, label]
    if p.value < SMALLEST_PROBABILITY:
        page.line(f"  counts as {SMALLEST_PROBABILITY:g}: log 0 is infinite")
        p = constant(p.letters, SMALLEST_PROBABILITY, rounded=True)
    return -1 * log(p), [-1 / (p * D) if v == label else constant("0", 0) for v in range(V)]
