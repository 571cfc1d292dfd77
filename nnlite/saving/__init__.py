"""Saving: atomic file writes, checkpoints, and the state of a training."""

from .checkpoint import CheckpointError
from .training_state import save_model

__all__ = ["CheckpointError", "save_model"]
