"""check_callback: whether a callback keeps what `fit` expects of one."""

import contextlib
import copy
import functools
import gc
import io
import tempfile
import weakref
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from .. import SGD, BackupAndRestore, Callback, Dense, Sequential
from .comparison import same_bits
from .contract import Contract, ContractReport, LeftOut, expect
from .copying import copies_of

CALLBACK = Contract()
EPOCHS, BATCH = 4, 6  # of 20 samples: the last batch of an epoch is smaller
X = np.random.default_rng(0).standard_normal((20, 3)).astype("float32")
Y = np.random.default_rng(1).standard_normal((20, 1)).astype("float32")


class Interruption(Exception):
    """What ends a training in the middle of a check."""


class Interrupt(Callback):
    """Raises an error in a batch of an epoch, both counted from 0."""

    order = 100

    def __init__(self, epoch: int, batch: int) -> None:
        self.epoch, self.batch = epoch, batch

    def on_train_batch_end(self, batch, logs):
        if (self.loop.epoch, batch) == (self.epoch, self.batch):
            raise Interruption


class Recorder(Callback):
    """Writes down what the logs hold before or after all other callbacks."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.seen: list[dict[str, Any]] = []

    def on_train_batch_end(self, batch, logs):
        self.seen.append(dict(logs))

    def on_epoch_end(self, epoch, logs):
        self.seen.append(dict(logs))


class CallbackCase:
    """A callback to check, and small trainings with it, which all begin alike."""

    def __init__(self, callback: Callback | Callable[[Path], Callback], folder: Path) -> None:
        if isinstance(callback, type) and issubclass(callback, Callback):
            name = callback.__name__
            raise TypeError(f"callback: expected an object, got the class {name}: make one, {name}()")
        self._given, self._folder, self._made = callback, folder, 0
        found = self.new()
        if not isinstance(found, Callback):
            raise TypeError(
                f"callback: expected a Callback, or a function of a folder that makes one, got {callback!r}: derive "
                f"its class from nnlite.Callback"
            )
        self.kind = type(found)

    def new(self) -> Any:
        """A new callback, where it writes files with a folder of its own."""
        if isinstance(self._given, Callback):
            return copy.deepcopy(self._given)
        self._made += 1
        folder = self._folder / f"{self._made}"
        folder.mkdir()
        return self._given(folder) if callable(self._given) and not isinstance(self._given, type) else self._given

    def fit(
        self, callback: Callback, *others: Callback, x: np.ndarray = X, interrupt: tuple | None = None
    ) -> Sequential:
        """A model that was trained with the callback; quietly."""
        model = Sequential([Dense(4, "tanh"), Dense(1)], input_shape=(3,), seed=0)
        # Steps so large that losses rise and fall: then it shows who forgot the best one.
        model.compile(SGD(0.1, momentum=0.9), "mse", metrics=["mae"])
        callbacks = [callback, *others, *([Interrupt(*interrupt)] if interrupt else [])]
        validation = X[:5] + 1, Y[:5]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(*([Interruption] if interrupt else [])):
            model.fit(x, Y, BATCH, EPOCHS, validation, callbacks, verbose=0)
        return model

    def outcome(self, model: Sequential, callback: Callback) -> dict[str, np.ndarray]:
        """All that a training with the callback has left: weights, history, and the callback's own numbers."""
        found = {name: param.copy() for name, param in model.params.items()}
        history = {} if model.history is None else model.history.history
        found |= {f"history[{name!r}]": np.array(values) for name, values in history.items()}
        found |= {f"get_state()[{name!r}]": _array(value) for name, value in callback.get_state().items()}
        found |= {f"self.{name}": _array(value) for name, value in vars(callback).items() if _is_public(name, value)}
        callback.close()  # which get_state may have opened again
        return found

    @functools.cached_property
    def firsts(self) -> list[dict[str, np.ndarray]]:
        """What each of two first trainings with a new callback leaves."""
        return [self.outcome(self.fit(callback), callback) for callback in (self.new(), self.new())]

    @functools.cached_property
    def varying(self) -> list[str]:
        """What is another each time, such as a duration."""
        first, second = self.firsts
        return [name for name, value in first.items() if name not in second or not np.array_equal(value, second[name])]

    @property
    def expected(self) -> dict[str, np.ndarray]:
        """What a first training with a new callback leaves, without what is another each time."""
        return self.steady(self.firsts[0])

    def steady(self, outcome: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """An outcome without what is another each time."""
        return {name: value for name, value in outcome.items() if name not in self.varying}


def _array(value):
    """Any value of a callback's state as an array of its text, unless it is one."""
    return value if isinstance(value, np.ndarray) else np.array(repr(value))


def _is_public(name, value):
    """Whether an attribute holds numbers or texts that a callback may go by."""
    kept = name not in ("model", "loop") and not name.startswith("_")
    return kept and isinstance(value, bool | int | float | str | list | tuple | dict | np.ndarray | None)


def _same(found, expected, when, remedy):
    for name, value in expected.items():
        other = found.get(name, np.array("nothing"))
        if value.dtype.kind == "U" and other.dtype.kind == "U":
            expect(other == value, name, f"{value.item()[:100]} {when}", other.item()[:100], remedy)
    found = {name: value for name, value in found.items() if name in expected or not name.startswith("self.")}
    same_bits(found, expected, when, remedy)


@CALLBACK
def hooks(case: CallbackCase) -> None:
    """`fit` calls the methods by their names, with an epoch or a batch, and the logs."""
    case.fit(case.new())


@CALLBACK
def repeatable(case: CallbackCase) -> str | None:
    """Two equal trainings end alike: otherwise no run can be repeated or resumed. Times may be others."""
    others = "self.", "history[", "get_state()["
    first, second = ({name: v for name, v in one.items() if not name.startswith(others)} for one in case.firsts)
    same_bits(second, first, "from an equal training", "draw random numbers from self.model.rng alone")
    return f"not compared, as it is another each time: {', '.join(case.varying)}" if case.varying else None


@CALLBACK
def logs_stay(case: CallbackCase) -> None:
    """What the loss was, no callback may change for those behind it and for the `History`."""
    before, after = Recorder(-100), Recorder(99)
    case.fit(case.new(), before, after)
    for early, late in zip(before.seen, after.seen, strict=True):
        changed = [name for name, value in early.items() if late.get(name, "nothing") != value]
        remedy = "read logs, and add what is new under a name of its own"
        expect(not changed, "logs", "the numbers of fit as they are", f"another {', '.join(changed)}", remedy)


@CALLBACK
def adds(case: CallbackCase) -> str | None:
    """A later callback is told before the first epoch what the logs will hold: that is what `adds` says."""
    before, after, callback = Recorder(-100), Recorder(99), case.new()
    case.fit(callback, before, after)
    new = set().union(*({*late} - {*early} for early, late in zip(before.seen, after.seen, strict=True)))
    if not callback.adds:
        if not new:
            raise LeftOut("it adds nothing to the logs")
        return f"it adds {', '.join(sorted(new))}, which `adds` could say: then misspelt names are found early"
    remedy = "name in adds what on_epoch_end puts into the logs, with its type"
    expect(new == {*callback.adds}, "adds", f"{sorted(new)}", sorted(callback.adds), remedy)
    for name, kind in callback.adds.items():
        value = after.seen[-1][name]
        expect(isinstance(value, kind), f"logs[{name!r}]", kind.__name__, type(value).__name__, remedy)
    return None


@CALLBACK
def second_fit(case: CallbackCase) -> None:
    """A callback may be used again: what is left of an earlier training must not end or change the next one."""
    again = case.new()
    case.fit(again)
    found = case.steady(case.outcome(case.fit(again), again))
    _same(found, case.expected, "from a second fit", "begin anew in on_train_begin")


@CALLBACK
def after_an_error(case: CallbackCase) -> None:
    """A training may end by an error or Ctrl-C, without on_train_end: the next one begins as if nothing had been."""
    again = case.new()
    case.fit(again, interrupt=(1, 2))
    found = case.steady(case.outcome(case.fit(again), again))
    _same(found, case.expected, "from a fit after one that was interrupted", "begin anew in on_train_begin")


@CALLBACK
def resume(case: CallbackCase) -> None:
    """A training that was killed and goes on from its backup ends as one that was not."""
    if issubclass(case.kind, BackupAndRestore):
        raise LeftOut("it is what makes the backup")
    killed = case.new()
    for place in ((1, 2), (2, 3)):  # in the middle, and at the end of an epoch
        with tempfile.TemporaryDirectory() as folder:
            backup = Path(folder) / "backup.safetensors"
            case.fit(killed, BackupAndRestore(backup, save_freq=1), interrupt=place)
            new = case.new() if isinstance(case._given, Callback) else copy.deepcopy(killed)
            found = case.steady(case.outcome(case.fit(new, BackupAndRestore(backup, save_freq=1)), new))
        remedy = "hand out in get_state all that changes in a training, and take it back in set_state"
        if type(new).on_epoch_begin is not Callback.on_epoch_begin:
            remedy += "; on_epoch_begin comes again before the rest of an epoch, where self.loop.batch is above 0"
        _same(found, case.expected, "after a resume", remedy)
        killed = case.new()


@CALLBACK
def copies(case: CallbackCase) -> str | None:
    """A callback is copied with its settings and numbers, and without the model, which knows the data."""
    callback = case.new()
    case.fit(callback)
    copied, note = copies_of(callback)
    for how, one in copied.items():
        held = [name for name in ("model", "loop") if vars(one).get(name) is not None]
        expect(not held, f"a copy by {how}", "no model and no loop", " and ".join(held), "leave __getstate__ out")
        one.model, one.loop = callback.model, callback.loop
        expected = {name: _array(value) for name, value in callback.get_state().items()}
        found = {name: _array(value) for name, value in one.get_state().items()}
        callback.close()
        one.close()
        _same(found, expected, f"after {how}", "leave __deepcopy__, __getstate__ and __reduce__ out")
    return note


@CALLBACK
def lets_go(case: CallbackCase) -> None:
    """The data of a training can be large: after it nothing holds on to them but their owner."""
    callback, x = case.new(), X.copy()
    case.fit(callback, x=x)
    alive = weakref.ref(x)
    del x
    gc.collect()
    expect(
        alive() is None, "x after fit", "to be freed with its last name", "a reference to it", "keep no data in self"
    )


@CALLBACK
def closing(case: CallbackCase) -> None:
    """close comes after every training, also after an error at its very beginning, and may come twice."""
    callback = case.new()
    callback.close()
    case.fit(callback)
    callback.close()


def check_callback(callback: Callback | Callable[[Path], Callback], *, without: Collection[str] = ()) -> ContractReport:
    """Check a callback, nnlite's or your own, against everything that `fit` expects of one.

    It is called by small trainings of 4 epochs, with validation data and the metric "mae".

    Args:
        callback: a new one; where it writes files, a function that makes one from the path of a folder, such as
            `lambda folder: CSVLogger(folder / "log.csv")`.
        without: names of checks to leave out, where a callback is meant to be different.

    Returns:
        A report that prints as a table: each check with its reason, and which were left out, and why.

    Raises:
        ContractError: a check failed. The message says which, what came, what was expected, and what to do.
        TypeError: this is no callback.

    Example:
        >>> from nnlite import EarlyStopping
        >>> from nnlite.testing import check_callback
        >>> check_callback(EarlyStopping(patience=1)).failed
        []
    """
    with tempfile.TemporaryDirectory() as folder:
        case = CallbackCase(callback, Path(folder))
        return CALLBACK.hold(case.kind.__name__, case, without)
