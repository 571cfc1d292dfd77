"""Experiments: a model, how it is trained, and a folder that holds all that came of it.

`Sonnets` learns to write poems. Read its `model` and `fit`: they are written with the names that
`from nnlite import ...` gives to everybody.
"""

from .folder import Experiment, ExperimentError, find_runs, new_folder
from .sonnets import Sonnets

__all__ = ["Experiment", "ExperimentError", "Sonnets", "find_runs", "new_folder"]
