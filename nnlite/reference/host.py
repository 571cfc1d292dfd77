"""What the compiled `host` is asked for, where there are no compiled kernels: NumPy's arrays, and one thread."""

import os
import signal
import threading

import numpy as np


def has_openmp():
    return False


def checks_indices():
    return False


def available_threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def get_num_threads():
    return 1


def set_num_threads(n):
    """NumPy's library for products has threads of its own, which this leaves alone."""


def empty(shape, dtype, small=0):
    return np.empty(shape, dtype)


class Uninterrupted:
    """`with uninterrupted:` lets Ctrl-C wait for the end of the block. Python interrupts the main thread alone."""

    def __init__(self):
        self.depth, self.came = 0, False

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self.depth += 1
            if self.depth == 1:
                self.before = signal.signal(signal.SIGINT, self.note)

    def note(self, number, frame):
        self.came = True

    def __exit__(self, *error):
        if threading.current_thread() is threading.main_thread():
            self.depth -= 1
            if self.depth == 0:
                signal.signal(signal.SIGINT, self.before or signal.SIG_DFL)  # None if it is not Python's
                if self.came:
                    self.came = False
                    signal.raise_signal(signal.SIGINT)


uninterrupted = Uninterrupted()


def after_fork():
    """In the child, where the thread that was inside of the block is not."""
    if uninterrupted.depth:
        uninterrupted.depth, uninterrupted.came = 0, False
        signal.signal(signal.SIGINT, uninterrupted.before or signal.SIG_DFL)
