"""MPI: the processes that `mpiexec` has started together, numbered from 0, which are called ranks."""

import functools
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels import get_num_threads, set_num_threads

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")  # in which MPICH and Open MPI tell each process how many there are
GRACE = 2.0  # seconds that a rank with an error waits for the others, which may have the same


def module() -> Any:
    """mpi4py.MPI.

    Raises:
        ImportError: there is none.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py is here, and no MPI
        raise ImportError(
            f"nnlite.distributed needs mpi4py and an MPI: pip install 'nnlite-learn[mpi]', or on a cluster, for the "
            f"MPI that is there: pip install mpi4py ({error})"
        ) from error
    return MPI


@functools.cache
def world() -> Any:
    """The communicator of all ranks; None in a process that was started alone."""
    if "mpi4py" not in sys.modules and not any(os.environ.get(name, "1") != "1" for name in SIZES):
        return None
    comm = module().COMM_WORLD
    return comm if comm.size > 1 else None


def rank() -> int:
    """The number of this process; 0 where it was started alone."""
    return 0 if world() is None else world().rank


def divide_cores(comm: Any) -> None:
    """Let ranks that may run on the same cores share them, once, unless the number of threads was chosen."""
    global _are_divided
    node = comm.Split_type(module().COMM_TYPE_SHARED)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    sharing = sum(not cores.isdisjoint(others) for others in node.allgather(cores))
    node.Free()
    is_chosen = os.environ.keys() & {"NNLITE_NUM_THREADS", "OMP_NUM_THREADS"} or get_num_threads() != len(cores)
    if not is_chosen and not _are_divided:
        set_num_threads(max(1, len(cores) // sharing))
    _are_divided = True


_are_divided = False


def abort_at_exit() -> None:
    """End all ranks when this one has ended, as `python -m mpi4py` does after an error: none waits for it."""
    if "mpi4py" in sys.modules and world():
        from mpi4py import run

        run.set_abort_status(1)


def leave(code: int | None, speak: Callable[[], object]) -> int:
    """End the program of this rank with the others; where some do not come, end them, too. Returns the exit code.

    Args:
        code: of this rank; 0 or None where all went well.
        speak: prints what this rank has to say, where rank 0 does not say the same.
    """
    comm = world()
    codes = np.array([0 if comm.rank else code or 0], np.int64)  # None, too, says that all went well
    request, end = comm.Iallreduce(module().IN_PLACE, codes), time.monotonic() + (GRACE if code else math.inf)
    while not request.Test():
        if time.monotonic() > end:
            speak()
            comm.Abort(code)
        time.sleep(0.01)  # rank 0 may still be writing, and wants the core
    if code and not codes[0]:
        speak()
    module().Finalize()  # else mpi4py would take a code for the end of this rank alone
    return int(codes[0]) or code or 0
