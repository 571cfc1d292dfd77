"""The catalogue: a file for each kind of question.

question.py     what every kind has
writing.py      numbers in Markdown
"""

from .cleaning import Cleaning
from .cnn_shapes import CNNShapes
from .conv_shapes import ConvShapes
from .convolution import Convolution
from .cross_entropy import CrossEntropy
from .gradient_flow import GradientFlow
from .lstm_step import LSTMStep
from .minimal_recipe import MinimalRecipe
from .pool_gradient import PoolGradient
from .pooled_corners import PooledCorners
from .question import Question
from .temperature import Temperature

_ALL: tuple[type[Question], ...] = (
    *(ConvShapes, PooledCorners, Convolution),
    *(LSTMStep, GradientFlow),
    *(Cleaning, MinimalRecipe, Temperature),
    *(CNNShapes, PoolGradient, CrossEntropy),
)

__all__ = ["KINDS", "Question"]

KINDS: dict[str, type] = {question.kind: question for question in _ALL}
