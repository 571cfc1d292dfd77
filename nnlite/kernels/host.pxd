"""What the other kernels read of `host`, which is compiled once for all of them."""

cdef int num_threads  # how many threads a kernel uses, whichever Python thread calls it
