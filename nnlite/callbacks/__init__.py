"""Callbacks: `fit` calls their methods at each batch and epoch."""

from .backup_and_restore import BackupAndRestore
from .base import Callback, Logs
from .early_stopping import EarlyStopping
from .history import History
from .json_logger import JSONLogger
from .learning_rate_scheduler import LearningRateScheduler
from .model_checkpoint import ModelCheckpoint
from .progress_bar import ProgressBar

__all__ = [
    "BackupAndRestore",
    "Callback",
    "EarlyStopping",
    "History",
    "JSONLogger",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "ProgressBar",
]
