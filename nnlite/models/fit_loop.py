"""FitLoop: the epochs and batches of `fit`, what they add up to, and whom they tell."""

import contextlib
import math
from typing import Any

from .. import checks
from ..callbacks import History, TerminateOnNaN
from ..callbacks.base import own_method
from ..divergence import NonFiniteLossError, check_params
from . import blame, fit_arguments
from .data import batch_size as batch_size_of
from .order import shuffled


class FitLoop:
    """One call of `fit`, and how far it is.

    Callbacks see it as `self.loop`. Where it stands, for checkpoints: `nnlite.saving.loop_state`.

    Attributes:
        epoch, batch: how many epochs are complete, and how many batches of the next one.
        epochs, batches: how many there will be, and how many each epoch has.
        positions: how many predictions a sample holds: T, where there is a label at each of T steps; with lengths,
            their mean.
        is_sequence: whether samples have such steps.
        resumed: whether it goes on from the state of an earlier one.
        latest: the loss of the last batch alone, and its metrics, by their names.
        is_running, has_tried: whether it is in `fit`, and has tried whether the validation data fit.
        current: the batch in training, or the part of it that this process computes.
    """

    def __init__(self, model, data, validation_data, batch_sizes, epochs, callbacks, shuffle, verbose):
        self.model, self.data, self.validation_data = model, data, validation_data
        self.batch_size = batch_size_of(model, "fit", data, batch_sizes[0], training=True)
        self.validation_batch_size = fit_arguments.validation_size(batch_sizes[1], self.batch_size)
        if validation_data is not None:
            batch_size_of(model, "fit: validation_data", validation_data, self.validation_batch_size)
        self.epochs = checks.positive("epochs", epochs[1])
        self.shuffle = fit_arguments.checked_shuffle(model, data, shuffle)
        self.history = History()
        self.callbacks = fit_arguments.line_up(callbacks, self.history, verbose)
        if model.optimizer.parallel is not None:
            self.callbacks = model.optimizer.parallel.line_up(self.callbacks, len(model.metrics))
        self.batches = -(-len(data) // self.batch_size)
        self.positions, self.is_sequence = fit_arguments.predictions_of(data, model.loss)
        self.epoch = self.first_epoch = fit_arguments.checked_start(epochs[0], self.epochs)
        self._has_perplexity = fit_arguments.settle_perplexity(model, data, validation_data)
        self.resumed = self.is_running = self.has_tried = False
        self.batch, self.latest = 0, {}
        self.totals, self.seen = {}, 0  # sums of this epoch's losses and metrics, and their weight: samples or steps
        self.order_rng = None  # state of the random generator from which this epoch's order was drawn
        self.place: tuple[int, int | str | None] = self.epoch + 1, None  # where in `fit` an error would come
        self.current: Any = None

    def __enter__(self):
        self.model.history, self.model.stop_training = self.history, False
        self._closing = contextlib.ExitStack()
        # Callbacks, and the `History` that `fit` returns, live on with this loop: it holds no data then.
        self._closing.callback(vars(self).update, data=None, validation_data=None, current=None, is_running=False)
        fit_arguments.claim(self)
        for callback in self.callbacks:
            self._closing.callback(callback.close)
        with contextlib.ExitStack() as stack:
            stack.push(self._closing)
            self._notify("on_train_begin", {})
            fit_arguments.skip_what_was_read(self)
            stack.pop_all()
        return self

    def __exit__(self, kind, found, traceback):
        error, enders = found, [callback for callback in self.callbacks if isinstance(callback, TerminateOnNaN)]
        with self._closing:
            if isinstance(error, NonFiniteLossError) and error.epoch is None:
                error = error.at(*self.place)
                if not enders:
                    raise error from found.__cause__
            if isinstance(error, NonFiniteLossError) and enders:
                for callback in enders:
                    callback.ended_by(error)
            elif error is not None:
                if isinstance(error, Exception) and not hasattr(error, "of_rank"):  # which has said its place there
                    blame.training(error, *self.place, self.current)
                return False
            elif not enders:
                # No loss was computed after the last update: only the parameters can tell that it went wrong.
                check_params(self.model, self, "the model cannot be used any more")
            self._notify("on_train_end", {})
        return True

    def epochs_left(self):
        """Count through the epochs that are still to come, and tell the callbacks of each."""
        # Where a callback ended the training in the middle of an epoch, that epoch is rounded off.
        while self.batch or (self.epoch < self.epochs and not fit_arguments.is_stopped(self.model)):
            if self.batch == 0:
                self.totals, self.seen = dict.fromkeys(("loss", *self.model.metrics), 0.0), 0
                for layer in self.model.stateful_layers:
                    layer.reset_state()
            self.place = self.epoch + 1, None
            yield self.epoch
            self.place, self.current = (self.epoch + 1, None), None
            if self.batch:
                logs = self._measure()
                self.epoch, self.batch = self.epoch + 1, 0
                for listener in self._listeners("on_epoch_end"):
                    listener(self.epoch - 1, logs)
                    self.history.add(self.epoch - 1, logs)

    def batches_left(self):
        """The batches of this epoch that are still to come."""
        resume_rng = self.model.rng.bit_generator.state
        self._notify("on_epoch_begin", self.epoch, {})
        order = self._draw_order(resume_rng)
        before = self._listeners("on_train_batch_begin")
        self._after = self._listeners("on_train_batch_end")
        self.place = self.epoch + 1, self.batch + 1
        for batch in fit_arguments.batches_to_train(self, order):
            if fit_arguments.is_stopped(self.model):
                break
            self.current = batch
            for listener in before:
                listener(self.batch, {})
            yield batch

    def count(self, batch, numbers):
        """Take down the loss and metrics of a batch, and tell the callbacks."""
        numbers = fit_arguments.numbers_of_a_step(self.model, "train_step", numbers, self.totals)
        weight = batch.weight(self.model.keeps_steps)
        self.latest = numbers
        for name, value in numbers.items():
            self.totals[name] += value * weight
        self.seen += weight
        self.batch += 1
        if self._after:
            logs = self._with_perplexity(self._means())
            for listener in self._after:
                listener(self.batch - 1, logs)
        self.place, self.current = (self.epoch + 1, self.batch + 1), None

    def _draw_order(self, resume_rng):
        """The samples' order in this epoch; None where it is that of the data. A resumed epoch draws it again."""
        rng = self.model.rng
        if self.batch:
            rng.bit_generator.state = self.order_rng
        else:
            self.order_rng = rng.bit_generator.state
        order = shuffled(len(self.data), rng) if self.shuffle else None
        if self.batch:
            rng.bit_generator.state = resume_rng
        return order

    def _measure(self):
        """The numbers of the epoch that has just ended."""
        logs = self._means()
        if self.validation_data:
            self._notify("on_test_begin", {})
            self.place = self.epoch + 1, "validation"
            data, size, parallel = self.validation_data, self.validation_batch_size, self.model.optimizer.parallel
            found = self.model._evaluate(data, size, "fit: validation_data", parallel=parallel, needs_finite=True)
            self.place = self.epoch + 1, None
            self._notify("on_test_end", dict(found))
            logs |= {f"val_{name}": value for name, value in found.items()}
        logs = self._with_perplexity(logs)
        if self.model.optimizer.schedule is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate  # that of the latest step
        return logs

    def _means(self):
        """The loss and the metrics of this epoch so far, over all that was seen."""
        return {name: total / max(1, self.seen) for name, total in self.totals.items()}

    def _with_perplexity(self, logs):
        """e^loss of a mean cross-entropy: among how many equally likely labels the model would choose."""
        for name in ("loss", "val_loss") if self._has_perplexity else ():
            if name in logs:
                # 700: a double ends at e^709, and JSON has no infinity.
                logs[name.replace("loss", "perplexity")] = math.exp(min(logs[name], 700.0))
        return logs

    def _listeners(self, event):
        """The callbacks' methods for an event, without those that do nothing."""
        return [method for callback in self.callbacks if (method := own_method(callback, event))]

    def _notify(self, event, *args):
        for listener in self._listeners(event):
            listener(*args)

    @property
    def measured(self):
        """The names of what `fit` itself puts into the logs of an epoch."""
        names = ["loss", *self.model.metrics]
        names += [f"val_{name}" for name in names] if self.validation_data else []
        scheduled = ["learning_rate"] if self.model.optimizer.schedule is not None else []
        return [*self._with_perplexity(dict.fromkeys(names, 0.0)), *scheduled]
