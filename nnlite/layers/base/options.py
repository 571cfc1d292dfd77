"""What every layer's constructor takes."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import DTypeLike

Shape = Sequence[int | None]  # without the batch axis; None is a size that varies
Seed = int | np.random.Generator | None


class Options(TypedDict, total=False):
    """The arguments of `Layer`, which explains them."""

    dtype: DTypeLike
    seed: Seed
    name: str | None
    trainable: bool
    input_shape: Shape | None
