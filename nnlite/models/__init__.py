"""Models: layers in a row, and how they are trained, shown and loaded."""

from ..arguments.translations.names import getter
from ..saving import save_model as save_model
from .loading import load_model
from .sequential import Sequential

__all__ = ["Sequential", "load_model"]

__getattr__ = getter(__name__, __all__)
