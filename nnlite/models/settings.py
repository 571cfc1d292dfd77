"""Settings: what is set on a model directly is what `compile` takes, or refused."""

from typing import Any

from .. import checks, losses, metrics, optimizers
from ..layers.base.settings import generator
from . import agreement, alone
from .assembly import parts


def checked(model: Any, name: str, value: Any) -> Any:
    """What becomes of an attribute's new value: "mae" is a loss, ["mae"] metrics."""
    return _CHECKS[name](model, value) if name in _CHECKS else value


def _rng(model, rng):
    old, new = vars(model).get("rng"), generator(rng)
    for part in [one for layer in vars(model).get("layers", ()) for one in parts(layer)]:
        if part.rng is old:  # it draws from the model's
            part.rng = new
            if hasattr(part, "equip_parts"):
                part.equip_parts()
    return new


def _dtype(model, dtype):
    dtype = checks.float_dtype("dtype", dtype)
    if other := next((layer for layer in vars(model).get("layers", ()) if layer.dtype != dtype), None):
        raise ValueError(
            f"dtype: expected {other.dtype.name}, as that of {other.name}, got {dtype.name}: give it to the model when "
            f"it is made, {type(model).__name__}(layers, dtype={dtype.name!r})"
        )
    return dtype


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
            raise TypeError(f"metrics: expected a list such as ['accuracy'], got {given!r:.200}")
        found[name] = metrics.get([metric])[metric] if isinstance(metric, str) else metric
    return found


_CHECKS = {
    "name": lambda model, name: checks.layer_name(name),
    "rng": _rng,
    "dtype": _dtype,
    "optimizer": lambda model, optimizer: optimizers.get(optimizer),
    "loss": _loss,
    "metrics": _metrics,
}
