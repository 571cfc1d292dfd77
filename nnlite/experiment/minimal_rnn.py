"""The minimal recipe: a well-known character-level RNN, built from nnlite's layers.

Source: A. Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015 (min-char-rnn). `plain_rnn.py`,
in this folder, is the same in plain NumPy; `nnlite reproduce minimal-rnn` runs both and compares them.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import nnlite
from nnlite.callbacks import Logs
from nnlite.saving import states
from nnlite.saving.regular_file import read_json_lines
from nnlite.text import generate, windows

from .corpus import COPY, Corpus
from .folder import Backup, ExperimentError, Pair
from .writer import Writer

Sample = tuple[int, float, str]  # iteration, smoothed loss, text

OPTIMIZERS: dict[str, Callable[[float], nnlite.Optimizer]] = {
    "adagrad": lambda rate: nnlite.Adagrad(rate, initial_accumulator_value=0.0, epsilon=1e-8, clipvalue=5.0),
    "sgd": lambda rate: nnlite.SGD(rate, clipvalue=5.0),
}
SAMPLE_EVERY, SAMPLE_LENGTH = 1000, 200
LOG_EVERY = 100

# A loss of so many times that of guessing counts as divergence. The published program takes the logarithm of a
# probability: its loss becomes infinite when one underflows. Ours is computed from logits and stays finite.
BLOWN_UP = 2.0


@dataclass(frozen=True)
class Settings:
    """Model and training settings. The defaults are those of the published recipe.

    Args:
        units: hidden size of the RNN.
        length: characters in a window; the weights are updated after each.
        optimizer: one of `OPTIMIZERS`. Both clip each element of a gradient to ±5.
        learning_rate: constant.
        iterations: number of windows to read, one at a time.
        seed: seeds first weights and samples.

    Raises:
        ValueError: no such optimizer. The other settings are checked where they are used.
    """

    units: int = 100
    length: int = 40
    optimizer: str = "adagrad"
    learning_rate: float = 0.1
    iterations: int = 30_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")


class MinimalRNN(Writer):
    """Training by the minimal recipe, in a run folder.

    The text is read from beginning to end, over and over, window by window. Nothing is held out: a window is new to the
    model only in the first pass.

    Args:
        folder, settings: as in `Experiment`.
        corpus: the text to learn from; by default the sonnets; `Corpus.from_file(path)` for a text of your own.

    Attributes:
        samples: (iteration, smoothed loss, text) of each sample that the model wrote during `fit`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.experiment import MinimalRNN
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     experiment = MinimalRNN(Path(folder, "tiny"), MinimalRNN.Settings(units=8, iterations=20))
        ...     experiment.create()
        ...     history = experiment.fit(verbose=0)
        >>> [round(loss, 1) for loss in history.history["smoothed_loss"]]
        [3.6]
    """

    kind, goal = "minimal-rnn", "iterations"
    has_constant_rate = True
    Settings = Settings
    FILES: ClassVar = {
        "model.safetensors": "the model after its last iteration",
        "checkpoint.safetensors": "the training state, to resume from",
        "config.json": "settings and vocabulary",
        COPY: "the training text",
        "log.jsonl": f"losses, a line per {LOG_EVERY} iterations",
        "loss.png": "the smoothed loss",
        "samples.txt": "the samples above",
    }

    def __init__(self, folder: str | os.PathLike, settings: Any = None, corpus: Corpus | None = None) -> None:
        super().__init__(folder, settings, corpus)
        self.samples: list[Sample] = []

    def _done(self, progress):
        return progress.steps

    @property
    def is_finished(self) -> bool:
        progress = self.progress
        return progress is not None and progress.steps >= self.settings.iterations

    # The recipe.

    def model(self, dtype: str = "float32") -> nnlite.Sequential:
        """A new model: an RNN that reads character ids, and a Dense layer that scores the next character."""
        s, V = self.settings, len(self.vocabulary)
        model = nnlite.Sequential(
            [nnlite.RNN(s.units, return_sequences=True, stateful=True, input_dim=V), nnlite.Dense(V)],
            input_shape=(s.length,),
            dtype=dtype,
            seed=s.seed,
            name=self.corpus.name,
        )
        for param in model.params.values():  # biases are zero already
            if param.ndim == 2:
                param[...] = 0.01 * model.rng.standard_normal(param.shape)
        loss = nnlite.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")  # over the window
        model.compile(OPTIMIZERS[s.optimizer](s.learning_rate), loss)
        model.vocabulary = self.vocabulary
        return model

    def data(self) -> Pair:
        """The windows of one pass through the text, (x, y): ids, and at each step the next id.

        As published, a window that would need the text's last character is left out.
        """
        self.corpus.require_two_characters()
        ids, T = self.vocabulary.encode(self.corpus.text), self.settings.length
        return windows(ids[:-1], T, T)

    def fit(
        self,
        callbacks: Sequence[nnlite.Callback] = (),
        verbose: int | str = "auto",
        show: Callable[[Sample], object] | None = None,
        console: Any = None,
    ) -> nnlite.History:
        """Train, or resume a stopped training. Return the `History`.

        Args:
            show: called with each new one of `samples`.
            console: of the progress bar, see `ProgressBar`; give the one on which `show` prints.

        Raises:
            NonFiniteLossError: the training diverges, because the steps are too large.
        """
        with self._training() as (model, (x, y)):
            return model.fit(
                x,
                y,
                batch_size=1,
                epochs=math.ceil(self.settings.iterations / len(x)),
                shuffle=False,  # the state is carried from window to window, and reset before each pass
                callbacks=[
                    Recipe(self, show),
                    nnlite.JSONLogger(self.folder / "log.jsonl", every=LOG_EVERY),
                    nnlite.ModelCheckpoint(self.pattern("model.safetensors")),
                    LastIteration(self),
                    *callbacks,
                    # The loss itself is a sum over a window: the bar shows only the one that samples and summary name.
                    nnlite.ProgressBar(
                        self.landmarks, unit="characters", console=console, monitor="smoothed_loss", hidden=("loss",)
                    ),
                ],
                verbose=verbose,
            )

    # The results.

    def curve(self) -> tuple[list[int], list[float]]:
        """(iterations, smoothed losses) of the log, starting with the loss of guessing. It can be read at any time."""
        points = {0: self.landmarks.uniform}
        path = self.folder / "log.jsonl"
        try:
            for record in read_json_lines(path) if path.is_file() else ():
                states.count("step", record.get("step"))
                states.number("smoothed_loss", record.get("smoothed_loss"))
                points[record["step"]] = record["smoothed_loss"]
        except ValueError as error:
            raise ExperimentError(f"cannot read the log in {path}: {error}") from error
        return list(points), list(points.values())

    def draw(self, history: dict[str, list[float]]) -> None:
        """Draw the smoothed loss into loss.png."""
        from nnlite import plot  # imports matplotlib, which is slow to load

        picture = plot.png(plot.learning_curves, {"": self.curve()}, landmarks=self.landmarks, ring=True)
        self.write("loss.png", picture)


class Recipe(nnlite.Callback):
    """Smooths the loss, writes samples, and stops after the given number of iterations.

    The smoothed loss is per character. It starts from that of guessing, ln V, and moves a thousandth of the way to the
    loss of each window. It is logged as "smoothed_loss".
    """

    order = -2  # before the log and the progress bar, which show the smoothed loss
    adds: Mapping[str, type] = {"smoothed_loss": float}

    def __init__(self, experiment: MinimalRNN, show: Callable[[Sample], object] | None = None) -> None:
        self.experiment, self.show = experiment, show or (lambda sample: None)
        self.smoothed = experiment.landmarks.uniform

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        iterations = self.model.optimizer.iterations
        if iterations == 0:
            self._write_sample(0)
        self.model.stop_training = iterations >= self.experiment.settings.iterations  # of a run that was extended

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        # Right after a line of the log was written, so that its last line shows the divergence.
        if self.model.optimizer.iterations % LOG_EVERY == 0:
            self._check()

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        s = self.experiment.settings
        loss = self.loop.latest["loss"] / s.length
        self.smoothed = logs["smoothed_loss"] = 0.999 * self.smoothed + 0.001 * loss
        iteration = self.model.optimizer.iterations
        if iteration % SAMPLE_EVERY == 0 or iteration == s.iterations:
            self._write_sample(batch + 1)
        self.model.stop_training = iteration >= s.iterations

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        logs["smoothed_loss"] = self.smoothed

    def _write_sample(self, window):
        """Let the model continue the text from the start of the next window."""
        s, iteration, samples = self.experiment.settings, self.model.optimizer.iterations, self.experiment.samples
        # Reading the previous window first restores the current state.
        start = self.experiment.corpus.text[max(0, window - 1) * s.length : window * s.length + 1]
        rng = np.random.default_rng([s.seed, iteration])  # the same after a resume
        text = generate(self.model, self.experiment.vocabulary, start, SAMPLE_LENGTH, rng=rng)
        samples.append((iteration, self.smoothed, text))
        texts = [f"---- {heading(sample)}\n{sample[-1]}\n" for sample in samples]
        self.experiment.write("samples.txt", "\n".join(texts).encode())
        self.show(samples[-1])

    def _check(self):
        optimizer, guessing = self.model.optimizer, self.experiment.landmarks.uniform
        if self.smoothed <= BLOWN_UP * guessing:
            return
        advice = "" if isinstance(optimizer, nnlite.Adagrad) else ", or Adagrad, whose steps become smaller"
        raise nnlite.NonFiniteLossError(
            f"the model has blown up: its smoothed loss is {self.smoothed:,.1f} nats per character, that of "
            f"guessing {guessing:.3f}. It gives the next character a probability of almost 0",
            f"The steps are too large: try a smaller learning rate (now {optimizer.learning_rate:g}){advice}",
        ).at(self.loop.epoch + 1, self.loop.batch)

    def get_state(self) -> dict[str, Any]:
        return {"smoothed": self.smoothed, "samples": [list(sample) for sample in self.experiment.samples]}

    def _state_rules(self) -> dict[str, states.Rule]:
        sample = states.row(states.count, states.number, states.text)
        return {"smoothed": states.number, "samples": states.list_of(sample)}

    def set_state(self, state: dict[str, Any]) -> None:
        self.smoothed = state["smoothed"]
        last = self.experiment.settings.iterations  # a shorter run wrote a sample at its end
        self.experiment.samples = [tuple(s) for s in state["samples"] if s[0] % SAMPLE_EVERY == 0 or s[0] == last]


class LastIteration(Backup):
    """Keeps the state after the last iteration: `fit` rounds its epoch off, and more iterations could not go on."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        if self.model.stop_training:
            super().on_epoch_end(batch, logs)
        else:
            super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if not self.model.stop_training:
            super().on_epoch_end(epoch, logs)


def heading(sample: Sample) -> str:
    """A sample's iteration and loss, in words."""
    iteration, smoothed, _ = sample
    return f"iteration {iteration:,}: {smoothed:.3f} nats per character"
