"""Callbacks, schedules and the progress bar, one by one."""

import io
import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from nnlite import schedules
from nnlite.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    JSONLogger,
    LearningRateScheduler,
    ModelCheckpoint,
)
from nnlite.callbacks.progress_bar import ProgressBar
from nnlite.layers import BatchNorm, Dense
from nnlite.losses import SparseCategoricalCrossentropy
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import SGD, Adam
from nnlite.saving.checkpoint import CheckpointError
from nnlite.saving.training_state import save_model

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
LABELS = X[:, :3].argmax(axis=1)


def make_model(optimizer=None, units=3):
    model = Sequential([Dense(units)], input_shape=(4,), seed=0)
    model.compile(optimizer or SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
    return model


def fit(model, *callbacks, epochs=3, **kwargs):
    return model.fit(
        X, LABELS, **{"batch_size": 10, "epochs": epochs, "callbacks": [*callbacks], "verbose": 0} | kwargs
    )


class Script(Callback):
    """Puts numbers into the logs, as if they had been measured."""

    order = -9

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.values[epoch]


class Weights(Callback):
    """Remembers the weights after each epoch."""

    def on_train_begin(self, logs):
        self.found = []

    def on_epoch_end(self, epoch, logs):
        self.found.append(self.model.params["dense.W"].copy())


# EarlyStopping


@pytest.mark.parametrize(
    ("values", "arguments", "epochs", "best_epoch"),
    [
        ([5, 4, 3, 2, 1], {}, 5, 4),
        ([5, 4, 4, 3, 2], {}, 3, 1),
        ([5, 6, 7, 4, 3], {"patience": 2}, 3, 0),
        ([5, 6, 4, 6, 6], {"patience": 2}, 5, 2),
        ([5, 6, 4, 6, 3], {"patience": 2}, 5, 4),
        ([5, 4.9, 4.8, 4.4, 4.3], {"min_delta": 0.5, "patience": 3}, 5, 3),
        ([5, 4.9, 4.8, 4.7, 4.0], {"min_delta": 0.5, "patience": 3}, 4, 0),
        ([1, 2, 2, 3, 4], {"mode": "max"}, 3, 1),
        ([5, math.nan, 4, 3, 2], {"patience": 1}, 2, 0),
    ],
)
def test_early_stopping(values, arguments, epochs, best_epoch):
    stop = EarlyStopping("error", **arguments)
    history = fit(make_model(), Script("error", values), stop, epochs=5)
    assert len(history.history["loss"]) == epochs
    assert stop.best_epoch == best_epoch
    assert stop.best == values[best_epoch]
    assert stop.stopped_epoch == (None if epochs == 5 and best_epoch != 2 and values[4] < 4.5 else epochs - 1)


def test_accuracies_are_better_when_larger():
    stop = EarlyStopping("val_accuracy", patience=1)
    fit(make_model(), Script("val_accuracy", [0.1, 0.5, 0.4, 0.9]), stop, epochs=4, validation_data=(X, LABELS))
    assert stop.best == 0.5


@pytest.mark.parametrize("restore", [True, False])
def test_restore_best_weights(restore):
    model, weights = make_model(), Weights()
    stop = EarlyStopping("error", patience=2, restore_best_weights=restore)
    fit(model, Script("error", [3, 1, 2, 2, 2]), weights, stop, epochs=5)
    assert len(weights.found) == 4
    assert (model.params["dense.W"] == weights.found[1 if restore else 3]).all()


def test_the_best_epochs_statistics_come_back_with_its_weights(tmp_path):
    class Outputs(Callback):
        def on_train_begin(self, logs):
            self.found = []

        def on_epoch_end(self, epoch, logs):
            self.found.append(self.model.forward(X))

    model = Sequential([BatchNorm(momentum=0.5), Dense(3)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
    path, outputs = tmp_path / "best.safetensors", Outputs()
    stop = EarlyStopping("value", patience=2, mode="min", restore_best_weights=True)
    best = ModelCheckpoint(path, "value", save_best_only=True, mode="min")
    fit(model, Script("value", [3, 1, 2, 2]), outputs, best, stop, epochs=4)
    assert (outputs.found[1] != outputs.found[3]).any()
    for same in (model, load_model(path)):
        assert (same.forward(X) == outputs.found[1]).all()


def test_best_weights_are_restored_also_where_nothing_stopped():
    model, weights = make_model(), Weights()
    fit(model, Script("error", [1, 2, 2]), weights, EarlyStopping("error", patience=9, restore_best_weights=True))
    assert (model.params["dense.W"] == weights.found[0]).all()


def test_early_stopping_forgets_the_training_before():
    stop, model = EarlyStopping("loss", patience=1), make_model()
    fit(model, stop)
    stop.best = -1.0
    assert len(fit(model, stop).history["loss"]) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(), "monitor='val_loss' needs validation_data in fit.*monitor='loss'"),
        (
            lambda: ModelCheckpoint("x", save_best_only=True),
            "ModelCheckpoint: monitor='val_loss' needs validation_data",
        ),
        (lambda: EarlyStopping("accuracy"), r"monitor='accuracy' is not among \['loss', 'perplexity'\]"),
        (
            lambda: ModelCheckpoint("{accuracy}"),
            "path='{accuracy}' cannot be filled in.*there are epoch, loss, perplexity$",
        ),
        (lambda: ModelCheckpoint("{loss:d}"), "path='{loss:d}' cannot be filled in .*'d'"),
        (lambda: ModelCheckpoint("{epoch:.2}.{epoch[0]}"), "cannot be filled in"),
        (lambda: ModelCheckpoint("{}/m"), "path='{}/m' cannot be filled in"),
        (lambda: ModelCheckpoint("{epoch/m"), "path='{epoch/m' cannot be filled in"),
        (lambda: ModelCheckpoint("e{epoch}/{val_loss}"), "cannot be filled in .*: there are epoch, loss, perplexity$"),
        (lambda: ModelCheckpoint("x", initial_value_threshold=math.nan), "initial_value_threshold"),
        (lambda: EarlyStopping("speed"), "monitor='speed' does not say .* use mode='min' or mode='max'"),
        (lambda: EarlyStopping(mode="smallest"), "mode: expected 'auto', 'min' or 'max'"),
        (lambda: EarlyStopping(patience=-1), "patience"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta"),
        (lambda: JSONLogger("x", every=0), "every"),
        (lambda: BackupAndRestore("x", save_freq="batch"), "save_freq"),
        (lambda: ProgressBar(look="nice"), "look"),
    ],
)
def test_arguments_that_do_not_fit(tmp_path, monkeypatch, make, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        fit(make_model(), make())


# ModelCheckpoint


def test_model_checkpoint_saves_the_best(tmp_path):
    path, weights = tmp_path / "new" / "folder" / "best.safetensors", Weights()
    fit(make_model(), Script("error", [3, 1, 2]), weights, ModelCheckpoint(path, "error", save_best_only=True))
    best = load_model(path)
    assert (best.params["dense.W"] == weights.found[1]).all()
    assert best.optimizer.iterations == 4


def test_model_checkpoint_saves_each_epoch(tmp_path):
    weights = Weights()
    fit(make_model(), weights, ModelCheckpoint(tmp_path / "{epoch:02d}.safetensors"))
    assert sorted(os.listdir(tmp_path)) == ["01.safetensors", "02.safetensors", "03.safetensors"]
    assert (load_model(tmp_path / "02.safetensors").params["dense.W"] == weights.found[1]).all()


def best_in(path):
    """Which step the saved model had made."""
    return load_model(path).optimizer.iterations


def saving_best(path, **kwargs):
    return ModelCheckpoint(path, "error", save_best_only=True, **kwargs)


def test_a_second_fit_does_not_overwrite_a_better_file(tmp_path):
    path, model = tmp_path / "best.safetensors", make_model()
    best = saving_best(path)
    fit(model, Script("error", [3, 1, 2]), best)
    fit(model, Script("error", [4, 1, 2]), best)
    assert (best.best, best_in(path)) == (1, 4)
    fit(model, Script("error", [4, 0.5, 2]), best)
    assert (best.best, best.best_epoch, best_in(path)) == (0.5, 1, 2 * 3 * 2 + 4)


def test_nor_one_that_goes_on_after_an_error(tmp_path):
    path, model = tmp_path / "best.safetensors", make_model()
    best = saving_best(path)
    with pytest.raises(ZeroDivisionError):
        fit(model, Script("error", [1, 2, 3]), best, Crash(5))
    fit(model, Script("error", [4, 3, 2]), best)
    assert best_in(path) == 2


def test_the_best_of_another_model_does_not_count(tmp_path):
    path = tmp_path / "best.safetensors"
    best = saving_best(path)
    fit(make_model(), Script("error", [1, 2, 3]), best)
    fit(make_model(Adam(0.1)), Script("error", [6, 5, 4]), best)
    assert type(load_model(path).optimizer) is Adam
    assert best.best == 4


def test_nor_that_of_a_file_that_is_gone(tmp_path):
    path, model = tmp_path / "best.safetensors", make_model()
    best = saving_best(path)
    fit(model, Script("error", [1, 2, 3]), best)
    path.rename(tmp_path / "archive.safetensors")
    fit(model, Script("error", [6, 5, 4]), best)
    assert best_in(path) == 12


def test_a_new_callback_replaces_the_file_or_is_told_what_to_beat(tmp_path):
    path, model = tmp_path / "best.safetensors", make_model()
    fit(model, Script("error", [1, 2, 3]), saving_best(path))
    fit(model, Script("error", [6, 7, 8]), saving_best(path, initial_value_threshold=1))
    assert best_in(path) == 2
    fit(model, Script("error", [6, 0.5, 8]), saving_best(path, initial_value_threshold=1))
    assert best_in(path) == 16
    fit(model, Script("error", [6, 7, 8]), saving_best(path))
    assert best_in(path) == 20


def test_a_resumed_fit_and_the_one_after_it_know_the_best(tmp_path):
    class CrashAfterEpoch(Callback):
        order = 2  # when the backup is written

        def on_epoch_end(self, epoch, logs):
            if epoch == 1:
                raise ZeroDivisionError

    path, backup, model = tmp_path / "best", tmp_path / "backup", make_model()
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), Script("error", [3, 1, 2]), saving_best(path), BackupAndRestore(backup), CrashAfterEpoch())
    best = saving_best(path)
    fit(model, Script("error", [3, 1, 2]), best, BackupAndRestore(backup))
    assert (best.best, best.best_epoch, best_in(path)) == (1, 1, 4)
    fit(model, Script("error", [3, 1.5, 2]), best)
    assert best_in(path) == 4


def test_a_best_that_could_not_be_saved_is_none(tmp_path, monkeypatch):
    def full(model, path):
        raise CheckpointError("no space left")

    best, model = saving_best(tmp_path / "best"), make_model()
    with monkeypatch.context() as patch:
        patch.setattr("nnlite.saving.training_state.save_model", full)
        with pytest.raises(CheckpointError):
            fit(model, Script("error", [1, 2, 3]), best)
    (tmp_path / "best").write_bytes(b"")
    fit(model, Script("error", [4, 5, 6]), best)
    assert best_in(tmp_path / "best") == 4


def test_model_checkpoint_makes_a_folder_for_each_epoch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(make_model(), ModelCheckpoint("runs/e{epoch}/m.safetensors"), ModelCheckpoint("{{e}}/{epoch}"))
    assert sorted(os.listdir("runs")) == ["e1", "e2", "e3"]
    assert best_in("runs/e2/m.safetensors") == best_in("{e}/2") == 4


def test_a_path_may_have_all_that_the_logs_will_have(tmp_path):
    names = "loss", "accuracy", "perplexity", "val_loss", "val_accuracy", "val_perplexity", "learning_rate"
    model = make_model()
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    path = tmp_path / "-".join(f"{{{name}:.3f}}" for name in names)
    scheduler = LearningRateScheduler(schedules.Constant(0.25))
    logs = fit(model, ModelCheckpoint(path), scheduler, epochs=1, validation_data=(X, LABELS)).history
    assert os.listdir(tmp_path) == ["-".join(f"{logs[name][0]:.3f}" for name in names)]


class Speed(Script):
    """A callback of one's own that says what it adds."""

    adds = {"speed": float}  # noqa: RUF012


class Faster(Speed):
    """One that adds more than its base said."""

    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)
        logs["faster"] = 2 * logs["speed"]


@pytest.mark.parametrize(
    ("others", "make", "message"),
    [
        ([Speed("speed", [1.0] * 3)], lambda path: ModelCheckpoint(f"{path}/{{sped}}"), "there are epoch, .*, speed$"),
        ([Speed("speed", [1.0] * 3)], lambda path: ModelCheckpoint(f"{path}/{{speed:d}}"), "format code 'd'"),
        ([Speed("speed", [1.0] * 3)], lambda path: ModelCheckpoint(path, "sped", True, "max"), "'sped' is not among"),
        ([Speed("speed", [1.0] * 3)], lambda path: EarlyStopping("sped", mode="max"), "'sped' is not among"),
        ([Script("speed", [1.0] * 3)], lambda path: ModelCheckpoint(f"{path}/{{loss:d}}"), "what Script may add$"),
        ([LearningRateScheduler(schedules.Constant(1))], lambda path: ModelCheckpoint("{learning_rate:d}"), "'d'"),
        ([], lambda path: EarlyStopping("learning_rate", mode="min"), "'learning_rate' is not among"),
    ],
)
def test_what_the_logs_will_not_have_is_told_before_the_first_epoch(tmp_path, others, make, message):
    model = make_model()
    with pytest.raises(ValueError, match=message):
        fit(model, make(tmp_path), *others)
    assert model.optimizer.iterations == 0


def test_what_a_callback_adds_may_be_in_a_path(tmp_path):
    for other in (Speed("speed", [1.5] * 3), Script("speed", [1.5] * 3), Faster("speed", [1.5] * 3)):
        fit(make_model(), other, ModelCheckpoint(tmp_path / "{speed:.2f}/{epoch}"), EarlyStopping("speed", mode="max"))
        assert "1.50" in os.listdir(tmp_path)
    fit(make_model(), Faster("speed", [1.5] * 3), ModelCheckpoint(tmp_path / "{faster}"))
    assert "3.0" in os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("e{sped}/m", {}, "path='.*e{sped}/m' cannot be filled in"),
        ("{speed:d}", {}, "format code 'd'"),
        ("m", {"monitor": "sped", "save_best_only": True, "mode": "max"}, "monitor='sped' is not among"),
    ],
)
def test_what_cannot_be_known_before_loses_no_epoch(tmp_path, name, arguments, message):
    """A callback that does not say what it adds: the error comes after the first epoch, which is saved."""
    model = make_model()
    (tmp_path / "m").write_text("the best of long ago")
    with pytest.raises(ValueError, match=f"{message}.*The model of this epoch is in .*{re.escape(name)}.rescued"):
        fit(model, Script("speed", [1.5] * 3), ModelCheckpoint(tmp_path / name, **arguments))
    rescued = load_model(tmp_path / f"{name}.rescued")
    assert (rescued.params["dense.W"] == model.params["dense.W"]).all()
    assert rescued.optimizer.iterations == 2
    assert (tmp_path / "m").read_text() == "the best of long ago"


# Learning rates


def test_learning_rate_scheduler_follows_the_step():
    class Rates(Callback):
        def on_train_batch_end(self, batch, logs):
            rates.append(self.model.optimizer.learning_rate)

    rates = []
    scheduler = LearningRateScheduler(lambda step: 1 / (step + 1))
    history = fit(make_model(), Rates(), scheduler).history
    assert rates == [1 / 1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6]
    assert history["learning_rate"] == [1 / 2, 1 / 4, 1 / 6]
    with pytest.raises(TypeError, match="schedule: expected a schedule"):
        LearningRateScheduler(0.1)


def test_schedules():
    steps = np.arange(500)

    def curve(schedule):
        return np.array([schedule(int(step)) for step in steps])

    np.testing.assert_array_equal(curve(schedules.Constant(0.3)), 0.3)
    np.testing.assert_allclose(curve(schedules.StepDecay(0.3, 100, 0.1)), 0.3 * 0.1 ** (steps // 100))
    cosine = curve(schedules.CosineDecay(0.3, 200, alpha=0.1))
    np.testing.assert_allclose(cosine[:201], 0.03 + 0.27 * (1 + np.cos(np.pi * steps[:201] / 200)) / 2)
    np.testing.assert_allclose(cosine[200:], 0.03)
    warm = curve(schedules.WarmUp(schedules.CosineDecay(0.3, 200, alpha=0.1), 50))
    np.testing.assert_allclose(warm[:50], 0.3 * (steps[:50] + 1) / 50)
    np.testing.assert_array_equal(warm[50:], cosine[:-50])
    assert warm.max() == pytest.approx(0.3)
    assert (warm > 0).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: schedules.Constant(-1), ValueError, "learning_rate"),
        (lambda: schedules.StepDecay(0.1, 0), ValueError, "decay_steps"),
        (lambda: schedules.CosineDecay("a", 10), TypeError, "initial_learning_rate"),
        (lambda: schedules.WarmUp(0.1, 10), TypeError, "schedule: expected a schedule, got 0.1"),
        (lambda: schedules.WarmUp(schedules.Constant(1), 0), ValueError, "warmup_steps"),
    ],
)
def test_schedules_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()


# JSONLogger


def strict(line):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(line, parse_constant=refuse)


def test_json_log(tmp_path):
    path = tmp_path / "run" / "log.jsonl"
    history = fit(make_model(), JSONLogger(path, every=2), Script("odd", [math.nan, np.float32(1), np.arange(2)]))
    lines = [strict(line) for line in path.read_text().splitlines()]
    assert [(line["epoch"], line.get("batch"), line["step"]) for line in lines] == [
        (1, 2, 2),
        (1, None, 2),
        (2, 2, 4),
        (2, None, 4),
        (3, 2, 6),
        (3, None, 6),
    ]
    assert [line["loss"] for line in lines[1::2]] == history.history["loss"]
    assert [line["odd"] for line in lines[1::2]] == [None, 1.0, [0, 1]]


def test_the_log_can_be_read_while_it_is_written(tmp_path):
    class Read(Callback):
        def on_epoch_end(self, epoch, logs):
            assert len((tmp_path / "log").read_text().splitlines()) == epoch + 1

    fit(make_model(), JSONLogger(tmp_path / "log"), Read())


def test_a_new_training_writes_a_new_log_or_appends(tmp_path):
    path = tmp_path / "log"
    path.write_text('{"epoch": 1}\n{"epo')  # the second line was cut off by a kill
    fit(make_model(), JSONLogger(path, append=True), epochs=1)
    assert [strict(line)["epoch"] for line in path.read_text().splitlines()] == [1, 1]
    fit(make_model(), JSONLogger(path), epochs=1)
    assert len(path.read_text().splitlines()) == 1


# BackupAndRestore; tests/test_resume.py kills trainings for it


class Crash(Callback):
    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs):
        if self.model.optimizer.iterations == self.step:
            raise ZeroDivisionError


def crash(tmp_path, *callbacks, model=None, **kwargs):
    path = tmp_path / "backup.safetensors"
    with pytest.raises(ZeroDivisionError):
        fit(model or make_model(), BackupAndRestore(path, save_freq=1), Crash(4), *callbacks, **kwargs)
    return path


def test_backup_is_gone_at_the_end_or_stays(tmp_path):
    path = crash(tmp_path)
    assert path.exists()
    fit(make_model(), BackupAndRestore(path, delete_checkpoint=False))
    assert path.exists()
    more = make_model()
    history = fit(more, BackupAndRestore(path), epochs=5)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert not path.exists()
    straight = make_model()
    assert fit(straight, epochs=5).history == history.history
    assert (straight.params["dense.W"] == more.params["dense.W"]).all()


def test_an_epoch_that_was_being_stopped_is_still_finished(tmp_path):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.stop_training = self.model.optimizer.iterations == 3

    class CrashAfterEpoch(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch == 1:
                raise ZeroDivisionError

    path = tmp_path / "a"
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), BackupAndRestore(path, save_freq=1), Stop(), CrashAfterEpoch())
    resumed = fit(make_model(), BackupAndRestore(path), Stop()).history
    assert resumed == fit(make_model(), Stop()).history
    assert len(resumed["loss"]) == 2


def test_a_backup_is_a_checkpoint(tmp_path):
    path = crash(tmp_path)
    assert load_model(path).optimizer.iterations == 3


def test_a_model_that_is_built_by_its_first_input_resumes(tmp_path):
    def late():
        model = Sequential([Dense(3)], seed=0)
        model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True))
        return model

    path, resumed, straight = crash(tmp_path, model=late()), late(), late()
    assert fit(resumed, BackupAndRestore(path)).history == fit(straight).history


def test_callbacks_that_were_added_start_afresh(tmp_path):
    stop = EarlyStopping("loss", patience=5)
    fit(make_model(), BackupAndRestore(crash(tmp_path)), stop)
    assert stop.best_epoch == 2


@pytest.mark.parametrize(
    ("model", "callbacks", "kwargs", "message"),
    [
        (lambda: make_model(units=4), [], {}, "layers 0 config units is 3 in the file and 4 in this program"),
        (lambda: make_model(SGD(0.2)), [], {}, "optimizer config learning_rate is 0.1 in the file and 0.2 in this"),
        (lambda: make_model(Adam(0.1)), [], {}, "optimizer class is 'SGD' in the file and 'Adam' in this"),
        (make_model, [], {"batch_size": 5}, "batch_size=10, .* and this one has samples=20, batch_size=5"),
        (make_model, [], {"shuffle": False}, "shuffle=True, .* and this one has .* shuffle=False"),
        (
            make_model,
            [LearningRateScheduler(schedules.Constant(0.2))],
            {},
            "its schedule was Constant.learning_rate=0.1",
        ),
    ],
)
def test_a_backup_of_another_training(tmp_path, model, callbacks, kwargs, message):
    path = crash(tmp_path, LearningRateScheduler(schedules.Constant(0.1)))
    model = model()
    before = {name: param.copy() for name, param in model.params.items()}
    with pytest.raises(CheckpointError, match=f"cannot resume from .*{message}.*or delete the file to start anew"):
        fit(model, BackupAndRestore(path), *callbacks, **kwargs)
    assert path.exists()
    assert all((model.params[name] == param).all() for name, param in before.items())
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize(("x", "y"), [(X + 1, LABELS), (X, LABELS[::-1])])
def test_a_backup_of_a_training_with_other_data_of_the_same_size(tmp_path, x, y):
    path = crash(tmp_path)
    with pytest.raises(CheckpointError, match=r"checksum=\d+, and this one has samples=20, .* checksum="):
        make_model().fit(x, y, batch_size=10, epochs=3, callbacks=[BackupAndRestore(path)], verbose=0)


def test_a_model_is_no_backup(tmp_path):
    save_model(make_model(), tmp_path / "a")
    with pytest.raises(CheckpointError, match="it holds a model, but no training to go on with"):
        fit(make_model(), BackupAndRestore(tmp_path / "a"))


def test_a_damaged_backup_is_not_overwritten(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError):
        fit(make_model(), BackupAndRestore(path))
    assert path.read_bytes() == b"damaged"


# ProgressBar


def test_lines_where_nothing_can_be_drawn_over(capsys):
    bar = ProgressBar({"bigram": 0.1, "uniform": 3.0}, unit="labels")
    fit(make_model(), bar, validation_data=(X, LABELS), verbose="auto")
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "landmarks: uniform 3.000  bigram 0.100"
    assert len(out) == 4
    assert out[1].startswith("epoch 1/3  loss ")
    assert "val_loss" in out[1]
    assert "below uniform 3.000, above bigram 0.100" in out[1]
    assert out[1].endswith(" labels/s")
    assert "\x1b" not in "".join(out)


def test_a_bar_in_a_terminal():
    from rich.console import Console

    screen = io.StringIO()
    bar = ProgressBar({"uniform": 9.0}, unit="labels", console=Console(file=screen, force_terminal=True, width=80))
    fit(make_model(), bar, validation_data=(X, LABELS), verbose="auto")
    text = screen.getvalue()
    assert "\x1b[" in text
    for part in ("epoch 3/3", "2/2", "labels/s", "0:00 left", "loss", "val_loss", "below uniform 9.000"):
        assert part in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, and comes back


def test_what_suits_images_and_what_suits_texts(capsys):
    """An image has one label: its perplexity says little. A text has one at each step."""
    model = make_model()
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    fit(model, epochs=1, validation_data=(X, LABELS), verbose=2)
    line = capsys.readouterr().out
    names = r"loss [\d.]+  accuracy [\d.]+  val_loss [\d.]+  val_accuracy [\d.]+"
    assert re.fullmatch(rf"epoch 1/1  {names}  [\d,]+ samples/s\n", line)
    text = np.random.default_rng(0).normal(size=(20, 5, 4)).astype("float32")
    model = make_model()
    model.fit(text, text[..., :3].argmax(axis=-1), verbose=2)
    assert re.fullmatch(r"epoch 1/1  loss [\d.]+  perplexity [\d.]+  [\d,]+ positions/s\n", capsys.readouterr().out)


def test_the_cursor_comes_back_after_an_error():
    from rich.console import Console

    screen = io.StringIO()
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), ProgressBar(console=Console(file=screen, force_terminal=True)), Crash(3), verbose="auto")
    assert screen.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize(("verbose", "lines"), [("auto", 3), (0, 0), (2, 3), (False, 0)])
def test_verbose(capsys, verbose, lines):
    fit(make_model(), verbose=verbose)
    assert len(capsys.readouterr().out.splitlines()) == lines


def test_verbose_0_silences_a_bar_that_was_given(capsys):
    fit(make_model(), ProgressBar(look="bar"))
    assert capsys.readouterr().out == ""


def test_rich_is_imported_only_to_show_something():
    program = """
import sys, numpy as np
from nnlite.layers import Dense
from nnlite.models.sequential import Sequential
model = Sequential([Dense(1)], seed=0)
model.compile("sgd", "mse")
x = np.ones((4, 1), "float32")
model.fit(x, x, verbose={})
assert not {{"rich", "matplotlib", "typer"}} & set(sys.modules), "imported"
"""
    for verbose in (0, "'auto'", 2):
        subprocess.run([sys.executable, "-c", program.format(verbose)], check=True, capture_output=True)


def test_a_resumed_training_says_so(tmp_path, capsys):
    path = crash(tmp_path)
    fit(make_model(), BackupAndRestore(path), verbose=2)
    assert capsys.readouterr().out.startswith("resumed in epoch 2 after 1 of 2 batches\nepoch 2/3")


class LatestLoss(Callback):
    """Puts the loss of the last batch alone into the logs; the one that is there is the mean of the epoch so far."""

    order = -2

    def on_train_begin(self, logs):
        self.losses = []

    def on_train_batch_end(self, batch, logs):
        self.losses.append(self.loop.latest["loss"])
        assert logs["loss"] == pytest.approx(np.mean(self.losses[-batch - 1 :]))

    def on_epoch_end(self, epoch, logs):
        logs["latest_loss"] = self.losses[-1]


def test_a_bar_may_set_another_number_beside_the_landmarks(capsys):
    latest = LatestLoss()
    fit(make_model(), latest, ProgressBar({"easy": 1e6}, monitor="latest_loss"), batch_size=10, epochs=1, verbose=2)
    assert f"latest_loss {latest.losses[-1]:.3f}  below easy 1000000.000" in capsys.readouterr().out


def test_a_sum_has_no_perplexity():
    model = make_model()
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))
    assert list(fit(model, verbose=0).history) == ["loss"]


def test_landmarks_in_words():
    bar = ProgressBar({"unigram": 2.9, "uniform": 3.6, "bigram": 2.3})
    assert bar.passed(4.0) == "above uniform 3.600"
    assert bar.passed(3.0) == "below uniform 3.600, above unigram 2.900"
    assert bar.passed(1.0) == "below bigram 2.300"
    assert ProgressBar().passed(1.0) == ""


@pytest.mark.parametrize("patience", [-1, 1.5, True, "2"])
def test_patience_is_a_whole_number_of_at_least_0(patience):
    with pytest.raises(ValueError, match="patience: expected a whole number of at least 0, got"):
        EarlyStopping(patience=patience)
