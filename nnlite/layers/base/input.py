"""Input: says which inputs a model takes. It is no layer: it computes nothing."""

from collections.abc import Sequence
from typing import Any, NoReturn

from ... import checks
from ...arguments import ChecksArguments


class Input(ChecksArguments):
    """The shape of a model's inputs, as the first thing in its list of layers.

    The layers are built at once then, and `summary` shows their shapes. It is not in `model.layers`, as in Keras.
    Models are lists of layers here: there are no graphs of layers that are called on an Input.

    Args:
        shape: without the batch axis, such as (28, 28, 1). None stands for a size that varies.
        batch_size, dtype, name: taken as in Keras, and of no consequence: batches of any size are taken, in the layers'
            dtype.

    Example:
        >>> from nnlite import Dense, Input, Sequential
        >>> model = Sequential([Input((4,)), Dense(3)])
        >>> model.count_params()
        15
    """

    def __init__(
        self, shape: Sequence[int | None], batch_size: int | None = None, dtype: Any = None, name: str | None = None
    ) -> None:
        if not checks.is_row(shape):
            raise TypeError(f"Input: shape: expected a tuple without the batch axis, got {shape!r}: use ({shape},)")
        self.shape = tuple(shape)

    def __repr__(self) -> str:
        return f"Input(shape={self.shape})"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("layers are not called on an Input here: put them into a list, Sequential([Input(...), ...])")


class InputLayer(Input):
    """`Input` under Keras' other name; the shape may also be called input_shape.

    Example:
        >>> from nnlite.layers.base.input import InputLayer
        >>> InputLayer(input_shape=(4,)).shape
        (4,)
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        *,
        input_shape: Sequence[int | None] | None = None,
    ) -> None:
        super().__init__(shape if input_shape is None else input_shape, batch_size, dtype, name)  # type: ignore[arg-type]
