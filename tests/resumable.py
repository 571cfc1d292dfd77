"""A training that can be killed: `python resumable.py FOLDER KIND [KILL]`; tests/test_resume.py runs it.

It writes the log, the best model, the final model and the history into the folder. KILL says where the process ends
itself with SIGKILL, as "replace 3" for just before the third file takes its name; without it, "started" is printed
when the training begins, for a killer from outside. With "slow 0" saving takes longer.
"""

import json
import os
import signal
import stat
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from nnlite.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    JSONLogger,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from nnlite.experiment.sonnets import FreshStarts
from nnlite.layers import LSTM, BatchNorm, Dense, Dropout, Tanh
from nnlite.losses import SparseCategoricalCrossentropy
from nnlite.models.sequential import Sequential
from nnlite.optimizers import Adam
from nnlite.saving import atomic_file
from nnlite.schedules import CosineDecay, WarmUp
from nnlite.text import columns

EPOCHS, BATCHES = 9, 7
STATEFUL = {"stateful": True, "carried": "training"}  # kinds that read a text


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Kill(Callback):
    """Ends the process inside the given call of something, counted from 1."""

    def __init__(self, place, number):
        self.place, self.left = place, int(number)

    def on_train_begin(self, logs):
        print("started", flush=True)
        forward = self.model.layers[-1].forward

        def fsync_half(descriptor):
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)  # and not the folder
            if self.place == "slow":  # as a disk, for a killer who is to meet it at work
                time.sleep(0.01)
            if is_file and self.is_now("half"):  # as if the process had died while it was writing
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
                die()
            os.fsync(descriptor)

        def replace_around(old, new):
            if self.is_now("replace"):
                die()
            os.replace(old, new)
            if self.is_now("replaced"):  # the new name is there, and the folder is not on the disk
                die()

        def forward_until(x, training=False):
            if self.is_now("forward"):
                die()
            return forward(x, training)

        self.model.layers[-1].forward = forward_until
        atomic_file.os = SimpleNamespace(**{**vars(os), "fsync": fsync_half, "replace": replace_around})

    def on_epoch_end(self, epoch, logs):
        if self.is_now("epoch"):
            die()

    def on_train_end(self, logs):
        if self.is_now("end"):
            die()

    def is_now(self, place):
        self.left -= place == self.place
        return place == self.place and self.left == 0


def data(kind):
    """x, y, and labels for validation, of which some are wrong: so the training stops early."""
    rng = np.random.default_rng(5)
    if kind == "stateful":
        text = rng.integers(6, size=(8 * BATCHES, 10)).cumsum(axis=1) % 6
        x, y = text[:, :-1], text[:, 1:]
    elif kind == "carried":
        x, y = columns(rng.integers(6, size=8 * BATCHES * 9 + 1).cumsum() % 6, length=9, batch_size=8)
    else:
        x = rng.normal(size=(8 * BATCHES - 3, 5)).astype("float32")
        y = x[:, :3].argmax(axis=1)
    return x, y, np.where(rng.random(y.shape) < 0.4, rng.permutation(y), y)


def make_model(kind):
    if kind in STATEFUL:
        layers = [LSTM(7, return_sequences=True, stateful=STATEFUL[kind], input_dim=6), Dropout(0.3), Dense(6)]
    else:
        layers = [Dense(9), BatchNorm(momentum=0.8), Tanh(), Dropout(0.3), Dense(3)]
    model = Sequential(layers, seed=11)
    model.compile(
        Adam(0.05, global_clipnorm=1.0), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return model


def main(folder, kind, kill="never 0"):
    folder = Path(folder)
    x, y, y_validation = data(kind)
    model = make_model(kind)
    by_epoch = kind == "carried"  # the others have a learning rate by the step
    model.optimizer.learning_rate = 0.05 if by_epoch else WarmUp(CosineDecay(0.05, EPOCHS * BATCHES), 5)
    callbacks = [
        BackupAndRestore(folder / "backup.safetensors", save_freq=3, delete_checkpoint=False),
        *([LearningRateScheduler(lambda epoch, lr: lr * 0.9), ReduceLROnPlateau(patience=1)] if by_epoch else []),
        CSVLogger(folder / "log.csv"),
        EarlyStopping(min_delta=0.05, patience=2, restore_best_weights=True),
        ModelCheckpoint(folder / "best.safetensors", save_best_only=True),
        JSONLogger(folder / "log.jsonl", every=2),
        *([FreshStarts(3)] if kind == "carried" else []),
        Kill(*kill.split()),
    ]
    validation = x[:16], y_validation[:16]
    history = model.fit(x, y, 8, EPOCHS, validation, callbacks, shuffle=kind not in STATEFUL, verbose=0)
    model.save(folder / "final.safetensors")
    (folder / "history.json").write_text(json.dumps([history.history, history.epoch]))


if __name__ == "__main__":
    main(*sys.argv[1:])
