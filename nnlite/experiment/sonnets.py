"""The sonnets, or a text of your own: a model that learns to write like it, character by character.

config.json              the settings, and the characters that the model knows
text.txt                 what it learns from, where that is a text of your own
model.safetensors        the model after its best epoch
checkpoint.safetensors   all that the training needs to go on after it was stopped
log.jsonl                a line of numbers for each epoch
loss.png                 the same as a picture
poems.txt                what the model writes
report.html              all of it to look at, with pictures and statistics, in any browser
"""

import math
from dataclasses import dataclass

import numpy as np

from nnlite import (
    LSTM,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    BackupAndRestore,
    Callback,
    Constant,
    CosineDecay,
    Dense,
    Dropout,
    JSONLogger,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgressBar,
    RMSprop,
    Sequential,
    SparseCategoricalCrossentropy,
    StepDecay,
    WarmUp,
)
from nnlite.text import columns, generate, windows

from .corpus import COPY
from .writer import Writer

OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "adagrad": Adagrad, "sgd": SGD}

# From the learning rate and how many steps there will be.
SCHEDULES = {
    "cosine": CosineDecay,
    "warm-up": lambda rate, steps: WarmUp(CosineDecay(rate, max(1, steps - steps // 20)), max(1, steps // 20)),
    "step": lambda rate, steps: StepDecay(rate, math.ceil(steps / 5)),
    "constant": lambda rate, steps: Constant(rate),
}


PIECE = 10_000  # characters that are read in one go: they take 100 MB


@dataclass(frozen=True)
class Settings:
    """What the model is and how it learns. The defaults learn the sonnets in half a minute.

    Args:
        units: of each LSTM.
        layers: how many LSTMs stand above one another.
        dropout: the part of each LSTM's outputs that is dropped while training, 0 to 1.
        dtype: "float32" or "float64".
        length, step: a window of so many characters starts at every step-th character of the training text.
        carry: through so many windows, each from where the one before it ended, an LSTM's state is carried on before it
            starts from zeros again; its gradient never goes further back than a window. 1 starts every window from
            zeros.
        epochs, batch_size: how often all windows are read, and how many at a time.
        optimizer: one of `OPTIMIZERS`.
        learning_rate, schedule: the largest learning rate, and how it changes, one of `SCHEDULES`: "cosine" falls to
            zero along half a wave, "warm-up" rises for a twentieth of the training first, "step" is halved four
            times, "constant" stays.
        clipnorm: the longest gradient; 0 for any length.
        seed: of all randomness: first weights, order of the windows, dropout, poems.
        temperatures: at which poems are written in the end.

    Raises:
        ValueError: no such optimizer, schedule, dropout, carry or temperature. Others are checked where they are used.
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

    def __post_init__(self):
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {getattr(self, name)!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a number from 0 to below 1, got {self.dropout!r}")
        if self.carry < 1:
            raise ValueError(f"carry: expected a number of windows, at least 1, got {self.carry!r}")
        for temperature in self.temperatures:  # they are used when all is done: too late for an error
            if not 0 <= temperature < math.inf:
                raise ValueError(f"temperatures: expected numbers of at least 0, got {temperature!r}")


class Sonnets(Writer):
    """A training on the sonnets, or on another text, in a folder of its own.

    Args:
        folder: where everything is kept; made by `create`.
        settings: by default those of the class.
        corpus: what to learn from; by default the sonnets, `Corpus.from_file(path)` for a text of your own.

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
    EARLIER = {"carry": 1}  # noqa: RUF012
    FILES = {  # noqa: RUF012
        "model.safetensors": "the model after its best epoch",
        "checkpoint.safetensors": "all that the training needs to go on",
        "config.json": "settings and vocabulary",
        COPY: "the text that it learned from",
        "log.jsonl": "a line of numbers for each epoch",
        "loss.png": "the loss curves",
        "poems.txt": "the poems above",
        "report.html": "all of it, to look at",
    }

    # The model, and how it learns.

    def model(self):
        """The model before its training: LSTMs that read characters, and a Dense layer that scores the next one.

        Raises:
            ValueError, TypeError: one of the settings makes no model, or no optimizer.
        """
        s, V = self.settings, len(self.vocabulary)
        layers = []
        for number in range(s.layers):
            # A character's id is a one-hot vector of V numbers, written short.
            stateful = "training" if s.carry > 1 else False
            layers.append(LSTM(s.units, return_sequences=True, stateful=stateful, input_dim=None if number else V))
            if s.dropout:
                layers.append(Dropout(s.dropout))
        layers.append(Dense(V))
        model = Sequential(layers, input_shape=(s.length,), dtype=s.dtype, seed=s.seed, name=self.corpus.name)
        optimizer = OPTIMIZERS[s.optimizer](s.learning_rate, global_clipnorm=s.clipnorm or None)
        model.compile(optimizer, SparseCategoricalCrossentropy(from_logits=True))
        return model

    def data(self):
        """Windows to learn from and windows to judge by, each a pair of ids (x, y): y is the next character.

        Every window to judge by is read from a state of zeros, whether or not states were carried while learning: so
        all validation losses can be compared.
        """
        s = self.settings
        training, validation = (self.vocabulary.encode(text) for text in self.corpus.split(s.length))
        validation = windows(validation, s.length, s.length)  # first, as it is the shorter text: too short, perhaps
        if s.carry == 1:
            return windows(training, s.length, s.step), validation
        return columns(training, s.length, s.batch_size, s.step), validation

    def fit(self, callbacks=(), verbose="auto"):
        self.check_folder()
        s, model, ((x, y), validation) = self.settings, self.model(), self.data()
        steps = s.epochs * math.ceil(len(x) / s.batch_size)
        return model.fit(
            x,
            y,
            batch_size=s.batch_size,
            epochs=s.epochs,
            validation_data=validation,
            shuffle=s.carry == 1,
            callbacks=[
                FreshStarts(s.carry),
                LearningRateScheduler(SCHEDULES[s.schedule](s.learning_rate, steps)),
                JSONLogger(self.folder / "log.jsonl"),
                ModelCheckpoint(self.pattern("model.safetensors"), save_best_only=True),
                BackupAndRestore(self.folder / "checkpoint.safetensors", delete_checkpoint=False),
                *callbacks,
                ProgressBar(self.landmarks, unit="characters"),
            ],
            verbose=verbose,
        )

    # What came of it.

    def loss_in_one_go(self):
        """The best model's loss on what is held out, read from beginning to end: the state is carried all the way.

        It says what the model makes of all that it has read; `val_loss`, what of its window alone. A long text is read
        in pieces of `PIECE` characters.
        """
        _, text = self.corpus.split(self.settings.length)
        length = min(len(text) - 1, PIECE)
        return self.saved_model().evaluate(*windows(self.vocabulary.encode(text), length, length), batch_size=1)

    def write_poems(self, length=600):
        """Let the best model write one poem for each temperature, also into poems.txt. Return (temperature, poem)s."""
        model, s, start = self.saved_model(), self.settings, self.seed_text
        poems = [
            (t, start + generate(model, self.vocabulary, start, length, temperature=t, rng=s.seed))
            for t in s.temperatures
        ]
        text = "\n\n".join(f"temperature {temperature:g}\n\n{poem}" for temperature, poem in poems)
        self.write("poems.txt", text.encode() + b"\n")
        return poems

    def draw(self, history):
        """Draw the loss curves into loss.png."""
        from nnlite import plot  # and with it matplotlib, which takes longer to load than all the rest

        self.write("loss.png", plot.png(plot.loss_curves, history, landmarks=self.landmarks))

    def write_report(self, history):
        """Write report.html; see `sonnets_report`. The model writes more for it than what is in poems.txt."""
        from nnlite.report import html

        from .sonnets_report import sonnets_report

        self.write("report.html", html(sonnets_report(self, history)).encode())


class FreshStarts(Callback):
    """Lets each row of a batch start from zeros after so many windows; the rows take turns.

    A model that met an empty state at the beginnings of epochs alone would not know what to make of one, such as before
    a seed text, or in the windows that it is judged by.
    """

    def __init__(self, windows):
        self.windows = windows

    def on_train_batch_begin(self, batch, logs):
        for layer in self.model.stateful_layers:
            if layer.state:  # an epoch starts from zeros anyway
                layer.state = tuple(map(np.copy, layer.state))
                for array in layer.state:
                    array[batch % self.windows :: self.windows] = 0
