"""The layers, one file each."""

from ..arguments.translations.names import getter
from .activation import Activation as Activation
from .avg_pool2d import AvgPool2D
from .base.input import Input as Input
from .base.input import InputLayer as InputLayer
from .base.layer import Layer as Layer
from .batch_norm import BatchNorm
from .bidirectional import Bidirectional
from .conv2d import Conv2D
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .flatten import Flatten
from .gelu import GELU
from .global_avg_pool2d import GlobalAvgPool2D
from .global_max_pool2d import GlobalMaxPool2D
from .gru import GRU
from .layer_norm import LayerNorm
from .leaky_relu import LeakyReLU
from .lstm import LSTM
from .max_pool2d import MaxPool2D
from .one_hot import OneHot
from .relu import ReLU
from .repeat_vector import RepeatVector
from .reshape import Reshape
from .rnn import RNN
from .sigmoid import Sigmoid
from .softmax import Softmax
from .tanh import Tanh
from .time_distributed import TimeDistributed
from .zero_padding2d import ZeroPadding2D

# Keras' long names: the same classes.
MaxPooling2D = MaxPool2D
AveragePooling2D = AvgPool2D
GlobalMaxPooling2D = GlobalMaxPool2D
GlobalAveragePooling2D = GlobalAvgPool2D
BatchNormalization = BatchNorm
LayerNormalization = LayerNorm
SimpleRNN = RNN

__all__ = ["GELU", "GRU", "LSTM", "RNN", "AveragePooling2D", "AvgPool2D", "BatchNorm", "BatchNormalization"]
__all__ += ["Bidirectional", "Conv2D", "Dense", "Dropout", "Embedding", "Flatten", "GlobalAveragePooling2D"]
__all__ += ["GlobalAvgPool2D", "GlobalMaxPool2D", "GlobalMaxPooling2D", "LayerNorm", "LayerNormalization", "LeakyReLU"]
__all__ += ["MaxPool2D", "MaxPooling2D", "OneHot", "ReLU", "RepeatVector", "Reshape", "Sigmoid", "SimpleRNN", "Softmax"]
__all__ += ["Tanh", "TimeDistributed", "ZeroPadding2D"]

__getattr__ = getter(__name__, [*__all__, "Layer"])
