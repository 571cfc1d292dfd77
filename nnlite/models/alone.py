"""Alone: a training, and an evaluation, have the model to themselves."""

import contextlib
from collections.abc import Iterator
from typing import Any

from ..arguments.classes import is_model
from ..layers.base.has_states import HasStates
from ..turns import Keeps, computing
from .assembly import parts


@contextlib.contextmanager
def one_fit(model: Any) -> Iterator[None]:
    """Refuse a second training of the same model at the same time, and let go of the data at the end.

    Layers that carry nothing from batch to batch have the states of a user's steps again.
    """
    mine, carrying = object(), [layer for layer in _with_states(model) if not getattr(layer, "stateful", False)]
    states = [layer.state for layer in carrying]
    inside = [part for part in parts(model) if is_model(part)]
    try:
        with computing:
            model._fit = mine if model._fit is None else model._fit
        if model._fit is not mine:
            raise RuntimeError(
                f"fit: {model.name} is being trained by another call of fit: wait for its end, or train a copy, "
                f"copy.deepcopy(model)"
            )
        with _holding(inside):
            yield
    finally:
        if model._fit is mine:
            model._fit = None
            _exchange(carrying, states)
            _forget(model)


@contextlib.contextmanager
def _holding(models):
    """Count the trainings that models are a part of."""
    with computing:
        for model in models:
            model._held += 1
    try:
        yield
    finally:
        with computing:
            for model in models:
                model._held -= 1


def require_rest(model: Any, method: str) -> None:
    """Refuse to change what a running training has counted and checked."""
    if model._held:
        raise RuntimeError(
            f"{method}: {model.name} is being trained by fit, which goes on with what it began with: call {method} "
            f"before or after it, or for a copy, copy.deepcopy(model)"
        )


def apart(model: Any, batches: Iterator[Any], is_stream: bool) -> Iterator[Any]:
    """Batches to compute with apart from all else: while no other thread does, from a state of zeros, with no trace.

    To be closed at the end.

    Args:
        is_stream: whether a user's generator makes the batches. While it is asked for one, other threads may compute:
            it may wait for one that does.
    """
    layers = _with_states(model)
    own: list[Any] = [None] * len(layers)
    with contextlib.nullcontext() if is_stream else computing, contextlib.closing(batches):  # type: ignore[type-var]
        for batch in batches:
            with computing:
                states = _exchange(layers, own)
                try:
                    yield batch
                finally:
                    own = _exchange(layers, states)
                    _forget(model)


def _with_states(model):
    """The layers whose `forward` leaves a state: recurrent ones, and those of one's own that are stateful."""
    layers = model.all_layers.values()
    return [layer for layer in layers if isinstance(layer, HasStates) or getattr(layer, "stateful", False)]


def _exchange(layers, states):
    """Give the layers these states, and return those they had."""
    before = [layer.state for layer in layers]
    for layer, state in zip(layers, states, strict=True):
        layer.state = state
    return before


def _forget(model):
    """Give back what the layers and the loss keep for backward: it can hold the user's data in memory."""
    for one in (*model.all_layers.values(), model.loss):
        if isinstance(one, Keeps):
            one._forget()
