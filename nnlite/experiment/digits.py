"""The digits: a convolutional network that learns to read handwriting.

config.json              the settings
model.safetensors        the model after its last epoch
checkpoint.safetensors   all that the training needs to go on after it was stopped
log.jsonl                a line of numbers for each epoch
loss.png                 the same as a picture
confusion.png            which digits it takes for which
filters.png              what the first layer has learned to look for
misread.png              the digits that it takes for others
"""

import math
from dataclasses import dataclass

import numpy as np

from nnlite import (
    Adam,
    BackupAndRestore,
    Conv2D,
    CosineDecay,
    Dense,
    Dropout,
    Flatten,
    JSONLogger,
    LearningRateScheduler,
    MaxPool2D,
    ModelCheckpoint,
    ProgressBar,
    ReLU,
    Sequential,
    SparseCategoricalCrossentropy,
)
from nnlite.images import hold_out, load_digits, shifted
from nnlite.metrics import confusion_matrix

from .folder import Experiment


@dataclass(frozen=True)
class Settings:
    """What the model is and how it learns. The defaults learn to read in seconds.

    Args:
        filters: of the first convolution; the other two have twice as many.
        dropout: the part of the numbers before the last layer that is dropped while training, 0 to 1.
        epochs, batch_size: how often all images are seen, and how many at a time.
        learning_rate: the largest; it falls to zero along half a wave.
        seed: of all randomness: first weights, order of the images, dropout.

    Raises:
        ValueError: no such dropout. Other settings are checked where they are used.
    """

    filters: int = 16
    dropout: float = 0.4
    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 0.005
    seed: int = 0

    def __post_init__(self):
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a number from 0 to below 1, got {self.dropout!r}")


class Digits(Experiment):
    """A training on scikit-learn's handwritten digits, in a folder of its own.

    Every fifth image of each digit is held out. The accuracy on them is shown after each epoch, and nothing is chosen
    by it: the model that is kept is the last one, so its accuracy is that on images which had no part in making it. The
    same people wrote them, though: it says how well the model reads these hands, not any hand.

    Args:
        folder: where everything is kept; made by `create`.
        settings: by default those of the class.

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
    FILES = {  # noqa: RUF012
        "model.safetensors": "the model after its last epoch",
        "checkpoint.safetensors": "all that the training needs to go on",
        "config.json": "settings",
        "log.jsonl": "a line of numbers for each epoch",
        "loss.png": "the loss curves",
        "confusion.png": "which digits it takes for which",
        "filters.png": "what the first layer looks for",
        "misread.png": "the digits that it takes for others",
    }

    def model(self):
        """The model before its training: three convolutions that look for shapes, and a Dense layer that decides.

        Raises:
            ValueError, TypeError: one of the settings makes no model, or no optimizer.
        """
        s = self.settings
        model = Sequential(
            [
                Conv2D(s.filters, 3, padding="same"),  # 8 x 8
                ReLU(),
                Conv2D(2 * s.filters, 3, padding="same"),
                ReLU(),
                MaxPool2D(2),  # 4 x 4
                Conv2D(2 * s.filters, 3, padding="same"),
                ReLU(),
                MaxPool2D(2),  # 2 x 2
                Flatten(),
                Dropout(s.dropout),
                Dense(10),
            ],
            input_shape=(8, 8, 1),
            seed=s.seed,
            name="digits",
        )
        model.compile(Adam(s.learning_rate), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        return model

    def data(self):
        """Images to learn from and images to judge by, each a pair (x, y).

        Raises:
            ImportError: scikit-learn, which has the digits, is not installed.
        """
        return hold_out(*load_digits())

    def fit(self, callbacks=(), verbose="auto"):
        s, (model, (training, held_out)) = self.settings, self._take_start()
        x, y = shifted(*training)  # a digit half a pixel or a pixel further on is still that digit
        steps = s.epochs * math.ceil(len(x) / s.batch_size)
        return model.fit(
            x,
            y,
            batch_size=s.batch_size,
            epochs=s.epochs,
            validation_data=held_out,
            callbacks=[
                LearningRateScheduler(CosineDecay(s.learning_rate, steps)),
                JSONLogger(self.folder / "log.jsonl"),
                ModelCheckpoint(self.pattern("model.safetensors")),
                BackupAndRestore(self.folder / "checkpoint.safetensors", delete_checkpoint=False),
                *callbacks,
                ProgressBar(unit="images"),
            ],
            verbose=verbose,
        )

    # What came of it.

    def read(self):
        """Let the saved model read the held-out digits. Return (labels, predicted), each (355,) integers."""
        _, (x, y) = self.data()
        return y, self.saved_model().predict(x).argmax(axis=-1)

    def draw(self, history):
        """Draw loss.png, confusion.png, filters.png and misread.png."""
        from nnlite import plot  # and with it matplotlib, which takes longer to load than all the rest

        (_, (x, _)), (labels, predicted) = self.data(), self.read()
        wrong = np.flatnonzero(labels != predicted)
        captions = [f"{labels[i]}, taken for {predicted[i]}" for i in wrong]
        title = f"Misread: {len(wrong)} of {len(labels)} digits"
        side = 1 + 1.6 * max(2, math.ceil(math.sqrt(len(wrong))))  # in inches, for tiles of about the same size
        matrix = confusion_matrix(labels, predicted, classes=10)
        W = self.saved_model().params["conv2d.W"]
        self.write("loss.png", plot.png(plot.loss_curves, history))
        self.write("confusion.png", plot.png(plot.confusion_matrix, matrix, size=(6, 6)))
        self.write("filters.png", plot.png(plot.filters, W, size=(6, 5)))
        self.write("misread.png", plot.png(plot.images, x[wrong], captions, title, size=(side, side)))
