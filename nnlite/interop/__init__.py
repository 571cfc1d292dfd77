"""To and from other programs: weights and models of Keras, weights of PyTorch, and arrays by names.

keras.py, torch.py, npz.py   what is called
weights.py                   arrays paired with those of a model, checked, and then copied
keras_layers.py              what a layer of Keras is here, and the reverse
keras_places.py              where Keras keeps the weights of a layer
torch_modules.py             what the names in a state dict say of the modules
stores.py                    files, which may come from anyone
"""

from nnlite.utils import getter

from .keras import from_keras, to_keras
from .npz import from_npz, to_npz
from .torch import from_torch, to_torch
from .weights import WeightsError

__all__ = ["WeightsError", "from_keras", "from_npz", "from_torch", "to_keras", "to_npz", "to_torch"]

__getattr__ = getter(__name__, __all__)
