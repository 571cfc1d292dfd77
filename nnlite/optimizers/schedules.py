"""`nnlite.schedules` under the name that it has in Keras."""

from ..schedules import Constant, CosineDecay, ExponentialDecay, Schedule, StepDecay, WarmUp
from ..schedules import Schedule as LearningRateSchedule

__all__ = ["Constant", "CosineDecay", "ExponentialDecay", "LearningRateSchedule", "Schedule", "StepDecay", "WarmUp"]

_NOT_HERE = ("CosineDecayRestarts", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay")


def __getattr__(name: str) -> object:
    if name in _NOT_HERE:
        raise AttributeError(f"nnlite has no {name}: write it as a class derived from nnlite.schedules.Schedule")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
