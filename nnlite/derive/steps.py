"""Derive a layer that ends in an activation in two steps: z = x W + b, then y = f(z)."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .engine.derivation import Derivation
from .engine.selection import At


def forward(derive: Callable, layer: Any, x: np.ndarray, at: At, **settings: Any) -> Derivation:
    """Derive z by the layer without its activation, then y from it."""
    first, last = _steps(layer, x)
    row = at[:-1] if isinstance(at, tuple) and type(last).__name__ == "Softmax" else at  # needs the whole row of z
    of_z = derive(first, x, at=row, **settings)
    of_y = derive(last, copy.deepcopy(first).forward(x), at=at, **settings)
    texts = [("Step 1: y is z", of_z), ("Step 2: x is z", of_y)]
    return _joined(layer, "forward", texts, [*_renamed(of_z, y="z"), *of_y.comparisons])


def backward(derive: Callable, layer: Any, x: np.ndarray, dy: np.ndarray, at: At, **settings: Any) -> Derivation:
    """Derive dz by the activation, then the gradients from it; `at` may choose parts of dz, too."""
    first, last = _steps(layer, x)
    z, running = copy.deepcopy(first).forward(x), copy.deepcopy(last)
    running.forward(z)
    dz = running.backward(dy)
    chosen: Any = dict(at) if isinstance(at, dict) else at
    texts, comparisons = [], []
    if at is None or (isinstance(at, dict) and "dz" in at):
        of_z = derive(last, z, dy, at=None if at is None else {"dx": chosen.pop("dz")}, **settings)
        texts.append(("Step 1: x is z, and dx is dz", of_z))
        comparisons += _renamed(of_z, dx="dz")
    if chosen != {} or not texts:
        of_x = derive(first, x, dz, at=chosen, **settings)
        texts.append(("Step 2: dy is dz", of_x))
        comparisons += of_x.comparisons
    return _joined(layer, "backward", texts, comparisons)


def _steps(layer, x):
    if not layer.built:
        copy.deepcopy(layer).forward(x)  # raises what the layer raises, before it is built
        layer.build(np.shape(x)[1:])
    first, last = layer._steps()
    return first, last


def _renamed(derivation, **names):
    return [replace(found, name=names.get(found.name, found.name)) for found in derivation.comparisons]


def _joined(layer, function, texts, comparisons):
    title = f"{layer!r}, {function}, {layer.dtype.name}"
    parts = [f"{heading}\n\n{derivation}" for heading, derivation in texts]
    return Derivation(title, "\n\n".join([f"{title}, in two steps: z, then y = f(z)", *parts]), comparisons)
