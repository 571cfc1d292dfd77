"""GRU: the kernel on sequences of ids, and a training step."""

from cells import passes, training_step
from work import time_work

H = 200

WORKS = [
    *(passes("GRU", H, N) for N in (1, 32, 128)),
    training_step("GRU", H, 128, target=2.0),
]


def test_gru(benchmark, work, threads):
    time_work(benchmark, work, threads)
