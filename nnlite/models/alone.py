"""Alone: a training, and an evaluation, have the model to themselves."""

import contextlib
from collections.abc import Iterator
from typing import Any

from ..turns import Keeps, computing


@contextlib.contextmanager
def one_fit(model: Any) -> Iterator[None]:
    """Refuse a second training of the same model at the same time, and let go of the data at the end."""
    mine = object()
    try:
        with computing:
            model._fit = mine if model._fit is None else model._fit
        if model._fit is not mine:
            raise RuntimeError(
                f"fit: {model.name} is being trained by another call of fit: wait for its end, or train a copy, "
                f"copy.deepcopy(model)"
            )
        yield
    finally:
        if model._fit is mine:
            model._fit = None
            _forget(model)


def require_rest(model: Any, method: str) -> None:
    """Refuse to change what a running training has counted and checked."""
    if getattr(model, "_fit", None) is not None:
        raise RuntimeError(
            f"{method}: {model.name} is being trained by fit, which goes on with what it began with: call {method} "
            f"before or after it, or for a copy, copy.deepcopy(model)"
        )


@contextlib.contextmanager
def apart(model: Any) -> Iterator[None]:
    """Compute apart from a training: while no other thread does, from a state of zeros, and leave no trace."""
    with computing:
        states = [(layer, layer.state) for layer in model.stateful_layers]
        for layer, _ in states:
            layer.reset_state()
        try:
            yield
        finally:
            for layer, state in states:
                layer.state = state
            _forget(model)


def _forget(model):
    """Give back what the layers and the loss keep for backward: it can hold the user's data in memory."""
    for one in (*model.all_layers.values(), model.loss):
        if isinstance(one, Keeps):
            one._forget()
