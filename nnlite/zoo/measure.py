"""Measure the losses of all exhibits, and write losses.toml: `python -m nnlite.zoo.measure`, some minutes."""

import types
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .exhibit import exhibits, right_name
from .tasks import LAST, losses

SEEDS = 3


def reached(task: str, kernel: str, module: types.ModuleType | None = None) -> list[float]:
    """The smallest and the largest mean loss of the last steps, over seeds."""
    means = [float(np.mean(losses(task, kernel, module, seed)[-LAST:])) for seed in range(SEEDS)]
    return [round(min(means), 3), round(max(means), 3)]


def measured() -> Iterable[str]:
    right = dict[str, list[float]]()
    yield f"# Mean losses of the last {LAST} of 150 steps, smallest and largest of {SEEDS} seeds; from measure.py\n"
    yield "\n[exhibits]\n"
    for name, one in exhibits().items():
        task = right_name(one.kernel, one.task)
        if task not in right:
            right[task] = reached(one.task, one.kernel)
        loss = reached(one.task, one.kernel, one.module())
        print(f"{name:20} {loss}  right {right[task]}  {one.story}", flush=True)
        yield f'"{name}" = {loss}\n'
    yield "\n[right]\n"
    yield from (f'"{name}" = {numbers}\n' for name, numbers in right.items())


if __name__ == "__main__":
    text = "".join(measured())
    Path(__file__).with_name("losses.toml").write_text(text, "utf-8")
