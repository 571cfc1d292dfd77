"""check_callback: every exported one keeps the contract, and one with a mistake is caught by the check for it."""

import inspect
import time

import numpy as np
import pytest
from contracts import alone, assert_caught

import nnlite
from nnlite import Callback
from nnlite.testing import check_callback
from nnlite.testing.callback import CALLBACK


def rate(epoch):
    return 0.1 / (epoch + 1)


CASES = [
    lambda folder: nnlite.BackupAndRestore(folder / "backup.safetensors"),
    lambda folder: nnlite.CSVLogger(folder / "log.csv"),
    lambda folder: nnlite.EarlyStopping(patience=1),
    lambda folder: nnlite.EarlyStopping(patience=1, restore_best_weights=True, min_delta=0.1),
    lambda folder: nnlite.History(),
    lambda folder: nnlite.JSONLogger(folder / "log.jsonl", every=3),
    lambda folder: nnlite.LambdaCallback(on_epoch_end=print),
    lambda folder: nnlite.LearningRateScheduler(rate),
    lambda folder: nnlite.LiveCurve(),
    lambda folder: nnlite.ModelCheckpoint(folder / "model_{epoch}.safetensors"),
    lambda folder: nnlite.ModelCheckpoint(folder / "best.safetensors", save_best_only=True),
    lambda folder: nnlite.ProgressBar(),
    lambda folder: nnlite.ReduceLROnPlateau(patience=1, min_delta=0.1),
    lambda folder: nnlite.TerminateOnNaN(),
]


@pytest.mark.parametrize("make", CASES, ids=inspect.getsource)
def test_every_exported_callback_keeps_the_contract(make):
    report = check_callback(make)
    assert set(report.left_out) <= {"adds", "resume"}


def test_no_exported_callback_is_left_out(tmp_path):
    kinds = {one for one in map(vars(nnlite).get, nnlite.__all__) if inspect.isclass(one) and issubclass(one, Callback)}
    assert {type(make(tmp_path)) for make in CASES} == kinds - {Callback}


class Right(Callback):
    """Ends a training after so many epochs, and logs how many are left."""

    adds = {"left": int}  # noqa: RUF012  replaced, never changed

    def __init__(self, most=3):
        self.most, self.left = most, most

    def on_train_begin(self, logs):
        self.left = self.most

    def on_epoch_end(self, epoch, logs):
        self.left -= 1
        logs["left"] = self.left
        self.model.stop_training = self.left == 0

    def get_state(self):
        return {"left": self.left}

    def set_state(self, state):
        self.left = state["left"]


class Hooks(Right):
    def on_epoch_end(self, epoch):
        self.left -= 1


class Repeatable(Right):
    def on_train_batch_end(self, batch, logs):
        self.model.params["dense.b"][...] += np.random.default_rng().standard_normal()


class LogsStay(Right):
    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        logs["loss"] *= 100


class Adds(Right):
    adds = {"lef": int}  # noqa: RUF012


class SecondFit(Right):
    def on_train_begin(self, logs):
        pass


class AfterAnError(Right):
    def on_train_begin(self, logs):
        pass

    def on_train_end(self, logs):
        self.left = self.most

    def get_state(self):
        return {}


class Resume(Right):
    def set_state(self, state):
        pass


class Copies(Right):
    def __getstate__(self):
        return vars(self)


class LetsGo(Right):
    def on_train_begin(self, logs):
        super().on_train_begin(logs)
        self.data = self.loop.data


class Closing(Right):
    file = None

    def on_train_begin(self, logs):
        super().on_train_begin(logs)
        self.file = ["a file"]

    def close(self):
        self.file.pop()


BROKEN = {
    "hooks": (
        Hooks,
        r"expected no error, got TypeError: epoch 1: Hooks.on_epoch_end\(\) takes 2 positional arguments but 3",
    ),
    "repeatable": (Repeatable, "dense.W: expected the same bits from an equal training, got .*: draw random numbers"),
    "logs_stay": (LogsStay, "logs: expected the numbers of fit as they are, got another loss: read logs, and add"),
    "adds": (Adds, r"adds: expected \['left'\], got \['lef'\]: name in adds what on_epoch_end puts into the logs"),
    "second_fit": (SecondFit, ".* from a second fit, got .*: begin anew in on_train_begin"),
    "after_an_error": (AfterAnError, "from a fit after one that was interrupted, got .*: begin anew in on_train_begin"),
    "resume": (Resume, ".* after a resume, got .*: hand out in get_state"),
    "copies": (
        Copies,
        "a copy by copy.deepcopy: expected no model and no loop, got model and loop: leave __getstate__",
    ),
    "lets_go": (LetsGo, "x after fit: expected to be freed with its last name, got a reference to it: keep no data"),
    "closing": (Closing, "expected no error, got TypeError|AttributeError: 'NoneType' object has no attribute 'pop'"),
}


@pytest.mark.parametrize("check", CALLBACK.checks)
def test_each_check_catches_the_mistake_that_it_is_for(check):
    kind, message = BROKEN[check]
    assert_caught(check, message, lambda: check_callback(kind()))


# Mistakes that show in one place alone: each is caught by one of the things that a check looks at.


class Counts(Callback):
    """Keeps how many epochs there were under a name that nobody sees."""

    _count = 0

    def on_train_begin(self, logs):
        self._count = 0

    def on_epoch_end(self, epoch, logs):
        self._count += 1


class InItsState(Counts):
    def get_state(self):
        return {"count": self._count}

    def set_state(self, state):
        pass


class InTheHistory(Counts):
    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        logs["count"] = self._count


class InTheWeights(Counts):
    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        self.model.params["dense.b"][...] += 1e-3 * self._count


class InAnAttribute(Counts):
    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        self.counts = np.array([self._count])


class LosesALog(Right):
    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        del logs["val_mae"]


class ChangesABatchsLog(Right):
    def on_train_batch_end(self, batch, logs):
        logs["loss"] *= 2


class AddsAnotherKind(Right):
    adds = {"left": float}  # noqa: RUF012


class OtherCopies(Right):
    def __getstate__(self):
        return super().__getstate__() | {"left": 99}


class ClosesOnce(Closing):
    def close(self):
        if self.file is not None:
            super().close()


class ForgetsAfterAnError(Counts):
    """Begins anew only after an end."""

    def on_train_begin(self, logs):
        pass

    def on_train_end(self, logs):
        self._count = 0

    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        logs["count"] = self._count


SUBTLE = [
    ("resume", InItsState, r"get_state\(\)\['count'\]: expected 4 after a resume, got "),
    ("resume", InTheHistory, r"history\['count'\]: expected .* after a resume, got "),
    ("resume", InTheWeights, "dense.W: expected the same bits after a resume, got "),
    ("resume", InAnAttribute, "self.counts: expected the same bits after a resume, got "),
    ("after_an_error", ForgetsAfterAnError, "from a fit after one that was interrupted"),
    ("logs_stay", LosesALog, "logs: expected the numbers of fit as they are, got another val_mae"),
    ("logs_stay", ChangesABatchsLog, "logs: expected the numbers of fit as they are, got another loss"),
    ("adds", AddsAnotherKind, r"logs\['left'\]: expected float, got int: name in adds"),
    ("copies", OtherCopies, "left: expected 0 after copy.deepcopy, got 99"),
    ("closing", ClosesOnce, "expected no error, got IndexError: pop from empty list"),
]


@pytest.mark.parametrize(("check", "kind", "message"), SUBTLE)
def test_a_mistake_in_one_place_is_caught(check, kind, message):
    assert_caught(check, message, lambda: check_callback(kind(), without=alone(CALLBACK, check)))


def test_the_trainings_of_a_check_are_as_they_are_said_to_be():
    seen = []

    class Looks(Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append((epoch, self.loop.batches, [*logs]))

    report = check_callback(Looks(), without=alone(CALLBACK, "adds"))
    assert seen == [(epoch, 4, ["loss", "mae", "val_loss", "val_mae"]) for epoch in range(4)]
    assert report.left_out["adds"] == "it adds nothing to the logs"


def test_each_callback_that_is_made_has_a_folder_of_its_own():
    folders = []

    def make(folder):
        assert folder.is_dir()
        folders.append(folder)
        return nnlite.CSVLogger(folder / "log.csv")

    check_callback(make, without=alone(CALLBACK, "second_fit"))
    assert len({*folders}) == len(folders) > 1


def test_a_callback_of_ones_own_that_is_right_passes():
    assert check_callback(Right()).passed == list(CALLBACK.checks)


@pytest.mark.parametrize("order", [-50, 50])
def test_logs_stay_whenever_the_callback_is_called(order):
    callback = LogsStay()
    callback.order = order
    assert_caught("logs_stay", BROKEN["logs_stay"][1], lambda: check_callback(callback))


def test_what_is_added_and_not_said_is_told():
    class Quiet(Right):
        adds = {}  # noqa: RUF012

    report = check_callback(Quiet())
    assert report["adds"].text == "it adds left, which `adds` could say: then misspelt names are found early"
    assert report["copies"].text.startswith("without pickle")


def test_what_is_kept_and_not_handed_out_is_missed_after_a_resume():
    class Best(Callback):
        def on_train_begin(self, logs):
            self.best = float("inf")
            self.seen = 0

        def on_epoch_end(self, epoch, logs):
            self.seen += 1
            self.best = min(self.best, logs["loss"])

    message = (
        r"self.best: expected 0.3.* after a resume, got 0.3.*: hand out in get_state all that changes in a training"
    )
    assert_caught("resume", message, lambda: check_callback(Best()))


def test_a_training_is_killed_in_the_middle_of_an_epoch_and_after_its_last_batch():
    resumed = set()

    class Right(Callback):
        def on_epoch_begin(self, epoch, logs):
            if self.loop.resumed and self.loop.batch:
                resumed.add((self.loop.epoch, self.loop.batch, self.loop.batches))

    check_callback(Right())
    assert resumed == {(1, 3, 4), (2, 4, 4)}


def test_times_may_be_others_each_time():
    class Timed(Callback):
        def on_train_begin(self, logs):
            self.total = 0.0

        def on_epoch_begin(self, epoch, logs):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs):
            logs["seconds"] = time.perf_counter() - self.started
            self.total += logs["seconds"]

        def get_state(self):
            return {"total": self.total}

        def set_state(self, state):
            self.total = state["total"]

    note = check_callback(Timed())["repeatable"].text
    assert note == (
        "not compared, as it is another each time: history['seconds'], get_state()['total'], self.total, self.started"
    )


def test_what_counts_as_an_epoch_begins_is_told_why_it_cannot_be_resumed():
    class Shrink(Callback):
        def on_train_begin(self, logs):
            self.factor = 1.0

        def on_epoch_begin(self, epoch, logs):
            self.factor *= 0.9
            self.model.optimizer.learning_rate = 0.1 * self.factor

        def get_state(self):
            return {"factor": self.factor}

        def set_state(self, state):
            self.factor = state["factor"]

    message = "after a resume.*; on_epoch_begin comes again before the rest of an epoch, where self.loop.batch is above"
    assert_caught("resume", message, lambda: check_callback(Shrink()))

    class Right(Shrink):
        def on_epoch_begin(self, epoch, logs):
            if self.loop.batch == 0:
                super().on_epoch_begin(epoch, logs)

    check_callback(Right())


@pytest.mark.parametrize("thing", [3, nnlite.Adam(), lambda folder: None, dict])
def test_what_cannot_be_checked_is_refused(thing):
    with pytest.raises(TypeError, match="callback: expected a Callback, or a function of a folder that makes one, got"):
        check_callback(thing)


def test_a_class_is_told_to_make_an_object():
    with pytest.raises(TypeError, match=r"expected an object, got the class Callback: make one, Callback\(\)"):
        check_callback(Callback)


def test_the_state_of_a_log_can_be_asked_for_after_the_training(tmp_path):
    model = nnlite.Sequential([nnlite.Dense(1)], input_shape=(2,))
    model.compile("sgd", "mse")
    log = nnlite.CSVLogger(tmp_path / "log.csv")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=3, callbacks=[log], verbose=0)
    before = (tmp_path / "log.csv").read_text()
    assert log.get_state()["bytes"] == len(before)
    log.close()
    assert (tmp_path / "log.csv").read_text() == before


def test_a_history_that_is_given_begins_anew():
    model = nnlite.Sequential([nnlite.Dense(1)], input_shape=(2,))
    model.compile("sgd", "mse")
    history = nnlite.History()
    for _ in range(2):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=3, callbacks=[history], verbose=0)
        assert history.epoch == [0, 1, 2]
        assert history.history == model.history.history
