"""Dense: the sonnets' output layer, layers of image networks, and square ones."""

from work import layer_work

# Rows, inputs, units.
SIZES = [
    (5120, 200, 38),
    (512, 512, 512),
    (1, 512, 512),
    (8, 512, 512),
    (64, 400, 120),
    (128, 784, 512),
    (128, 1024, 1024),
    (1024, 1024, 1024),
]


def dense(N, F, U, dtype):
    return layer_work(
        f"Dense {F} -> {U}, {N} row{'s' * (N > 1)}",
        lambda nnlite: nnlite.Dense(U, seed=0, dtype=dtype),
        lambda torch: torch.nn.Linear(F, U),
        (N, F),
        operations=3 * 2 * N * F * U,
        dtype=dtype,
    )


WORKS = [dense(*sizes, dtype) for dtype in ("float32", "float64") for sizes in SIZES]
