"""Differentiable: what layers and models have in common, a backward pass in two lengths."""

import numpy as np


class Differentiable:
    """Base of what has a backward pass: `backward` gives all gradients, `backward_params` those of parameters alone.

    Training takes the short one: nobody needs the gradient of a model's input, and to compute it costs the first layer
    as much as its output did. A class that defines `backward` gets a `backward_params` that goes through it, even where
    a base has a faster one, so that whatever a class does in its backward, it does in training.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        definers = [vars(base).keys() & {"backward", "backward_params"} for base in cls.__mro__]
        if next(filter(None, definers)) == {"backward"}:
            cls.backward_params = Differentiable.backward_params

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Compute dx from dy = dL/dy, None where the input was ids, and fill `grads`."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(dy)")

    def backward_params(self, dy: np.ndarray) -> None:
        """Fill `grads` as `backward` does, bit for bit, for a caller who needs no dx."""
        self.backward(dy)
