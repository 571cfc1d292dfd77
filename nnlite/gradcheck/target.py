"""What a gradient is for: the input, a parameter or an initial state of a layer."""

from dataclasses import dataclass
from enum import Enum

import numpy as np


class Kind(Enum):
    """The kinds of arrays that a layer computes with. Statistics have no gradient."""

    INPUT = "input"
    PARAMETER = "parameter"
    STATE = "initial state"
    STATISTIC = "statistic"


@dataclass(frozen=True)
class Target:
    """An array of a layer, by kind and name. Prints as in "parameter Wh"."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass
class Perturbed:
    """A parameter or an array of statistics that is not checked at its own values."""

    target: Target
    array: np.ndarray
    own: np.ndarray
