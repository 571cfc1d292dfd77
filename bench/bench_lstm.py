"""The LSTM kernel: both passes over ids, and inference on numbers."""

from cells import inference, passes

WORKS = [passes("LSTM", 200, N) for N in (1, 32, 128)]
WORKS += [inference(H, N) for H, N in [(200, 32), (512, 1), (512, 32)]]
