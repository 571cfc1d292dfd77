"""Experiments: a model, how it is trained, and a folder that holds all that came of it.

`Sonnets` learns to write poems, or whatever is in the `Corpus` that it is given; `Digits` to read handwritten digits.
Read `model` and `fit` of either: they are written with the names that `from nnlite import ...` gives to everybody.
"""

from .corpus import Corpus
from .digits import Digits
from .folder import Experiment, ExperimentError, find_runs, new_folder
from .sonnets import Sonnets

__all__ = ["Corpus", "Digits", "Experiment", "ExperimentError", "Sonnets", "find_runs", "new_folder"]
