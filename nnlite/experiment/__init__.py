"""Experiments: a model, how it is trained, and a folder that holds all that came of it.

`Sonnets` learns to write poems, or whatever is in the `Corpus` that it is given; `Digits` to read handwritten digits.
`MinimalRNN` is a published recipe, `Sweep` varies it, and `reproduce` runs it beside `plain_rnn`, a program of NumPy
alone. Read `model` and `fit` of any: they are written with the names that `from nnlite import ...` gives to everybody.
"""

from .corpus import Corpus
from .digits import Digits
from .folder import Experiment, ExperimentError, find_runs, kind_of, new_folder, own_folder, own_place
from .minimal_rnn import MinimalRNN
from .reproduce import reproduce
from .sonnets import Sonnets
from .sweep import Sweep

__all__ = [
    "Corpus",
    "Digits",
    "Experiment",
    "ExperimentError",
    "MinimalRNN",
    "Sonnets",
    "Sweep",
    "find_runs",
    "kind_of",
    "new_folder",
    "own_folder",
    "own_place",
    "reproduce",
]
