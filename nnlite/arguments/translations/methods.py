"""Methods and attributes that Keras' and PyTorch's classes have, and what to do here."""

from typing import Any

_CONSTRUCTED = "call super().__init__(**kwargs) first in the __init__ of your class"
_ARRAYS = "the arrays are in params: layer.params['W'], and 'b'"
_TO_DEVICE = "it computes on the CPU: leave it out"
_COMPILE = "training is model.compile(optimizer, loss) and model.fit(x, y)"
_GRADIENTS = "backward writes new gradients over the old ones: leave it out"
_DERIVATIVE = "there is no autograd: y = model.forward(x); loss.forward(y_true, y); model.backward(loss.backward())"
_MODES = "there is no mode: fit trains, and predict and evaluate do not; in a loop of your own, model(x, training=True)"

_MODULE = {
    "zero_grad": _GRADIENTS,
    "train": _MODES,
    "eval": f"{_MODES}. The loss and metrics of data are model.evaluate(x, y)",
    "to": _TO_DEVICE,
    "cuda": _TO_DEVICE,
    "cpu": _TO_DEVICE,
    "float": "the dtype is chosen when it is made: dtype='float32'",
    "double": "the dtype is chosen when it is made: dtype='float64'",
    "parameters": "use params, a dict from names to arrays",
    "named_parameters": "use params.items()",
    "requires_grad_": "use layer.trainable = False",
    "requires_grad": "use layer.trainable = False",
    "trainable_variables": "use params, a dict from names to arrays",
    "trainable_weights": "use params, a dict from names to arrays",
    "variables": "use params, a dict from names to arrays",
    "numel": "use count_params()",
    "apply": "set params['W'] = ..., or use kernel_initializer=...",
}

# Class -> name -> what to do. Those of a base hold for all classes below it.
METHODS: dict[str, dict[str, str]] = {
    "Layer": {
        **_MODULE,
        **dict.fromkeys(("weight", "bias", "kernel", "weights", "recurrent_kernel", "gamma", "beta"), _ARRAYS),
        **dict.fromkeys(("params", "grads", "statistics", "dtype", "rng", "built", "name"), _CONSTRUCTED),
        "call": "the forward pass is forward(x, training=False), and backward(dy) has to be written, too",
        "add_weight": "in build(self, input_shape) set self.params['W'] and self.grads['W'] to arrays",
        "register_buffer": "put the array into statistics: self.statistics['name'] = array",
        "output": "use y = layer.forward(x)",
        "input": "use y = layer.forward(x)",
        "gradient": _DERIVATIVE,
    },
    "Model": {
        **_MODULE,
        "state_dict": "use params, or model.save(path)",
        "load_state_dict": "use load_model(path), or model.params.update(...)",
        "load_weights": "use load_model(path)",
        "save_weights": "use model.save(path)",
        "fit_generator": "use fit",
        "predict_classes": "use model.predict(x).argmax(axis=-1)",
        "predict_proba": "use model.predict(x)",
        "predict_on_batch": "use model.predict(x), or model(x)",
        "test_on_batch": "use model.evaluate(x, y)",
        "append": "use Sequential([...]) with all layers",
        "register_forward_hook": "use nnlite.inspect.trace(model, x)",
        "score": "use model.evaluate(x, y)",
        "to_json": "use get_config()",
    },
    "Optimizer": {
        "step": f"use optimizer.apply(model.grads, model.params); or {_COMPILE}",
        "zero_grad": _GRADIENTS,
        "minimize": _COMPILE,
        "apply_gradients": "use optimizer.apply(model.grads, model.params)",
        "param_groups": "the learning rate is optimizer.learning_rate",
        "lr": "use learning_rate",
        "state_dict": "model.save(path) saves the optimizer, too",
        "load_state_dict": "load_model(path) loads the optimizer, too",
    },
    "Loss": {
        "item": "what it returns is a float already: leave it out",
        "detach": "what it returns is a float already: leave it out",
        "call": "the loss is forward(y_true, y_pred), and backward() its gradient",
    },
}


class LossValue(float):
    """What a loss returns where it is called, as in PyTorch: a float, which says how the backward pass goes."""

    def item(self) -> float:
        """The float, which PyTorch's users ask it for."""
        return float(self)

    def __getattr__(self, name: str) -> Any:
        hint = {"backward": _DERIVATIVE, "detach": "it is a float already: leave it out", "cpu": _TO_DEVICE}.get(name)
        message = f"'float' object has no attribute {name!r}"
        raise AttributeError(f"{message}: {hint}" if hint else message, name=name, obj=self)


NAMES = frozenset(name for table in METHODS.values() for name in table)


def remedy(cls: type, name: str) -> str | None:
    """What to do instead of using an attribute of this name of this class; None if nothing is known of it."""
    for base in cls.__mro__:
        found = METHODS.get(base.__name__, {}).get(name)
        if found:
            return found
    return None
