"""Settings: what is set on a model directly is what `compile` takes, or refused."""

from typing import Any

from .. import checks, losses, metrics, optimizers
from ..layers.base.settings import generator
from . import agreement, alone


def checked(model: Any, name: str, value: Any) -> Any:
    """What becomes of an attribute's new value: "mae" is a loss, ["mae"] metrics."""
    return _CHECKS[name](model, value) if name in _CHECKS else value


def _loss(model, loss):
    loss = losses.get(loss)
    agreement.check_order("loss", loss)
    model._readers = set()  # whom another object may be taken for, by its id
    return loss


def _metrics(model, given):
    alone.require_rest(model, "setting metrics")
    model._readers = set()
    if not isinstance(given, dict):
        return metrics.get(given)
    found = {}
    for name, metric in given.items():  # as `compile` has set them
        if not isinstance(name, str) or not (callable(metric) or isinstance(metric, str)):
            raise TypeError(f"metrics: expected a list such as ['accuracy'], got {given!r}")
        found[name] = metrics.get([metric])[metric] if isinstance(metric, str) else metric
    return found


_CHECKS = {
    "name": lambda model, name: checks.layer_name(name),
    "rng": lambda model, rng: generator(rng),
    "optimizer": lambda model, optimizer: optimizers.get(optimizer),
    "loss": _loss,
    "metrics": _metrics,
}
