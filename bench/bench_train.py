"""One training step of the sonnet model: forward, loss, backward, clip by the global norm, Adam."""

from cells import training_step
from work import time_work

WORKS = [training_step("LSTM", 200, N, target=2.0) for N in (32, 64, 128)]


def test_train(benchmark, work, threads):
    time_work(benchmark, work, threads)
