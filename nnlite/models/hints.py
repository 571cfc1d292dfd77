"""Hints: what Keras' and PyTorch's methods and arguments of models are called here."""

import difflib
import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable)

METHODS = {
    # Keras
    "fit_generator": "fit(generator, steps_per_epoch=...)",
    "evaluate_generator": "evaluate(generator, steps=...)",
    "predict_generator": "predict(generator, steps=...)",
    "predict_on_batch": "predict(x), or model(x)",
    "predict_step": "predict(x)",
    "predict_classes": "predict(x).argmax(axis=-1)",
    "predict_proba": "predict(x)",
    "test_on_batch": "evaluate(x, y)",
    "test_step": "evaluate(x, y)",
    "save_weights": "save(path); load_model(path) reads it",
    "load_weights": "load_model(path), or set_weights(load_model(path).get_weights())",
    "to_json": "json.dumps(model.get_config())",
    "call": "forward(x), or model(x)",
    "weights": "params, a dict of arrays, and statistics; or get_weights()",
    "trainable_weights": "params, a dict of arrays",
    "trainable_variables": "params, a dict of arrays",
    "variables": "params, a dict of arrays, and statistics",
    "non_trainable_weights": "statistics, a dict of arrays",
    "losses": "loss",
    "reset_states": "reset_state()",
    "inputs": "input_shape",
    "input": "input_shape",
    "outputs": "output_shape()",
    "output": "output_shape(); what layers compute, nnlite.inspect.trace(model, x) shows",
    "load_model": "nnlite.load_model(path)",
    # PyTorch
    "parameters": "params, a dict of arrays; fit hands it to the optimizer",
    "named_parameters": "params.items()",
    "state_dict": "params and statistics, dicts of arrays; save(path) writes all",
    "load_state_dict": "params |= {...}, or nnlite.load_model(path)",
    "zero_grad": "leave it out: backward overwrites grads, it does not add to them",
    "train": "forward(x, training=True); fit does so by itself",
    "eval": "forward(x), whose default is training=False",
    "to": "dtype='float64' in Sequential(...); all runs on the CPU",
    "cuda": "leave it out: all runs on the CPU",
    "cpu": "leave it out: all runs on the CPU",
    "double": "Sequential(..., dtype='float64')",
    "float": "Sequential(..., dtype='float32'), the default",
    "half": "Sequential(..., dtype='float32'), the default",
    "modules": "layers",
    "children": "layers",
    "append": "add(layer)",
    "requires_grad_": "trainable = False",
    "register_forward_hook": "nnlite.inspect.trace(model, x)",
    # scikit-learn
    "score": "evaluate(x, y), with metrics=['accuracy'] in compile",
    "coef_": "params, a dict of arrays",
    "train_batch": "train_on_batch(x, y)",
}

_OPTIMIZER = "it is the optimizer's: compile(Adam({}=...), loss)"
_ONE_PROCESS = "batches are made in this process, one after the other: leave it out"
_AS_IT_IS = "there is no graph to compile: leave it out"

ARGUMENTS = {
    "lr": _OPTIMIZER.format("learning_rate"),
    "learning_rate": _OPTIMIZER.format("learning_rate"),
    "clipnorm": _OPTIMIZER.format("clipnorm"),
    "clipvalue": _OPTIMIZER.format("clipvalue"),
    "nb_epoch": "use epochs",
    "n_epochs": "use epochs",
    "num_epochs": "use epochs",
    "max_epochs": "use epochs",
    "bs": "use batch_size",
    "X": "use x",
    "data": "use x and y",
    "target": "use y",
    "targets": "use y",
    "labels": "use y",
    "validation_freq": "validation comes after every epoch: leave it out",
    "workers": _ONE_PROCESS,
    "use_multiprocessing": _ONE_PROCESS,
    "max_queue_size": _ONE_PROCESS,
    "run_eagerly": _AS_IT_IS,
    "jit_compile": _AS_IT_IS,
    "steps_per_execution": _AS_IT_IS,
    "auto_scale_loss": _AS_IT_IS,
    "loss_weights": "a model has one output and one loss: leave it out",
    "weighted_metrics": "metrics count every sample alike, the loss takes sample_weight: use metrics",
    "criterion": "use loss",
    "metric": "use metrics=[...]",
    "device": "all runs on the CPU: leave it out",
}


def missing(model: Any, name: str) -> AttributeError:
    """The error for an attribute that the model does not have."""
    what = f"{type(model).__name__} has no {name!r}"
    if name in METHODS:
        remedy = METHODS[name]
        return AttributeError(f"{what}: {remedy if remedy.startswith('leave') else f'use {remedy}'}")
    public = [known for known in dir(type(model)) if not known.startswith("_")]
    near = difflib.get_close_matches(name, public, n=1)
    return AttributeError(f"{what}: did you mean {near[0]!r}?" if near else what)


def explained(method: Method) -> Method:
    """Decorate a method so that an argument that it does not know is explained.

    Raises:
        TypeError: an unknown argument, or too many without a name; the message says what to write.
    """
    parameters = [*inspect.signature(method).parameters.values()][1:]
    names = [p.name for p in parameters]
    positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]

    @functools.wraps(method)
    def checked(self, *args, **kwargs):
        for name in kwargs:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = ARGUMENTS.get(name) or (f"did you mean {near[0]!r}?" if near else f"use {names}")
                raise TypeError(f"{method.__name__}: unknown argument {name!r}: {hint}")
        if len(args) > len(positional):
            raise TypeError(
                f"{method.__name__}: expected at most {len(positional)} arguments without a name "
                f"({', '.join(positional)}), got {len(args)}: give the others by name, such as {names[-1]}=..."
            )
        return method(self, *args, **kwargs)

    return checked  # type: ignore[return-value]


def plain_name(name: Any) -> Any:
    """The name of a loss as it is looked up: Keras takes "MeanSquaredError" and "MSE", too.

    Example:
        >>> plain_name("SparseCategoricalCrossentropy"), plain_name("MSE")
        ('sparse_categorical_crossentropy', 'mse')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() if isinstance(name, str) else name


def check_order(what: str, function: Any) -> None:
    """Refuse a loss or a metric whose arguments are named in PyTorch's order: it would get the one for the other.

    Raises:
        TypeError: its first argument is called y_pred, or its second y_true.
    """
    try:
        names = [*inspect.signature(getattr(function, "forward", function)).parameters][:2]
    except (TypeError, ValueError):  # a function without a signature
        return
    predicted, true = {"y_pred", "pred", "preds", "y_hat", "yhat", "logits"}, {"y_true", "true", "y", "target", "label"}
    true |= {"targets", "labels"}
    if len(names) == 2 and (names[0] in predicted and names[1] in true):
        raise TypeError(
            f"{what}: expected arguments in the order (y_true, y_pred), got ({', '.join(names)}): change their order"
        )
