"""Callbacks: `fit` calls their methods at each batch and epoch."""

from ..arguments.translations.names import getter
from .backup_and_restore import BackupAndRestore
from .base import Callback, Logs
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .history import History
from .json_logger import JSONLogger
from .lambda_callback import LambdaCallback
from .learning_rate_scheduler import LearningRateScheduler
from .live_curve import LiveCurve
from .model_checkpoint import ModelCheckpoint
from .progress_bar import ProgressBar
from .reduce_lr_on_plateau import ReduceLROnPlateau
from .terminate_on_nan import TerminateOnNaN

__all__ = ["BackupAndRestore", "CSVLogger", "Callback", "EarlyStopping", "History", "JSONLogger", "LambdaCallback"]
__all__ += ["LearningRateScheduler", "LiveCurve", "Logs", "ModelCheckpoint", "ProgressBar", "ReduceLROnPlateau"]
__all__ += ["TerminateOnNaN"]

__getattr__ = getter(__name__, __all__)
