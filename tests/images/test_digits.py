"""The digits: those that scikit-learn ships, and what is said where it is not installed."""

import subprocess
import sys
import zlib

import numpy as np
import pytest
from extras import import_extra

from nnlite.images import hold_out, load_digits


@pytest.fixture(scope="module")
def digits():
    import_extra("sklearn", "digits")
    return load_digits()


def test_what_they_are(digits):
    x, y = digits
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((1797, 8, 8, 1), np.float32, (1797,), np.int64)
    assert (x.min(), x.max()) == (0, 1)
    assert x.flags.c_contiguous
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_they_are_the_same_ones_everywhere(digits):
    """All that is said about how well a model reads them depends on it."""
    x, y = digits
    assert zlib.crc32((16 * x).astype("uint8")) == 0xF3A2533C
    assert zlib.crc32(y.astype("uint8")) == 0xF86FC929


def test_a_fifth_is_held_out(digits):
    (x, y), (x_test, y_test) = hold_out(*digits)
    assert (len(x), len(x_test)) == (1442, 355)
    assert np.bincount(y_test).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert np.bincount(y).sum() == 1442
    every = np.concatenate([x, x_test]).reshape(1797, 64)
    assert len(np.unique(every, axis=0)) == 1797  # no image is held out and learned from, too


def test_they_belong_to_whoever_asks(digits):
    first, _ = load_digits()
    first[:] = 0
    assert load_digits()[0].any()


def test_without_scikit_learn():
    program = """
import sys
sys.modules["sklearn"] = None
import nnlite.images
try:
    nnlite.images.load_digits()
except ImportError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.startswith('sklearn: expected to be installed: pip install "nnlite-learn[digits]"')
