"""More than one machine: processes that train one model together, over MPI.

    mpiexec -n 4 python -m mpi4py -m nnlite train --batch-size 64
    mpiexec -n 4 python -m mpi4py my_training.py            with compile(DataParallel(Adam(0.01)), ...)

The guide is docs/guides/more_machines.md.
"""

from .data_parallel import DataParallel

__all__ = ["DataParallel"]
