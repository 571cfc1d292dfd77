"""GRU: the kernel on sequences of ids, and training steps. PyTorch does not have reset_after=False."""

from cells import passes, training_step

WORKS = [passes("GRU", 200, N) for N in (1, 32, 128)]
WORKS += [passes("GRU", 200, N, reset_after=False) for N in (1, 128)]
WORKS += [training_step("GRU", H, N) for H in (200, 512) for N in (1, 32, 64, 128)]
WORKS += [training_step("GRU", 1024, 64)]
