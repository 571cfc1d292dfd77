"""nnlite: a neural-network framework to learn from. Small enough to read, compiled to be fast."""

# ruff: noqa: I001, RUF022  the names are grouped as the documentation is

# First: where this is the command `nnlite`, what goes wrong below is told in its words.
from . import start as _start  # noqa: F401

import importlib

# The machine, and the switch between the compiled kernels and their NumPy reference.
from .kernels import get_backend, get_num_threads, set_num_threads, use_backend

# Layers, and the model that they make.
from .layers.base.input import Input
from .layers.base.layer import Layer
from .layers import (
    RNN,
    GRU,
    LSTM,
    Bidirectional,
    Conv2D,
    MaxPool2D,
    AvgPool2D,
    GlobalMaxPool2D,
    GlobalAvgPool2D,
    Dense,
    Dropout,
    Embedding,
    OneHot,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    Flatten,
    Reshape,
    ZeroPadding2D,
    LeakyReLU,
    GELU,
    BatchNorm,
    LayerNorm,
    RepeatVector,
    TimeDistributed,
    # Keras' long names: the same classes.
    MaxPooling2D,
    AveragePooling2D,
    GlobalMaxPooling2D,
    GlobalAveragePooling2D,
    BatchNormalization,
    LayerNormalization,
    SimpleRNN,
    Activation,
)
from .models import Sequential, load_model
from .models import vocabularies as _vocabularies

# What they are trained with.
from .losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from .optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from .callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    JSONLogger,
    LambdaCallback,
    LearningRateScheduler,
    LiveCurve,
    ModelCheckpoint,
    ProgressBar,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from .schedules import Constant, CosineDecay, ExponentialDecay, StepDecay, WarmUp
from .divergence import NonFiniteLossError

# How they are checked, and kept.
from .gradcheck import GradientCheckError, GradientReport, WrongLine, first_wrong_line, gradcheck
from .saving import CheckpointError, save_model
from .sampling import sample, sampler, sampling_probabilities
from . import notebook

# Where Keras' users look for them; and what the names of Keras and PyTorch are here.
from . import callbacks, initializers, layers, losses, metrics, optimizers, regularizers, schedules  # noqa: F401
from .arguments.translations import names as _names

__version__ = "0.2.0"

# What not everybody needs is loaded when it is first asked for: nnlite.text.generate works after `import nnlite`.
_PACKAGES = (
    *("derive", "distributed", "experiment", "homework", "images", "inspect", "interop", "ladder"),
    *("play", "plot", "report", "roofline", "tape", "testing", "text", "utils", "zoo"),
)


def __getattr__(name: str):
    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise _names.missing(__name__, name, [*__all__, *_PACKAGES])


# Results of the lower floors that draw themselves in a notebook.
notebook.draws_with(lambda: __getattr__("plot"))
_vocabularies.are_made_by(lambda: __getattr__("text").Vocabulary)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PACKAGES})


__all__ = ["get_backend", "get_num_threads", "set_num_threads", "use_backend", "Input", "Layer", "RNN", "GRU"]
__all__ += ["LSTM", "Bidirectional", "Conv2D", "MaxPool2D", "AvgPool2D", "GlobalMaxPool2D", "GlobalAvgPool2D", "Dense"]
__all__ += ["Dropout", "Embedding", "OneHot", "ReLU", "Sigmoid", "Softmax", "Tanh", "Flatten", "Reshape"]
__all__ += ["ZeroPadding2D", "LeakyReLU", "GELU", "BatchNorm", "LayerNorm", "RepeatVector", "TimeDistributed"]
__all__ += ["MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "BatchNormalization"]
__all__ += ["LayerNormalization", "SimpleRNN", "Activation", "Sequential", "BinaryCrossentropy"]
__all__ += ["CategoricalCrossentropy", "MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalCrossentropy"]
__all__ += ["Optimizer", "SGD", "Adagrad", "Adam", "AdamW", "RMSprop", "BackupAndRestore", "Callback", "CSVLogger"]
__all__ += ["EarlyStopping", "History", "JSONLogger", "LambdaCallback", "LearningRateScheduler", "LiveCurve"]
__all__ += ["ModelCheckpoint", "Constant", "CosineDecay", "ExponentialDecay", "StepDecay", "WarmUp", "ProgressBar"]
__all__ += ["ReduceLROnPlateau", "TerminateOnNaN", "NonFiniteLossError", "GradientCheckError", "GradientReport"]
__all__ += ["WrongLine", "first_wrong_line"]
__all__ += ["gradcheck", "CheckpointError", "load_model", "save_model", "sample", "sampler", "sampling_probabilities"]
