"""MPI: the processes that `mpiexec` has started together, numbered from 0, which are called ranks."""

import functools
import math
import os
import sys
import time
from typing import Any

from .. import get_num_threads, set_num_threads

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")  # in which MPICH and Open MPI tell each process how many there are


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
    """Let ranks that may run on the same cores share them, unless the number of threads was chosen."""
    node = comm.Split_type(module().COMM_TYPE_SHARED)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    sharing = sum(not cores.isdisjoint(others) for others in node.allgather(cores))
    is_chosen = os.environ.keys() & {"NNLITE_NUM_THREADS", "OMP_NUM_THREADS"} or get_num_threads() != len(cores)
    if not is_chosen:
        set_num_threads(max(1, len(cores) // sharing))


def all_have_come(seconds: float = math.inf) -> bool:
    """Wait at the end of the program until all ranks are there, at most so long; whether they are."""
    request, end = world().Ibarrier(), time.monotonic() + seconds
    while not request.Test():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)  # rank 0 may still be writing, and wants the core
    return True
