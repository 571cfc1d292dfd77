"""Saving: models and trainings as the trees that `checkpoint` writes to files, and trainings back from them."""

import json
import os

from . import checkpoint
from .checkpoint import CheckpointError


def save_model(model, path: str | os.PathLike) -> None:
    """Save a model to one safetensors file: layers, weights, random generator, and the optimizer, if there is one.

    The file is written atomically: a crash leaves the old file or the new one, never half of one.

    Args:
        model: a model whose layers are built.
        path: of the file; its folder exists. "model.safetensors" is a usual name.

    Raises:
        ValueError: the model has no weights yet.
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
    checkpoint.write(path, model_tree(model))


def recipe(model):
    """What a training is made of: the same before and after it was stopped, or it is another one."""
    parts = {
        "layers": model.get_config()["layers"],
        "optimizer": _describe(model.optimizer),
        "loss": _describe(model.loss),
    }
    return json.loads(json.dumps(parts))  # as it comes back from a file: with lists for tuples


def save_training(path, model, run, recipe):
    """Save a model in the middle of its training, with all that it needs to go on."""
    checkpoint.write(path, {**model_tree(model), "run": run.get_state(), "recipe": recipe})


def restore_training(path, model, run, recipe):
    """Let a new training go on from `save_training`.

    Raises:
        CheckpointError: the file cannot be read, or is from another training; nothing has changed then.
    """
    tree = checkpoint.read(path)
    try:
        if "run" not in tree:
            raise ValueError("it holds a model, but no training to go on with")
        _compare(tree["recipe"], recipe)
        if not model.built:
            model.build(tree["model"]["input_shape"])
        run.set_state(tree["run"])
        restore_model(model, tree)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"cannot resume from {os.fspath(path)}: {explain(error)}. Resume with the program that wrote it, or delete "
            f"the file to start anew"
        ) from error


def model_tree(model):
    """Everything that makes a model, as a tree for `checkpoint`."""
    if not model.built:
        raise ValueError(f"{model.name} has no weights to save yet: give it an input_shape, or call it once")
    optimizer = model.optimizer
    if optimizer is not None:
        progress = {"iterations": optimizer.iterations, "state": optimizer.state}
        optimizer = {**_describe(optimizer), **progress}
    return {
        "class": type(model).__name__,
        "model": model.get_config(),
        "params": model.params,
        "states": {layer.name: layer.state for layer in model.stateful_layers},
        "rng": model.rng.bit_generator.state,
        "optimizer": optimizer,
        "loss": _describe(model.loss),
    }


def restore_model(model, tree):
    """Give the model what the tree holds. Whatever does not fit is found before anything changes."""
    params = model.params
    if params.keys() != tree["params"].keys():
        raise ValueError(f"the parameters are {sorted(tree['params'])} in the file and {sorted(params)} in the model")
    for name, param in params.items():
        saved = tree["params"][name]
        if saved.shape != param.shape or saved.dtype != param.dtype:
            raise ValueError(
                f"{name} is {saved.dtype} {saved.shape} in the file, and {param.dtype} {param.shape} in the model"
            )
    model.rng.bit_generator.state = tree["rng"]
    for name, param in params.items():
        param[...] = tree["params"][name]
    for layer in model.stateful_layers:
        state = tree["states"][layer.name]
        layer.state = None if state is None else tuple(state)
    if model.optimizer is not None:
        saved = tree["optimizer"]
        model.optimizer.iterations, model.optimizer.state = saved["iterations"], saved["state"]
        model.optimizer.learning_rate = saved["config"]["learning_rate"]


def _describe(thing):
    if thing is None:
        return None
    return {"class": type(thing).__name__, "config": thing.get_config() if hasattr(thing, "get_config") else {}}


def _compare(saved, ours, path=""):
    """Raise ValueError at the first place where two configurations differ."""
    if isinstance(saved, dict) and isinstance(ours, dict):
        for key in [*saved, *(key for key in ours if key not in saved)]:
            _compare(saved.get(key), ours.get(key), f"{path}{key} ")
    elif isinstance(saved, list) and isinstance(ours, list) and len(saved) == len(ours):
        for i, (a, b) in enumerate(zip(saved, ours, strict=True)):
            _compare(a, b, f"{path}{i} ")
    elif saved != ours:
        raise ValueError(f"{path.strip()} is {saved!r} in the file and {ours!r} in this program")


def explain(error):
    return f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
