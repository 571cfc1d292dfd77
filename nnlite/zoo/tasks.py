"""Tasks: short trainings, in which an exhibit stands in for the kernel that it changes.

text     a character model of the sonnets; its recurrent layer is that of the kernel
images   a CNN that tells the directions of noisy bars apart, with every kind of layer for images in it
"""

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adagrad,
    Adam,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    MaxPool2D,
    ReLU,
    RMSprop,
    Sequential,
    SparseCategoricalCrossentropy,
    Tanh,
    use_backend,
)
from nnlite.text import Vocabulary, clean_sonnets

from .exhibit import right_module

STEPS, LAST = 150, 20  # of a training; and those whose losses are averaged at its end
RECURRENT: dict[str, Callable] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_reset_before": lambda *args, **options: GRU(*args, reset_after=False, **options),
}
OPTIMIZERS: dict[str, Callable] = {
    "adam": lambda: Adam(0.01),
    "adagrad": lambda: Adagrad(0.2),
    "rmsprop": lambda: RMSprop(0.005),
    "momentum": lambda: SGD(0.5, momentum=0.9),
}


def losses(task: str, kernel: str, module: types.ModuleType | None = None, seed: int = 0) -> list[float]:
    """The loss of each step of a training, with a module in the place of the kernel.

    Example:
        >>> from nnlite.zoo.tasks import losses
        >>> right = losses("text", "rnn")
        >>> len(right), right[-1] < right[0]
        (150, True)
    """
    rng = np.random.default_rng(seed)
    if kernel == "windows":
        return _windows(seed, module or right_module(kernel))
    model, batches = _images(rng, seed) if task == "images" else _text(rng, seed, task, kernel)
    own: dict[str, Any] = {kernel: module} if module else {}
    with use_backend(**own), np.errstate(all="ignore"):
        found = list[float]()
        for _ in range(STEPS):
            loss: Any = model.train_on_batch(*next(batches))
            found.append(loss)
            if not np.isfinite(loss):
                break
    return found + [np.inf] * (STEPS - len(found))


def _text(rng, seed, task, kernel):
    text = clean_sonnets()
    vocabulary = Vocabulary.from_text(text)
    ids, V, (N, T) = vocabulary.encode(text), len(vocabulary), (16, 20)
    layer = RECURRENT.get(kernel, GRU)
    if kernel == "embedding":
        layers = [Embedding(V, 16), layer(32, return_sequences=True), Dense(V)]
    else:
        layers = [layer(32, return_sequences=True, input_dim=V), Dense(V)]
    model = Sequential(layers, seed=seed)
    model.compile(OPTIMIZERS.get(task, OPTIMIZERS["adam"])(), SparseCategoricalCrossentropy(from_logits=True))

    def batches():
        while True:
            starts = rng.integers(len(ids) - T - 1, size=N)
            windows = np.stack([ids[start : start + T + 1] for start in starts])
            yield windows[:, :-1], windows[:, 1:]

    return model, batches()


def _windows(seed, module):
    """The loss of each step of an RNN that reads the sonnets in 16 columns, cut and carried on by a module."""
    text = clean_sonnets()
    vocabulary = Vocabulary.from_text(text)
    columns = vocabulary.encode(text)[: 16 * 20 * STEPS + 16 * 2].reshape(16, -1)
    x, y = (np.stack(parts, axis=1) for parts in zip(*(module.windows(c, 20) for c in columns), strict=True))
    model = Sequential(
        [RNN(32, return_sequences=True, stateful=True, input_dim=len(vocabulary)), Dense(len(vocabulary))], seed=seed
    )
    model.compile(OPTIMIZERS["adam"](), SparseCategoricalCrossentropy(from_logits=True))
    found = list[float]()

    def step(window, targets, state):
        if state is None:
            model.reset_state()
        found.append(float(model.train_on_batch(window, targets)))  # type: ignore[arg-type]
        return "carried"

    module.truncated(step, x[:STEPS], y[:STEPS])
    return found + found[-1:] * (STEPS - len(found))


def _images(rng, seed):
    layers = [
        Conv2D(8, 3, padding="same"), BatchNorm(), Tanh(), MaxPool2D(2, strides=1),
        Conv2D(8, (2, 3), strides=2, padding="same"), ReLU(),
        Conv2D(8, (2, 3), dilation_rate=2, padding="same"), ReLU(),
        AvgPool2D(2, padding="same"), Flatten(), LayerNorm(), Dropout(0.2), Dense(4),
    ]  # fmt: skip
    model = Sequential(layers, seed=seed)
    model.compile(Adam(0.01), SparseCategoricalCrossentropy(from_logits=True))

    def batches():
        while True:
            labels = rng.integers(4, size=32)
            yield np.stack([bar(rng, direction) for direction in labels]), labels

    return model, batches()


def bar(rng: np.random.Generator, direction: int, size: int = 10) -> np.ndarray:
    """An image (size, size, 1) of a bar in noise: 0 lying, 1 standing, 2 and 3 on the diagonals."""
    image = np.zeros((size, size))
    row, column = rng.integers(2, size - 2, size=2)
    down, right = ((0, 1), (1, 0), (1, 1), (1, -1))[direction]
    for step in range(-2, 3):
        image[(row + step * down) % size, (column + step * right) % size] = 1
    return (image + 0.3 * rng.normal(size=image.shape))[:, :, None].astype(np.float32)
