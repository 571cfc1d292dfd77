"""The LSTM kernel on sequences of ids: forward and backward."""

from cells import passes
from work import time_work

WORKS = [passes("LSTM", 200, N) for N in (1, 32, 128)]


def test_lstm(benchmark, work, threads):
    time_work(benchmark, work, threads)
