"""Passes: a layer of a model where it gets more than x, the lengths of sequences, or is a user's own."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from . import own_layers


@functools.cache  # each step asks: a call that is found there is none of Python's
def takes_needs_dx(backward: Callable) -> bool:
    """Whether this `backward`, of a class of layers or models, takes `needs_dx`."""
    return "needs_dx" in inspect.signature(backward).parameters


def forward(layer: Any, x: np.ndarray, training: bool, lengths: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    """What the layer makes of x; and the lengths, None where there are no steps any more."""
    if lengths is None:
        return own_layers.forward(layer, x, training) if own_layers.is_own(layer) else layer.forward(x, training), None
    if layer.takes_lengths:
        y = layer.forward(x, training, lengths=lengths)
        return y, lengths if layer.return_sequences else None
    # Any other layer must not mix steps with padding.
    if not layer.built:
        layer.build(x.shape[1:])
    what = f"lengths: {layer.name} ({type(layer).__name__})"
    if layer.statistics:
        raise ValueError(f"{what} takes its statistics over all steps, and would count padding: use LayerNorm")
    y, _ = forward(layer, x, training, None)
    if y.shape[:2] != x.shape[:2]:
        raise ValueError(
            f"{what} mixes steps with padding, as it makes {checks.shape_text(y.shape)} of x "
            f"{checks.shape_text(x.shape)}: let a recurrent layer without return_sequences come before it"
        )
    return y, lengths
