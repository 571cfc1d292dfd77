"""What Dense and Conv2D share beside their sums: weights, bias, and an activation at the end."""

import copy
import operator
from typing import Any, Unpack

from ... import checks, initializers, regularizers
from ...initializers import Given
from ...notebook import shows_itself
from ...regularizers import Regularizer
from . import activation as activations
from .layer import Layer, Options, Shape


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


def regularizer(name: str, param: str) -> property:
    """The property of a parameter's regularizer, which `regularizers` holds: it can be set at any time."""

    def get_regularizer(self: Any) -> Regularizer | None:
        return self.regularizers.get(param)

    def set_regularizer(self: Any, value: str | Regularizer | None) -> None:
        value = regularizers.get(value, name)
        if value is None:
            self.regularizers.pop(param, None)
        else:
            self.regularizers[param] = value

    return property(get_regularizer, set_regularizer, doc=f"The price on {param}, or None.")


class WeightOptions(Options, total=False):
    """What both constructors take besides: see `Dense`."""

    kernel_initializer: Given
    bias_initializer: Given
    kernel_regularizer: str | Regularizer | None
    bias_regularizer: str | Regularizer | None


class Weighted(Layer):
    """Base of `Dense` and `Conv2D`: y = f(z) of z, which the layer computes with W and b.

    The activation f is a layer of its own inside of this one: `_steps` has the two.
    """

    fixed = ("use_bias", "groups", "kernel_size")
    added: tuple[str, ...] = (
        *Layer.added,
        *("activation", "use_bias", "bias_initializer", "kernel_regularizer", "bias_regularizer"),
    )

    def __init__(
        self,
        activation: str | Layer | None,
        use_bias: bool,
        *,
        kernel_initializer: Given = "glorot_uniform",
        bias_initializer: Given = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**options)
        self.activation, self.use_bias = activation, checks.boolean("use_bias", use_bias)
        self.kernel_initializer = initializers.given("kernel_initializer", kernel_initializer)
        self.bias_initializer = initializers.given("bias_initializer", bias_initializer)
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer

    kernel_regularizer = regularizer("kernel_regularizer", "W")
    bias_regularizer = regularizer("bias_regularizer", "b")

    def _constructed(self, by_place: int) -> None:
        super()._constructed(by_place)
        self._by_place = by_place  # how many arguments had no name, so that their order may be PyTorch's

    def _set_activation(self, f):
        self._activation = activations.get(f, type(self).__name__)

    # Read without a Python call, at every step.
    activation = property(operator.attrgetter("_activation"), _set_activation, doc="f, a layer, or None.")

    def _add_weights(self, *shape):
        """W of this shape, and b with a number for each of its last axis."""
        self._add_param("W", shape, self.kernel_initializer)
        if self.use_bias:
            self._add_param("b", shape[-1:], self.bias_initializer)

    def _gradients(self):
        """Where the kernels write dW and db; None for what nobody needs."""
        return self._arrays("grads", "W", "b") if self._trainable else (None, None)

    def _activate(self, z, training=False):
        """y = f(z), where there is an f."""
        f: Any = self.activation
        f.dtype, f.rng = self.dtype, self.rng  # a model may have changed them
        y = f.forward(z, training)
        activations.refuse_weights(f, self.name)  # now, as one of a user's own is built
        return y

    def _steps(self) -> list[Layer]:
        """The layer without its activation, with the same weights, and then the activation."""
        if self.activation is None:
            return [self]
        first, last = copy.copy(self), self.activation
        first.activation, last.dtype = None, self.dtype
        return [first, last]

    def _sum_rule(self, words, numbers, per, count, letter):
        """`words` = `numbers`, of W, and of b with a number for each of `per`: "F * units + units = 4 * 3 + 3 = 15".

        Args:
            count: how many numbers W has; None where the size named by this letter is found from the first input.
        """
        outputs = getattr(self, per)
        if self.use_bias:
            words, numbers = f"{words} + {per}", f"{numbers} + {outputs}"
        end = f", with {letter} of the first input" if count is None else f" = {count + outputs * self.use_bias}"
        return f"{words} = {numbers}{end}"

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
            config["activation"] = activations.config(self.activation)
        return config
