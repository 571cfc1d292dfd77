"""What Dense and Conv2D share beside their sums: weights, bias, and an activation at the end."""

import copy
import operator
from typing import Any

from ... import checks, initializers, regularizers
from ...notebook import shows_itself
from . import activation
from .layer import Layer, Shape


def size(name: str, meaning: str) -> property:
    """The property of a size that the weights are made for: it can be set until they are."""
    get_size = operator.attrgetter(f"_{name}")

    def set_size(self, value):
        value = checks.positive(name, value)
        if getattr(self, "built", False) and value != get_size(self):
            raise ValueError(
                f"{name}: expected {get_size(self)}, as the weights of {self.name} are made for it, got {value}: make "
                f"a new layer, {type(self).__name__}({value}, ...)"
            )
        setattr(self, f"_{name}", value)

    return property(get_size, set_size, doc=meaning)


class Weighted(Layer):
    """Base of `Dense` and `Conv2D`: y = f(z) of z, which the layer computes with W and b.

    The activation f is a layer of its own inside of this one: `_steps` has the two.
    """

    added: tuple[str, ...] = (
        *Layer.added,
        *("activation", "use_bias", "bias_initializer", "kernel_regularizer", "bias_regularizer"),
    )

    def _set_activation(self, f):
        self._activation = activation.get(f, type(self).__name__)

    # Read without a Python call, at every step.
    activation = property(operator.attrgetter("_activation"), _set_activation, doc="f, a layer, or None.")

    def _set_weighted(self, f, use_bias, kernel_initializer, bias_initializer):
        self.activation = f
        self.use_bias = checks.boolean("use_bias", use_bias)
        self.kernel_initializer = initializers.given("kernel_initializer", kernel_initializer)
        self.bias_initializer = initializers.given("bias_initializer", bias_initializer)

    def _set_regularizers(self, kernel_regularizer, bias_regularizer):
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)

    def _add_weights(self, W_shape, b_shape):
        self._add_param("W", W_shape, self.kernel_initializer, self.kernel_regularizer)
        if self.use_bias:
            self._add_param("b", b_shape, self.bias_initializer, self.bias_regularizer)

    def _gradients(self):
        """Where the kernels write dW and db; None for what nobody needs."""
        return self._arrays("grads", "W", "b") if self._trainable else (None, None)

    def _activate(self, z):
        """y = f(z), where there is an f."""
        f: Any = self.activation
        f.dtype = self.dtype  # a model may have changed it
        return f.forward(z)

    def _steps(self) -> list[Layer]:
        """The layer without its activation, with the same weights, and then the activation."""
        if self.activation is None:
            return [self]
        first, last = copy.copy(self), self.activation
        first.activation, last.dtype = None, self.dtype
        return [first, last]

    @shows_itself
    def explain(self, input_shape: Shape) -> str:
        text, f = super().explain(input_shape), self.activation
        return text if f is None else f"{text}\n  activation   {f!r}: {f._shape_rule(self.output_shape(input_shape))}"

    def _forget(self) -> None:
        super()._forget()
        if self.activation is not None:
            self.activation._forget()

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.activation is not None:
            config["activation"] = activation.config(self.activation)
        return config
