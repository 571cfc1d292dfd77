"""Hold cells of a recurrent layer at fixed values while a model takes its steps.

Layers and kernels have no code for it. A copy of the model runs, and the model itself never changes:

    h   is written into the state after each step of the layer, before anything reads it: the next layer sees the held
        value, and so does the layer's next step.
    c   of an LSTM cannot be: the kernel has made h_t = o * tanh(c_t) of it by then. In the copy the unit's forget gate
        is 1 and its candidate 0, to the last bit, so c_t = 1 * c_{t-1} + i * 0 keeps what it starts from, and h_t is
        o * tanh of the held value, with the output gate as learned.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from . import recurrent
from .gates import BLOCKS
from .recording import private_copy

Hold = Mapping[str, Mapping[int, float]]

OPEN = 100  # sigmoid(100) is 1 to the last bit, in float32 and float64
LARGEST = float(np.finfo(np.float32).max)


def holdable(model: Any) -> dict[str, tuple[Any, int]]:
    """The states of a model that can be held, by names such as "lstm.c": the layer, and which of its states it is.

    Of an LSTM "c" comes before "h".
    """
    found: dict[str, tuple[Any, int]] = {}
    for name, layer in model.all_layers.items():
        if recurrent.has_meanings(layer) and not layer.go_backwards:
            found |= {f"{name}.{state}": (layer, number) for number, state in reversed([*enumerate(layer.states)])}
    return found


def held_stepper(model: Any, hold: Hold, N: int) -> Callable[[np.ndarray], np.ndarray]:
    """`model.stepper(N)` of a copy whose cells are held, from a state of zeros but for these.

    Args:
        model: a `Sequential` that is built.
        hold: the values by unit, by the names of states: {"lstm.c": {105: 0.0}}.
        N: how many texts take their steps together.

    Raises:
        TypeError, ValueError: the model has no such state or unit, or a value is not a finite number.
    """
    copied = private_copy(model, "hold")
    copied.reset_state()
    states = holdable(copied)
    if not isinstance(hold, Mapping) or not all(isinstance(values, Mapping) for values in hold.values()):
        raise TypeError(f"hold: expected values by unit by state, such as {{'lstm.c': {{105: 0.0}}}}, got {hold!r}")
    for name, values in hold.items():
        if name not in states:
            if not states:
                raise ValueError(
                    f"hold: expected a model with an LSTM, GRU or RNN, got {name!r} for one without: the layers inside "
                    f"of a Bidirectional cannot be held, as they take no single steps"
                )
            raise ValueError(
                f"hold: expected one of {', '.join(states)}, got {name!r}: gates cannot be held, and states can"
            )
        layer, number = states[name]
        _hold_in(layer, number, *_checked(name, values, layer.units))
    return copied.stepper(N)


def _checked(name, values, H):
    """Units and values as two arrays."""
    where = f"hold[{name!r}]"
    units = [checks.positive(f"{where}: unit", unit, least=0) for unit in values]
    if too_large := [unit for unit in units if unit >= H]:
        raise ValueError(f"{where}: expected units from 0 to {H - 1}, got {too_large[0]}: the layer has {H}")
    for unit, value in values.items():
        if not abs(checks.between(f"{where}[{unit}]", value, -math.inf, math.inf)) <= LARGEST:
            raise ValueError(f"{where}[{unit}]: expected a finite number, got {value!r}: give a value of the state")
    return np.array(units, np.intp), np.array([*values.values()], float)


def _hold_in(layer, number, units, values):
    """Let the layer of a copy hold units of one of its states."""
    if layer.states[number] == "c":
        for block, bias in ((BLOCKS.index("forget"), OPEN), (BLOCKS.index("candidate"), 0)):
            columns = block * layer.units + units
            layer.params["Wx"][:, columns] = layer.params["Wh"][:, columns] = 0
            layer.params["b"][columns] = bias
    make = layer.stepper

    def stepper(N):
        step = make(N)
        state = layer.state[number]  # which the steps overwrite in place
        state[:, units] = values

        def held_step(x):
            y = step(x)
            state[:, units] = values
            return y

        return held_step

    layer.stepper = stepper
