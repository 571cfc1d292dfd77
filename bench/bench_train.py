"""Training steps of an LSTM: forward, loss, backward, clip by the global norm, Adam."""

from cells import training_step

WITH_JAX = [(200, 32), (200, 128), (512, 64)]
DOUBLE = [(200, 32), (200, 128), (512, 64)]

WORKS = [
    training_step("LSTM", H, N, jax=(H, N) in WITH_JAX)
    for H in (64, 128, 200, 256, 512, 1024)
    for N in (1, 8, 32, 64, 128)
]
WORKS += [training_step("LSTM", H, N, dtype="float64") for H, N in DOUBLE]
