"""Derivation of MeanSquaredError: squared differences, and twice the difference as gradient."""

import numpy as np

from ...losses import MeanSquaredError
from ..engine import Page, Quantity, constant, equations, total


def loss(page: Page, loss: MeanSquaredError, y_true_array: np.ndarray, y_pred_array: np.ndarray) -> dict[str, Quantity]:
    y_true, y_pred = Quantity("y_true", y_true_array.reshape(y_pred_array.shape)), Quantity("y_pred", y_pred_array)
    D = constant("D", y_pred.shape[-1] if loss.reduction == "sum" else y_pred.values.size)
    is_whole, chosen = bool(page.choice.all("loss")), page.choice.all("dy_pred")
    derived, dy_pred = Quantity.unknown("loss", ()), Quantity.unknown("dy_pred", y_pred.shape)
    meaning = "F, as means over the last axis are added" if loss.reduction == "sum" else "number of values"
    page.formula(*equations(MeanSquaredError), "e = y_pred - y_true", f"D = {D.value:g}: {meaning}")
    page.tables(y_true, y_pred)
    e = Quantity.unknown("e", y_pred.shape)
    for index in np.ndindex(e.shape) if is_whole else chosen:
        e[index] = page.equation(e.letters(index), y_pred[index] - y_true[index])
    page.line()
    if is_whole:
        squares = total([e[index].squared() for index in np.ndindex(e.shape)])
        derived[()] = page.equation("loss", squares / D)
        page.line()
    for index in chosen:
        dy_pred[index] = page.equation(dy_pred.letters(index), 2 * e[index] / D)
    return {"loss": derived, "dy_pred": dy_pred}
