"""Image data: scikit-learn's digits, IDX files such as MNIST, your own pictures, hold-out split and augmentation.

Example:
    >>> from nnlite.images import hold_out, load_digits
    >>> (x, y), (x_test, y_test) = hold_out(*load_digits())
    >>> x.shape, x_test.shape
    ((1442, 8, 8, 1), (355, 8, 8, 1))
"""

from nnlite.utils import getter

from .digits import load_digits
from .drawing import load_digit
from .hold_out import hold_out
from .idx import IDXError, load_idx
from .shifted import shifted

__all__ = ["IDXError", "hold_out", "load_digit", "load_digits", "load_idx", "shifted"]

__getattr__ = getter(__name__, __all__)
