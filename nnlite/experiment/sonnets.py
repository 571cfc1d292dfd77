"""Character-level LSTM: learns to write like the sonnets, or like a text of your own."""

import copy
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, cast

import numpy as np

import nnlite
from nnlite.callbacks import Logs
from nnlite.schedules import Schedule
from nnlite.text import columns, generate, windows

from .corpus import COPY
from .film import FILM, Film
from .folder import Pair
from .writer import Writer

OPTIMIZERS: dict[str, type[nnlite.Optimizer]] = {
    "adam": nnlite.Adam,
    "adamw": nnlite.AdamW,
    "rmsprop": nnlite.RMSprop,
    "adagrad": nnlite.Adagrad,
    "sgd": nnlite.SGD,
}

# Schedules, given the learning rate and the total number of steps.
SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {
    "cosine": nnlite.CosineDecay,
    "warm-up": lambda rate, steps: nnlite.WarmUp(
        nnlite.CosineDecay(rate, max(1, steps - steps // 20)), max(1, steps // 20)
    ),
    "step": lambda rate, steps: nnlite.StepDecay(rate, math.ceil(steps / 5)),
    "constant": lambda rate, steps: nnlite.Constant(rate),
}

PIECE = 1000  # characters of the held-out text that are read together: they take 10 MB
MOST_LAYERS = 100  # so many are made at once, whatever a stranger's config.json says


@dataclass(frozen=True)
class Settings:
    """Model and training settings. The defaults learn the sonnets in half a minute.

    Args:
        units: units of each LSTM.
        layers: number of stacked LSTMs, at most 100.
        dropout: fraction of each LSTM's outputs set to 0 in training, from 0 to below 1.
        dtype: "float32" or "float64".
        length: characters in a window.
        step: characters from the start of one window to the start of the next.
        carry: number of consecutive windows after which an LSTM's state is reset to zeros. Gradients never flow across
            windows. 1 starts every window from zeros.
        epochs, batch_size: passes over all windows, and windows in a batch.
        optimizer: one of `OPTIMIZERS`.
        learning_rate, schedule: the largest learning rate, and one of `SCHEDULES`: "cosine" decays to zero along half
            a cosine wave; "warm-up" rises during the first twentieth of the training, then decays likewise; "step"
            halves the rate four times; "constant" keeps it.
        clipnorm: largest global norm of the gradients; 0 for no limit.
        seed: seeds first weights, order of the windows, dropout and poems.
        temperatures: a poem is written at each after the training.
        film: keep what the model makes of one line while it learns, see `Film`.

    Raises:
        ValueError: optimizer, schedule, dropout, carry or a temperature is not valid. The others are checked where
            they are used.
    """

    units: int = 200
    layers: int = 1
    dropout: float = 0.5
    dtype: str = "float32"
    length: int = 40
    step: int = 20
    carry: int = 16
    epochs: int = 8
    batch_size: int = 16
    optimizer: str = "adam"
    learning_rate: float = 0.01
    schedule: str = "cosine"
    clipnorm: float = 5.0
    seed: int = 0
    temperatures: tuple[float, ...] = (0.25, 0.75, 1.5)
    film: bool = False

    def __post_init__(self) -> None:
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {getattr(self, name)!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a number from 0 to below 1, got {self.dropout!r}")
        if self.layers > MOST_LAYERS:
            raise ValueError(f"layers: expected at most {MOST_LAYERS}, got {self.layers}")
        if self.carry < 1:
            raise ValueError(f"carry: expected a number of windows, at least 1, got {self.carry!r}")
        for temperature in self.temperatures:  # used only after the training: too late for an error
            if not 0 <= temperature < math.inf:
                raise ValueError(f"temperatures: expected numbers of at least 0, got {temperature!r}")


class Outcome(NamedTuple):
    """The result of a training. It is read from the run folder once, and describes this training for good.

    Attributes:
        history: lists with a number for each epoch, as in `History.history`.
        model: the model after its best epoch.
        loss_in_one_go: its loss on the held-out text, read from beginning to end with the state carried all the way.
            So it is the loss of a model that remembers everything read so far; `val_loss` resets the state in every
            window.
    """

    history: dict[str, list[float]]
    model: nnlite.Sequential
    loss_in_one_go: float

    @property
    def best_loss(self) -> float:
        """The lowest validation loss."""
        return min(self.history["val_loss"])

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest validation loss, counted from 1."""
        return self.history["val_loss"].index(self.best_loss) + 1


class Sonnets(Writer):
    """Training on the sonnets, or on another text, in a run folder.

    Args:
        folder, settings: as in `Experiment`.
        corpus: the text to learn from; by default the sonnets; `Corpus.from_file(path)` for a text of your own.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.experiment import Sonnets
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     experiment = Sonnets(Path(folder, "tiny"), Sonnets.Settings(units=8, step=400, epochs=2))
        ...     experiment.create()
        ...     history = experiment.fit(verbose=0)
        ...     sorted(path.name for path in experiment.folder.iterdir())
        ['checkpoint.safetensors', 'config.json', 'log.jsonl', 'model.safetensors']
    """

    kind = "sonnets"
    Settings = Settings
    EARLIER: ClassVar = {"carry": 1, "film": False}
    FILES: ClassVar = {
        "model.safetensors": "the model after its best epoch",
        "checkpoint.safetensors": "the training state, to resume from",
        "config.json": "settings and vocabulary",
        COPY: "the training text",
        "log.jsonl": "losses and metrics, a line per epoch",
        "loss.png": "the loss curves",
        "poems.txt": "the poems above",
        "report.html": "a report with pictures and statistics",
        FILM: "one line, written again and again while it learned",
    }

    # The model, and how it learns.

    def model(self) -> nnlite.Sequential:
        """A new model: LSTMs that read character ids, and a Dense layer that scores the next character."""
        s, V = self.settings, len(self.vocabulary)
        stateful: Literal["training", False] = "training" if s.carry > 1 else False
        layers: list[nnlite.Layer] = []
        for number in range(s.layers):
            F = None if number else V  # the first reads ids: shorthand for one-hot vectors of size V
            layers.append(nnlite.LSTM(s.units, return_sequences=True, stateful=stateful, input_dim=F))
            if s.dropout:
                layers.append(nnlite.Dropout(s.dropout))
        layers.append(nnlite.Dense(V))
        model = nnlite.Sequential(layers, input_shape=(s.length,), dtype=s.dtype, seed=s.seed, name=self.corpus.name)
        optimizer = OPTIMIZERS[s.optimizer](s.learning_rate, global_clipnorm=s.clipnorm or None)
        model.compile(optimizer, nnlite.SparseCategoricalCrossentropy(from_logits=True))
        model.vocabulary = self.vocabulary
        return model

    @functools.cached_property
    def held_out_ids(self) -> np.ndarray:
        """The ids (L,) of the held-out part, encoded once. Those of the other part are needed once only."""
        return self.vocabulary.encode(self.corpus.text[self.cut :])

    def data(self) -> tuple[Pair, Pair]:
        """Windows to train on and windows for validation, each a pair of ids (x, y): y holds the next characters.

        Every validation window starts from a state of zeros, whatever `carry` is, so that validation losses of all
        runs can be compared.
        """
        s = self.settings
        # First: it is shorter, and so the first to be too short.
        validation = windows(self.held_out_ids, s.length, s.length)
        training = self.vocabulary.encode(self.corpus.text)[: self.cut]
        if s.carry == 1:
            return windows(training, s.length, s.step), validation
        return columns(training, s.length, s.batch_size, s.step, copy=False), validation

    def fit(self, callbacks: Sequence[nnlite.Callback] = (), verbose: int | str = "auto") -> nnlite.History:
        """Train, or resume a stopped training. Return the `History`."""
        with self._training() as (model, ((x, y), validation)):
            return self._fit(model, x, y, validation, callbacks, verbose)

    def _fit(self, model, x, y, validation, callbacks, verbose):
        s = self.settings
        steps = s.epochs * math.ceil(len(x) / s.batch_size)
        model.optimizer.learning_rate = SCHEDULES[s.schedule](s.learning_rate, steps)
        callbacks = [
            FreshStarts(s.carry),
            nnlite.JSONLogger(self.folder / "log.jsonl"),
            nnlite.ModelCheckpoint(self.pattern("model.safetensors"), save_best_only=True),
            self.backup(),
            *([Film(self, steps)] if s.film else []),
            *callbacks,
            nnlite.ProgressBar(self.landmarks, unit="characters"),
        ]
        return model.fit(x, y, s.batch_size, s.epochs, validation, callbacks, shuffle=s.carry == 1, verbose=verbose)

    # The results.

    def outcome(self, history: dict[str, list[float]]) -> Outcome:
        """Load the best model, and let it read the held-out text: piece by piece, each from the state of the last."""
        model, held_out = self.trained_model(), self.held_out_ids
        reader = copy.deepcopy(model)
        for layer in reader.all_layers.values():
            if isinstance(layer, nnlite.LSTM):
                layer.stateful = True
        starts = np.arange(0, len(held_out) - 1, PIECE)
        padded = np.zeros(len(starts) * PIECE + 1, held_out.dtype)
        padded[: len(held_out)] = held_out
        lengths = np.minimum(PIECE, len(held_out) - 1 - starts)
        loss = reader.evaluate(*windows(padded, PIECE, PIECE), batch_size=1, lengths=lengths)
        return Outcome(history, model, cast(float, loss))  # a single number, as the model has no metrics

    def write_poems(self, model: nnlite.Sequential, length: int = 600) -> list[tuple[float, str]]:
        """Let the model write one poem for each temperature, also into poems.txt. Return (temperature, poem)s."""
        s, start = self.settings, self.seed_text
        poems = [
            (t, start + generate(model, self.vocabulary, start, length, temperature=t, rng=s.seed))
            for t in s.temperatures
        ]
        text = "\n\n".join(f"temperature {temperature:g}\n\n{poem}" for temperature, poem in poems)
        self.write("poems.txt", text.encode() + b"\n")
        return poems

    def draw(self, history: dict[str, list[float]]) -> None:
        """Draw the loss curves into loss.png."""
        from nnlite import plot  # imports matplotlib, which is slow to load

        self.write("loss.png", plot.png(plot.loss_curves, history, landmarks=self.landmarks))

    def write_report(self, outcome: Outcome) -> None:
        """Write report.html; see `sonnets_report`. For it the model writes more text than there is in poems.txt."""
        from nnlite.report import html

        from .sonnets_report import sonnets_report

        self.write("report.html", html(sonnets_report(self, outcome)).encode(errors="replace"))


class FreshStarts(nnlite.Callback):
    """Resets the state of each row of a batch to zeros after a number of windows; the rows take turns.

    If states were reset only at the start of an epoch, the model would not learn to start from zeros, as it does before
    a seed text and in every validation window.
    """

    def __init__(self, windows: int) -> None:
        self.windows = windows

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        for layer in self.model.stateful_layers:
            if layer.state:  # an epoch starts from zeros anyway
                layer.state = tuple(map(np.copy, layer.state))
                for array in layer.state:
                    array[batch % self.windows :: self.windows] = 0
