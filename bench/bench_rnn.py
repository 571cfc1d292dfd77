"""RNN: the kernel on sequences of ids, and training steps, also with batch 1 as in the minimal recipe."""

from cells import passes, training_step
from work import time_work

H = 100
ONE = (1,)  # thread: too little work for more

WORKS = [
    passes("RNN", H, 1, threads=ONE),
    passes("RNN", H, 64),
    training_step("RNN", H, 1, target=12.0, optimizer="Adagrad", learning_rate=0.1, clipvalue=5.0, threads=ONE),
    training_step("RNN", H, 64, target=2.5),
]


def test_rnn(benchmark, work, threads):
    time_work(benchmark, work, threads)
