"""The minimal recipe: the character-level RNN that many people have met first, with the layers and names of nnlite.

config.json              the settings, and the characters that the model knows
text.txt                 what it learns from, where that is a text of your own
model.safetensors        the model after its last iteration
checkpoint.safetensors   all that the training needs to go on after it was stopped
log.jsonl                a line of numbers every 100 iterations
loss.png                 the smoothed loss as a picture
samples.txt              what the model writes while it learns

Source: A. Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015 (min-char-rnn). `plain_rnn.py`,
in this folder, is the same in plain NumPy, and `nnlite reproduce minimal-rnn` runs the two side by side.
"""

import json
import math
from dataclasses import dataclass

from nnlite import (
    RNN,
    SGD,
    Adagrad,
    BackupAndRestore,
    Callback,
    Dense,
    JSONLogger,
    ModelCheckpoint,
    NonFiniteLossError,
    ProgressBar,
    Sequential,
    SparseCategoricalCrossentropy,
)
from nnlite.saving import states
from nnlite.text import generate, windows

from .corpus import COPY
from .writer import Writer

OPTIMIZERS = {
    "adagrad": lambda rate: Adagrad(rate, initial_accumulator_value=0.0, epsilon=1e-8, clipvalue=5.0),
    "sgd": lambda rate: SGD(rate, clipvalue=5.0),
}
SAMPLE_EVERY, SAMPLE_LENGTH = 1000, 200
LOG_EVERY = 100

# A model that loses so many times what guessing costs has blown up. The published program takes the logarithm of a
# probability: its loss is infinite as soon as one of them is too small for a float. Ours, of logits, stays a number.
BLOWN_UP = 2.0


@dataclass(frozen=True)
class Settings:
    """What the model is and how it learns. The defaults are the recipe as it was published.

    Args:
        units: of the RNN: its hidden size.
        length: of a window: after so many characters the weights are changed.
        optimizer: one of `OPTIMIZERS`. Either cuts each number of a gradient to ±5.
        learning_rate: for all iterations.
        iterations: how many windows are read, one at a time.
        seed: of the first weights and of the samples.

    Raises:
        ValueError: no such optimizer. Other settings are checked where they are used.
    """

    units: int = 100
    length: int = 40
    optimizer: str = "adagrad"
    learning_rate: float = 0.1
    iterations: int = 30_000
    seed: int = 0

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")


class MinimalRNN(Writer):
    """A training by the minimal recipe, in a folder of its own.

    The text is read from its beginning to its end, over and over, window by window. Nothing is held out: each window is
    new to the model when it is read for the first time only.

    Args:
        folder: where everything is kept; made by `create`.
        settings: by default those of the class.
        corpus: what to learn from; by default the sonnets.

    Attributes:
        samples: [iteration, smoothed loss, text] of each sample that `fit` has let the model write.

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

    kind = "minimal-rnn"
    Settings = Settings
    FILES = {  # noqa: RUF012
        "model.safetensors": "the model after its last iteration",
        "checkpoint.safetensors": "all that the training needs to go on",
        "config.json": "settings and vocabulary",
        COPY: "the text that it learned from",
        "log.jsonl": f"a line of numbers every {LOG_EVERY} iterations",
        "loss.png": "the smoothed loss",
        "samples.txt": "the samples above",
    }

    def __init__(self, folder, settings=None, corpus=None):
        super().__init__(folder, settings, corpus)
        self.samples = []

    # The recipe.

    def model(self, dtype="float32"):
        """The model before its training: an RNN that reads characters, and a Dense layer that scores the next one.

        Raises:
            ValueError, TypeError: one of the settings makes no model, or no optimizer.
        """
        s, V = self.settings, len(self.vocabulary)
        model = Sequential(
            [RNN(s.units, return_sequences=True, stateful=True, input_dim=V), Dense(V)],
            input_shape=(s.length,),
            dtype=dtype,
            seed=s.seed,
            name=self.corpus.name,
        )
        for param in model.params.values():  # biases are zero already
            if param.ndim == 2:
                param[...] = 0.01 * model.rng.standard_normal(param.shape)
        loss = SparseCategoricalCrossentropy(from_logits=True, reduction="sum")  # over the window
        model.compile(OPTIMIZERS[s.optimizer](s.learning_rate), loss)
        return model

    def data(self):
        """The windows of one reading, (x, y): ids, and at each the next one.

        A window that ends with the text's last character is left out: as published, it has to end before.
        """
        ids, T = self.vocabulary.encode(self.corpus.text), self.settings.length
        return windows(ids[:-1], T, T)

    def fit(self, callbacks=(), verbose="auto", show=None):
        """Train, or go on with a training that was stopped, at whatever moment. Return the `History`.

        Args:
            show: called with each of `samples` as it is written.

        Raises:
            NonFiniteLossError: the steps are too large, and the model has blown up.
        """
        self.check_folder()
        model, (x, y) = self.model(), self.data()
        return model.fit(
            x,
            y,
            batch_size=1,
            epochs=math.ceil(self.settings.iterations / len(x)),
            shuffle=False,  # the state goes from window to window, and each reading starts from zeros
            callbacks=[
                Recipe(self, show),
                JSONLogger(self.folder / "log.jsonl", every=LOG_EVERY),
                ModelCheckpoint(self.pattern("model.safetensors")),
                BackupAndRestore(self.folder / "checkpoint.safetensors", delete_checkpoint=False),
                *callbacks,
                ProgressBar(self.landmarks, unit="characters", monitor="smoothed_loss"),
            ],
            verbose=verbose,
        )

    # What came of it.

    def curve(self):
        """(iterations, smoothed losses) of the log, two lists that begin with guessing. It can be read at any time."""
        points = {0: self.landmarks.uniform}
        path = self.folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else [""]
        for line in lines[:-1]:  # what follows the last end of a line is still being written
            record = json.loads(line)
            points[record["step"]] = record["smoothed_loss"]
        return list(points), list(points.values())

    def draw(self, history):
        """Draw the smoothed loss into loss.png."""
        from nnlite import plot  # and with it matplotlib, which takes longer to load than all the rest

        self.write("loss.png", plot.png(plot.learning_curves, {"": self.curve()}, landmarks=self.landmarks))


class Recipe(Callback):
    """What the recipe does beside learning: smooth the loss, write samples, stop after so many iterations.

    The smoothed loss is one of a character, starts from guessing, ln V, and takes on a thousandth of each window's. The
    logs get it as "smoothed_loss".
    """

    order = -2  # the log and the bar show what is computed here
    adds = {"smoothed_loss": float}  # noqa: RUF012

    def __init__(self, experiment, show=None):
        self.experiment, self.show = experiment, show or (lambda sample: None)
        self.smoothed = experiment.landmarks.uniform

    def on_epoch_begin(self, epoch, logs):
        if self.model.optimizer.iterations == 0:
            self._write_sample(0)

    def on_train_batch_begin(self, batch, logs):
        # When the log has just got a line: so that the last one tells of it.
        if self.model.optimizer.iterations % LOG_EVERY == 0:
            self._check()

    def on_train_batch_end(self, batch, logs):
        s = self.experiment.settings
        loss = self.run.latest["loss"] / s.length
        self.smoothed = logs["smoothed_loss"] = 0.999 * self.smoothed + 0.001 * loss
        iteration = self.model.optimizer.iterations
        if iteration % SAMPLE_EVERY == 0 or iteration == s.iterations:
            self._write_sample(batch + 1)
        self.model.stop_training = iteration >= s.iterations

    def on_epoch_end(self, epoch, logs):
        logs["smoothed_loss"] = self.smoothed

    def _write_sample(self, window):
        """Let the model go on from where the next window begins."""
        s, iteration, samples = self.experiment.settings, self.model.optimizer.iterations, self.experiment.samples
        # The window before brings it into the state in which it has just been.
        start = self.experiment.corpus.text[max(0, window - 1) * s.length : window * s.length + 1]
        rng = [s.seed, iteration]  # its own: the same whether or not the training was stopped before it
        text = generate(self.model, self.experiment.vocabulary, start, SAMPLE_LENGTH, rng=rng)
        samples.append([iteration, self.smoothed, text])
        self.experiment.write("samples.txt", "\n".join(map(describe, samples)).encode())
        self.show(samples[-1])

    def _check(self):
        optimizer, guessing = self.model.optimizer, self.experiment.landmarks.uniform
        if self.smoothed <= BLOWN_UP * guessing:
            return
        advice = "" if isinstance(optimizer, Adagrad) else ", or Adagrad, which makes its steps smaller as it goes"
        raise NonFiniteLossError(
            f"the model has blown up: its smoothed loss is {self.smoothed:,.1f} nats per character, and guessing has "
            f"{guessing:.3f}. It holds for impossible what comes next",
            f"The steps are too large: try a smaller learning rate (now {optimizer.learning_rate:g}){advice}",
        ).at(self.run.epoch + 1, self.run.batch)

    def get_state(self):
        return {"smoothed": self.smoothed, "samples": self.experiment.samples}

    def check_state(self, state):
        sample = states.row(states.count, states.number, states.text)
        states.fields("Recipe", state, {"smoothed": states.number, "samples": states.list_of(sample)})

    def set_state(self, state):
        self.smoothed, self.experiment.samples = state["smoothed"], state["samples"]


def describe(sample):
    """A sample as text, with its place in the training."""
    iteration, smoothed, text = sample
    return f"---- iteration {iteration:,}: {smoothed:.3f} nats per character\n{text}\n"
