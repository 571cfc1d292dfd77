"""Experiments: a model, its training, and a run folder that holds the results.

`Sonnets` learns to write poems, or text like a given `Corpus`; `Digits` learns to read handwritten digits. `MinimalRNN`
is a published recipe, `Sweep` varies it, and `reproduce` compares it with `plain_rnn`, a program in NumPy alone. Read
`model` and `fit` of any of them: they use only public names of `nnlite`.
"""

from .corpus import Corpus
from .digits import Digits
from .folder import Experiment, ExperimentError, find_runs, kind_of, new_folder, own_folder, own_place
from .minimal_rnn import MinimalRNN
from .reproduce import reproduce
from .sonnets import Sonnets
from .sweep import Sweep

__all__ = ["Corpus", "Digits", "Experiment", "ExperimentError", "MinimalRNN", "Sonnets", "Sweep", "find_runs"]
__all__ += ["kind_of", "new_folder", "own_folder", "own_place", "reproduce"]
