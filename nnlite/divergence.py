"""Detect NaN or infinite losses."""

from typing import Any  # models are on a higher floor

import numpy as np


class NonFiniteLossError(FloatingPointError):
    """The loss or a parameter is NaN or infinite.

    It is raised before the next update and before a checkpoint is written: the last good one is kept. `fit` never
    returns a model whose parameters are not finite.

    Attributes:
        epoch, batch: the place in `fit`, counted from 1; None outside `fit`. `batch` is "validation" if the validation
            loss is not finite.
    """

    def __init__(self, problem: str, advice: str, epoch: int | None = None, batch: int | str | None = None) -> None:
        self.problem, self.advice, self.epoch, self.batch = problem, advice, epoch, batch
        where = f", batch {batch}" if isinstance(batch, int) else f", {batch}" if batch else ""
        place = "" if epoch is None else f"epoch {epoch}{where}: "
        super().__init__(f"{place}{problem}. {advice}")

    def __reduce__(self) -> tuple[Any, ...]:  # pickled when a process of a sweep returns it
        return type(self), (self.problem, self.advice, self.epoch, self.batch)

    def at(self, epoch: int, batch: int | str | None = None) -> "NonFiniteLossError":
        """The same error with its place in the training."""
        return NonFiniteLossError(self.problem, self.advice, epoch, batch)


def loss_error(model: Any, loss: float, batch: Any) -> NonFiniteLossError:
    """The error for a loss that is not finite, with the first cause found."""
    batch = batch.without_padding(model.keeps_steps)  # padding cannot be the cause
    for name, array in (("x", batch.x), ("y", batch.y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            problem = f"the loss is {loss}, because {name} holds {array[where]} at {batch.place(where)}"
            return NonFiniteLossError(problem, "Clean the data first")
    name = _first_bad(model.params)
    cause = f"since an earlier update {name} is not finite" if name else "the numbers grew too large in this batch"
    return NonFiniteLossError(f"the loss is {loss}: {cause}", advice(model))


def check_params(
    model: Any, loop: Any, consequence: str = "the checkpoint was not written, the one before it stays"
) -> None:
    """Refuse parameters that are not finite before a model is saved or returned; `loop` knows the epoch and batch."""
    name = _first_bad(model.params)
    if name:
        problem = f"the last update made {name} NaN or infinite; {consequence}"
        place = (loop.epoch + 1, loop.batch) if loop.batch else (loop.epoch, None)
        raise NonFiniteLossError(problem, advice(model)).at(*place)


def advice(model: Any) -> str:
    """Advice, with the learning rate of this model's optimizer."""
    optimizer = model.optimizer
    tip = f"The steps are probably too large: try a smaller learning_rate (now {optimizer.learning_rate:g})"
    clips = any(value is not None for name, value in optimizer.get_config().items() if "clip" in name)
    return tip if clips else f"{tip}, or clip the gradients with global_clipnorm=1.0 in the optimizer"


def _first_bad(arrays):
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
