"""Saving: atomic file writes, checkpoints, and the state of a training."""

from typing import NoReturn

from ..arguments.translations.names import missing
from .checkpoint import CheckpointError
from .training_state import save_model

__all__ = ["CheckpointError", "save_model"]


def __getattr__(name: str) -> NoReturn:
    if name == "load_model":
        raise AttributeError(f"module {__name__!r} has no attribute 'load_model': use nnlite.load_model(path)")
    raise missing(__name__, name, __all__)
