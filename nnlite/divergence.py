"""What happens when numbers stop being numbers: training stops, and says where, why, and what to try."""

import numpy as np


class NonFiniteLossError(FloatingPointError):
    """The loss is NaN or infinite, or a parameter is, so that the next loss would be.

    It is raised before the update that would have followed, and before a checkpoint is written: the last good one
    stays. `fit` never returns a model whose parameters are not finite.

    Attributes:
        epoch, batch: where in `fit`, counted from 1; None elsewhere. `batch` is "validation" where that found it.
    """

    def __init__(self, problem: str, advice: str, epoch: int | None = None, batch: int | str | None = None) -> None:
        self.problem, self.advice, self.epoch, self.batch = problem, advice, epoch, batch
        batch = f", batch {batch}" if isinstance(batch, int) else f", {batch}" if batch else ""
        place = "" if epoch is None else f"epoch {epoch}{batch}: "
        super().__init__(f"{place}{problem}. {advice}")

    def __reduce__(self):  # pickled, when a sweep's process hands it to the one that waits for it
        return type(self), (self.problem, self.advice, self.epoch, self.batch)

    def at(self, epoch: int, batch: int | str | None = None) -> "NonFiniteLossError":
        """The same error with its place in the training."""
        return NonFiniteLossError(self.problem, self.advice, epoch, batch)


def loss_error(model, loss, batch):
    """The error for a loss that is not finite, with the first cause that can be found."""
    batch = batch.without_padding(model.keeps_steps)  # which is no cause
    for name, array in (("x", batch.x), ("y", batch.y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            problem = f"the loss is {loss}, because {name} holds {array[where]} at {where}"
            return NonFiniteLossError(problem, "Clean the data first")
    name = _first_bad(model.params)
    cause = f"since an earlier update {name} is not finite" if name else "the numbers grew too large in this batch"
    return NonFiniteLossError(f"the loss is {loss}: {cause}", advice(model))


def check_params(model, run, consequence="the checkpoint was not written, the one before it stays"):
    """Refuse to save, as a state to go on from, or to hand out what is no longer finite; `run` knows where this is.

    Raises:
        NonFiniteLossError: it names the parameter, and says the consequence.
    """
    name = _first_bad(model.params)
    if name:
        problem = f"the last update made {name} NaN or infinite; {consequence}"
        place = (run.epoch + 1, run.batch) if run.batch else (run.epoch, None)
        raise NonFiniteLossError(problem, advice(model)).at(*place)


def advice(model):
    """What usually helps, with the numbers of this model's optimizer."""
    optimizer = model.optimizer
    tip = f"The steps are probably too large: try a smaller learning_rate (now {optimizer.learning_rate:g})"
    clips = any(value is not None for name, value in optimizer.get_config().items() if "clip" in name)
    return tip if clips else f"{tip}, or clip the gradients with global_clipnorm=1.0 in the optimizer"


def _first_bad(arrays):
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
