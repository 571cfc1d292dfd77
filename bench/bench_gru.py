"""GRU: the kernel on sequences of ids, and a training step."""

from cells import T, nnlite_passes, operations, passes, training_step
from work import Work, on_reference, time_work

H = 200


def passes_reset_before(N):
    """Both passes with reset_after=False, which PyTorch does not have."""
    nnlite = nnlite_passes("GRU", H, N, reset_after=False)
    name = f"GRU({H}, reset_after=False) on ids, T {T}, batch {N}: forward and backward"
    contestants = {"nnlite": nnlite, "reference": on_reference(nnlite)}
    return Work(name, contestants, operations=operations("GRU", H, N)[0])


WORKS = [
    *(passes("GRU", H, N) for N in (1, 32, 128)),
    *(passes_reset_before(N) for N in (1, 128)),
    training_step("GRU", H, 128, target=2.0),
]


def test_gru(benchmark, work, threads):
    time_work(benchmark, work, threads)
