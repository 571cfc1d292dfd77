"""The digits: 1,797 handwritten ones, 8 by 8 pixels, as they ship inside scikit-learn."""

from __future__ import annotations

import numpy as np

__all__ = ["load_digits"]


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits, and which ones they are.

    They are scikit-learn's, which has them in the package: nothing is downloaded. 13 people wrote them, on forms that
    were scanned in black and white; a pixel says how many of the 4 by 4 dots that it stands for are black.

    Returns:
        (x, y): x (1797, 8, 8, 1) float32 from 0, paper, to 1, ink; y (1797,) int64, the digits 0 to 9. Both are new,
        and in scikit-learn's order.

    Raises:
        ImportError: scikit-learn is not installed; the message says how to install it.

    Source: Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI Machine Learning Repository, 1998; these
        are the images of its test set.

    Example:
        >>> from nnlite.images import load_digits
        >>> x, y = load_digits()
        >>> x.shape, y[:12].tolist()
        ((1797, 8, 8, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError as error:
        raise ImportError(
            f"the digits ship inside scikit-learn, and it cannot be imported ({error}): install it with "
            f"`pip install scikit-learn`, or the extra `digits` of nnlite-learn"
        ) from error
    digits = load()
    return (digits.images[..., None] / 16).astype(np.float32), digits.target.astype(np.int64)
