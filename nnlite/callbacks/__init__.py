"""Callbacks: what `fit` calls at each batch and epoch, so that things can be done while a model trains."""

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
