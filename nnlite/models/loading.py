"""Loading: a saved model becomes one again."""

import os
from typing import Any

import numpy as np

from .. import checks, losses, metrics, optimizers, schedules
from ..arguments import Configured
from ..arguments.classes import bare, known, told_apart
from ..arguments.translations.calls import translated
from ..saving import checkpoint, training_state
from ..saving.checkpoint import CheckpointError
from . import vocabularies
from .sequential import Sequential


@translated
def load_model(path: str | os.PathLike, custom_objects: dict[str, Any] | None = None) -> Sequential:
    """Load what `save_model` saved: the same weights, random generator, optimizer, loss, metrics and vocabulary.

    The model goes on training as the saved one would have, bit for bit. Nothing in the file is run as code.

    Args:
        custom_objects: dict from names to what is your own in it: classes of layers and of what is inside of them, such
            as regularizers, of optimizers, losses and models, and functions that are metrics.

    Raises:
        CheckpointError: no such file, not a checkpoint, damaged, from a newer nnlite, or with an unknown layer.
        TypeError: path is no path, or custom_objects no dict.
    """
    path = checks.path("path", path)
    if not isinstance(custom_objects, dict | None):
        raise TypeError(f"custom_objects: expected a dict from names to classes, got {custom_objects!r:.200}")
    _refuse_others(path)
    tree = checkpoint.read(path)
    try:
        parts = [tree["model"]["layers"], tree["optimizer"], tree["loss"], tree.get("metrics")]
        custom = told_apart(custom_objects, tree["class"], *parts)
        kind = known(tree["class"], custom, {"Sequential": Sequential})
        if kind is None:
            name = bare(tree["class"])
            raise ValueError(f"the model is a {name}: if that is your own class, give it in custom_objects")
        for part in parts:
            _check_configs(part, custom)
        model = kind.from_config({**tree["model"], "input_shape": None}, custom, seed=_generator(tree["rng"]))
        if tree["optimizer"]:  # before it is built: an old file's loss may not be the one for its last layer
            model.compile(
                _make(tree["optimizer"], optimizers, optimizers.Optimizer, custom),
                _make(tree["loss"], losses, losses.Loss, custom),
                [_metric(saved, custom) for saved in tree.get("metrics", ())],  # older files have no such entry
            )
        training_state.build_from(model, tree)
        training_state.restore_model(model, tree)
        if tree.get("vocabulary") is not None:  # older files, and models of other things, have none
            model.vocabulary = vocabularies.made(tree["vocabulary"])
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        reason = f"{training_state.explain(error)}{training_state.hint(error)}"
        raise CheckpointError(f"cannot load the model in {path}: {reason}") from error
    return model


_READERS = {
    ".keras": "nnlite.interop.from_keras(path)",
    ".h5": "nnlite.interop.from_keras(path, model) for a .weights.h5 file of Keras 3",
    ".onnx": "nnlite.interop.from_onnx(path)",
}


def _refuse_others(path):
    """Refuse what is another program's file by its name, and no model of nnlite under that name."""
    ending = os.path.splitext(path)[1].lower()
    if ending in _READERS and os.path.isfile(path) and not checkpoint.is_ours(path):
        raise CheckpointError(
            f"cannot read the checkpoint {path}: expected a model of nnlite, got a {ending} file of "
            f"another program: use {_READERS[ending]}"
        )


def _check_configs(node, custom):
    """Refuse arguments that classes of one's own do not take, wherever in the tree they are described."""
    if isinstance(node, list):
        for one in node:
            _check_configs(one, custom)
    elif isinstance(node, dict):
        kind, config = known(str(node.get("class")), custom, {}), node.get("config")
        if isinstance(kind, type) and issubclass(kind, Configured) and isinstance(config, dict):
            kind.check_config(config)
        for one in node.values():
            _check_configs(one, custom)


def _make(description, module, base, custom):
    """What `_describe` described: of a class of that module, or of a custom one, and of no other."""
    name, config = description["class"], description["config"]
    if isinstance(config.get("learning_rate"), dict):
        config = {**config, "learning_rate": schedules.made(config["learning_rate"], custom)}
    found = known(name, custom, vars(module))
    if found is None or not (known(name, custom, {}) or (isinstance(found, type) and issubclass(found, base))):
        raise ValueError(_unknown(base.__name__.lower(), bare(name)))
    make = getattr(found, "from_config", None)
    return make(config) if make else found(**config)


def _metric(saved, custom):
    """A metric by its name, or made with its arguments."""
    if not isinstance(saved, str):
        return _make(saved, metrics, metrics.NamedMetric, custom)
    name = bare(saved)
    found = known(saved, custom, {name: name} if metrics.is_name(name) else {})
    if found is None:
        raise ValueError(_unknown("metric", name))
    return found


def _unknown(what, name):
    return f"there is no {what} {name!r}: if it is your own, give it as custom_objects={{{name!r}: {name}}}"


def _generator(state):
    """A random generator in that state."""
    names = "PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"
    if state["bit_generator"] not in names:
        raise ValueError(f"its random generator is {state['bit_generator']!r}, expected one of {', '.join(names)}")
    return np.random.Generator(getattr(np.random, state["bit_generator"])())
