"""DataParallel: each rank computes a part of every batch, and all make the same step."""

import copy
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import optimizers, regularizers
from ..divergence import NonFiniteLossError
from ..models.batch import Batch
from ..optimizers import Optimizer
from ..saving import loop_state
from . import mpi
from .meeting import Meeting
from .together import OF_THE_FIRST, Together


class DataParallel(Meeting):
    """Trains one model in several processes, on one machine or on many: they share each batch, and average gradients.

        mpiexec -n 4 python -m mpi4py my_training.py

    Every rank runs the same program on the same data. In each step rank r computes the loss and the gradients of its
    rows of the batch. The gradient of the whole batch is their mean, weighted by what the losses are means over, and
    all have it after one exchange:

        g = sum of w_r g_r,   w_r = positions of rank r / positions of the batch

    So `fit` does what one process does with the same `batch_size`, and all that it shows or saves is that of the whole
    batch. Between two steps all ranks hold the same bits, which is checked after each epoch. With the same number of
    ranks a training has the same bits every time, and those of one with another number agree as far as rounding allows.
    What is not the same as in one process:

        Dropout      each rank draws masks of its own
        BatchNorm    normalizes over the rows of its rank; its running statistics are means over the ranks

    Rank 0 alone prints in `fit`, and writes what `BackupAndRestore`, `ModelCheckpoint` and the loggers write. Other
    callbacks run on every rank. An error on one rank, and Ctrl-C, end the training on all of them.

    Args:
        optimizer: an optimizer, or the name of one. Give `compile` what this makes of it.
        comm: a communicator of mpi4py; by default that of all processes.

    Attributes:
        optimizer: of the model; a model that is saved knows nothing of ranks.
        rank, size: the number of this process, from 0, and how many there are.

    Raises:
        ImportError: there is no mpi4py, or no MPI. The extra `mpi` brings both.
        TypeError, ValueError: no optimizer.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.distributed import DataParallel
        >>> from nnlite.optimizers import SGD
        >>> x = np.linspace(-1, 1, 20).reshape(20, 1)
        >>> model = Sequential([Dense(1)], seed=0)
        >>> parallel = DataParallel(SGD(0.1))
        >>> model.compile(parallel, "mse")
        >>> history = model.fit(x, 2 * x + 1, batch_size=4, epochs=30, verbose=0)  # 4 rows in all, not 4 on each rank
        >>> if parallel.rank == 0:
        ...     print(model.params["dense.W"].round(2))
        [[2.]]
    """

    def __init__(self, optimizer: str | Optimizer, comm: Any = None) -> None:
        if hasattr(optimizer, "layers"):  # as PyTorch's takes it
            raise TypeError(
                f"DataParallel: optimizer: expected an optimizer or the name of one, got a {type(optimizer).__name__}: "
                f"give it the optimizer, and the model what it makes: model.compile(DataParallel(Adam()), loss)"
            )
        self.optimizer = optimizers.get(optimizer)
        super().__init__(mpi.module().COMM_WORLD if comm is None else comm)
        mpi.divide_cores(self.comm)
        self._model: Any = None  # whose ranks are in step
        self._loop: Any = None
        self._order_rng: Any = None  # of the epoch in which `_entropy` was drawn
        self._entropy = 0
        self._weight = 1.0  # of this rank in the loss of the last batch
        self._flat = np.empty(0)
        if self.size > 1:
            self.optimizer.parallel = self

    # For a loop of one's own.

    def rows(self, count: int) -> slice:
        """Which of so many rows are this rank's. Where they do not divide evenly the first ranks have one more.

        Example:
            >>> from nnlite.distributed import DataParallel
            >>> DataParallel("sgd").rows(10)  # of 10, on a single rank
            slice(0, 10, None)
        """
        each, more = divmod(count, self.size)
        start = self.rank * each + min(self.rank, more)
        return slice(start, start + each + (self.rank < more))

    def apply(self, grads: dict[str, np.ndarray], params: dict[str, np.ndarray], weight: float = 1.0) -> None:
        """Put the mean of all ranks' gradients in the place of this rank's, and make the step of the optimizer.

        Every rank calls it, with parameters that were the same at the beginning: give the models the same seed.

        Args:
            grads, params: as in `Optimizer.apply`.
            weight: how much this rank's gradients count, such as the number of rows of which they are the mean.
        """
        weights = np.array([weight], np.float64)
        self.sum(weights)
        self._add([(grad, weight / weights[0]) for grad in grads.values()])
        self.optimizer.apply(grads, params)

    # For `fit`.

    def line_up(self, callbacks: list[Any], metrics: int) -> list[Any]:
        """The callbacks of this rank in a training with so many metrics."""
        self.numbers, self.interrupts, self.is_over = 1 + metrics, 0, False
        callbacks = [each for each in callbacks if self.rank == 0 or not isinstance(each, OF_THE_FIRST)]
        return [*callbacks, Together(self)]

    def join(self, model: Any, loop: Any) -> None:
        """Begin where rank 0 begins: with its weights and optimizer, and at the place where it may have resumed."""
        self._model, self._loop = None, loop
        # Where a generator is not resumed, all begin at its first batch.
        is_told = isinstance(loop.data, Batch) or loop.resumed
        mine = (model.built, loop_state.get(loop) if is_told else None) if self.rank == 0 else None
        is_built, place = self.comm.bcast(mine)
        if self.rank and place is not None:
            try:
                loop_state.restore(loop, place)
            except ValueError as error:
                raise ValueError(
                    f"rank {self.rank} cannot begin where rank 0 does: {error}: let all ranks run the same program on "
                    f"the same data"
                ) from error
        if is_built:  # else the first batch builds it, after the order of the samples was drawn
            self._copy(model, loop.data.x.shape[1:])

    def leave(self) -> None:
        """`fit` has ended."""
        self._loop = None

    def _copy(self, model, input_shape):
        """Give all ranks the weights, states, optimizer and random generator of rank 0."""
        if not model.built:
            model.build(input_shape)
        optimizer, generator, layers = model.optimizer, model.rng.bit_generator, model.stateful_layers
        weights, states = {**model.params, **model.statistics}, [layer.state for layer in layers]
        progress = optimizer.iterations, optimizer.state, optimizer.learning_rate
        first = self.comm.bcast((weights, states, generator.state, progress) if self.rank == 0 else None)
        if self.rank:
            theirs, states, generator.state, (optimizer.iterations, optimizer.state, rate) = first
            for name, array in weights.items():
                array[...] = theirs[name]
            for layer, state in zip(layers, states, strict=True):
                layer.state = state
            if optimizer.schedule is None:
                optimizer.learning_rate = rate
            optimizer.belongs_to(model)
        self._model = model

    def gradients(self, model: Any, whole: Batch, compute: Callable[[Batch], dict[str, float]]) -> dict[str, float]:
        """The gradients of a batch, of which each rank computes its rows; returns what `measured` does.

        The running statistics and the states of the layers become those of the whole batch, too.

        Args:
            compute: fills the model's gradients with those of a batch, and returns its loss and metrics.
        """
        if self._model is not model:
            self._copy(model, whole.x.shape[1:])
        rows, layers = self.rows(len(whole)), model.stateful_layers
        for layer in layers:
            layer.state = layer.state and tuple(a[_at_least_one(rows)].copy() for a in _state(layer, len(whole)))
        before = {name: array.copy() for name, array in model.statistics.items()}
        if self.rank:
            self._reseed(model)
        numbers = self.measured(model, whole, compute)
        fraction = (rows.stop - rows.start) / len(whole)
        # Changes, not the statistics themselves: those of a frozen layer are to stay the same bits.
        changes = {name: array - before[name] for name, array in model.statistics.items()}
        self._add([(change, fraction) for change in changes.values()])
        for name, array in model.statistics.items():
            array[...] = before[name] + changes[name]
        mine = max(1, rows.stop - rows.start)
        states = [[_at_rows(array, rows, len(whole)) for array in _state(layer, mine)] for layer in layers]
        grads, _ = model.learned()
        self._add([(grad, self._weight) for grad in grads.values()] + [(a, 1.0) for state in states for a in state])
        for layer, state in zip(layers, states, strict=True):
            layer.state = tuple(state)
        return numbers

    def measured(self, model: Any, whole: Batch, compute: Callable[[Batch], dict[str, float]]) -> dict[str, float]:
        """Loss and metrics of a batch, of which each rank computes its rows.

        Args:
            compute: gives those of a batch.
        """
        rows = self.rows(len(whole))
        part = whole[_at_least_one(rows)]
        self.numbers = 1 + len(model.metrics)
        if self._loop is not None and self._loop.current is whole:
            self._loop.current = part  # whose rows an error would name
        try:
            numbers = compute(part)
        except Exception as error:
            if self._loop is None or isinstance(error, NonFiniteLossError):  # which is no error with TerminateOnNaN
                self.meet(error=error)
            raise  # `fit` tells the others, when it has said where it was
        weight, self._weight = _weights(model, whole, None if rows.start == rows.stop else part)
        values = [numbers["loss"] * self._weight, *(numbers[name] * weight for name in model.metrics)]
        sums = self.meet(values, zlib.crc32(_bytes(whole.x), zlib.crc32(_bytes(whole.y), len(whole))))
        found = dict(zip(("loss", *model.metrics), sums.tolist(), strict=True))
        if _is_sum(model.loss):  # to which each rank has added the price of the weights
            found["loss"] -= (min(self.size, len(whole)) - 1) * regularizers.penalty(model.layers)
        return found

    def _reseed(self, model):
        """Let the layers draw other numbers than on rank 0, and the same again where a training is resumed."""
        if self._loop is not None and self._loop.order_rng is not self._order_rng:
            self._order_rng = self._loop.order_rng
            drawn = copy.deepcopy(model.rng)
            drawn.bit_generator.state = self._order_rng
            self._entropy = int(drawn.integers(2**63))
        generators = {id(rng): rng for rng in (model.rng, *(layer.rng for layer in model.all_layers.values()))}
        for number, rng in enumerate(generators.values()):
            seed = np.random.SeedSequence([self._entropy, model.optimizer.iterations, self.rank, number])
            rng.bit_generator.state = type(rng.bit_generator)(seed).state

    def _add(self, weighted):
        """Put the sum over all ranks of factor * array in the place of each array, all in one message."""
        if not weighted:
            return
        dtype, size = np.result_type(*(array for array, _ in weighted)), sum(array.size for array, _ in weighted)
        if (self._flat.dtype, self._flat.size) != (dtype, size):
            self._flat = np.empty(size, dtype)
        ends = np.cumsum([array.size for array, _ in weighted])
        parts = [flat.reshape(a.shape) for flat, (a, _) in zip(np.split(self._flat, ends[:-1]), weighted, strict=True)]
        for part, (array, factor) in zip(parts, weighted, strict=True):
            np.multiply(array, factor, out=part)
        self.sum(self._flat)
        for part, (array, _) in zip(parts, weighted, strict=True):
            array[...] = part


def _at_least_one(rows):
    """The rows that a rank computes with. One without rows takes the first, which count nothing there."""
    return rows if rows.start < rows.stop else slice(0, 1)


def _state(layer, count):
    """The arrays of a layer's state, with as many rows."""
    arrays = layer.state or ()
    if not isinstance(arrays, tuple) or any(getattr(array, "shape", ())[:1] != (count,) for array in arrays):
        raise TypeError(
            f"DataParallel: the state of {layer.name} cannot be divided among ranks: expected a tuple of arrays, with "
            f"the {count} rows of the batch as their first axis"
        )
    return arrays


def _at_rows(array, rows, count):
    """The states (N, H) of a whole batch, with this rank's where they belong, and zeros elsewhere."""
    whole = np.zeros((count, *array.shape[1:]), array.dtype)
    whole[rows] = array[: rows.stop - rows.start]
    return whole


def _bytes(array):
    """Of the first sample."""
    return np.ascontiguousarray(array[:1]).data


def _is_sum(loss):
    return getattr(loss, "reduction", None) == "sum"


def _weights(model, whole, part):
    """How much a part of a batch counts in its means: in those of the metrics, and in that of the loss."""
    if part is None:
        return 0.0, 0.0
    keeps_steps = model.keeps_steps
    size = whole.weight(keeps_steps)
    weight = part.weight(keeps_steps) / size if size else len(part) / len(whole)
    if _is_sum(model.loss):
        return weight, 1.0
    ignored = getattr(model.loss, "ignore_class", None)
    if ignored is None:
        return weight, weight
    counts = [_labels(batch, keeps_steps) != ignored for batch in (part, whole)]
    count = [int(each.sum()) for each in counts]
    return weight, count[0] / count[1] if count[1] else weight


def _labels(batch, keeps_steps):
    """Those that are no padding."""
    real = batch.real_steps() if keeps_steps else None
    return batch.y if real is None else batch.y[real]
