"""RNN: the kernel on sequences of ids, and training steps, also with batch 1 as in the minimal recipe."""

from cells import passes, training_step

ONE = (1,)  # thread: too little work for more

WORKS = [
    passes("RNN", 100, 1, threads=ONE),
    passes("RNN", 100, 64),
    training_step("RNN", 100, 1, "Adagrad", 0.1, clipvalue=5.0, threads=ONE),
    *(training_step("RNN", H, N) for H in (100, 1024) for N in (32, 64, 128)),
]
