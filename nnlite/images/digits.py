"""The 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn."""

import numpy as np

from nnlite import extras


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits and their labels, new arrays in scikit-learn's order.

        x (1797, 8, 8, 1)    float32 from 0, paper, to 1, ink
        y (1797,)            int64, the digits 0 to 9

    They ship with scikit-learn: nothing is downloaded. 13 people wrote them on forms that were scanned in black and
    white; each pixel is the fraction of black dots in a block of 4 x 4.

    Raises:
        ImportError: scikit-learn is not installed.

    Source: Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI Machine Learning Repository, 1998; these
        are the images of its test set.

    Example:
        >>> from nnlite.images import load_digits
        >>> x, y = load_digits()
        >>> x.shape, y[:12].tolist()
        ((1797, 8, 8, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    """
    extras.require("digits")
    from sklearn.datasets import load_digits as load

    digits = load()
    return (digits.images[..., None] / 16).astype(np.float32), digits.target.astype(np.int64)
