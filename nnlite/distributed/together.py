"""Together: the callback by which `fit` goes on in step with the other ranks."""

import contextlib
import io
import signal
import sys
import threading
import zlib
from typing import Any

import numpy as np

from ..callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    JSONLogger,
    LiveCurve,
    Logs,
    ModelCheckpoint,
    ProgressBar,
)

# What only writes or shows: rank 0 does it for all.
OF_THE_FIRST = BackupAndRestore, CSVLogger, JSONLogger, LiveCurve, ModelCheckpoint, ProgressBar


class Together(Callback):
    """Begins where rank 0 begins, draws the order that it draws, and ends where any rank ends. The last callback.

    Args:
        parallel: the `DataParallel`.
    """

    def __init__(self, parallel: Any) -> None:
        self.parallel = parallel
        self._undo = contextlib.ExitStack()

    def on_train_begin(self, logs: Logs) -> None:
        step = type(self.model).train_step
        if not step.__module__.startswith("nnlite."):
            raise TypeError(
                f"DataParallel: {type(self.model).__name__} has a train_step of its own, which could step before the "
                f"gradients are averaged: write a loop of your own, with parallel.rows(N) and parallel.apply(grads, "
                f"params)"
            )
        if self.parallel.rank:
            self._undo.enter_context(contextlib.redirect_stdout(io.StringIO()))
        if threading.current_thread() is threading.main_thread():
            self._undo.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, self._note))
        self.parallel.meet()
        self.parallel.join(self.model, self.loop)

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        # On the other ranks dropout has drawn other numbers from it.
        self.parallel.meet()
        generator = self.model.rng.bit_generator
        generator.state = self.parallel.comm.bcast(generator.state)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        stops, *_ = self.parallel.meet([float(self.model.stop_training)])
        self.model.stop_training = bool(stops)  # where a callback of any rank has set it
        model, sums = self.model, 0
        for arrays in (model.params, model.statistics, model.optimizer.state):
            for array in arrays.values():
                sums = zlib.crc32(np.ascontiguousarray(array).data, sums)
        found = self.parallel.comm.allgather(sums)
        if len(set(found)) > 1:
            other = next(rank for rank, value in enumerate(found) if value != found[0])
            raise RuntimeError(
                f"DataParallel: the weights of rank {other} differ from those of rank 0 after epoch {epoch + 1}: a "
                f"callback changed them on one rank only, or the ranks have kernels for different CPUs, which round "
                f"differently: compile them alike, such as NNLITE_ARCH=x86-64-v3 make clean build"
            )

    def on_train_end(self, logs: Logs) -> None:
        if not self.parallel.is_over:  # an error of the callbacks before this one is heard of here
            self.parallel.meet()
            self.parallel.is_over = True

    def close(self) -> None:
        error = sys.exception()
        if error is not None and not self.parallel.is_over:
            with contextlib.suppress(BaseException):  # this error, which goes on its way anyway
                self.parallel.meet(error=error)
        self.parallel.leave()
        self._undo.close()

    def _note(self, number, frame):
        self.parallel.interrupts += 1
