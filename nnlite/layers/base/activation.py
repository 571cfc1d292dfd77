"""What the activation layers share: a function of one number, applied to every number of an array of any shape."""

import numpy as np

from ... import checks
from .layer import Layer


class Activation(Layer):
    """Base of the activation layers: y = f(x) number by number, dx = dy f'(x).

    Where f' can be written with y, a layer keeps y for backward, else x.
    """

    def _checked(self, x):
        """x checked, and room for y."""
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        return x, np.empty(x.shape, x.dtype)

    def _checked_gradient(self, dy):
        """What was kept, dy checked, and room for dx."""
        (kept,) = self._kept()
        return kept, checks.floats("dy", dy, self.dtype, kept.shape, "of y"), np.empty(kept.shape, kept.dtype)
