"""Models: layers in a row, and how they are trained, shown and loaded."""

from .loading import load_model
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "load_model"]
