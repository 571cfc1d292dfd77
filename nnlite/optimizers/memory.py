"""Memory: what an optimizer keeps for each parameter, and the model whose parameters they are."""

import weakref
from typing import Any

import numpy as np

from .. import checks
from ..arguments import is_ours


class HasMemory:
    """Base of `Optimizer`: its `state` follows the model, also when layers are renamed, added or replaced."""

    slots: dict[str, float]
    state: dict[str, np.ndarray]
    iterations: int

    _model: weakref.ref | None = None  # whose parameters it has updated
    _layers: dict[str, Any] = {}  # noqa: RUF012  replaced, never changed: and of which layers, by name

    def belongs_to(self, model: Any) -> None:
        """Go on with this model alone, as after loading it: what is remembered of one says nothing of another."""
        self._model, self._layers = weakref.ref(model), dict(model.all_layers)

    def agreed_state(self, model: Any, complete: bool = False) -> dict[str, np.ndarray]:
        """`state` as it belongs to this model now: of its parameters and `slots` alone, under its layers' names.

        So a renamed layer keeps its moments, and one that has another one's place begins anew.

        Args:
            complete: with the arrays that the next step would add, for a file.
        """
        names = {id(layer): name for name, layer in self._layers.items()}  # of the step before
        learned = model.learned()[1] if complete and self.iterations else {}
        agreed = self._undeclared(complete)
        for full, layer in model.all_layers.items():
            before = names.get(id(layer), None if full in self._layers else full)
            for key, param in layer.params.items():
                name = f"{full}.{key}"
                found = {slot: self.state.get(f"{slot}/{before}.{key}") for slot in self.slots}
                is_stepped = name in learned or any(array is not None for array in found.values())
                for slot, array in found.items():
                    if array is not None:
                        agreed[f"{slot}/{name}"] = self._fitting(array, slot, name, param)
                    elif complete and is_stepped:
                        agreed[f"{slot}/{name}"] = np.full_like(param, self.slots[slot])
        return agreed

    def _undeclared(self, refuse):
        """What an optimizer of one's own keeps in `state` beside its slots: no file could give it back."""
        found = (
            {} if is_ours(type(self)) else {k: v for k, v in self.state.items() if k.split("/")[0] not in self.slots}
        )
        if found and refuse:
            name = type(self).__name__
            raise ValueError(
                f"{name}: expected arrays of its slots in state, got {', '.join(found)}: name them in its class, such "
                f"as slots = {{'v': 0.0}}, and change slots['v'] in update"
            )
        return found

    @staticmethod
    def _fitting(memory, slot, name, param):
        """The optimizer's array for a parameter, whose shape and dtype it has to have."""
        if memory.shape != param.shape or memory.dtype != param.dtype:
            raise ValueError(
                f"parameter {name}: expected {checks.shape_text(memory.shape)} {memory.dtype.name}, as the optimizer's "
                f"{slot} for it, got {checks.shape_text(param.shape)} {param.dtype.name}: an optimizer belongs to one "
                f"model: compile again with a new one"
            )
        return memory

    def _check_model(self, params):
        """Refuse the parameters of another model than that of the steps before."""
        model = getattr(params, "model", None)  # those of a dict of the user's own belong to whom they like
        if model is None or (self._model is not None and self._model() is model):
            return
        if self.iterations:
            raise ValueError(
                f"params: expected the model of the {self.iterations} steps before, got another model, {model.name}: "
                f"an optimizer belongs to one model: use a new one, {self!r}, or copy both with copy.deepcopy(model)"
            )
        self.belongs_to(model)

    def _write_back(self, name, given, slots):
        """Put what an `update` of one's own has set in its dict `given` into the arrays of `state`, its slots."""
        what = f"{type(self).__name__}.update"
        if given.keys() != slots.keys():
            odd = min(given.keys() ^ slots.keys(), key=str)
            raise ValueError(
                f"{what}: expected the slots {', '.join(slots) or 'none'}, got {', '.join(map(str, given)) or 'none'}: "
                f"name {odd} in the class, slots = {{{odd!r}: 0.0}}, where it belongs to each parameter"
            )
        for slot, array in slots.items():
            if given[slot] is not array:
                array[...] = checks.floats(
                    f"{what}: slots[{slot!r}] of {name}", given[slot], array.dtype, array.shape, "of param"
                )
