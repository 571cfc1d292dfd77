"""The training film: what a model makes of one line, again and again while it learns."""

import json
from typing import Any

import numpy as np

import nnlite
from nnlite.callbacks import Logs
from nnlite.saving import states
from nnlite.saving.regular_file import read_json
from nnlite.text import generate

from .folder import ExperimentError
from .writer import Writer

FILM = "film.json"
FRAMES = 20
POINTS = 200  # of the loss curve: each is a mean over the batches since the one before
LINE, TEMPERATURE = 60, 0.5

frame = states.row(states.count, states.text)
point = states.row(states.count, states.number)
RULES = {"frames": states.list_of(frame), "losses": states.list_of(point)}


class Film(nnlite.Callback):
    """Lets the model write a line about 20 times, always with the same random numbers, and keeps the loss in between.

    Most frames are early, when a batch changes most: their steps grow by a factor. They are in the checkpoint, so that
    a resumed training ends with the same film, and in film.json: {"frames": [[step, line], ...], "losses":
    [[step, loss], ...]}.

    Args:
        run: the run whose model writes.
        steps: how many batches the training has.
    """

    def __init__(self, run: Writer, steps: int) -> None:
        self.run = run
        self.at = {0, *np.geomspace(1, max(1, steps), FRAMES - 1).round().astype(int).tolist()}
        self.every = max(1, round(steps / POINTS))

    def on_train_begin(self, logs: Logs) -> None:
        self.frames: list[list[Any]] = []
        self.losses: list[list[Any]] = []
        self.total, self.batches = 0.0, 0

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        if not self.frames:
            self._shoot(0)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        step = self.model.optimizer.iterations
        self.total += self.loop.latest["loss"]
        self.batches += 1  # not always `every`, which is another number in a training that goes on for more epochs
        if step % self.every == 0:
            self.losses.append([step, round(self.total / self.batches, 4)])
            self.total, self.batches = 0.0, 0
        if step in self.at:
            self._shoot(step)

    def on_train_end(self, logs: Logs) -> None:
        self._write()

    def _shoot(self, step):
        run = self.run
        text = generate(self.model, run.vocabulary, run.seed_text, LINE, TEMPERATURE, rng=run.settings.seed)
        self.frames.append([step, text.lstrip("\n").partition("\n")[0]])
        self._write()

    def _write(self):
        film = {"frames": self.frames, "losses": self.losses}
        self.run.write(FILM, json.dumps(film).encode() + b"\n")

    def get_state(self) -> dict[str, Any]:
        return {"frames": self.frames, "losses": self.losses, "total": self.total, "batches": self.batches}

    def _state_rules(self) -> dict[str, states.Rule]:
        return {**RULES, "total": states.number, "batches": states.count}


def read_film(run: Writer) -> dict[str, Any] | None:
    """The film that a run has kept so far; None if it keeps none.

    Raises:
        ExperimentError: film.json is damaged.
    """
    path = run.folder / FILM
    if not getattr(run.settings, "film", False) or not path.exists():
        return None
    try:
        film = read_json(path)
        states.fields("film", film, RULES)
        if not film["frames"]:
            raise ValueError("it has no frame")
    except (OSError, ValueError) as error:
        raise ExperimentError(f"cannot read the film in {path}: {error}") from error
    return film
