"""Small helpers of Keras' `utils`."""

import random
from typing import Any

import numpy as np

from . import checks, seeds
from .arguments.classes import is_model as is_model
from .arguments.kinds import kinds_of as kinds_of
from .arguments.kinds import of_its_kinds as of_its_kinds
from .arguments.kinds import require as require
from .arguments.kinds import takes_config as takes_config
from .arguments.translations.arguments import remedy as remedy
from .arguments.translations.calls import translated as translated
from .arguments.translations.names import advice as advice
from .arguments.translations.names import getter as getter
from .checks import numbers as numbers
from .seeds import from_seed as from_seed

__all__ = ["set_random_seed", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Labels as one-hot vectors, float32: of (N, ...) labels (N, ..., num_classes) numbers.

    The loss `sparse_categorical_crossentropy` takes the labels as they are, and needs none of this.

    Args:
        x: whole numbers of at least 0.
        num_classes: how many labels there are; by default one more than the largest.

    Raises:
        TypeError, ValueError: these are no whole numbers.
        IndexError: a label is not in 0 .. num_classes - 1.

    Example:
        >>> to_categorical([2, 0])
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    labels = checks.samples("to_categorical: x", x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        if not labels.size:
            raise ValueError("to_categorical: x: expected at least one label, got none: give num_classes")
        num_classes = max(1, int(labels.max()) + 1)
    num_classes = checks.positive("to_categorical: num_classes", num_classes)
    labels = checks.integers("to_categorical: x", labels, num_classes, "label")
    y = np.zeros((*labels.shape, num_classes), np.float32)
    np.put_along_axis(y, labels[..., None], 1.0, axis=-1)
    return y


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, `numpy.random`, and the layers and models that are made after it without a seed.

    `Sequential([...], seed=0)` does without such a hidden state: it gives one model the same numbers in any program.

    Args:
        seed: a whole number of at least 0.

    Example:
        >>> from nnlite import Dense, utils
        >>> utils.set_random_seed(1)
        >>> one = Dense(2, input_shape=(3,)).rng.random()
        >>> utils.set_random_seed(1)
        >>> one == Dense(2, input_shape=(3,)).rng.random()
        True
        >>> utils.seeds.set_start(None)  # for whoever comes after this example
    """
    seed = checks.positive("set_random_seed: seed", seed, least=0)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  Keras does so
    seeds.set_start(seed)


__getattr__ = getter(__name__, __all__)
