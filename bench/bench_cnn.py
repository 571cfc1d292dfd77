"""One training step of a small convolutional network on digits: forward, loss, backward, Adam."""

import functools

from work import Work, in_both_layouts, normal, rng

CLASSES = 10


def nnlite_step(N):
    import nnlite
    from nnlite import Conv2D, Dense, Flatten, MaxPool2D, ReLU

    model = nnlite.Sequential(
        [
            *(Conv2D(8, 5, padding=2), ReLU(), MaxPool2D()),
            *(Conv2D(16, 5), ReLU(), MaxPool2D()),
            *(Flatten(), Dense(120), ReLU(), Dense(CLASSES)),
        ],
        seed=0,
    )
    model.compile(nnlite.Adam(1e-3), nnlite.SparseCategoricalCrossentropy(from_logits=True))
    x, y = normal(N, 28, 28, 1), rng().integers(CLASSES, size=N)
    return lambda: model.train_on_batch(x, y)


def pytorch_step(N, lay_out):
    import torch
    from torch import nn

    model = lay_out(
        nn.Sequential(
            *(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, CLASSES)),
        )
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)  # the fastest of its three
    x, y = lay_out(normal(N, 28, 28, 1)), torch.from_numpy(rng().integers(CLASSES, size=N))

    def run():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


WORKS = [
    Work(
        f"training step, two convolutions of 8 and 16 filters, batch {N}",
        {"nnlite": functools.partial(nnlite_step, N), **in_both_layouts(functools.partial(pytorch_step, N))},
    )
    for N in (8, 64, 256)
]
