"""What the activation layers share: a function of one number, applied to every number of an array of any shape.

And how other layers find them by name.
"""

from typing import Any

from ... import checks
from ...arguments.classes import all_classes, class_name, is_ours
from ...arguments.translations.arguments import size_first
from ...arguments.translations.names import advice
from ...kernels import empty
from . import named
from .layer import Layer
from .shown import in_words

# Where a name stands for other numbers, in Keras, than the layer of this name has by default.
DEFAULTS: dict[str, dict[str, Any]] = {"leaky_relu": {"negative_slope": 0.2}}
NAMES = "gelu", "leaky_relu", "relu", "sigmoid", "softmax", "tanh"


class Activation(Layer):
    """Base of the activation layers: y = f(x) number by number, dx = dy f'(x).

    Where f' can be written with y, a layer keeps y for backward, else x.
    """

    def _checked(self, x):
        """x checked, and room for y."""
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        return x, empty(x.shape, x.dtype)

    def _checked_gradient(self, dy):
        """What was kept, dy checked, and room for dx."""
        (kept,) = self._kept()
        return kept, checks.floats("dy", dy, self.dtype, kept.shape, "of y"), empty(kept.shape, kept.dtype)


def get(activation: Any, owner: str) -> Layer | None:
    """The layer of an activation that is given by its name, as a layer, as a layer's class, or by its configuration.

    A layer is copied. None and "linear" stand for none.

    Args:
        owner: the class whose argument it is, for the messages.

    Raises:
        ValueError: no activation has this name.
        TypeError: neither a name nor such a layer.
    """
    expected = f"activation: expected one of {', '.join(NAMES)}, or a layer, such as LeakyReLU(0.1)"
    if activation is None or (isinstance(activation, str) and activation == "linear"):
        return None
    if isinstance(activation, dict) and activation.keys() == {"class", "config"}:
        return named.layer_class(activation["class"]).from_config(activation["config"])
    if isinstance(activation, str):
        if activation not in NAMES:
            raise ValueError(f"{expected}, got {activation!r}{advice(activation)}")
        kind = next(kind for kind in all_classes(Layer) if is_ours(kind) and in_words(kind) == activation)
        return kind(**DEFAULTS.get(activation, {}))
    if isinstance(activation, type) and issubclass(activation, Layer):
        activation = activation()
    if isinstance(activation, Layer) and (in_words(type(activation)) in NAMES or not is_ours(type(activation))):
        activation.check_saving()  # no argument may be lost
        copied = type(activation).from_config(activation.get_config())
        refuse_weights(copied, owner)
        return copied
    hint = size_first(owner, activation)
    if callable(activation) and not isinstance(activation, Layer):
        hint = ": a function has no backward pass: derive a layer of your own from nnlite.Layer"
    raise TypeError(f"{expected}, got {activation!r}{hint}")


def refuse_weights(activation: Layer, owner: str) -> None:
    """Refuse an activation that has arrays of its own: `owner` neither trains nor saves them."""
    if activation.params or activation.statistics:
        raise ValueError(
            f"{owner}: activation: expected a layer without weights and statistics, got {type(activation).__name__} "
            f"with {', '.join([*activation.params, *activation.statistics])}, which nobody would train or save: leave "
            f"activation out, and put {type(activation).__name__} behind {owner} in the list of the model"
        )


def config(activation: Layer) -> Any:
    """What `get` makes the same activation from: its name, or a dict."""
    name = in_words(type(activation))
    usual = type(activation)(**DEFAULTS.get(name, {})) if name in NAMES and is_ours(type(activation)) else None
    if usual is not None and activation._shown_config() == usual._shown_config():
        return name
    return {"class": class_name(activation), "config": activation.get_config()}
