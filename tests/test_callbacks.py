"""Callbacks, schedules and the progress bar, one by one."""

import copy
import csv
import inspect
import io
import json
import math
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from nnlite import schedules
from nnlite.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    JSONLogger,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
    bars,
    progress_bar,
)
from nnlite.callbacks.progress_bar import ProgressBar
from nnlite.divergence import NonFiniteLossError
from nnlite.layers import BatchNorm, Dense
from nnlite.losses import SparseCategoricalCrossentropy
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import SGD, Adam
from nnlite.saving.checkpoint import CheckpointError
from nnlite.saving.training_state import save_model

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
LABELS = X[:, :3].argmax(axis=1)


def make_model(optimizer=None, units=3, **options):
    model = Sequential([Dense(units, **options)], input_shape=(4,), seed=0)
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


@pytest.mark.parametrize(
    ("name", "best"), [("mae", 1), ("mse", 1), ("mean_absolute_error", 1), ("perplexity", 1), ("acc", 3), ("auc", 3)]
)
def test_the_name_says_whether_smaller_or_larger_is_better(name, best):
    stop = EarlyStopping(name, patience=9)
    fit(make_model(), Script(name, [2, 1, 3]), stop)
    assert stop.best == best


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


def test_a_second_training_does_not_end_with_the_best_weights_of_the_first():
    model, weights, stop = make_model(), Weights(), EarlyStopping("error", patience=2, restore_best_weights=True)
    fit(model, Script("error", [1, 2, 2]), stop)
    assert stop.stopped_epoch == 2
    fit(model, Script("error", [math.nan]), weights, stop, epochs=1)
    assert (model.params["dense.W"] == weights.found[0]).all()
    assert stop.stopped_epoch is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping("val_acc"), "monitor='val_acc' needs validation_data in fit.*monitor='acc'"),
        (lambda: EarlyStopping(), "monitor='val_loss' needs validation_data in fit.*monitor='loss'"),
        (
            lambda: ModelCheckpoint("x", save_best_only=True),
            "ModelCheckpoint: monitor='val_loss' needs validation_data",
        ),
        (lambda: EarlyStopping("accuracy"), r"monitor='accuracy' is not among \['loss', 'perplexity'\]"),
        (
            lambda: ModelCheckpoint("{accuracy}"),
            "filepath='{accuracy}' cannot be filled in.*there are epoch, loss, perplexity$",
        ),
        (lambda: ModelCheckpoint("{loss:d}"), "filepath='{loss:d}' cannot be filled in .*'d'"),
        (lambda: ModelCheckpoint("{epoch:.2}.{epoch[0]}"), "cannot be filled in"),
        (lambda: ModelCheckpoint("{}/m"), "filepath='{}/m' cannot be filled in"),
        (lambda: ModelCheckpoint("{epoch/m"), "filepath='{epoch/m' cannot be filled in"),
        (lambda: ModelCheckpoint("e{epoch}/{val_loss}"), "cannot be filled in .*: there are epoch, loss, perplexity$"),
        (lambda: ModelCheckpoint("x", initial_value_threshold=math.nan), "initial_value_threshold"),
        (lambda: EarlyStopping("speed"), "monitor='speed' does not say .* use mode='min' or mode='max'"),
        (lambda: EarlyStopping(mode="smallest"), "mode: expected 'auto', 'min' or 'max'"),
        (lambda: EarlyStopping(patience=-1), "patience"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta"),
        (lambda: JSONLogger("x", every=0), "every"),
        (lambda: BackupAndRestore("x", save_freq="batch"), "save_freq"),
        (lambda: ProgressBar(look="nice"), "look"),
        (lambda: EarlyStopping("loss", 0, 2, "min"), "verbose: expected 0 or 1, got 'min'"),
        (lambda: EarlyStopping("loss", start_from_epoch=-1), "start_from_epoch"),
        (lambda: ModelCheckpoint("x", save_weights_only=True), r"load_model\(filepath\) reads them: leave it out"),
        (lambda: ModelCheckpoint("x", save_freq=100), r"use BackupAndRestore\(path, save_freq=...\)"),
        (lambda: ReduceLROnPlateau(factor=1.0), "factor: expected a number above 0 and below 1, got 1.0"),
        (lambda: ReduceLROnPlateau("loss", cooldown=-1), "cooldown"),
        (lambda: ReduceLROnPlateau("speed"), "monitor='speed' does not say"),
        (lambda: CSVLogger("x", separator="::"), "separator: expected one character"),
        (lambda: CSVLogger("x", separator="\n"), "separator: expected one character that is neither in a name nor"),
        *(
            (lambda c=c: CSVLogger("x", separator=c), "separator: expected one character that is neither in a name nor")
            for c in '0a.-+"\r'
        ),
    ],
)
def test_arguments_that_do_not_fit(tmp_path, monkeypatch, make, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        fit(make_model(), make())


def test_an_abbreviated_monitor_is_written_out_in_the_remedy():
    model = make_model()
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    with pytest.raises(ValueError, match=r"monitor='val_acc' needs validation_data .* use monitor='accuracy'"):
        fit(model, EarlyStopping("val_acc"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(patient=3), "EarlyStopping: unknown argument 'patient': did you mean 'patience'?"),
        (lambda: ModelCheckpoint(path="x"), "ModelCheckpoint: unknown argument 'path': did you mean 'filepath'?"),
        (lambda: BackupAndRestore(backup_dir="x"), "BackupAndRestore: unknown argument 'backup_dir': use path, which"),
        (lambda: JSONLogger(filename="x"), "JSONLogger: unknown argument 'filename': use path"),
        (lambda: ReduceLROnPlateau(min_learning_rate=0), "ReduceLROnPlateau: unknown argument 'min_learning_rate'"),
        (lambda: ProgressBar(unti="x"), "ProgressBar: unknown argument 'unti': did you mean 'unit'?"),
        (lambda: LambdaCallback(on_epoch_finish=print), "LambdaCallback: unknown argument 'on_epoch_finish': did you"),
        (lambda: LambdaCallback(on_epoch_end=3), "on_epoch_end: expected a function, got 3"),
        (lambda: EarlyStopping(restore_best_weights="no"), "restore_best_weights: expected True or False, got 'no'"),
        (lambda: ModelCheckpoint("x", save_best_only="no"), "save_best_only: expected True or False, got 'no'"),
        (lambda: EarlyStopping(3), "monitor: expected a name of the logs, such as 'val_loss', got 3"),
    ],
)
def test_wrong_arguments_are_explained(make, message):
    with pytest.raises(TypeError) as error:
        make()
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("values", "arguments", "epochs", "best_epoch"),
    [
        ([5, 4, 3, 2, 1], {"baseline": 2.5, "patience": 2}, 5, 4),
        ([5, 5, 4, 4, 3], {"baseline": 2.5, "patience": 2}, 2, 0),
        ([2.2, 2.3, 2.3, 2.3, 2.3], {"baseline": 2.5, "min_delta": 0.5, "patience": 2}, 2, 0),
        ([math.nan, 3, 2, 4, 5], {"patience": 5}, 5, 2),
        ([5, 6, 7, 8, 9], {"start_from_epoch": 2}, 4, 2),
        ([5, 6, 7, 6, 5], {"start_from_epoch": 2, "patience": 1}, 5, 4),
    ],
)
def test_early_stopping_with_a_baseline_or_a_late_start(values, arguments, epochs, best_epoch):
    stop = EarlyStopping("error", **arguments)
    assert len(fit(make_model(), Script("error", values), stop, epochs=5).history["loss"]) == epochs
    assert stop.best_epoch == best_epoch


def test_a_monitor_that_nobody_logs_is_missed_in_the_first_epoch():
    model, stop = make_model(), EarlyStopping("missing", mode="min", start_from_epoch=2)
    with pytest.raises(ValueError, match="monitor='missing' is not among"):
        fit(model, Script("error", [1, 2, 3]), stop, epochs=3)
    assert model.history.epoch == [0]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (
            EarlyStopping,
            {"monitor": "val_loss", "min_delta": 0, "patience": 0, "verbose": 0, "mode": "auto", "baseline": None}
            | {"restore_best_weights": False, "start_from_epoch": 0},
        ),
        (
            ModelCheckpoint,
            {"filepath": "x", "monitor": "val_loss", "verbose": 0, "save_best_only": False, "save_weights_only": False}
            | {"mode": "auto", "save_freq": "epoch", "initial_value_threshold": None},
        ),
        (
            ReduceLROnPlateau,
            {"monitor": "val_loss", "factor": 0.1, "patience": 10, "verbose": 0, "mode": "auto", "min_delta": 1e-4}
            | {"cooldown": 0, "min_lr": 0.0},
        ),
        (CSVLogger, {"filename": "x", "separator": ",", "append": False}),
        (LearningRateScheduler, {"schedule": round, "verbose": 0}),
        (schedules.CosineDecay, {"initial_learning_rate": 0.1, "decay_steps": 3, "alpha": 0.0}),
        (
            schedules.ExponentialDecay,
            {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5, "staircase": False},
        ),
    ],
)
def test_arguments_have_the_order_and_the_defaults_of_keras(kind, arguments):
    """Those of Keras 3, written out by hand."""
    parameters = inspect.signature(kind).parameters
    assert list(parameters) == list(arguments)
    given = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
    assert given == {name: arguments[name] for name in given}
    kind(*arguments.values())


@pytest.mark.parametrize("verbose", [1, 2, True])
def test_verbose_callbacks_say_what_they_do(verbose, tmp_path, capsys):
    callbacks = (
        LearningRateScheduler(lambda epoch: 0.5, verbose=verbose),
        ReduceLROnPlateau("error", patience=1, verbose=verbose),
        ModelCheckpoint(tmp_path / "m", "error", verbose, True),
        EarlyStopping("error", patience=1, verbose=verbose),
    )
    fit(make_model(), Script("error", [1, 2, 2]), *callbacks)
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1: learning rate 0.5",
        f"epoch 1: error is 1, the best so far: saved {tmp_path / 'm'}",
        "epoch 2: learning rate 0.5",
        "epoch 2: learning rate reduced to 0.05",
        "epoch 2: error did not improve: early stopping",
    ]


# Hooks


def test_all_hooks_of_keras_that_a_training_has_are_called():
    class All(Callback):
        """Every method as Keras' guide writes it."""

        def __init__(self):
            self.called = []

        def on_train_begin(self, logs=None):
            self.called.append(("train begin", self.params["epochs"], self.params["steps"]))

        def on_batch_begin(self, batch, logs=None):
            self.called.append(("batch begin", batch))

        def on_batch_end(self, batch, logs=None):
            self.called.append(("batch end", batch, sorted(logs)))

        def on_test_begin(self, logs=None):
            self.called.append(("test begin",))

        def on_test_end(self, logs=None):
            self.called.append(("test end", *logs))

        def on_epoch_end(self, epoch, logs=None):
            self.called.append(("epoch end", logs["val_loss"] > 0))

    every = All()
    fit(make_model(), every, epochs=1, batch_size=10, validation_data=(X, LABELS))
    assert every.called == [
        ("train begin", 1, 2),
        ("batch begin", 0),
        ("batch end", 0, ["loss", "perplexity"]),
        ("batch begin", 1),
        ("batch end", 1, ["loss", "perplexity"]),
        ("test begin",),
        ("test end", "loss"),
        ("epoch end", True),
    ]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        every.nothing  # noqa: B018


def test_the_newer_name_of_a_hook_comes_first():
    class Both(Callback):
        def on_train_batch_end(self, batch, logs):
            called.append("new")

        def on_batch_end(self, batch, logs):
            called.append("old")

    called = []
    fit(make_model(), Both(), epochs=1)
    assert called == ["new", "new"]


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("on_test_batch_end", "fit would never call on_test_batch_end: use on_test_end"),
        ("on_predict_end", "fit would never call on_predict_end: call it yourself after model.predict"),
        ("on_predict_batch_begin", "fit would never call on_predict_batch_begin"),
        ("on_epoch_ends", "fit would never call on_epoch_ends: use on_epoch_end, or rename it"),
        ("on_train_epoch_end", "fit would never call on_train_epoch_end"),
        ("on_batch_finish", "fit would never call on_batch_finish"),
    ],
)
def test_a_hook_that_nothing_calls_is_refused_at_the_start(hook, message):
    model = make_model()
    mine, method = (type("Mine", (Callback,), methods)() for methods in ({}, {hook: lambda self, *args: None}))
    setattr(mine, hook, print)
    for callback in (mine, method):
        with pytest.raises(TypeError, match=f"Mine: {message}"):
            fit(model, callback)
    assert model.optimizer.iterations == 0


def test_methods_of_ones_own_may_have_any_other_name():
    class Mine(Callback):
        def on_improvement(self):
            called.append(1)

        def on_epoch_end(self, epoch, logs):
            self.on_improvement()

    called = []
    fit(make_model(), Mine())
    assert called == [1, 1, 1]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (EarlyStopping, r"got <class .*: use EarlyStopping\(...\)"),
        ([EarlyStopping("loss"), History], r"got <class .*: use History\(...\)"),
        ([print], "got <.*: derive it from nnlite.Callback"),
    ],
)
def test_what_is_no_callback_is_refused(callbacks, message):
    with pytest.raises(TypeError, match=f"fit: callbacks: expected a list of Callback objects, {message}"):
        fit(make_model(), callbacks=callbacks)


def test_one_callback_needs_no_list():
    weights = Weights()
    fit(make_model(), callbacks=weights)
    assert len(weights.found) == 3


def test_lambda_callback():
    called = []
    hooks = [name for name in dir(Callback) if name.startswith("on_") and "train_batch" not in name]
    functions = {name: lambda *args, name=name: called.append(name) for name in hooks}
    fit(make_model(), LambdaCallback(**functions), epochs=1, batch_size=20, validation_data=(X, LABELS))
    assert called == [
        "on_train_begin", "on_epoch_begin", "on_batch_begin", "on_batch_end", "on_test_begin", "on_test_end",
        "on_epoch_end", "on_train_end",
    ]  # fmt: skip
    losses = []
    fit(make_model(), LambdaCallback(lambda epoch, logs: None, lambda epoch, logs: losses.append(logs["loss"])))
    assert len(losses) == 3


# TerminateOnNaN


def test_terminate_on_nan_ends_without_an_error(capsys):
    def unstable():
        model = make_model()
        model.compile(SGD(100.0), "mse")
        return model

    def fit(model, *callbacks, **kwargs):
        return model.fit(X, X[:, :3], callbacks=[*callbacks], verbose=0, epochs=50, batch_size=20, **kwargs)

    model, weights, end = unstable(), Weights(), TerminateOnNaN()
    ended = LambdaCallback(on_train_end=lambda logs: ends.append(1))
    stop, ends = EarlyStopping("loss", patience=99, restore_best_weights=True), []
    with np.errstate(all="ignore"):
        history = fit(model, weights, end, stop, ended)
    assert isinstance(end.error, NonFiniteLossError)
    assert end.error.epoch == len(history.history["loss"]) + 1 < 50
    assert (model.stop_training, ends) == (True, [1])
    assert capsys.readouterr().out == f"training ended: {end.error}\n"
    assert (model.params["dense.W"] == weights.found[stop.best_epoch]).all()
    with pytest.raises(NonFiniteLossError), np.errstate(all="ignore"):
        fit(unstable())
    end = TerminateOnNaN()
    fit(unstable(), end, Poison())  # the last update is found as well
    assert "NaN or infinite; the model cannot be used any more" in str(end.error)
    with pytest.raises(ZeroDivisionError):  # other errors stay errors
        fit(unstable(), TerminateOnNaN(), Crash(2))


def test_terminate_on_nan_forgets_the_error_of_an_earlier_training():
    end = TerminateOnNaN()
    fit(make_model(), end, Poison())
    assert end.error is not None
    fit(make_model(), end)
    assert end.error is None


class Poison(Callback):
    """Ruins the parameters after the first batch, and ends the training."""

    def on_train_batch_end(self, batch, logs):
        self.model.params["dense.W"][0, 0] = np.nan
        self.model.stop_training = True


# CSVLogger


def test_csv_log(tmp_path):
    path = tmp_path / "run" / "log.csv"
    history = fit(make_model(), CSVLogger(path), epochs=2, validation_data=(X, LABELS)).history
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "perplexity", "val_loss", "val_perplexity"]
    assert [int(row["epoch"]) for row in rows] == [0, 1]
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    fit(make_model(), CSVLogger(path, append=True), epochs=1, validation_data=(X, LABELS))
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1", "0"]
    fit(make_model(), CSVLogger(path, ";"), Script("odd;name", ["a;b"]), epochs=1)
    assert path.read_text().splitlines()[0] == 'epoch;loss;"odd;name";perplexity'
    assert path.read_text().splitlines()[1].endswith(f'"a;b";{history["perplexity"][0]}')


def test_a_csv_log_has_the_names_of_its_last_training(tmp_path):
    log = CSVLogger(tmp_path / "log.csv")
    fit(make_model(), log, epochs=1)
    fit(make_model(), log, epochs=1, validation_data=(X, LABELS))
    names = log.path.read_text().splitlines()[0]
    assert names == "epoch,loss,perplexity,val_loss,val_perplexity"


def test_a_table_to_append_to_may_get_names_that_come_later(tmp_path):
    class Late(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch:
                logs["late"] = 1.0

    path = tmp_path / "log.csv"
    fit(make_model(), CSVLogger(path), epochs=1)
    fit(make_model(), Late(), CSVLogger(path, append=True), epochs=2)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "0", "1"]


@pytest.mark.parametrize("content", [None, ""], ids=["missing", "empty"])
def test_a_table_to_append_to_may_not_have_begun(content, tmp_path):
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_text(content)
    fit(make_model(), CSVLogger(path, append=True), epochs=1)
    assert path.read_text().startswith("epoch,loss,perplexity\n0,")


def test_a_name_that_a_table_to_append_to_lacks_is_refused_also_if_it_is_a_callbacks(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,perplexity\n")
    with pytest.raises(ValueError, match=r"append: expected the columns of .*, loss, perplexity, got also odd"):
        fit(make_model(), Script("odd", [1]), CSVLogger(path, append=True), epochs=1)
    assert path.read_text() == "epoch,loss,perplexity\n"


def test_a_resumed_table_has_no_names_that_came_later(tmp_path):
    late = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(late=1.0) if epoch else None)
    for epochs in (1, 2):
        fit(
            make_model(), late, CSVLogger(tmp_path / "log"), BackupAndRestore(tmp_path / "b", "epoch", False),
            epochs=epochs,
        )  # fmt: skip
    assert [line.count(",") for line in (tmp_path / "log").read_text().splitlines()] == [2, 2, 2]


def test_a_table_of_another_program_is_not_appended_to(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss,perplexity\n1,2,3\n")
    with pytest.raises(ValueError, match=r"append: expected a table of a CSVLogger .* which begins with epoch"):
        fit(make_model(), CSVLogger(path, append=True))
    assert path.read_text() == "step,loss,perplexity\n1,2,3\n"


@pytest.mark.parametrize(("last", "kept"), [("1", ""), ("1,0.5", ""), ("1,0.5,2", "1,0.5,2\n")])
def test_a_row_that_was_cut_off_is_removed_from_a_table_to_append_to(last, kept, tmp_path):
    path, start = tmp_path / "log.csv", "epoch,loss,perplexity\n0,1,2\n"
    path.write_text(start + last)
    fit(make_model(), CSVLogger(path, append=True), epochs=1)
    assert path.read_text().rpartition("0,")[0] == start + kept


def test_a_folder_in_the_place_of_a_checkpoint_is_found_before_the_first_epoch(tmp_path):
    (tmp_path / "best.safetensors").mkdir()
    model = make_model()
    with pytest.raises(IsADirectoryError):
        fit(model, ModelCheckpoint(tmp_path / "best.safetensors"))
    assert model.history.epoch == []


@pytest.mark.parametrize(
    ("logger", "start"), [(CSVLogger, "epoch,loss,perplexity\n0,1,2\n"), (JSONLogger, '{"epoch": 1}\n')]
)
def test_a_last_line_that_no_logger_began_is_kept(logger, start, tmp_path):
    path = tmp_path / "log"
    path.write_text(f"{start}a note")
    fit(make_model(), logger(path, append=True), epochs=1)
    assert path.read_text().startswith(f"{start}a note\n")
    assert len(path.read_text().splitlines()) == start.count("\n") + 2


def test_a_resumed_csv_log_is_that_of_one_training(tmp_path):
    for step in range(1, 7):
        straight, resumed, path = tmp_path / "straight", tmp_path / f"log{step}", tmp_path / f"{step}"
        fit(make_model(), CSVLogger(straight))
        with pytest.raises(ZeroDivisionError):
            fit(make_model(), CSVLogger(resumed), BackupAndRestore(path, save_freq=3), AfterBackup(step))
        fit(make_model(), CSVLogger(resumed), BackupAndRestore(path))
        assert resumed.read_bytes() == straight.read_bytes()


@pytest.mark.parametrize("logger", [CSVLogger, JSONLogger])
def test_a_backup_may_count_more_bytes_than_a_log_has(logger, tmp_path):
    """As that of another file, or a stranger's: so many are not even read."""
    log = logger(tmp_path / "log")
    fit(make_model(), log, epochs=2)
    before = log.path.read_bytes()
    state = log.get_state()
    log.close()
    log.set_state(state | {"bytes": 2**62})
    assert log.get_state() == state
    log.close()
    assert log.path.read_bytes() == before


@pytest.mark.parametrize("logger", [CSVLogger, JSONLogger])
def test_lines_that_a_backup_counts_are_on_disk(logger, tmp_path, monkeypatch):
    """A power cut must not lose them: otherwise the resumed log would have a gap."""
    path, synced = tmp_path / "log", []
    monkeypatch.setattr("nnlite.callbacks.line_logger.os.fsync", lambda file: synced.append(os.fstat(file).st_size))
    log = logger(path)
    fit(make_model(), log, epochs=2)
    assert log.get_state()["bytes"] == synced[-1] == path.stat().st_size
    log.close()


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


def test_that_of_a_file_with_a_number_in_its_name_counts(tmp_path):
    model, best = make_model(), saving_best(tmp_path / "best-{epoch}.safetensors")
    fit(model, Script("error", [3, 2, 4]), best)
    fit(model, Script("error", [4, 3, 1]), best)
    assert [best_in(tmp_path / f"best-{epoch}.safetensors") for epoch in (1, 2, 3)] == [2, 4, 12]


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
    scheduler = LearningRateScheduler(lambda epoch: 0.25)
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
        (
            [Speed("speed", [1.0] * 3)],
            lambda path: ModelCheckpoint(path / "best", "sped", save_best_only=True, mode="max"),
            "'sped' is not among",
        ),
        ([Speed("speed", [1.0] * 3)], lambda path: EarlyStopping("sped", mode="max"), "'sped' is not among"),
        ([Script("speed", [1.0] * 3)], lambda path: ModelCheckpoint(f"{path}/{{loss:d}}"), "what Script may add$"),
        ([LearningRateScheduler(lambda epoch: 1.0)], lambda path: ModelCheckpoint("{learning_rate:d}"), "'d'"),
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
        ("e{sped}/m", {}, "filepath='.*e{sped}/m' cannot be filled in"),
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


class Rates(Callback):
    """The learning rate of each step."""

    def __init__(self):
        self.found = []

    def on_train_batch_end(self, batch, logs):
        self.found.append(self.model.optimizer.learning_rate)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (lambda epoch: 0.1 * 0.5**epoch, [0.1, 0.05, 0.025]),
        (lambda epoch, lr: lr if epoch < 1 else lr * 0.5, [0.2, 0.1, 0.05]),
        (lambda epoch, lr=0.0: lr / 2, [0.1, 0.05, 0.025]),
        (dict(enumerate([0.3, 0.2, 0.1])).get, [0.3, 0.2, 0.1]),
        (dict(enumerate([0.3, 0.2, 0.1])).pop, [0.3, 0.2, 0.1]),  # which has no signature
    ],
)
def test_learning_rate_scheduler_follows_the_epoch(schedule, expected):
    """As in Keras: a function of the epoch, or of the epoch and the learning rate."""
    rates = Rates()
    history = fit(make_model(SGD(0.2)), rates, LearningRateScheduler(schedule)).history
    assert rates.found == pytest.approx(np.repeat(expected, 2))
    assert history["learning_rate"] == pytest.approx(expected)


def test_a_rate_that_builds_on_the_last_one_goes_on_where_it_was(tmp_path):
    """A resumed epoch has its learning rate already: the function is not asked again."""

    def halve():
        return LearningRateScheduler(lambda epoch, lr: lr * 0.5)

    for step in range(1, 7):
        path = tmp_path / f"{step}"
        with pytest.raises(ZeroDivisionError):
            fit(make_model(), halve(), BackupAndRestore(path, save_freq=1), AfterBackup(step))
        resumed, straight = make_model(), make_model()
        history = fit(resumed, halve(), BackupAndRestore(path))
        assert history.history == fit(straight, halve()).history
        assert (resumed.params["dense.W"] == straight.params["dense.W"]).all()


class AfterBackup(Callback):
    order = 2

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs):
        if self.model.optimizer.iterations == self.step:
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (0.1, "schedule: expected a function of the epoch, got 0.1: use lambda epoch"),
        (schedules.CosineDecay(0.1, 9), r"which counts steps: give it to the optimizer, as in Adam\(CosineDecay\("),
    ],
)
def test_what_is_no_function_of_the_epoch_is_refused(schedule, message):
    with pytest.raises(TypeError, match=message):
        LearningRateScheduler(schedule)


def test_a_schedule_of_the_optimizer_is_logged_and_stays(tmp_path):
    schedule, rates, model = schedules.CosineDecay(0.1, 6), Rates(), make_model()
    model.compile(Adam(schedule), SparseCategoricalCrossentropy(from_logits=True))
    history = fit(model, rates, ModelCheckpoint(tmp_path / "{learning_rate:.3f}")).history
    assert rates.found == [schedule(step) for step in range(6)]
    assert list(history)[-1] == "learning_rate"
    assert history["learning_rate"] == [schedule(step) for step in (1, 3, 5)]
    assert (tmp_path / f"{schedule(1):.3f}").exists()
    for other in (LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")):
        with pytest.raises(TypeError, match="learning_rate: expected to be left to its schedule, CosineDecay"):
            fit(model, other)
    assert model.optimizer.iterations == 6


def test_a_schedule_resumes_with_the_same_bits(tmp_path):
    def scheduled(rate=0.1):
        return make_model(Adam(schedules.WarmUp(schedules.CosineDecay(rate, 6), 2), weight_decay=0.1))

    path, resumed, straight = crash(tmp_path, model=scheduled()), scheduled(), scheduled()
    with pytest.raises(CheckpointError, match=r"optimizer config learning_rate .* is 0.1 in the file and 0.2 in this"):
        fit(scheduled(0.2), BackupAndRestore(path))
    assert fit(resumed, BackupAndRestore(path)).history == fit(straight).history
    assert (resumed.params["dense.W"] == straight.params["dense.W"]).all()


def test_a_backup_of_another_learning_rate_goes_on_with_the_new_one_where_that_is_asked_for(tmp_path):
    rates, model = Rates(), make_model(SGD(0.2))
    fit(model, rates, BackupAndRestore(crash(tmp_path), new_schedule=True))
    assert rates.found == [0.2, 0.2, 0.2]
    assert model.optimizer.iterations == 6


@pytest.mark.parametrize(
    ("values", "arguments", "expected"),
    [
        ([5, 5, 5, 5, 5, 5], {"patience": 2}, [1, 1, 1, 0.1, 0.1, 0.01]),
        ([5, 4, 4, 3, 3, 2], {"patience": 1}, [1, 1, 1, 0.1, 0.1, 0.01]),
        ([5, 6, 4, 5, 5, 5], {"patience": 2}, [1, 1, 1, 1, 1, 0.1]),
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "cooldown": 2}, [1, 1, 0.1, 0.1, 0.01, 0.01]),
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "min_lr": 0.04, "factor": 0.25}, [1, 1, 0.25, 0.0625, 0.04, 0.04]),
        ([5, 4.9, 4.8, 4.7, 4.0, 4.0], {"patience": 1, "min_delta": 0.5}, [1, 1, 0.1, 0.01, 0.001, 0.001]),
        ([1, 2, 2, 3, 4, 4], {"patience": 1, "mode": "max"}, [1, 1, 1, 0.1, 0.1, 0.1]),
    ],
)
def test_reduce_lr_on_plateau(values, arguments, expected):
    """The learning rate of each epoch, as Keras' rules written out by hand give it."""
    history = fit(make_model(SGD(1.0)), Script("error", values), ReduceLROnPlateau("error", **arguments), epochs=6)
    assert history.history["learning_rate"] == pytest.approx(expected)


@pytest.mark.parametrize("other", [LearningRateScheduler(lambda epoch: 0.5), ReduceLROnPlateau("loss")])
def test_the_learning_rate_is_logged_before_a_table_that_was_listed_first(other, tmp_path):
    fit(make_model(SGD(0.5)), CSVLogger(tmp_path / "log"), other, epochs=1)
    assert (tmp_path / "log").read_text().startswith("epoch,learning_rate,loss,perplexity\n0,0.5,")


def test_at_the_smallest_rate_nothing_is_reduced_any_more(capsys):
    reduce = ReduceLROnPlateau("error", patience=1, min_lr=0.1, verbose=1, cooldown=9)
    fit(make_model(SGD(1.0)), Script("error", [5, 5]), reduce, epochs=2)
    fit(make_model(SGD(0.1)), Script("error", [5, 5]), reduce, epochs=2)
    assert reduce.cooldown_counter == 0
    assert capsys.readouterr().out == "epoch 2: learning rate reduced to 0.1\n"


def test_a_second_training_begins_without_a_cooldown():
    model, reduce = make_model(SGD(1.0)), ReduceLROnPlateau("error", patience=1, cooldown=9)
    fit(model, Script("error", [5, 5]), reduce, epochs=2)
    history = fit(model, Script("error", [5, 5, 5]), reduce).history
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.01])


def test_a_plateau_goes_on_after_a_resume(tmp_path):
    def callbacks():
        return Script("error", [5, 5, 5, 5]), ReduceLROnPlateau("error", patience=2, cooldown=1)

    for step in range(2, 8):
        path = tmp_path / f"{step}"
        with pytest.raises(ZeroDivisionError):
            fit(make_model(), *callbacks(), BackupAndRestore(path, save_freq=1), AfterBackup(step), epochs=4)
        resumed = fit(make_model(), *callbacks(), BackupAndRestore(path), epochs=4).history
        assert resumed == fit(make_model(), *callbacks(), epochs=4).history


def test_schedules():
    steps = np.arange(500)

    def curve(schedule):
        return np.array([schedule(int(step)) for step in steps])

    np.testing.assert_array_equal(curve(schedules.Constant(0.3)), 0.3)
    np.testing.assert_allclose(curve(schedules.StepDecay(0.3, 100, 0.1)), 0.3 * 0.1 ** (steps // 100))
    np.testing.assert_allclose(curve(schedules.StepDecay(0.3, 100)), 0.3 * 0.5 ** (steps // 100))
    np.testing.assert_allclose(curve(schedules.ExponentialDecay(0.3, 100, 0.1)), 0.3 * 0.1 ** (steps / 100))
    stairs = curve(schedules.ExponentialDecay(0.3, 100, 0.1, staircase=True))
    np.testing.assert_allclose(stairs, 0.3 * 0.1 ** (steps // 100))
    cosine = curve(schedules.CosineDecay(0.3, 200, alpha=0.1))
    np.testing.assert_allclose(cosine[:201], 0.03 + 0.27 * (1 + np.cos(np.pi * steps[:201] / 200)) / 2)
    np.testing.assert_allclose(cosine[200:], 0.03)
    warm = curve(schedules.WarmUp(schedules.CosineDecay(0.3, 200, alpha=0.1), 50))
    np.testing.assert_allclose(warm[:50], 0.3 * (steps[:50] + 1) / 50)
    np.testing.assert_array_equal(warm[50:], cosine[:-50])
    assert warm.max() == pytest.approx(0.3)
    assert (warm > 0).all()


@dataclass(frozen=True)
class Late(schedules.Schedule):
    """A schedule of one's own, whose numbers are checked as those of the others."""

    rate: float
    hold_steps: int


def test_a_schedule_is_made_of_what_it_says_of_itself():
    warm = schedules.WarmUp(schedules.WarmUp(Late(0.3, 5), 50), 20)
    with pytest.raises(ValueError, match="there is no schedule 'Late'"):
        schedules.WarmUp.from_config(warm.get_config())
    warm = schedules.WarmUp(schedules.WarmUp(schedules.CosineDecay(0.3, 200), 50), 20)
    assert schedules.WarmUp.from_config(warm.get_config()) == warm
    for name in (5, ["Constant"], None):
        with pytest.raises(ValueError, match="there is no schedule"):
            schedules.made({"class": name, "config": {"learning_rate": 0.1}})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: schedules.Constant(-1), ValueError, "learning_rate"),
        (lambda: Late(0.1, 0), ValueError, "hold_steps: expected a whole number of at least 1"),
        (lambda: Late(-0.1, 1), ValueError, "rate: expected"),
        (lambda: schedules.Constant(math.inf), ValueError, "learning_rate"),
        (lambda: schedules.ExponentialDecay(0.1, 10, 0.5, staircase="no"), TypeError, "staircase: expected True"),
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
    path = tmp_path / "runs" / "first" / "log.jsonl"
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


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.array([1, math.nan]), [1.0, None]),
        ([np.float32(1), (math.inf,)], [1.0, [None]]),
        ({np.int64(0): np.float32(2)}, {"0": 2.0}),
    ],
)
def test_json_of_what_holds_numbers(value, written, tmp_path):
    fit(make_model(), JSONLogger(tmp_path / "log"), Script("odd", [value]), epochs=1)
    assert strict((tmp_path / "log").read_text())["odd"] == written


@pytest.mark.parametrize("value", [object(), {1, 2}, [1j], {(1, 2): 3}])
def test_what_json_cannot_hold_is_named(value, tmp_path):
    with pytest.raises(TypeError, match=r"JSONLogger: logs\['odd'\]: expected what JSON can hold, .*, got "):
        fit(make_model(), JSONLogger(tmp_path / "log"), Script("odd", [1, value]))
    assert [strict(line)["odd"] for line in (tmp_path / "log").read_text().splitlines()] == [1]


def test_a_table_holds_any_text(tmp_path):
    fit(make_model(), CSVLogger(tmp_path / "log"), Script("odd", ["half \ud800"]), epochs=1)
    assert "half \\ud800" in (tmp_path / "log").read_text()


def test_the_log_can_be_read_while_it_is_written(tmp_path):
    class Read(Callback):
        def on_epoch_end(self, epoch, logs):
            assert len((tmp_path / "log").read_text().splitlines()) == epoch + 1

    fit(make_model(), JSONLogger(tmp_path / "log"), Read())


@pytest.mark.parametrize("torn", ["{", '{"epo', '{"epoch": 2', '{"epoch": 2, "step": 1'])
def test_a_new_training_writes_a_new_log_or_appends(torn, tmp_path):
    path = tmp_path / "log"
    path.write_text(f'{{"epoch": 1}}\n{torn}')  # the second line was cut off by a kill
    fit(make_model(), JSONLogger(path, append=True), epochs=1)
    assert [strict(line)["epoch"] for line in path.read_text().splitlines()] == [1, 1]
    fit(make_model(), JSONLogger(path), epochs=1)
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("append", [False, True])
def test_rows_from_after_the_last_backup_are_removed(append, tmp_path):
    path, backup = tmp_path / "log", BackupAndRestore(tmp_path / "backup")
    path.write_text("epoch,loss,perplexity\n7,1,2\n")
    crash = LambdaCallback(on_epoch_end=lambda epoch, logs: epoch and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), CSVLogger(path, append=append), crash, backup)
    fit(make_model(), CSVLogger(path, append=append), backup)
    assert [row.split(",")[0] for row in path.read_text().splitlines()] == ["epoch", *["7"] * append, "0", "1", "2"]


def test_a_line_is_written_to_its_end(tmp_path):
    class Slow(io.FileIO):
        """Takes three bytes at a time, as a disk that is nearly full may do."""

        def write(self, data):
            return super().write(data[:3])

    logger = JSONLogger(tmp_path / "log")
    logger._file = Slow(tmp_path / "log", "ab")
    logger._write("a long line")
    logger.close()
    assert (tmp_path / "log").read_text() == "a long line\n"


# BackupAndRestore; tests/test_resume.py kills trainings for it


def test_two_logs_cannot_share_a_file_under_two_names(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "log")
    with pytest.raises(ValueError, match="fit: callbacks: expected a file for each, got "):
        fit(make_model(), JSONLogger(tmp_path / "log"), JSONLogger(tmp_path / "link"))


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


def test_a_backup_makes_its_folder(tmp_path):
    fit(make_model(), BackupAndRestore(tmp_path / "new" / "backup", delete_checkpoint=False), epochs=1)
    assert load_model(tmp_path / "new" / "backup").optimizer.iterations == 2


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


class InBetween(Callback):
    """Does something before the backup of each epoch, and once before the end."""

    def __init__(self, act):
        self.act = act

    def on_epoch_end(self, epoch, logs):
        self.act(epoch)

    def on_train_end(self, logs):
        self.act("end")


def test_two_trainings_cannot_share_a_backup(tmp_path):
    path, kept = (
        tmp_path / "backup.safetensors",
        BackupAndRestore(tmp_path / "backup.safetensors", delete_checkpoint=False),
    )
    other = InBetween(lambda epoch: fit(make_model(), kept, epochs=1) if epoch == 0 else None)
    with pytest.raises(CheckpointError, match=r"epoch 1: cannot save to .*: another training has written to it since"):
        fit(make_model(), other, BackupAndRestore(path))
    before = path.read_bytes()
    late = InBetween(lambda epoch: path.write_bytes(before) if epoch == 2 else None)
    with pytest.raises(CheckpointError, match=r"epoch 3: cannot save to .*: give each a path of its own"):
        fit(make_model(), late, BackupAndRestore(path))
    assert path.read_bytes() == before  # the other one goes on from there
    straight = make_model()
    fit(straight)
    resumed = make_model()
    assert fit(resumed, BackupAndRestore(path)).epoch == [0, 1, 2]
    assert (resumed.params["dense.W"] == straight.params["dense.W"]).all()


def other_file(path, was):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(was.st_atime_ns, was.st_mtime_ns))
    copy.replace(path)


def other_time(path, was):
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 10**9))


def other_size(path, was):
    path.write_bytes(path.read_bytes() + b" ")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


@pytest.mark.parametrize("change", [other_file, other_time, other_size])
def test_another_training_is_told_by_each_mark_of_its_file(tmp_path, change):
    path = tmp_path / "backup.safetensors"
    other = InBetween(lambda epoch: change(path, path.stat()) if epoch == 1 else None)
    with pytest.raises(CheckpointError, match=r"epoch 2: .*another training has written to it since"):
        fit(make_model(), other, BackupAndRestore(path))


def test_a_link_to_a_backup_that_is_gone_is_no_new_training(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(CheckpointError, match="there is no such file"):
        fit(make_model(), BackupAndRestore(tmp_path / "link"))


def test_a_backup_that_cannot_be_written_is_one_kind_of_error(tmp_path):
    with pytest.raises(CheckpointError, match="epoch 1: cannot write the checkpoint"):
        fit(make_model(), BackupAndRestore(tmp_path / ("a" * 300)))


def test_a_backup_of_another_training_is_not_removed_and_one_that_was_removed_comes_again(tmp_path):
    path = tmp_path / "backup.safetensors"

    def replace(epoch):
        if epoch == 1:
            path.unlink()
        if epoch == "end":
            copy = tmp_path / "copy"
            copy.write_bytes(path.read_bytes())
            copy.replace(path)

    fit(make_model(), InBetween(replace), BackupAndRestore(path))
    assert path.exists()


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


class LogsOwn(Callback):
    """Puts a number of its own into the logs, as callbacks do in Keras: with the order of all others."""

    def __init__(self, value=None):
        self.value = value

    def on_epoch_end(self, epoch, logs):
        assert self.model.history.epoch[-1] == epoch
        logs["f1"] = epoch / 4 if self.value is None else self.value


def test_what_a_callback_logs_is_in_the_history(tmp_path):
    class Late(Callback):
        def on_epoch_end(self, epoch, logs):
            assert self.model.history.history["f1"][-1] == logs["f1"]
            if epoch == 2:
                logs["late"] = 7

    class CrashLast(Callback):
        order = 2

        def on_epoch_end(self, epoch, logs):
            if epoch == 1:
                raise ZeroDivisionError

    history = fit(make_model(), LogsOwn(), Late()).history
    assert history["f1"] == [0, 0.25, 0.5]
    assert history["late"] == [None, None, 7]
    assert [len(history[name]) for name in ("loss", "perplexity")] == [3, 3]
    path = tmp_path / "backup.safetensors"
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), LogsOwn(), Late(), BackupAndRestore(path), CrashLast())
    assert fit(make_model(), LogsOwn(), Late(), BackupAndRestore(path)).history == history


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(3), math.nan, math.inf, "low", True, np.ones(2), {1}])
def test_whatever_a_callback_logs_a_backup_can_be_made(tmp_path, value):
    path = crash(tmp_path, LogsOwn(value))
    history = fit(make_model(), LogsOwn(value), BackupAndRestore(path))
    first, *_, last = history.history["f1"]
    assert last is value
    np.testing.assert_array_equal(first, str(value) if isinstance(value, set) else value)
    assert len(history.history["f1"]) == len(history.epoch) == 3
    assert "f1" in str(history)


def test_a_backup_is_a_checkpoint(tmp_path):
    path = crash(tmp_path)
    assert load_model(path).optimizer.iterations == 3


def test_a_best_value_that_is_infinite_comes_back_from_a_backup(tmp_path):
    """JSON, in which a checkpoint has its numbers, knows no infinity."""
    path = crash(tmp_path, Script("odd", [math.inf]), EarlyStopping("odd", patience=5, mode="max"))
    stop = EarlyStopping("odd", patience=5, mode="max")
    fit(make_model(), Script("odd", [None, 1.0, 2.0]), stop, BackupAndRestore(path))
    assert (stop.best, type(stop.best), stop.best_epoch) == (math.inf, float, 0)


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


def test_what_a_callback_changes_at_the_end_of_a_validation_is_not_logged():
    class Meddles(Callback):
        def on_test_end(self, logs):
            logs.update(loss=-1.0, other=2.0)

    logs = fit(make_model(), Meddles(), epochs=1, validation_data=(X, LABELS)).history
    assert "val_other" not in logs
    assert logs["val_loss"][0] > 0


def test_a_log_that_was_added_before_another_starts_afresh(tmp_path):
    first, added = tmp_path / "first.csv", tmp_path / "added.csv"
    path = crash(tmp_path, CSVLogger(first))
    added.write_text("of an earlier program\n" * 9)
    fit(make_model(), BackupAndRestore(path), CSVLogger(added), CSVLogger(first))
    assert [line[:2] for line in added.read_text().splitlines()] == ["ep", "1,", "2,"]
    assert [line[:2] for line in first.read_text().splitlines()] == ["ep", "0,", "1,", "2,"]


@pytest.mark.parametrize(
    ("model", "callbacks", "kwargs", "message"),
    [
        (lambda: make_model(units=4), [], {}, "layers 0 config units is 3 in the file and 4 in this program"),
        (lambda: make_model(SGD(0.2)), [], {}, "optimizer config learning_rate is 0.1 in the file and 0.2 in this"),
        (lambda: make_model(Adam(0.1)), [], {}, "optimizer class is 'SGD' in the file and 'Adam' in this"),
        (make_model, [], {"batch_size": 5}, "batch_size=10, .* and this one has samples=20, batch_size=5"),
        (make_model, [], {"shuffle": False}, "shuffle=True, .* and this one has .* shuffle=False"),
        (
            lambda: make_model(SGD(schedules.Constant(0.2))),
            [],
            {},
            "optimizer config learning_rate is 0.1 in the file and {'class': 'Constant'.* in this",
        ),
    ],
)
def test_a_backup_of_another_training(tmp_path, model, callbacks, kwargs, message):
    path = crash(tmp_path)
    model = model()
    before = {name: param.copy() for name, param in model.params.items()}
    with pytest.raises(CheckpointError, match=f"cannot resume from .*{message}.*or delete the file to start anew"):
        fit(model, BackupAndRestore(path), *callbacks, **kwargs)
    assert path.exists()
    assert all((model.params[name] == param).all() for name, param in before.items())
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize(("theirs", "ours"), [({}, {"kernel_regularizer": "l2"}), ({"kernel_regularizer": "l2"}, {})])
def test_an_argument_that_only_one_of_two_trainings_has(tmp_path, theirs, ours):
    path = crash(tmp_path, model=make_model(**theirs))
    with pytest.raises(CheckpointError, match=r"layers 0 config kernel_regularizer is .* in the file and .* in this"):
        fit(make_model(**ours), BackupAndRestore(path))


@pytest.mark.parametrize(("x", "y"), [(X + 1, LABELS), (X, LABELS[::-1])])
def test_a_backup_of_a_training_with_other_data_of_the_same_size(tmp_path, x, y):
    path = crash(tmp_path)
    with pytest.raises(CheckpointError, match=r"checksum=\d+, and this one has samples=20, .* checksum="):
        make_model().fit(x, y, batch_size=10, epochs=3, callbacks=[BackupAndRestore(path)], verbose=0)


@pytest.mark.parametrize(
    ("x", "other_numbers"), [(X[:10], False), (X + 1, True)], ids=["other samples", "other numbers"]
)
def test_only_other_numbers_are_called_so(tmp_path, x, other_numbers):
    path = crash(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        make_model().fit(x, LABELS[: len(x)], batch_size=10, epochs=3, callbacks=[BackupAndRestore(path)], verbose=0)
    assert ("x, y, lengths or weights hold other numbers" in str(caught.value)) == other_numbers


def test_other_weights_are_other_data(tmp_path):
    path = crash(tmp_path, sample_weight=np.ones(len(X)))
    with pytest.raises(CheckpointError, match="x, y, lengths or weights hold other numbers"):
        fit(make_model(), BackupAndRestore(path), sample_weight=np.arange(len(X)))
    fit(make_model(), BackupAndRestore(path), sample_weight=np.ones(len(X)))


def test_integers_of_any_dtype_are_the_same_data(tmp_path):
    path = crash(tmp_path)
    history = make_model().fit(
        X, LABELS.astype("uint8"), batch_size=10, epochs=3, callbacks=[BackupAndRestore(path)], verbose=0
    )
    assert history.epoch == [0, 1, 2]


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


# What a History prints


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01, "0.0100"),
        (0.00999, "0.00999"),
        (-0.5, "-0.5000"),
        (9999.9, "9999.9000"),
        (10000, "1e+04"),
        (0, "0"),
        (np.float32(0.5), "0.5000"),
        (None, ""),
        ("text", "text"),
    ],
)
def test_a_number_of_a_history_has_four_decimals_where_these_say_enough(value, text):
    history = History()
    history.epoch, history.history = [6], {"loss": [value]}
    assert str(history).splitlines()[-1].split() == ["7", *text.split()]


@pytest.mark.parametrize(("epochs", "shown"), [(20, [*range(1, 21)]), (21, [*range(1, 11), "...", *range(12, 22)])])
def test_a_long_history_shows_its_first_and_last_epochs(epochs, shown):
    history = History()
    history.epoch, history.history = [*range(epochs)], {"loss": [0.5] * epochs}
    assert [line.split()[0] for line in str(history).splitlines()[1:]] == [str(epoch) for epoch in shown]


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
    parts = ("landmarks: uniform 9.000", "epoch 3/3", "2/2", "labels/s", "0:00 left", "loss", "val_loss")
    for part in (*parts, "below uniform 9.000"):
        assert part in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, and comes back


@pytest.mark.parametrize(("term", "can"), [("dumb", False), ("unknown", False), ("xterm", True)])
def test_a_bar_needs_a_terminal_that_can_draw_over(term, can, monkeypatch):
    from rich.console import Console

    monkeypatch.setenv("TERM", term)
    bar = bars.bar_for("auto", Console(file=io.StringIO(), force_terminal=True))
    assert (bar is not None) == can


def test_how_long_it_takes_is_counted_in_batches_over_all_epochs(monkeypatch):
    """Seventeen batches took a second each: of three epochs of ten, 13 are left."""
    from rich.console import Console

    screen = io.StringIO()
    bar = ProgressBar(console=Console(file=screen, force_terminal=True, width=80))
    fit(make_model(), bar, verbose="auto")
    bar.loop = SimpleNamespace(epochs=3, epoch=1, batches=10, is_sequence=False)
    bar._start, bar._batches_done, drawn = 0.0, 17, []
    bar._live = SimpleNamespace(draw=lambda *parts: drawn.append(parts))
    bar._draw(7, {"loss": 1.0}, 17.0)
    ((epoch, done, total, speed, _),) = drawn
    assert (epoch, done, total) == ("epoch 2/3", 7, 10)
    assert speed.endswith("   0:13 left")


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
    output = capsys.readouterr().out
    assert output.startswith("resumed in epoch 2 after 1 of 2 batches\nepoch 2/3")
    assert output.count("resumed") == 1  # not again in the third epoch


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


def test_a_bar_with_a_name_that_no_log_has_is_found_at_the_start():
    model = make_model()
    with pytest.raises(ValueError, match=r"ProgressBar: monitor='typo' is not among \['loss', 'perplexity'\]"):
        fit(model, ProgressBar({"easy": 1.0}, monitor="typo"), verbose=2)
    assert model.optimizer.iterations == 0


def test_a_sum_has_no_perplexity():
    model = make_model()
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))
    assert list(fit(model, verbose=0).history) == ["loss"]


def test_landmarks_in_words():
    bar = ProgressBar({"unigram": 2.9, "uniform": 3.6, "bigram": 2.3})
    assert bar.passed(4.0) == "above uniform 3.600"
    assert bar.passed(3.0) == "below uniform 3.600, above unigram 2.900"
    assert bar.passed(1.0) == "below bigram 2.300"
    assert bar.passed(2.3) == "below unigram 2.900, above bigram 2.300"  # as good is not better
    assert ProgressBar().passed(1.0) == ""


# ProgressBar and the bar of `evaluate` and `predict` on a clock of one's own.


class Drawn:
    """Stands for a bar on the screen: keeps what it was asked to draw."""

    console = None

    def __init__(self):
        self.draws = []

    def draw(self, *parts):
        self.draws.append(parts)

    def stop(self):
        self.draws.append("stopped")


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still: its `tick(seconds)` moves it."""
    now = [100.0]
    for module in (bars, progress_bar):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def tick(seconds):
        now[0] += seconds

    return SimpleNamespace(tick=tick)


@pytest.fixture
def screen(monkeypatch):
    drawn = Drawn()
    for module in (bars, progress_bar):
        monkeypatch.setattr(module, "bar_for", lambda look, console: drawn if look == "bar" else None)
    return drawn


def takes(clock, seconds):
    """A callback by which each batch takes so many seconds."""
    return LambdaCallback(on_train_batch_end=lambda batch, logs: clock.tick(seconds))


def test_a_bar_is_drawn_ten_times_a_second_and_at_the_end_of_an_epoch(clock, screen):
    fit(make_model(), takes(clock, 0.06), ProgressBar(look="bar"), batch_size=4, epochs=2, verbose="auto")
    places = [(place, done, total) for place, done, total, _, _ in screen.draws[:-1]]
    assert places == [(f"epoch {epoch}/2", done, 5) for epoch in (1, 2) for done in (2, 4, 5)]
    assert screen.draws[-1] == "stopped"


def test_the_rest_takes_as_long_as_what_was_done(clock, screen):
    fit(make_model(), takes(clock, 20), ProgressBar(look="bar"), epochs=3, verbose="auto")
    rests = [speed.split("   ")[1] for *_, speed, _ in screen.draws[:-1]]
    assert rests == ["1:40 left", "1:20 left", "1:00 left", "0:40 left", "0:20 left", "0:00 left"]


def test_the_speed_is_that_of_an_epoch_also_after_a_resume(clock, screen, tmp_path, capsys):
    """Ten samples in half a second, whichever of the batches were read; none where none were left."""
    fit(make_model(), takes(clock, 0.5), ProgressBar(look="bar"), epochs=1, verbose="auto")
    assert [speed.split("   ")[0] for *_, speed, _ in screen.draws[:-1]] == ["20 samples/s"] * 2
    fit(make_model(), BackupAndRestore(crash(tmp_path)), takes(clock, 0.5), epochs=2, verbose=2)
    assert capsys.readouterr().out.splitlines()[-1].endswith("  20 samples/s")
    text = np.zeros((20, 5, 4), "float32")
    make_model().fit(text, np.zeros((20, 5), int), 10, verbose=2, callbacks=[takes(clock, 0.5)])
    assert capsys.readouterr().out.endswith("  100 positions/s\n")
    path, end = tmp_path / "end.safetensors", LambdaCallback(on_epoch_end=lambda epoch, logs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), BackupAndRestore(path, save_freq=1), end, epochs=1)
    fit(make_model(), BackupAndRestore(path), epochs=1, verbose=2)
    first, last = capsys.readouterr().out.splitlines()
    assert first == "resumed in epoch 1 after 2 of 2 batches"
    assert last.endswith("  0 samples/s")


def test_validation_counts_beside_the_landmarks_and_stays_on_the_screen(clock, screen, capsys):
    bar = ProgressBar({"half": 0.5}, look="bar", monitor="error")
    scripts = Script("error", [0.7, 0.7]), Script("val_error", [0.3, 0.3])
    during = LambdaCallback(on_train_batch_end=lambda batch, logs: logs.update(error=0.7))
    fit(make_model(), *scripts, during, takes(clock, 1), bar, epochs=2, verbose="auto", batch_size=20)
    ((*_, first), (*_, second), _) = screen.draws
    assert first.endswith("error 0.700   above half 0.500")
    assert second.endswith("error 0.700   val_error 0.300   above half 0.500")
    assert capsys.readouterr().out.count("error 0.700  val_error 0.300  below half 0.500  ") == 2


def test_a_line_is_short(capsys):
    """Of the two perplexities it has the one that counts; numbers of epochs are as wide as the last."""
    text = np.random.default_rng(0).normal(size=(20, 5, 4)).astype("float32")
    y = text[..., :3].argmax(axis=-1)
    make_model().fit(text, y, epochs=10, validation_data=(text, y), verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"epoch  1/10  loss \S+  val_loss \S+  val_perplexity \S+  \S+ positions/s", lines[0])
    assert lines[9].startswith("epoch 10/10  ")


def test_what_is_hidden_is_not_shown(capsys):
    fit(make_model(), ProgressBar(hidden=["loss"]), epochs=1, verbose="auto", validation_data=(X, LABELS))
    assert re.fullmatch(r"epoch 1/1  val_loss \S+  \S+ samples/s\n", capsys.readouterr().out)


def test_a_line_goes_into_a_file_as_it_is(monkeypatch):
    """It is neither wrapped nor marked up, and is there at once, for who follows the log."""
    from rich.console import Console

    file = io.StringIO()
    bar = ProgressBar({"[bold]easy": 9.0}, look="lines", console=Console(file=file, width=20))
    fit(make_model(), bar, epochs=1, verbose="auto", validation_data=(X, LABELS))
    first, second = file.getvalue().splitlines()
    assert first == "landmarks: [bold]easy 9.000"
    assert second.startswith("epoch 1/1  loss ")
    monkeypatch.setattr(sys, "stdout", out := io.TextIOWrapper(io.BytesIO()))
    bar.console = None
    bar._print("a line")
    assert out.buffer.getvalue() == b"a line\n"


def test_a_copy_of_a_bar_draws_on_the_same_screen_what_is_its_own():
    bar = ProgressBar({"easy": 9.0}, console=io.StringIO())
    copied = copy.deepcopy(bar)
    assert copied.console is bar.console
    assert copied.landmarks == bar.landmarks
    assert copied.landmarks is not bar.landmarks


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (7384, "2:03:04")],
)
def test_seconds_as_a_clock_has_them(seconds, text):
    assert progress_bar._clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0999, "0.0999"), (0.1, "0.100"), (-0.5, "-0.500"), (999.9, "999.900"), (1000, "1e+03"), (0, "0")],
)
def test_numbers_have_three_digits_behind_the_point_where_these_say_enough(value, text):
    assert bars.numbers_text({"loss": value, "name": "text"}) == f"loss {text}"


@pytest.mark.parametrize(("verbose", "is_drawn"), [(0, False), (1, True), (2, False), (True, True)])
def test_batches_that_are_watched(verbose, is_drawn, clock, screen, capsys):
    """Three batches of four samples, of a second each."""
    watch = bars.watched("evaluate", verbose, iter(["four"] * 3), 3, lambda: {"loss": 1.0})
    for _ in watch:
        clock.tick(0.06 if is_drawn else 1)
    drawn = [("evaluate", n, 3, "67 samples/s", "loss 1.000") for n in (2, 3)]
    assert screen.draws == ([*drawn, "stopped"] if is_drawn else [])
    line = f"evaluate  loss 1.000  {'67' if is_drawn else '4'} samples/s\n"
    assert capsys.readouterr().out == (line if verbose else "")


def test_on_a_clock_that_stands_still_there_is_no_speed(clock, capsys):
    [*bars.watched("evaluate", 2, iter([X]), 1)]
    assert capsys.readouterr().out == "evaluate  0 samples/s\n"


def test_a_line_of_evaluate_is_there_at_once(monkeypatch):
    monkeypatch.setattr(sys, "stdout", out := io.TextIOWrapper(io.BytesIO()))
    [*bars.watched("evaluate", 2, iter([X]), 1)]
    assert out.buffer.getvalue().startswith(b"evaluate  ")


def test_the_bar_of_a_terminal_is_as_long_as_what_is_done_and_goes_away():
    from rich.console import Console

    file = io.StringIO()
    threads = threading.active_count()
    bar = bars.TerminalBar(Console(file=file, force_terminal=True, width=80, color_system=None))
    assert threading.active_count() == threads  # none draws by itself
    lengths = []
    for done in (1, 2, 4):
        file.truncate(file.seek(0))
        bar.draw("epoch", done, 4, "7 samples/s", "loss 1.000")
        lengths.append(file.getvalue().count("━"))
        assert re.search(rf"epoch ━+.* {done}/4 7 samples/s.*\n.*loss 1\.000", file.getvalue())
    assert lengths[0] == pytest.approx(lengths[2] / 4, abs=1)
    assert lengths[1] == pytest.approx(lengths[2] / 2, abs=1)
    assert lengths[2] > 40
    bar.stop()
    assert file.getvalue().endswith("\x1b[2K")


@pytest.mark.parametrize(("width", "bar"), [(80, "━{8,}"), (48, "━+"), (42, "")])
def test_a_narrow_terminal_has_a_shorter_bar_and_no_more_lines(width, bar):
    from rich.console import Console

    file = io.StringIO()
    terminal = bars.TerminalBar(Console(file=file, force_terminal=True, width=width, color_system=None))
    file.truncate(file.seek(0))
    terminal.draw("epoch 10/30", 1, 4, "1,234 samples/s   0:12 left", "loss 1.000")
    drawn = file.getvalue()
    terminal.stop()
    row, numbers = drawn.splitlines()
    assert re.fullmatch(rf"epoch 10/30 {bar} *1/4 1,234 samples/s   0:12 le(ft|…)", row)
    assert numbers == "loss 1.000"


@pytest.mark.parametrize(("stdout", "can"), [(True, True), (False, False), (None, False)])
def test_a_terminal_is_drawn_on_and_a_file_is_not(stdout, can, monkeypatch):
    """Also if what stands for the standard output does not say what it is."""
    monkeypatch.setenv("TERM", "xterm")
    output = SimpleNamespace() if stdout is None else SimpleNamespace(isatty=lambda: stdout)
    monkeypatch.setattr(sys, "stdout", output)
    answer = bars._can_animate(None)
    assert answer is can


@pytest.mark.parametrize("patience", [-1, 1.5, True, "2"])
def test_patience_is_a_whole_number_of_at_least_0(patience):
    with pytest.raises(ValueError, match="patience: expected a whole number of at least 0, got"):
        EarlyStopping(patience=patience)


class TestBackupByTime:
    def saves(self, monkeypatch, tmp_path, save_seconds, batch_takes, saving_takes, batches):
        """The batches after which a backup was saved, on a clock of its own."""
        clock, saved = [0.0], []
        monkeypatch.setattr("nnlite.callbacks.backup_and_restore.time.monotonic", lambda: clock[0])

        def save(path, model, loop, recipe):
            saved.append(loop.batch)
            clock[0] += saving_takes

        class Clock(Callback):
            def on_train_batch_begin(self, batch, logs):
                clock[0] += batch_takes

        monkeypatch.setattr("nnlite.saving.training_state.save_training", save)
        model = Sequential([Dense(1)], seed=0)
        model.compile("sgd", "mean_squared_error")
        x = np.ones((batches, 2), "float32")
        backup = BackupAndRestore(tmp_path / "b", save_seconds=save_seconds)
        model.fit(x, x[:, :1], batch_size=1, callbacks=[Clock(), backup], verbose=0)
        return saved[:-1]  # the last is that of the epoch's end

    def test_within_an_epoch(self, monkeypatch, tmp_path):
        assert self.saves(monkeypatch, tmp_path, 3, 1.0, 0.0, 10) == [3, 6, 9]

    def test_pauses_grow_where_saving_is_slow(self, monkeypatch, tmp_path):
        assert self.saves(monkeypatch, tmp_path, 3, 1.0, 1.0, 45) == [3, 22, 41]

    def test_only_if_asked_for(self, monkeypatch, tmp_path):
        assert self.saves(monkeypatch, tmp_path, None, 1e9, 0.0, 3) == []

    def test_refuses_what_is_no_time(self, tmp_path):
        with pytest.raises(ValueError, match="save_seconds: expected"):
            BackupAndRestore(tmp_path / "b", save_seconds=-1)
