"""compile, fit, evaluate and predict."""

import contextlib
import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import checks, losses, optimizers, sequence_lengths
from ..callbacks import Callback, History
from ..divergence import NonFiniteLossError, loss_error
from ..metrics import Metric
from ..metrics import get as get_metrics
from ..optimizers import Optimizer
from ..turns import Keeps, computing
from .batch import Batch
from .fit_loop import FitLoop
from .model import Model


def leaves_dx_out(one: Any) -> bool:
    """Whether the backward of this layer or model takes `needs_dx`."""
    return _takes_needs_dx(type(one).backward)


@functools.cache
def _takes_needs_dx(backward: Callable) -> bool:
    return "needs_dx" in inspect.signature(backward).parameters


class Trainer(Model):
    """A model that can be trained: compile, fit, train_on_batch, evaluate and predict."""

    metrics: dict[str, Metric] = {}  # noqa: RUF012  compile puts another one in its place
    history: History | None = None
    stop_training = False

    _fit: object | None = None  # the call of `fit` that is running

    def compile(
        self, optimizer: str | Optimizer, loss: str | Any, metrics: Sequence[str | Metric] | None = None
    ) -> None:
        """Choose how to learn, before `fit`.

        Args:
            optimizer: such as Adam(3e-3), or a name: "sgd", "adagrad", "rmsprop", "adam", "adamw".
            loss: such as SparseCategoricalCrossentropy(from_logits=True), or a name:
                "sparse_categorical_crossentropy", which takes probabilities, or "mean_squared_error".
            metrics: what to measure besides the loss: a list of names, such as ["accuracy"], and of functions of
                (y_true, y_pred) that return a mean over all positions.

        Raises:
            ValueError: no optimizer, loss or metric has that name.
            TypeError: metrics is no such list.
        """
        self.optimizer, self.loss, self.metrics = optimizers.get(optimizer), losses.get(loss), get_metrics(metrics)

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int = 32,
        epochs: int = 1,
        validation_data: tuple[np.ndarray, np.ndarray] | None = None,
        callbacks: list[Callback] | None = None,
        shuffle: bool = True,
        verbose: str | int = "auto",
        lengths: np.ndarray | None = None,
    ) -> History:
        """Train: `epochs` times over all samples, in batches; the last batch may be smaller.

        A model with stateful layers reads its batches as one long text in `batch_size` columns: row n of a batch goes
        on where row n of the batch before it ended (`nnlite.text.columns` cuts a text so). Each epoch starts from a
        state of zeros, and so does validation; with stateful="training" each of its batches does.

        Args:
            x: (samples, ...), what the first layer takes: an array, lists, a frame or a tensor of any kind of number.
            y: (samples, ...), what the loss takes: for each sample a label, or one for each time step, or an array.
            batch_size: samples in one step.
            epochs: how many times.
            validation_data: (x, y), or (x, y, lengths), to measure the loss on, after each epoch, without learning from
                them.
            callbacks: list of `Callback`s, called in this order.
            shuffle: take the samples in a new random order in each epoch; drawn from the model's `rng`.
            verbose: "auto" shows a progress bar in a terminal or a notebook, and a line for each epoch elsewhere;
                1 always the bar, 2 always lines, 0 nothing.
            lengths: for sequences of unequal length in one array (`nnlite.text.pad_sequences`), how many steps of each
                are real, integers (samples,). The rest is padding: whatever x and y hold there, it changes nothing, and
                losses and metrics are means over real steps.

        Returns:
            The `History`, whose `history` is a dict of lists with one number for each epoch: "loss" and the metrics,
            such as "accuracy"; with validation data "val_loss", "val_accuracy"; and with a cross-entropy "perplexity"
            and "val_perplexity". The numbers of an epoch are means over all samples, each at the time when it was
            trained on; those of the validation are measured at its end.

        Raises:
            RuntimeError: `compile` comes first.
            TypeError, ValueError: an argument does not fit; the message says which and why.
            IndexError: an id or a label is out of range; the message says where in x or y. Nothing was trained.
            NonFiniteLossError: the loss became NaN or infinite, and the step that would have followed was not made; or
                the last step of all made a parameter NaN or infinite.

        Example:
            >>> import numpy as np
            >>> from nnlite import Dense, Sequential
            >>> from nnlite.optimizers import SGD
            >>> x = np.linspace(-1, 1, 20, dtype="float32").reshape(20, 1)
            >>> model = Sequential([Dense(1)], seed=0)
            >>> model.compile(SGD(0.1), "mean_squared_error")
            >>> history = model.fit(x, 2 * x + 1, batch_size=4, epochs=30, verbose=0)
            >>> model.params["dense.W"].round(2), model.params["dense.b"].round(2)
            (array([[2.]], dtype=float32), array([1.], dtype=float32))
        """
        self._require_compiled("fit")
        data = Batch.checked("fit", x, y, lengths)
        self._require_ranges("fit", data)
        loop = FitLoop(self, data, batch_size, epochs, validation_data, callbacks, shuffle, verbose)
        with self._one_fit(), loop:
            for _ in loop.epochs_left():
                for batch in loop.batches_left():
                    loop.count(batch, self.train_step(batch))
        return loop.history

    def train_on_batch(
        self, x: np.ndarray, y: np.ndarray, return_dict: bool = False, lengths: np.ndarray | None = None
    ) -> float | list[float] | dict[str, float]:
        """One step on one batch: forward, loss, backward, update. Return the loss before the update.

        Args:
            lengths: how many steps of each row are real, as in `fit`.

        Returns:
            What `evaluate` does: the loss, and the metrics where `compile` was given any.

        Raises:
            NonFiniteLossError: the loss is NaN or infinite; nothing was updated.
        """
        self._require_compiled("train_on_batch")
        x, y = checks.samples("train_on_batch: x", x), checks.samples("train_on_batch: y", y)
        if lengths is not None:
            lengths = sequence_lengths.of_sequences("train_on_batch: lengths", lengths, x)
        return _as_asked(self.train_step(Batch(x, y, lengths)), return_dict)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Forward, loss, backward, step: what `fit` does with each batch. A model of your own may do it in its own way.

        Args:
            batch: a `Batch`, with x, y and lengths.

        Returns:
            The loss before the step and the metrics, by their names.
        """
        real = self._real_steps(batch)
        with computing:
            y_pred = self.forward(batch.x, training=True, **batch.options)
            numbers = self._judge(batch.y, y_pred, real)
            if not math.isfinite(numbers["loss"]):
                raise loss_error(self, numbers["loss"], batch)
            dy = self.loss.backward()
            dy = dy if real is None else sequence_lengths.spread(dy, real)
            self.backward(dy, needs_dx=False) if leaves_dx_out(self) else self.backward(dy)
            try:
                self.optimizer.apply(self.grads, self.params)
            except FloatingPointError as error:  # a gradient's norm is to be clipped, and is not finite
                raise NonFiniteLossError(str(error), f"It is {self.optimizer.learning_rate:g} now") from error
        return numbers

    def _judge(self, y, y_pred, real):
        """Loss and metrics of predictions, by their names. They see the steps where `real`, (N, T), is True, or all."""
        if real is not None:
            y, y_pred = y[real], y_pred[real]
        numbers = {"loss": float(self.loss.forward(y, y_pred))}
        for name, metric in self.metrics.items():
            numbers[name] = float(metric(y, y_pred))
        return numbers

    def evaluate(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int = 32,
        return_dict: bool = False,
        lengths: np.ndarray | None = None,
    ) -> float | list[float] | dict[str, float]:
        """The mean loss over all samples, without training. Stateful layers start from zeros, and keep their state.

        Args:
            lengths: how many steps of each sample are real, as in `fit`: then it is the mean over real steps.

        Returns:
            As in Keras: the loss; where `compile` was given metrics, a list of the loss and the metrics; and with
            return_dict a dict, such as {"loss": 0.05, "accuracy": 0.98}.

        Raises:
            RuntimeError: `compile` comes first.
            TypeError, ValueError: x, y or batch_size do not fit.

        Example:
            >>> import numpy as np
            >>> from nnlite import Dense, Sequential
            >>> x, y = np.eye(3, dtype="float32"), np.array([0, 1, 1])
            >>> model = Sequential([Dense(3, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mean_squared_error")
            >>> model.evaluate(x, x)
            0.3333333333333333
            >>> from nnlite import SparseCategoricalCrossentropy
            >>> model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
            >>> loss, accuracy = model.evaluate(x, y)
            >>> round(loss, 3), round(accuracy, 3)
            (1.099, 0.333)
        """
        self._require_compiled("evaluate")
        data = Batch.checked("evaluate", x, y, lengths)
        self._require_ranges("evaluate", data)
        return _as_asked(self._evaluate(data, batch_size, "evaluate"), return_dict)

    def _evaluate(self, data, batch_size, where):
        batch_size = self.checked_batch_size(where, len(data), batch_size)
        totals, seen = dict.fromkeys(("loss", *self.metrics), 0.0), 0
        with self._apart():
            for batch in data.split(batch_size):
                real = self._real_steps(batch)
                numbers = self._judge(batch.y, self.forward(batch.x, **batch.options), real)
                weight = batch.weight(self.keeps_steps)
                seen += weight
                for name, value in numbers.items():
                    totals[name] += value * weight
        return {name: total / seen for name, total in totals.items()}

    def predict(self, x: np.ndarray, batch_size: int = 32, lengths: np.ndarray | None = None) -> np.ndarray:
        """y for all samples, computed in batches. Stateful layers start from zeros, and keep their state.

        Args:
            lengths: how many steps of each sample are real, as in `fit`. Beyond them y holds no answers.

        Raises:
            TypeError, ValueError: x or batch_size does not fit.

        Example:
            >>> import numpy as np
            >>> from nnlite import Dense, Sequential
            >>> Sequential([Dense(3)]).predict(np.ones((100, 2), "float32")).shape
            (100, 3)
        """
        data = Batch.checked("predict", x, lengths=lengths, has_y=False)
        self._require_ranges("predict", data)
        batch_size = self.checked_batch_size("predict", len(data), batch_size)
        y: Any = None
        with self._apart():
            for start, batch in enumerate(data.split(batch_size) if len(data) else [data]):
                y_batch = self.forward(batch.x, **batch.options)
                if y is None:
                    y = np.empty((len(data), *y_batch.shape[1:]), y_batch.dtype)
                y[start * batch_size : start * batch_size + len(batch)] = y_batch
        return y

    def checked_batch_size(self, where: str, samples: int, batch_size: int, training: bool = False) -> int:
        """batch_size as an int. Stateful layers need all batches to be of that size."""
        batch_size = checks.positive("batch_size", batch_size)
        left = samples % batch_size
        stateful = [layer for layer in self.stateful_layers if training or layer.stateful != "training"]
        if left and samples > batch_size and stateful:
            names = ", ".join(layer.name for layer in stateful)
            raise ValueError(
                f"{where}: stateful layers ({names}) carry a state for each row of a batch, so all batches must have "
                f"batch_size={batch_size} rows, but {samples} samples leave {left} for the last: drop {left} samples, "
                f"or choose a batch_size that divides {samples}"
            )
        return batch_size

    def _require_ranges(self, where, data):
        """Refuse ids and labels that are out of range, all of them before the first batch, as far as it is known."""

    def _require_compiled(self, method):
        if self.optimizer is None:
            raise RuntimeError(f"{method} needs an optimizer and a loss: call compile(optimizer, loss) first")

    @contextlib.contextmanager
    def _one_fit(self):
        """Refuse a second training of the same model at the same time, and let go of the data at the end."""
        mine = object()
        try:
            with computing:
                self._fit = mine if self._fit is None else self._fit
            if self._fit is not mine:
                raise RuntimeError(
                    f"fit: {self.name} is being trained by another call of fit: wait for its end, or train a copy, "
                    f"copy.deepcopy(model)"
                )
            yield
        finally:
            if self._fit is mine:
                self._fit = None
                self._forget()

    @contextlib.contextmanager
    def _apart(self):
        """Compute apart from a training: while no other thread does, from a state of zeros, and leave no trace."""
        with computing:
            states = [(layer, layer.state) for layer in self.stateful_layers]
            for layer, _ in states:
                layer.reset_state()
            try:
                yield
            finally:
                for layer, state in states:
                    layer.state = state
                self._forget()

    def _forget(self):
        """Give back what the layers and the loss keep for backward: it can hold the user's data in memory."""
        for one in (*self.layers, self.loss):
            if isinstance(one, Keeps):
                one._forget()


def _as_asked(numbers, return_dict):
    """As Keras returns them: the loss alone as a number, with metrics as a list, or all by their names."""
    if return_dict:
        return numbers
    return list(numbers.values()) if len(numbers) > 1 else numbers["loss"]
