"""Methods and attributes that Keras' and PyTorch's classes have, and what to do here."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ..classes import is_ours

_CONSTRUCTED = "call super().__init__(**kwargs) first in the __init__ of your class"
_ARRAYS = "the arrays are in params: layer.params['W'], and 'b'"
_TO_DEVICE = "it computes on the CPU: leave it out"
_GRADIENTS = "backward writes new gradients over the old ones in grads, and adds nothing up: leave it out"
_PARAMS = "use params, a dict from names to arrays"
_STEP = "use model.train_on_batch(x, y), or after model.backward(dy) optimizer.apply(model.grads, model.params)"
_FLOAT, _INT = "it is a float already: leave it out", "it is an int already: leave it out"
_SHAPE = "call it, model.output_shape() or layer.output_shape(input_shape); shapes have no batch axis: leave [1:] out"
_SAVE = "model.save(path) saves the optimizer, too, and nnlite.load_model(path) loads both"
_DERIVATIVE = "there is no autograd: y = model.forward(x); loss.forward(y_true, y); model.backward(loss.backward())"
_MODES = "there is no mode: fit trains, and predict and evaluate do not; in a loop of your own, model(x, training=True)"

_MODULE = {
    "zero_grad": _GRADIENTS,
    "train": _MODES,
    "eval": f"{_MODES}. The loss and metrics of data are model.evaluate(x, y)",
    **dict.fromkeys(("to", "cuda", "cpu"), _TO_DEVICE),
    "float": "the dtype is chosen when it is made: dtype='float32'",
    "double": "the dtype is chosen when it is made: dtype='float64'",
    **dict.fromkeys(("parameters", "trainable_variables", "trainable_weights", "variables"), _PARAMS),
    "named_parameters": "use params.items()",
    **dict.fromkeys(("requires_grad_", "requires_grad"), "use layer.trainable = False"),
    "numel": "use count_params()",
    "apply": "set params['W'] = ..., or use kernel_initializer=...",
}

# Class -> name -> what to do. Those of a base hold for all classes below it.
METHODS: dict[str, dict[str, str]] = {
    "Layer": {
        **_MODULE,
        **dict.fromkeys(
            ("W", "b", "weight", "bias", "kernel", "weights", "recurrent_kernel", "gamma", "beta"), _ARRAYS
        ),
        **dict.fromkeys(("params", "grads", "statistics", "dtype", "rng", "built", "name"), _CONSTRUCTED),
        "call": "the forward pass is forward(x, training=False), and backward(dy) has to be written, too",
        "add_weight": "in build(self, input_shape) set self.params['W'] and self.grads['W'] to arrays",
        "register_buffer": "put the array into statistics: self.statistics['name'] = array",
        **dict.fromkeys(("output", "input"), "use y = layer.forward(x)"),
        "input_shape": "model.shapes() lists the shapes before and after each layer, without the batch axis",
        "gradient": _DERIVATIVE,
    },
    "HasStates": {"reset_states": "use reset_state()"},
    "Model": {
        **_MODULE,
        # Keras
        "fit_generator": "use model.fit(generator, steps_per_epoch=...)",
        "evaluate_generator": "use model.evaluate(generator, steps=...)",
        "predict_generator": "use model.predict(generator, steps=...)",
        "predict_on_batch": "use model.predict(x), or model(x)",
        **dict.fromkeys(("predict_step", "predict_proba"), "use model.predict(x)"),
        "predict_classes": "use model.predict(x).argmax(axis=-1)",
        "test_on_batch": "use model.evaluate(x, y)",
        "train_batch": "use model.train_on_batch(x, y)",
        "save_weights": "use model.save(path); nnlite.load_model(path) reads it",
        "load_weights": "use nnlite.interop.from_keras(path, model) for a .weights.h5 file of Keras, else "
        "nnlite.load_model(path)",
        "load_model": "use nnlite.load_model(path)",
        "to_json": "use json.dumps(model.get_config())",
        "call": "use model.forward(x), or model(x)",
        **dict.fromkeys(("weights", "variables"), "use params, a dict of arrays, and statistics; or get_weights()"),
        "non_trainable_weights": "use statistics, a dict of arrays",
        "losses": "use model.loss",
        "reset_metrics": "metrics keep nothing from batch to batch: leave it out",
        "reset_states": "use model.reset_state()",
        **dict.fromkeys(("inputs", "input"), "use model.input_shape"),
        "outputs": "use model.output_shape()",
        "output": "use model.output_shape(); what layers compute, nnlite.inspect.trace(model, x) shows",
        # PyTorch
        "parameters": f"{_PARAMS}; fit hands it to the optimizer",
        "state_dict": "use params and statistics, dicts of arrays; or model.save(path), which writes all",
        "load_state_dict": "use nnlite.interop.from_torch(state_dict, model), else nnlite.load_model(path)",
        **dict.fromkeys(("half", "float"), "use Sequential(..., dtype='float32'), the default"),
        "double": "use Sequential(..., dtype='float64')",
        **dict.fromkeys(("modules", "children"), "use model.layers"),
        "append": "use model.add(layer)",
        **dict.fromkeys(("requires_grad_", "requires_grad"), "use model.trainable = False"),
        "register_forward_hook": "use nnlite.inspect.trace(model, x)",
        **dict.fromkeys(("to_onnx", "export"), "use nnlite.interop.to_onnx(model, path), or to_keras there"),
        # scikit-learn
        "score": "use model.evaluate(x, y), with metrics=['accuracy'] in compile",
        "coef_": "use params, a dict of arrays",
    },
    "Optimizer": {
        **dict.fromkeys(("step", "minimize", "apply_gradients"), _STEP),
        "zero_grad": _GRADIENTS,
        "param_groups": "all parameters have one learning rate, optimizer.learning_rate",
        "lr": "use learning_rate",
        **dict.fromkeys(("state_dict", "load_state_dict"), _SAVE),
        "variables": "its arrays are in optimizer.state",
    },
    "Loss": {
        **dict.fromkeys(("item", "detach"), _FLOAT),
        "call": "the loss is forward(y_true, y_pred), and backward() its gradient",
    },
}

# nnlite's class -> a method that Keras calls and nothing here -> what has to be there instead, and how it is written.
INSTEAD: dict[str, dict[str, tuple[str, str]]] = {
    "Layer": {"compute_output_shape": ("output_shape", "name it output_shape")},
    "Model": {
        "predict_step": ("forward", "write forward and backward"),
        "compute_loss": (
            "train_step",
            "give compile a loss of your own, with forward and backward, or write train_step",
        ),
        "compute_metrics": ("train_step", "give compile functions of (y_true, y_pred) as metrics, or write train_step"),
    },
    "Optimizer": dict.fromkeys(
        ("update_step", "apply_gradients"), ("update", "write update(self, grad, param, slots, scale, clip)")
    ),
    "Regularizer": {"__call__": ("penalty", "name it penalty, and write gradient(self, W), its gradient")},
    "NamedMetric": dict.fromkeys(
        ("update_state", "result"), ("__call__", "a metric keeps nothing: write __call__(self, y_true, y_pred)")
    ),
}


class _Number:
    """A number that says what to type instead of what a tensor or a variable has there."""

    plain: type
    hints: dict[str, str]

    def item(self) -> Any:
        """The number, which PyTorch's users ask it for."""
        return self.plain(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """As with a float, which leaves float32 what it is: NumPy takes a subclass for a float64."""
        return getattr(ufunc, method)(*(x.plain(x) if isinstance(x, _Number) else x for x in inputs), **options)

    def __getattr__(self, name: str) -> Any:
        message = f"{self.plain.__name__!r} object has no attribute {name!r}"
        raise AttributeError(f"{message}: {self.hints[name]}" if name in self.hints else message, name=name, obj=self)


class Scalar(_Number, float):
    """A loss or a learning rate."""

    plain = float
    hints = {  # noqa: RUF012  never changed
        **dict.fromkeys(("numpy", "detach", "cpu", "value"), _FLOAT),
        "backward": _DERIVATIVE,
        "assign": "set it by optimizer.learning_rate = ..., to your number",
    }


class ScheduledRate(Scalar):
    """A learning rate that a schedule gives."""

    hints = Scalar.hints | {
        "assign": "a schedule gives it: set another by optimizer.learning_rate = CosineDecay(...), or compile with an "
        "optimizer that has a number, such as Adam(0.001)"
    }


class Count(_Number, int):
    """A number of steps."""

    plain = int
    hints = {  # noqa: RUF012  never changed
        **dict.fromkeys(("numpy", "value"), _INT),
        **dict.fromkeys(("assign", "assign_add"), "set it by optimizer.iterations = ..., to your number"),
    }


class AlsoAttribute:
    """A method that is an attribute in Keras: used as one, it says how it is called."""

    def __init__(self, method: Callable, hint: str, thing: Any = None) -> None:
        self.method, self.hint, self.thing, self.__doc__ = method, hint, thing, method.__doc__

    def __get__(self, thing: Any, cls: type) -> Any:
        return self.method if thing is None else AlsoAttribute(self.method, self.hint, thing)

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.method(self.thing, *args, **options)

    def __repr__(self) -> str:
        return f"<{type(self.thing).__name__}.{self.method.__name__}: {self.hint}>"

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError(f"{type(self.thing).__name__}.{self.method.__name__}: {self.hint}")

    __getitem__ = __len__ = __iter__ = _refuse

    def __eq__(self, other: object) -> bool:
        """Compared with a shape it would always be unequal, in silence."""
        if isinstance(other, tuple | list):
            self._refuse()
        return isinstance(other, AlsoAttribute) and (self.method, self.thing) == (other.method, other.thing)

    def __hash__(self) -> int:
        return hash((self.method, id(self.thing)))


_NAMES = frozenset(name for table in METHODS.values() for name in table)


def remedy(cls: type, name: str) -> str | None:
    """What to do instead of using an attribute of this name of this class; None if nothing is known of it."""
    if name not in _NAMES:  # quick: hasattr comes here, too
        return None
    return next((table[name] for base in cls.__mro__ if name in (table := METHODS.get(base.__name__, {}))), None)


class Elsewhere:
    """In the place of a method or an attribute that only Keras' or PyTorch's class has: using it says what to do.

    A `__getattr__` would be shorter, but where a class has one, Python looks up all attributes in the slow way, also
    those that are there: 8 % of a training step of a small RNN.
    """

    def __init__(self, name: str, hint: str) -> None:
        self.name, self.__doc__ = name, f"Not here: {hint}."

    def __get__(self, thing: Any, cls: type) -> NoReturn:
        raise missing(cls if thing is None else thing, self.name)


def explain_missing(cls: type) -> None:
    """Put an `Elsewhere` for each of its `METHODS` into a class. What is always there needs none."""
    if not hasattr(cls, "__getattr__"):  # which sees to it for all names
        for name, hint in METHODS.get(cls.__name__, {}).items():
            if name not in vars(cls) and hint != _CONSTRUCTED:
                setattr(cls, name, Elsewhere(name, hint))
    if inspect.isfunction(method := vars(cls).get("output_shape")):
        cls.output_shape = AlsoAttribute(method, _SHAPE)  # type: ignore[attr-defined]


def refuse_unused(cls: type) -> None:
    """Refuse a class of one's own with a method that Keras would call, and nothing here."""
    for base in filter(is_ours, cls.__mro__):
        for name, (instead, how) in INSTEAD.get(base.__name__, {}).items():
            if name in vars(cls) and is_ours(next(one for one in cls.__mro__ if instead in vars(one))):
                raise TypeError(f"{cls.__name__}.{name} would never be used: {how}")


def missing(thing: Any, name: str, near: Iterable[str] = ()) -> AttributeError:
    """The error for an attribute that an object or a class does not have, with what to do.

    Args:
        near: where nothing is known of it, the attributes that may have been meant, the likeliest first.
    """
    cls = thing if isinstance(thing, type) else type(thing)
    hint = remedy(cls, name) or next((f"did you mean {other!r}?" for other in near), None)
    what = f"type object {cls.__name__!r}" if cls is thing else f"{cls.__name__!r} object"
    message = f"{what} has no attribute {name!r}"
    return AttributeError(f"{message}: {hint}" if hint else message, name=name, obj=thing)
