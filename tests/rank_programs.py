"""Programs that test_distributed.py runs: `mpiexec -n 4 python -m mpi4py tests/rank_programs.py NAME FOLDER`."""

import contextlib
import pickle
import signal
import sys
import time
from pathlib import Path

import numpy as np

import nnlite
from nnlite.distributed import DataParallel

rng = np.random.default_rng(0)
NUMBERS, LABELS = rng.normal(size=(131, 10)), rng.integers(0, 5, 131)
IDS, NEXT, LENGTHS = rng.integers(0, 7, (70, 9)), rng.integers(0, 7, (70, 9)), rng.integers(0, 10, 70)
WEIGHTS = rng.uniform(size=131)


def dense(**options):
    layers = [nnlite.Dense(20, kernel_regularizer="l2"), nnlite.Tanh(), nnlite.Dense(5)]
    return nnlite.Sequential(layers, **{"dtype": "float64", "seed": 1} | options)


def recurrent(stateful=False):
    layers = [nnlite.GRU(8, return_sequences=True, input_dim=7, stateful=stateful)]
    layers += [nnlite.LSTM(8, return_sequences=True, stateful="training" if stateful else False), nnlite.Dense(7)]
    return nnlite.Sequential(layers, dtype="float64", seed=1)


def crossentropy(**options):
    return nnlite.SparseCategoricalCrossentropy(from_logits=True, **options)


def generator():
    while True:
        for first in range(0, 120, 30):
            yield NUMBERS[first : first + 30], LABELS[first : first + 30]


# Of each the model, optimizer, loss and metrics, and what `fit` is given. 131 samples in batches of 13 leave one: on
# four ranks three have no rows then.
CASES = {
    "whole batches": lambda: (
        dense(input_shape=(10,)), nnlite.Adam(0.01), crossentropy(), ["accuracy"],
        {"x": NUMBERS[:128], "y": LABELS[:128], "batch_size": 64, "epochs": 50},
    ),
    "a rest of one row, weights and clipping": lambda: (
        dense(), nnlite.SGD(0.1, global_clipnorm=0.5), crossentropy(ignore_class=3), ["accuracy"],
        {"x": NUMBERS, "y": LABELS, "batch_size": 13, "epochs": 10, "sample_weight": WEIGHTS,
         "validation_data": (NUMBERS, LABELS), "validation_batch_size": 50},
    ),
    "a sum": lambda: (
        dense(), nnlite.SGD(0.01), crossentropy(reduction="sum"), None,
        {"x": NUMBERS, "y": LABELS, "batch_size": 13, "epochs": 5, "validation_split": 0.1},
    ),
    "lengths": lambda: (
        recurrent(), nnlite.Adam(0.01), crossentropy(ignore_class=2), ["accuracy"],
        {"x": IDS, "y": NEXT, "batch_size": 9, "epochs": 12, "lengths": LENGTHS,
         "validation_data": (IDS, NEXT, LENGTHS)},
    ),
    "states": lambda: (
        recurrent(stateful=True), nnlite.Adam(0.01), crossentropy(), None,
        {"x": IDS, "y": NEXT, "batch_size": 7, "epochs": 10, "shuffle": False,
         "validation_data": (IDS[:35], NEXT[:35])},
    ),
    "early stopping": lambda: (
        dense(), nnlite.SGD(nnlite.ExponentialDecay(0.5, 5, 0.9)), crossentropy(), None,
        {"x": NUMBERS, "y": LABELS, "batch_size": 32, "epochs": 50, "validation_split": 0.3,
         "callbacks": [nnlite.EarlyStopping(patience=2, restore_best_weights=True)]},
    ),
    "a generator": lambda: (
        dense(), nnlite.SGD(0.1), crossentropy(), None, {"x": generator(), "steps_per_epoch": 4, "epochs": 3}
    ),
}  # fmt: skip


def trained(name, wrap):
    """The history of a case, and all arrays at its end; `wrap` makes the optimizer that is given to compile."""
    model, optimizer, loss, metrics, data = CASES[name]()
    model.compile(wrap(optimizer), loss, metrics)
    history = model.fit(**data, verbose=0).history
    return history, {**model.params, **model.statistics, **model.optimizer.state}


def random_model():
    """Of a model that draws numbers in training, and has running statistics; with another seed on each rank."""
    parallel = DataParallel(nnlite.Adam(0.01))
    layers = [nnlite.Dense(20), nnlite.BatchNorm(), nnlite.Dropout(0.5, seed=3), nnlite.Dense(5)]
    model = nnlite.Sequential(layers, seed=parallel.rank)
    model.compile(parallel, crossentropy())
    history = model.fit(NUMBERS, LABELS, 32, 3, verbose=0).history
    return history, {**model.params, **model.statistics, **model.optimizer.state}


def resumed(folder):
    """The case of a generator, ended by an error in its first epoch, and begun again."""
    for act in (fail, lambda model: None):
        model, optimizer, loss, _, data = CASES["a generator"]()
        model.compile(DataParallel(optimizer), loss)
        backup = nnlite.BackupAndRestore(Path(folder, "backup.safetensors"), save_freq=1)
        with contextlib.suppress(LookupError):
            history = model.fit(**data, callbacks=[backup, At(2, act)], verbose=0).history
    return history, {**model.params, **model.statistics, **model.optimizer.state}


def equal(folder, rank):
    """Every case, and what depends on chance, or on an earlier training."""
    results = {name: trained(name, DataParallel) for name in CASES}
    results["random"] = random_model()
    results["resumed"] = resumed(folder)
    Path(folder, f"{rank}.pickle").write_bytes(pickle.dumps(results))


class At(nnlite.Callback):
    """Does something at a batch on one rank: calls a function of the model."""

    def __init__(self, batch, act, rank=1):
        self.batch, self.act, self.rank = batch, act, rank

    def on_train_batch_begin(self, batch, logs):
        if batch == self.batch and self.model.optimizer.parallel.rank == self.rank:
            self.act(self.model)


class Fails(nnlite.Layer):
    """Refuses its second batch on rank 1."""

    count = 0

    def forward(self, x, training=False):
        self.count += 1
        if self.count == 2 and DataParallel.rank_of_test == 1:
            raise ArithmeticError("of the layer")
        return x

    def backward(self, dy):
        return dy


def fail(model):
    raise LookupError("of the callback")


def interrupt(model):
    signal.raise_signal(signal.SIGINT)


def change(model):
    model.params["dense.b"][0] += 1


def other_batches(rank):
    while True:
        yield NUMBERS[rank:32], LABELS[rank:32]


def shorter_batches(rank):
    while True:
        yield NUMBERS[: 32 - rank], LABELS[: 32 - rank]


class StopsAlone(nnlite.Callback):
    """One rank decides by itself that it was long enough."""

    def __init__(self, rank):
        self.rank = rank

    def on_epoch_end(self, epoch, logs):
        assert epoch == 0
        self.model.stop_training = self.rank == 1


def raised(parallel, layer=(), callbacks=(), x=NUMBERS):
    """The error of a training."""
    model = dense(input_shape=(10,))
    for one in layer:
        model.add(one)
    model.compile(parallel, crossentropy())
    data = (
        {"x": x, "y": LABELS[: len(x)], "batch_size": 32, "shuffle": not model.stateful_layers}
        if isinstance(x, np.ndarray)
        else {"x": x, "steps_per_epoch": 2}
    )
    try:
        model.fit(**data, epochs=2, callbacks=list(callbacks))
    except BaseException as error:
        return type(error).__name__, f"{error} {getattr(error, '__notes__', '')}"
    return None


def errors(folder, rank):
    """One after the other: each ends its training on all ranks, and the next one begins on all of them."""
    DataParallel.rank_of_test = rank
    DataParallel("sgd")

    nan = NUMBERS.copy()
    nan[100] = np.nan
    ends = nnlite.TerminateOnNaN()
    results = {
        "layer": raised(DataParallel("sgd"), [Fails()]),
        "callback": raised(DataParallel("sgd"), callbacks=[At(2, fail)]),
        "the first rank's": raised(DataParallel("sgd"), callbacks=[At(2, fail, rank=0)]),
        "interrupted": raised(DataParallel("sgd"), callbacks=[At(1, interrupt)]),
        "nan": raised(DataParallel("sgd"), x=nan),
        "ended": raised(DataParallel("sgd"), x=nan, callbacks=[ends]),
        "other data": raised(DataParallel("sgd"), x=NUMBERS + rank),
        "other batches": raised(DataParallel("sgd"), x=other_batches(rank)),
        "other weights": raised(DataParallel("sgd"), callbacks=[At(2, change)]),
        "at the beginning": raised(DataParallel("sgd"), callbacks=[AtBeginning(rank)]),
        "a state": raised(DataParallel("sgd"), [Counts()], x=NUMBERS[:128]),
        "at the end": raised(DataParallel("sgd"), callbacks=[AtEnd(rank)]),
        "own step": raised_by_own_step(),
        "shorter batches": raised(DataParallel("sgd"), x=shorter_batches(rank)),
        "stopped by one": raised(DataParallel("sgd"), callbacks=[StopsAlone(rank)]),
        "threads": nnlite.get_num_threads(),
    }
    Path(folder, f"{rank}.pickle").write_bytes(pickle.dumps(results))


class Counts(Fails):
    """Has a state that is no array."""

    stateful = True
    state = None

    def forward(self, x, training=False):
        self.state = {"count": 1}
        return x

    def reset_state(self):
        self.state = None


class AtEnd(nnlite.Callback):
    def __init__(self, rank):
        self.rank = rank

    def on_train_end(self, logs):
        if self.rank == 0:
            raise OSError("the disk is full")


class AtBeginning(AtEnd):
    def on_train_begin(self, logs):
        if self.rank == 0:
            raise nnlite.CheckpointError("it is damaged")


class OwnStep(nnlite.Sequential):
    def train_step(self, batch):
        return super().train_step(batch)


def raised_by_own_step():
    model = OwnStep([nnlite.Dense(5)])
    model.compile(DataParallel("sgd"), crossentropy())
    try:
        model.fit(NUMBERS, LABELS)
    except TypeError as error:
        return str(error)
    return None


def loop(folder, rank):
    """A loop of one's own, and train_on_batch."""
    model, parallel = dense(input_shape=(10,)), DataParallel(nnlite.SGD(0.1))
    loss = crossentropy()
    for _ in range(3):
        rows = parallel.rows(131)
        loss.forward(LABELS[rows], model.forward(NUMBERS[rows], training=True))
        model.backward(loss.backward())
        parallel.apply(model.grads, model.params, weight=len(LABELS[rows]))
    other = dense(seed=rank)
    other.compile(DataParallel(nnlite.SGD(0.1)), crossentropy(), ["accuracy"])
    losses = [other.train_on_batch(NUMBERS, LABELS)[0] for _ in range(3)]
    Path(folder, f"{rank}.pickle").write_bytes(pickle.dumps((dict(model.params), losses, dict(other.params))))


def sums(folder, rank):
    """Sums of arrays from 8 bytes to 4 MB, for which an MPI takes different algorithms, with ranks that come late."""
    meeting, late = DataParallel("sgd"), np.random.default_rng([rank, time.time_ns()])
    found = {}
    for size in (1, 2, 7, 100, 513, 2048, 5000, 40_000, 193_237, 1_000_000):
        for dtype in (np.float32, np.float64):
            for again in range(3):
                array = np.random.default_rng([rank, size]).normal(size=size).astype(dtype)
                time.sleep(late.uniform(0, 0.003))
                meeting.sum(array)
                found[size, dtype.__name__, again] = array.tobytes()
    Path(folder, f"{rank}.pickle").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    {"equal": equal, "errors": errors, "loop": loop, "sums": sums}[sys.argv[1]](
        sys.argv[2], DataParallel("sgd").comm.rank
    )
