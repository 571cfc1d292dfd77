"""Save models, and save and restore trainings, as checkpoint trees."""

import copy
import inspect
import json
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..arguments import Configured, is_ours, kept_arguments, kinds
from ..arguments.classes import OWN, class_name, held, is_model, marked
from ..arguments.translations.calls import translated
from ..turns import computing
from . import checkpoint, loop_state, states
from .checkpoint import CheckpointError

# How other frameworks' files end: who finds this one would take it for theirs.
_OTHERS = (".h5", ".hdf5", ".keras", ".pt", ".pth")

LONGEST_MESSAGE = 800  # characters of its beginning, and of its end


@translated
def save_model(model: Any, path: str | os.PathLike) -> None:
    """Save a model to one safetensors file: layers, weights, random generator; optimizer and vocabulary, if any.

    The file is written atomically: a crash leaves the old file or the new one.

    Args:
        model: a model whose layers are built.
        path: the file; its folder exists. "model.safetensors" is a usual name.

    Raises:
        ValueError: the model has no weights yet, or path ends like a file of Keras or PyTorch.
        TypeError: a part of the model is of a class of your own that could not be made again; the message says why.
        CheckpointError: the file cannot be written.

    Example:
        >>> import os, tempfile
        >>> from nnlite import Dense, Sequential, load_model, save_model
        >>> model = Sequential([Dense(3)], input_shape=(2,), seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     save_model(model, path)
        ...     same = load_model(path)
        >>> (same.params["dense.W"] == model.params["dense.W"]).all()
        np.True_
    """
    path = check_ending("path", path)
    kinds.require("model", model, "Model")
    check_saving(model)
    checkpoint.write(path, _at_rest(model))


def check_saving(model: Any) -> None:
    """Refuse a built model with a part that loading could not make again.

    Raises:
        ValueError, TypeError: a part keeps an argument that JSON cannot write, or not at all; the message says which.
            Or a model of a class of one's own cannot be made again from its layers.
    """
    parts = [*_parts(model)]
    for part in parts:
        part.check_saving()
    checkpoint.encode({"model": model.get_config(), **_compiled(model)})
    for part in (*parts, model.loss):
        if part is not None and not is_ours(type(part)):
            _remake(part)
    model.refuse_hidden_parts()
    models = _models(model)
    own = {class_name(one): type(one) for one in (*models, *parts) if not is_ours(type(one))}
    for one in reversed(models):
        if not is_ours(type(one)):
            _rehearse(one, own)


def _models(model):
    """The model, and all inside it."""
    return [model, *(part for layer in model.layers if is_model(layer) for part in _models(layer))]


def _rehearse(model, own):
    """Make a model of a class of one's own again as loading does, but without weights."""
    kind = type(model).__name__
    try:
        made = type(model).from_config({**model.get_config(), "input_shape": None}, own, seed=0)
        if [*made.all_layers] != [*model.all_layers]:
            raise ValueError(f"{', '.join(model.all_layers)} would become {', '.join(made.all_layers) or 'no layers'}")
    except Exception as error:  # one's own code may raise any
        raise TypeError(
            f"{kind}: loading makes it again by {kind}(layers, input_shape=..., seed=..., name=...): {explain(error)}: "
            f"let __init__ take these, or define get_config(self) and from_config(cls, config, custom_objects=None, "
            f"seed=None)"
        ) from error


def _remake(part):
    """Make a part of a class of one's own again as loading does: who cannot load a model has trained for nothing."""
    kind, config = type(part), _describe(part)["config"]
    if isinstance(config.get("learning_rate"), dict):
        config = {**config, "learning_rate": 0.0}  # of the schedule, which is another part
    try:
        kind.from_config(config) if hasattr(kind, "from_config") else kind(**config)
    except Exception as error:  # one's own code may raise any
        given = ", ".join(f"{name}={value!r}" for name, value in config.items())
        remedy = hint(error) or ": keep each argument of its __init__ as an attribute of its name, or write get_config"
        raise TypeError(
            f"{kind.__name__}: loading makes it again by {kind.__name__}({given}): {explain(error)}{remedy}"
        ) from error


def _parts(model):
    """What loading makes again with the arguments in the file: layers, optimizer, loss, metrics, and those in them."""
    found = [*model.all_layers.values(), model.optimizer, model.loss, *model.metrics.values()]
    for one in found:  # which grows
        if isinstance(one, Configured):
            yield one
            names = [*inspect.signature(type(one)).parameters, "forward_layer", "schedule"]
            inner = [getattr(one, name, None) for name in dict.fromkeys(names)]
            found += [value for value in inner if isinstance(value, Configured)]


def check_ending(name: str, path: str | os.PathLike) -> str:
    """The path of a model's file, unless it ends like a file of Keras or PyTorch."""
    path = checks.path(name, path)
    stem, ending = os.path.splitext(path)
    if ending.lower() in _OTHERS:
        raise ValueError(
            f"{name}: expected a name that ends in .safetensors, as that is what is written, got {path!r}: "
            f"use {stem + '.safetensors'!r}"
        )
    return path


def recipe_of(model: Any) -> dict[str, Any]:
    """The configuration of a training, which must not change when it is resumed."""
    parts = {"layers": _layers(model), **_compiled(model, full=True)}
    return json.loads(json.dumps(parts))  # as read back from a file: with lists for tuples


def _layers(model):
    """Its layers in full. A model among them says nothing of its input, which it may learn from the first batch."""
    described = [_describe(layer, full=True) for layer in model.layers]
    for layer, one in zip(model.layers, described, strict=True):
        if is_model(layer):
            one["config"] = {**one["config"], "input_shape": None, "layers": _layers(layer)}
    return described


def require_same(model: Any, recipe: dict[str, Any]) -> None:
    """Refuse a model that something in its training has changed: a program that resumes begins with the recipe.

    Another number as learning rate is no such change: the optimizer's state has it.

    Raises:
        CheckpointError: what was changed, and what to do.
    """
    begun, now = recipe["optimizer"]["config"], recipe_of(model)
    rates = [config.get("learning_rate") for config in (begun, now["optimizer"]["config"])]
    if not any(isinstance(rate, dict) for rate in rates):
        now["optimizer"]["config"]["learning_rate"] = rates[0]
    try:
        _compare(recipe, now, places=("where fit began", "now"))
    except ValueError as error:
        raise CheckpointError(
            f"{error}: a backup cannot hold what is changed in the middle of fit: change it between two calls of fit, "
            f"each with a backup of its own, or train without a backup"
        ) from None


def save_training(path: str | os.PathLike, model: Any, loop: Any, recipe: dict[str, Any]) -> None:
    """Save the model and the state of its training."""
    others = {name: _at_rest(part) for name, part in _held(model).items() if part.built}
    checkpoint.write(path, {**_at_rest(model), "held": others, "run": loop_state.get(loop), "recipe": recipe})


def _held(model):
    """The models in a model's attributes: such as a discriminator, which a train_step of one's own trains, too."""
    models = held(model, is_model)
    return {where: one for where, one in models if where.partition("[")[0] != "layers"}


def _restorer_of(where, part, tree):
    """What restores one of these models."""
    if part is None:
        raise ValueError(f"the file has a model in self.{where}, and this program has none")
    if not part.built:
        part.build(tree["model"]["input_shape"])
    return restorer(part, tree)


def restore_training(
    path: str | os.PathLike, model: Any, loop: Any, recipe: dict[str, Any], new_schedule: bool = False
) -> None:
    """Restore a training saved by `save_training`.

    Args:
        new_schedule: the learning rates of the file may be others; this training's are used.

    Raises:
        CheckpointError: the file cannot be read, or is from another training; the model is built, but unchanged.
    """
    tree = checkpoint.read(path)
    try:
        if not isinstance(tree, dict) or "run" not in tree:
            raise ValueError("it holds a model, but no training to go on with")
        if new_schedule:
            _adopt_schedule(tree, recipe, loop)
        _compare(tree["recipe"], recipe)
        loop_state.check_data(loop, tree["run"])
        if not model.built:  # by the shape of the data, not by the file's
            model.build(loop.data.x.shape[1:])
        loop_state.check(loop, tree["run"])
        restores = [restorer(model, tree, rows=min(loop.batch_size, len(loop.data)) if tree["run"]["batch"] else None)]
        states.mapping("held", others := tree.get("held", {}))  # older files have no such entry
        restores += [_restorer_of(where, _held(model).get(where), theirs) for where, theirs in others.items()]
        loop_state.restore(loop, tree["run"])  # a user's callback may still raise
        for restore in restores:
            restore()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"cannot resume from {os.fspath(path)}: {explain(error)}. Resume with the program that wrote it, or delete "
            f"the file to start anew"
        ) from error


def _at_rest(model):
    """A copy of a model's tree, taken between two steps if another thread uses the model."""
    with computing:
        return copy.deepcopy(model_tree(model))


def model_tree(model: Any) -> dict[str, Any]:
    """The complete model, as a tree for `checkpoint`."""
    if not model.built:
        raise ValueError(f"{model.name} has no weights to save yet: give it an input_shape, or call it once")
    tree = {
        "class": class_name(model),
        "model": model.get_config(),
        "params": dict(model.params),
        "statistics": dict(model.statistics),
        "states": {name: layer.state for name, layer in _stateful(model).items()},
        "rng": model.rng.bit_generator.state,
        "rngs": {name: rng.bit_generator.state for name, rng in _own_generators(model).items()},
        **_compiled(model),
    }
    if model.vocabulary is not None:
        tree["vocabulary"] = model.vocabulary.get_config()
    if model.optimizer is not None:
        state = model.optimizer.agreed_state(model, complete=True)
        tree["optimizer"] |= {"iterations": model.optimizer.iterations, "state": state}
    return tree


def _compiled(model, full=False):
    """What `compile` has set."""
    described = {name: _describe(getattr(model, name), full) for name in ("optimizer", "loss")}
    metrics = [_describe(m, full) if isinstance(m, Configured) else marked(n, m) for n, m in model.metrics.items()]
    return {**described, "metrics": metrics}


def build_from(model: Any, tree: dict[str, Any]) -> None:
    """Build a model with saved parameters: none is drawn, and a wrong shape is found before memory is allocated."""
    arrays = {**tree["params"], **tree.get("statistics", {})}
    try:
        for full_name, layer in model.all_layers.items():
            prefix = f"{full_name}."
            layer._saved = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
        model.build(tree["model"]["input_shape"])
    finally:
        for layer in model.all_layers.values():
            layer._saved = None


def restore_model(model: Any, tree: dict[str, Any]) -> None:
    """Restore the model from a tree. The tree is checked before the model changes."""
    restorer(model, tree)()


def restorer(model: Any, tree: dict[str, Any], rows: int | None = None) -> Callable[[], None]:
    """Check the tree, with states of so many rows; return what restores the model from it, and cannot fail."""
    params, statistics, optimizer = model.params, model.statistics, model.optimizer
    saved_statistics = tree.get("statistics", {})  # older files have no such entry
    states.arrays_like(params)("parameters", tree["params"])
    states.arrays_like(statistics)("statistics", saved_statistics)
    states.mapping("states", tree["states"])
    layer_states = [(one, _layer_state(one, tree["states"][name], rows)) for name, one in _stateful(model).items()]
    progress: Any = None if optimizer is None else _progress(model, tree["optimizer"])
    saved_rngs = tree.get("rngs", {})  # older files have no such entry
    states.mapping("rngs", saved_rngs)
    kind = type(model.rng.bit_generator)
    states.generator(kind)("rng", tree["rng"])
    generators = _own_generators(model)
    for name in saved_rngs.keys() & generators.keys():
        states.generator(type(generators[name].bit_generator))("rngs", saved_rngs[name])
    unseeded = saved_rngs.keys() & model.all_layers.keys() - generators.keys()  # as a configuration has no seeds
    drawn_apart = {name: _generator(kind, saved_rngs[name]) for name in unseeded}
    shared = {str(saved_rngs[name]): rng for name, rng in drawn_apart.items()}  # those of one model in the model

    def restore() -> None:
        model.rng.bit_generator.state = tree["rng"]
        for name in saved_rngs.keys() & generators.keys():
            generators[name].bit_generator.state = saved_rngs[name]
        for name in drawn_apart:
            layer = model.all_layers[name]
            layer.rng, layer._is_seeded = shared[str(saved_rngs[name])], True
            layer.equip_parts()
        for arrays, saved in ((params, tree["params"]), (statistics, saved_statistics)):
            for name, array in arrays.items():
                array[...] = saved[name]
        for layer, state in layer_states:
            layer.state = state
        if optimizer is not None:
            optimizer.iterations, optimizer.state, rate = progress
            if optimizer.schedule is None:
                optimizer.learning_rate = rate
            optimizer.belongs_to(model)

    return restore


def _own_generators(model):
    """The random generators of layers that do not draw from the model's: of a seed, or of another model they are in."""
    layers = model.all_layers.items()
    return {name: layer.rng for name, layer in layers if layer._is_seeded or layer.rng is not model.rng}


def _generator(kind, state):
    """A random generator in a state that a file holds."""
    states.generator(kind)("rngs", state)
    bit_generator = kind()
    bit_generator.state = state
    return np.random.Generator(bit_generator)


def _stateful(model):
    """The layers that carry a state, by their full names."""
    return {name: layer for name, layer in model.all_layers.items() if getattr(layer, "stateful", False)}


def _layer_state(layer, state, rows):
    """A stateful layer's state as the layer keeps it."""
    if state is None:
        return None
    if not isinstance(state, list) or not all(getattr(array, "dtype", None) == layer.dtype for array in state):
        raise ValueError(f"the state of {layer.name} is no list of {layer.dtype} arrays in the file")
    if hasattr(layer, "states"):  # a recurrent layer of nnlite; a user's layer may keep any state
        N = rows or (len(state[0]) if state and state[0].ndim else 0)
        expected = [(N, layer.units)] * len(layer.states)
        if [array.shape for array in state] != expected:
            got = [array.shape for array in state]
            raise ValueError(f"the state of {layer.name} has the shapes {got} in the file, expected {expected}")
    return tuple(state)


def _progress(model, saved):
    """The saved iterations, state and learning rate of a model's optimizer."""
    optimizer, params = model.optimizer, model.params
    if saved is None:
        raise ValueError("the file has no optimizer, and the model has one")
    rules = dict.fromkeys(("class", "config"), states.anything) | {"iterations": states.count, "state": states.mapping}
    states.fields("optimizer", saved, rules)
    if saved["state"] or saved["iterations"]:  # empty before the first step
        # A frozen layer's parameters have no arrays until they are stepped.
        stepped = {key.split("/", 1)[-1] for key in saved["state"]} or set(model.learned()[1])
        memory = {f"{slot}/{name}": params[name] for slot in optimizer.slots for name in params if name in stepped}
        states.arrays_like(memory)("optimizer's arrays", saved["state"])
    rate = saved["config"]["learning_rate"]
    if optimizer.schedule is None:
        trial = copy.copy(optimizer)
        trial.learning_rate = rate
    else:
        try:
            _compare(rate, optimizer.get_config()["learning_rate"])
        except ValueError:
            here = f"{optimizer.schedule!r} here"
            raise ValueError(f"the learning rate is {states.shown(rate)} in the file and {here}") from None
    return saved["iterations"], saved["state"], rate


def _describe(thing, full=False):
    """Its class and arguments; in full, those too that its class gives to a base by itself."""
    if thing is None:
        return None
    config = getattr(thing, "full_config" if full else "get_config", getattr(thing, "get_config", None))
    kept = config() if config else kept_arguments(thing, inspect.signature(type(thing)).parameters)
    return {"class": class_name(thing), "config": kept}


def _adopt_schedule(tree, recipe, loop):
    """Put this training's learning rates into the tree of an earlier one."""
    for saved in (tree["recipe"]["optimizer"], tree["optimizer"]):
        saved["config"]["learning_rate"] = recipe["optimizer"]["config"]["learning_rate"]
    for name, callback in loop_state.named_callbacks(loop):
        if name.startswith("LearningRateScheduler") and name in tree["run"]["callbacks"]:
            tree["run"]["callbacks"][name] = callback.get_state()


def _compare(saved, ours, path="", places=("in the file", "in this program")):
    """Raise ValueError for the first difference of two configurations."""
    if isinstance(saved, dict) and isinstance(ours, dict):
        for key in saved | ours:
            _compare(saved.get(key), ours.get(key), f"{path}{key} ", places)
    elif isinstance(saved, list) and isinstance(ours, list) and len(saved) == len(ours):
        for i, (a, b) in enumerate(zip(saved, ours, strict=True)):
            _compare(a, b, f"{path}{i} ", places)
    elif saved != ours and not (isinstance(ours, str) and ours == f"{OWN}{saved}"):  # older files have no mark
        raise ValueError(f"{path.strip()} is {states.shown(saved)} {places[0]} and {ours!r} {places[1]}")


def explain(error: Exception) -> str:
    """An error's message, also of a KeyError or of one without a message; shortened, as names in a file may be long."""
    text = f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
    return text if len(text) <= 2 * LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} ... {text[-LONGEST_MESSAGE:]}"


def hint(error: Exception) -> str:
    """What to do where a constructor of one's own gives an argument to its base that **kwargs give, too; else ""."""
    found = re.search(r"multiple values for keyword argument '(\w+)'", str(error))
    if not isinstance(error, TypeError) or not found:
        return ""
    name = found[1]
    return (
        f": a constructor of your own gives {name} to super().__init__(), and its **kwargs do, too: write "
        f"kwargs.setdefault({name!r}, ...) before, and leave it out there"
    )
