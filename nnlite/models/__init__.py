"""Models: layers in a row, and how they are trained, shown and loaded."""

from typing import NoReturn

from ..arguments.translations.names import missing
from ..saving import save_model as save_model
from .loading import load_model
from .sequential import Sequential

__all__ = ["Sequential", "load_model"]


def __getattr__(name: str) -> NoReturn:
    raise missing(__name__, name, __all__)
