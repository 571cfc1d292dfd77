"""Meeting: sums over all ranks, in which they also hear of errors and of Ctrl-C."""

import pickle
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import mpi

PATIENCE = 100  # how often a rank looks whether the others are there, before it begins to nap between two looks
NAP = 2e-5  # seconds


class Meeting:
    """The ranks of a communicator, which meet in every step of a training.

    Who has failed comes to the next meeting with the error, and all ranks raise it there: none waits for one that is
    gone. The same with Ctrl-C, which reaches the ranks at different moments, and stops them all in the same step.

    Args:
        comm: of mpi4py. Its ranks have to make this object together.

    Attributes:
        comm: a copy of it, so that messages of the program's own do not come between.
        rank, size: the number of this process, from 0, and how many there are.
        numbers: how many `meet` sums at most.
        interrupts: whether Ctrl-C came.
        is_over: whether all know how it ends: there is nobody left to meet.
    """

    def __init__(self, comm: Any) -> None:
        self.comm = comm.Dup()
        self.rank, self.size = self.comm.rank, self.comm.size
        self.numbers, self.interrupts, self.is_over = 1, 0, False

    def meet(self, values: Sequence[float] = (), check: int = 0, error: BaseException | None = None) -> np.ndarray:
        """The sums of all ranks' values.

        Args:
            check: what has to be the same on all ranks.
            error: for which this rank cannot go on.

        Raises:
            BaseException: the error of the first rank that has one.
            KeyboardInterrupt: Ctrl-C came on any rank.
            ValueError: `check` differs.
        """
        vector = np.zeros(3 + self.numbers)
        vector[:3] = error is not None, self.interrupts, check
        vector[3 : 3 + len(values)] = values
        self.sum(vector)
        failed, interrupts, total = vector[:3]
        if failed:
            self.is_over = True
            errors = self.comm.allgather(None if error is None else _for_others(error))
            rank, first = next((rank, found) for rank, found in enumerate(errors) if found is not None)
            if rank == self.rank and error is not None:
                raise error
            first.of_rank = rank
            first.add_note(f"This was on rank {rank} of {self.size}.")
            raise first
        if interrupts:
            self.is_over = True
            raise KeyboardInterrupt
        if total != self.size * check:  # exact: a check has 32 bits
            raise ValueError(
                f"rank {self.rank}: expected the batch of the other ranks, got another one: let every rank read the "
                f"same samples in the same order; each takes its rows of them by itself. And within an epoch set "
                f"stop_training on every rank in the same step, or on none"
            )
        return vector[3:]

    def sum(self, array: np.ndarray) -> None:
        """Put the sum over all ranks in the place of an array: the same bits on every rank."""
        request, tries = self.comm.Iallreduce(mpi.module().IN_PLACE, array), 0
        while not request.Test():
            tries += 1
            # MPI's own waiting keeps the core: where other ranks or programs want it, too, that took ten times as long.
            time.sleep(0 if tries < PATIENCE else NAP)


def _for_others(error):
    """The error, or where pickle cannot carry it its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a class of the user's own raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
