"""Convolutional network that reads handwritten digits."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import nnlite
from nnlite.images import hold_out, load_digit, load_digits, shifted
from nnlite.metrics import confusion_matrix
from nnlite.text.files import file_name

from .folder import Experiment, Pair


@dataclass(frozen=True)
class Settings:
    """Model and training settings. The defaults learn in seconds.

    Args:
        filters: filters of the first convolution; the other two have twice as many.
        dropout: fraction of the last layer's inputs set to 0 in training, from 0 to below 1.
        epochs, batch_size: passes over all images, and images in a batch.
        learning_rate: the largest learning rate; it decays to zero along half a cosine wave.
        seed: seeds first weights, order of the images and dropout.

    Raises:
        ValueError: dropout is out of range. The other settings are checked where they are used.
    """

    filters: int = 16
    dropout: float = 0.4
    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 0.005
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a number from 0 to below 1, got {self.dropout!r}")


class Digits(Experiment):
    """Training on scikit-learn's handwritten digits, in a run folder. Arguments are those of `Experiment`.

    Every fifth image of each digit is held out. The accuracy on these images is shown after each epoch, but selects
    nothing: the last model is kept, so it is the accuracy on images that had no influence on the model. They were
    written by the same people, though: the accuracy on other people's handwriting may be lower.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.experiment import Digits
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     experiment = Digits(Path(folder, "tiny"), Digits.Settings(filters=2, epochs=1))
        ...     experiment.create()
        ...     history = experiment.fit(verbose=0)
        ...     labels, predicted = experiment.read()
        >>> len(labels), len(predicted), sorted(history.history)[:3]
        (355, 355, ['accuracy', 'learning_rate', 'loss'])
    """

    kind = "digits"
    Settings = Settings
    FILES: ClassVar = {
        "model.safetensors": "the model after its last epoch",
        "checkpoint.safetensors": "the training state, to resume from",
        "config.json": "settings",
        "log.jsonl": "losses and metrics, a line per epoch",
        "loss.png": "the loss curves",
        "confusion.png": "the confusion matrix",
        "filters.png": "the filters of the first layer",
        "misread.png": "the misread digits",
    }

    def model(self) -> nnlite.Sequential:
        """A new model: three convolutions that detect shapes, and a Dense layer that classifies."""
        s = self.settings
        model = nnlite.Sequential(
            [
                nnlite.Conv2D(s.filters, 3, padding="same"),  # 8 x 8
                nnlite.ReLU(),
                nnlite.Conv2D(2 * s.filters, 3, padding="same"),
                nnlite.ReLU(),
                nnlite.MaxPool2D(2),  # 4 x 4
                nnlite.Conv2D(2 * s.filters, 3, padding="same"),
                nnlite.ReLU(),
                nnlite.MaxPool2D(2),  # 2 x 2
                nnlite.Flatten(),
                nnlite.Dropout(s.dropout),
                nnlite.Dense(10),
            ],
            input_shape=(8, 8, 1),
            seed=s.seed,
            name="digits",
        )
        model.compile(
            nnlite.Adam(s.learning_rate), nnlite.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
        )
        return model

    def data(self) -> tuple[Pair, Pair]:
        """Training images and held-out images, each a pair (x, y).

        Raises:
            ImportError: scikit-learn, which contains the digits, is not installed.
        """
        return hold_out(*load_digits())

    def fit(self, callbacks: Sequence[nnlite.Callback] = (), verbose: int | str = "auto") -> nnlite.History:
        """Train, or resume a stopped training. Return the `History`."""
        with self._training() as (model, (training, held_out)):
            x, y = shifted(*training)  # augmentation by half a pixel or a pixel in each direction
            return self._fit(model, x, y, held_out, callbacks, verbose)

    def _fit(self, model, x, y, held_out, callbacks, verbose):
        s = self.settings
        model.optimizer.learning_rate = nnlite.CosineDecay(s.learning_rate, s.epochs * math.ceil(len(x) / s.batch_size))
        callbacks = [
            nnlite.JSONLogger(self.folder / "log.jsonl"),
            nnlite.ModelCheckpoint(self.pattern("model.safetensors")),
            self.backup(),
            *callbacks,
            nnlite.ProgressBar(unit="images"),
        ]
        return model.fit(x, y, s.batch_size, s.epochs, held_out, callbacks, verbose=verbose)

    # The results.

    def read(self) -> Pair:
        """Classify the held-out digits with the saved model. Return (labels, predicted), each (355,) integers."""
        _, (x, y) = self.data()
        return y, self.trained_model().predict(x).argmax(axis=-1)

    def recognize(self, paths: Sequence[str | os.PathLike]) -> tuple[np.ndarray, np.ndarray]:
        """Read pictures of one's own with the saved model, and draw into own.png what it sees and takes them for.

        Args:
            paths: pictures of one digit each, see `nnlite.images.load_digit`.

        Returns:
            What the model sees, (N, 8, 8, 1), and the probability of each digit, (N, 10).
        """
        from nnlite import plot
        from nnlite.plot.canvas import plain

        x = np.stack([load_digit(path) for path in paths])
        p = nnlite.Softmax().forward(self.trained_model().predict(x))
        captions = [f"{plain(file_name(path))}: {int(row.argmax())}" for path, row in zip(paths, p, strict=True)]
        side = 1 + 2 * math.ceil(math.sqrt(len(x)))
        self.write("own.png", plot.png(plot.images, x, captions, "What the model sees", size=(side, side)))
        return x, p

    def draw(self, history: dict[str, list[float]]) -> None:
        """Draw loss.png, confusion.png, filters.png and misread.png."""
        from nnlite import plot  # imports matplotlib, which is slow to load

        (_, (x, _)), (labels, predicted) = self.data(), self.read()
        wrong = np.flatnonzero(labels != predicted)
        captions = [f"{labels[i]}, taken for {predicted[i]}" for i in wrong]
        title = f"Misread: {len(wrong)} of {len(labels)} digits"
        side = 1 + 1.6 * max(2, math.ceil(math.sqrt(len(wrong))))  # inches; keeps the size of a tile about the same
        matrix = confusion_matrix(labels, predicted, classes=10)
        W = self.trained_model().params["conv2d.W"]
        self.write("loss.png", plot.png(plot.loss_curves, history, kept=len(history["loss"])))
        self.write("confusion.png", plot.png(plot.confusion_matrix, matrix, size=(6, 6)))
        self.write("filters.png", plot.png(plot.filters, W, size=(6, 5)))
        self.write("misread.png", plot.png(plot.images, x[wrong], captions, title, size=(side, side)))
