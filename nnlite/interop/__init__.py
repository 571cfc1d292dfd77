"""To and from other programs: models of Keras and PyTorch, ONNX graphs, and arrays by names.

keras.py, torch.py, npz.py   what is called
weights.py                   arrays paired with those of a model, checked, and then copied
keras_layers.py              what a layer of Keras is here, and the reverse
keras_places.py              where Keras keeps the weights of a layer
settings.py                  epsilon, strides and the like, which decide what weights compute: compared
torch_modules.py             what the names in a state dict say of the modules
stores.py                    files, which may come from anyone
targets.py                   names of files that are written

onnx.py                                   what is called
onnx_export.py, onnx_layers.py ...        a model as a graph: each layer, and onnx_graph, which collects the nodes
onnx_import.py, onnx_walk.py ...          a graph as a model: a walk along its nodes, and what each is here
onnx_gates.py                             the weights of recurrent layers, both ways
"""

from nnlite.utils import getter

from .keras import from_keras, to_keras
from .npz import from_npz, to_npz
from .onnx import from_onnx, to_onnx
from .onnx_error import OnnxError
from .torch import from_torch, to_torch
from .weights import WeightsError

__all__ = ["OnnxError", "WeightsError", "from_keras", "from_npz", "from_onnx", "from_torch"]
__all__ += ["to_keras", "to_npz", "to_onnx", "to_torch"]

__getattr__ = getter(__name__, __all__)
