"""compile, fit, evaluate and predict."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import losses, optimizers, regularizers
from ..arguments.translations.calls import translated
from ..callbacks import Callback, History
from ..divergence import NonFiniteLossError, loss_error
from ..metrics import MetricFunction
from ..metrics import get as get_metrics
from ..optimizers import Optimizer
from ..turns import computing
from . import agreement, alone, blame, data, judging, passes, weighing
from .batch import Batch
from .fit_arguments import as_asked, numbers_of_a_step
from .fit_loop import FitLoop
from .model import Model


class Trainer(Model):
    """A model that can be trained: compile, fit, train_on_batch, evaluate and predict."""

    metrics: dict[str, MetricFunction] = {}  # noqa: RUF012  compile puts another one in its place
    history: History | None = None
    stop_training = False

    _met: Any = None  # the layers and the loss that were compared
    _readers: set[int] = set()  # noqa: RUF012  the ids of losses and metrics of one's own that change nothing

    @translated
    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: str | Any = None,
        metrics: Sequence[str | MetricFunction] | None = None,
    ) -> None:
        """Choose how to learn, before `fit`.

        Args:
            optimizer: such as Adam(3e-3), or a name: "sgd", "adagrad", "rmsprop", "adam", "adamw".
            loss: such as SparseCategoricalCrossentropy(from_logits=True), or a name, such as "mean_squared_error".
            metrics: what to measure besides the loss: a list of names, such as ["accuracy"], and of functions of
                (y_true, y_pred) that return a mean over all positions.

        Raises:
            RuntimeError: `fit` is training the model.
            ValueError: no optimizer, loss or metric has that name; or the loss expects probabilities and the last layer
                gives any numbers, or the other way round.
            TypeError: metrics is no such list; a class, not an object of it.
        """
        alone.require_rest(self, "compile")
        optimizer, loss, found = optimizers.get(optimizer), losses.get(loss), get_metrics(metrics)
        for name, function in {"loss": loss, **found}.items():
            agreement.check_order(name, function)
        if self.built:
            agreement.check(self, loss)
        self.optimizer, self.loss, self.metrics, self._readers = optimizer, loss, found, set()

    @translated
    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_data: tuple[np.ndarray, np.ndarray] | None = None,
        callbacks: list[Callback] | None = None,
        shuffle: bool = True,
        verbose: str | int = "auto",
        lengths: np.ndarray | None = None,
        *,
        validation_split: float = 0.0,
        initial_epoch: int = 0,
        sample_weight: np.ndarray | None = None,
        class_weight: dict[int, float] | None = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
    ) -> History:
        """Train: `epochs` times over all samples, in batches; the last batch may be smaller.

        With stateful layers row n of a batch goes on where row n of the batch before it ended (`nnlite.text.columns`
        cuts a text so). Each epoch and validation starts from zeros; with stateful="training" each of its batches does.

        Args:
            x: (samples, ...), what the first layer takes: an array, memory map, list, frame or tensor of numbers.
                Or, without y, a generator of batches (x, y) or (x, y, sample_weight), such as PyTorch's DataLoader.
            y: (samples, ...), what the loss takes: for each sample a label, or one for each time step, or an array.
            batch_size, validation_batch_size: of arrays: samples in one step (32), in one of the validation (as many).
            epochs: how many times.
            validation_data: (x, y), (x, y, lengths), (x, y, sample_weight) or a generator, to measure after each epoch.
            callbacks: list of `Callback`s, called in this order.
            shuffle: take the samples in a new random order in each epoch; drawn from the model's `rng`.
            verbose: "auto" shows a progress bar in a terminal or a notebook, and a line for each epoch elsewhere;
                1 always the bar, 2 always lines, 0 nothing.
            lengths: how many steps of each sample are real, integers (samples,), for sequences of unequal length in one
                array (`nnlite.text.pad_sequences`). Whatever the padding holds changes nothing; losses and metrics are
                means over real steps.
            validation_split: instead of validation_data, the last fraction of the samples, before they are shuffled.
            initial_epoch: how many of the `epochs` were made by an earlier `fit`.
            sample_weight: of each sample in the loss, (samples,), or of each time step, (samples, T). As in Keras,
                losses are divided by how many there are, not by the sum of the weights; metrics do not see them.
            class_weight: the same by label, in training alone: {0: 1.0, 1: 5.0}. Labels that are not named count 1.
            steps_per_epoch, validation_steps: how many batches of a generator make an epoch, or a validation.

        Returns:
            The `History`, whose `history` is a dict of lists with one number for each epoch: "loss" and the metrics,
            such as "accuracy", means over all samples, each at the time when it was trained on; with validation data
            "val_loss" and so on, measured at the end of the epoch; and with a cross-entropy "perplexity" and
            "val_perplexity", unless weights, ignored labels or regularizers change it.

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
        agreement.require_loss(self, "fit")
        samples = x, y, lengths, sample_weight, class_weight, steps_per_epoch
        sizes, epochs_left = (batch_size, validation_batch_size), (initial_epoch, epochs)
        train, validation = data.for_fit(self, *samples, validation_data, validation_split, validation_steps, sizes)
        loop = FitLoop(self, train, validation, sizes, epochs_left, callbacks, shuffle, verbose)
        with alone.one_fit(self), loop:
            for _ in loop.epochs_left():
                for batch in loop.batches_left():
                    loop.count(batch, self.train_step(batch))
        return loop.history

    @translated
    def train_on_batch(
        self,
        x: np.ndarray,
        y: np.ndarray,
        return_dict: bool = False,
        lengths: np.ndarray | None = None,
        *,
        sample_weight: np.ndarray | None = None,
        class_weight: dict[int, float] | None = None,
    ) -> float | list[float] | dict[str, float]:
        """One step on one batch: forward, loss, backward, update. The arguments are those of `fit`.

        Returns:
            What `evaluate` does: the loss, before the update, and the metrics where `compile` was given any.

        Raises:
            NonFiniteLossError: the loss is NaN or infinite; nothing was updated.
        """
        agreement.require_loss(self, "train_on_batch")
        if type(return_dict) is not bool:  # saves a call
            agreement.require_flag("train_on_batch", return_dict)
        batch = Batch.checked("train_on_batch", x, y, lengths, sample_weight)
        if class_weight is not None or batch.weights is not None:
            batch = weighing.weighted(batch, class_weight, self.loss, "train_on_batch")
        return as_asked(self.train_step(batch), return_dict)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Forward, loss, backward, step: what `fit` does with each batch. A model of your own may do it in its own way.

        Args:
            batch: a `Batch`, with x, y and lengths.

        Returns:
            The loss before the step and the metrics, by their names.
        """
        parallel = self.optimizer.parallel
        with computing:
            numbers = self._pass(batch) if parallel is None else parallel.gradients(self, batch, self._pass)
            regularizers.add_gradients(self.layers)
            try:
                self.optimizer.apply(*self.learned())
            except FloatingPointError as error:  # a gradient's norm is to be clipped, and is not finite
                raise NonFiniteLossError(str(error), f"It is {self.optimizer.learning_rate:g} now") from error
        return numbers

    def _pass(self, batch):
        """Forward, loss and backward: fill the gradients, and return the loss and the metrics."""
        real = None if batch.lengths is None else self._real_steps(batch)
        y_pred = self.forward(batch.x, training=True, **batch.options)
        numbers = self._judge(batch, y_pred, real, trained=self)
        if not math.isfinite(numbers["loss"]):
            raise loss_error(self, numbers["loss"], batch)
        dy = np.zeros_like(y_pred) if real is not None and not real.any() else judging.dy(self.loss, y_pred, real)
        self.backward(dy, needs_dx=False) if passes.takes_needs_dx(type(self).backward) else self.backward(dy)
        return numbers

    def _judge(self, batch, y_pred, real, trained=None):
        """Loss and metrics of predictions, by their names. They see the steps where `real`, (N, T), is True, or all."""
        if real is not None and not real.any():  # a mean of nothing is NaN, and counts nothing
            return dict.fromkeys(("loss", *self.metrics), 0.0) | {"loss": regularizers.penalty(self.layers)}
        y, y_pred, weights = (batch.y, y_pred, batch.weights) if real is None else batch.counted(y_pred, real)
        try:
            loss = judging.loss(self.loss, y, y_pred, weights, self._readers, trained)
            numbers = {"loss": loss + regularizers.penalty(self.layers)}
            for name, metric in self.metrics.items():
                numbers[name] = judging.metric(name, metric, y, y_pred, self._readers, trained)
        except Exception as error:
            blame.loss(error, self, y.shape, y_pred.shape)
            raise
        return numbers

    @translated
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        return_dict: bool = False,
        lengths: np.ndarray | None = None,
        *,
        verbose: str | int = 0,
        sample_weight: np.ndarray | None = None,
        steps: int | None = None,
    ) -> float | list[float] | dict[str, float]:
        """The mean loss over all samples, without training. Stateful layers carry their states as in `predict`.

        Args:
            batch_size: samples computed at once, by default 32.
            lengths: how many steps of each sample are real, as in `fit`: then it is the mean over real steps.
            verbose, sample_weight: as in `fit`. By default verbose is 0; else a line at the end has the numbers.
            steps: how many batches of a generator to read; x may be one, as in `fit`.

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
        agreement.require_loss(self, "evaluate")
        agreement.require_flag("evaluate", return_dict)
        samples = data.for_evaluate(self, x, y, lengths, sample_weight, steps, batch_size)
        return as_asked(self._evaluate(samples, batch_size, "evaluate", verbose), return_dict)

    def test_step(self, batch: Batch) -> dict[str, float]:
        """The loss and metrics of a batch, by their names: what `evaluate` does with each, and `fit` to validate."""
        return self._judge(batch, self.forward(batch.x, **batch.options), self._real_steps(batch))

    def _evaluate(self, samples, batch_size, where, verbose=0, parallel=None, needs_finite=False):
        totals, seen = dict.fromkeys(("loss", *self.metrics), 0.0), 0

        def means():
            return {name: total / max(1, seen) for name, total in totals.items()}

        with data.batches(self, where, samples, batch_size, verbose, means) as batches:
            for batch in batches:
                numbers = self.test_step(batch) if parallel is None else parallel.measured(self, batch, self.test_step)
                numbers = numbers_of_a_step(self, "test_step", numbers, totals)
                seen += (weight := batch.weight(self.keeps_steps))
                for name, value in numbers.items():
                    totals[name] += value * weight
                if needs_finite and not math.isfinite(totals["loss"]):  # also a sum of finite ones
                    raise loss_error(self, totals["loss"], batch)
        return means()

    @translated
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        lengths: np.ndarray | None = None,
        *,
        verbose: str | int = 0,
        steps: int | None = None,
    ) -> np.ndarray:
        """y for all samples, computed in batches.

        Stateful layers start from zeros, and carry their states from batch to batch: row n goes on where row n of the
        batch before it ended. Nothing is carried from call to call: afterwards each layer has the state it had before,
        also that of single steps. To go on from call to call, use `model(x)`, which leaves its states in the layers.

        Args:
            batch_size: samples computed at once, by default 32.
            lengths: how many steps of each sample are real, as in `fit`. Beyond them y holds no answers.
            verbose: as in `evaluate`.
            steps: how many batches of a generator to read; x may be one, of batches of x.

        Raises:
            TypeError, ValueError: x or batch_size does not fit.

        Example:
            >>> import numpy as np
            >>> from nnlite import Dense, Sequential
            >>> Sequential([Dense(3)]).predict(np.ones((100, 2), "float32")).shape
            (100, 3)
        """
        samples = data.for_predict(self, x, lengths, steps, batch_size)
        with data.batches(self, "predict", samples, batch_size, verbose) as batches:
            return data.joined((self.forward(batch.x, **batch.options) for batch in batches), len(samples))
