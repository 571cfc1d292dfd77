"""The model in the box: an LSTM that has read the sonnets, to write with before anything is trained.

`data/README.md` gives its licence, where it is from, and the command that trains it again.
"""

from pathlib import Path
from typing import Any

import numpy as np

import nnlite
from nnlite.saving import checkpoint

from .vocabulary import Vocabulary

PATH = Path(__file__).parent / "data" / "pretrained.safetensors"


def pretrained_model() -> nnlite.Sequential:
    """The model that ships with nnlite: an LSTM of 192 units, trained on the sonnets for ten seconds.

    It is not compiled. Its weights are float16 in the file, and float32 here.

    Example:
        >>> from nnlite.text import generate, pretrained_model
        >>> model = pretrained_model()
        >>> model.parameter_count
        184742
        >>> print(generate(model, model.vocabulary, "shall i compare thee to a summer's day?\\n", 95, 0.5, rng=2))
        not stall the proud doth the beauty some,
        the painter hours and and strong presents,
        and by the
    """
    tree = checkpoint.read(PATH)
    model = nnlite.Sequential.from_config(tree["model"])
    model.params.update({name: array.astype(np.float32) for name, array in tree["params"].items()})
    model.vocabulary = Vocabulary.from_config(tree["vocabulary"])
    return model


def film() -> dict[str, Any]:
    """What it made of a line while it learned: the film.json of its run, see `nnlite train --film`."""
    return checkpoint.read(PATH)["film"]


def save(model: nnlite.Sequential, film: dict[str, Any], path: Path = PATH) -> None:
    """Write the file: once, by whoever trains the model anew."""
    params = {name: array.astype(np.float16) for name, array in model.params.items()}
    parts = {"model": model.get_config(), "vocabulary": model.vocabulary.get_config(), "film": film}
    checkpoint.write(path, {**parts, "params": params})
