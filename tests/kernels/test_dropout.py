"""The dropout kernel alone: the same mask in both backends, and a hash that spreads evenly."""

import numpy as np
import pytest
from chain import assert_threads_do_not_matter, backends, float_types, run_kernel
from numeric import assert_same_bits

from nnlite.reference import dropout as reference

KEYS = [0, 1, 2**32, 2**63 + 12345, 2**64 - 1]


@pytest.mark.parametrize("n", [0, 1, 7, 16, 17, 33, 1000])
@pytest.mark.parametrize("p", [0.0, 1e-12, 0.1, 0.5, 0.999, 1 - 2**-53])
@float_types
def test_compiled_is_the_reference_in_every_bit(n, p, dtype):
    x = np.random.default_rng(n).standard_normal(n)
    for key in KEYS:
        results = [
            run_kernel("dropout", "apply", [x], [(n,)], key, p, dtype=dtype, backend_name=b)[0]
            for b in ("compiled", "reference")
        ]
        assert_same_bits(*results)


@float_types
@backends
def test_a_number_whose_hash_is_exactly_at_the_share_stays(dtype, backend_name):
    hashes, x = reference.hashed(100, 7), np.ones(100)
    p = int(hashes[3]) / 2**32  # exact in float64
    (y,) = run_kernel("dropout", "apply", [x], [x.shape], 7, p, dtype=dtype, backend_name=backend_name)
    assert ((y != 0) == (hashes >= hashes[3])).all()


@float_types
def test_threads_do_not_matter(dtype):
    x = np.random.default_rng(0).standard_normal(200_003)
    assert_threads_do_not_matter("dropout", "apply", [x], [x.shape], KEYS[3], 0.5, dtype=dtype)


@pytest.mark.parametrize("key", KEYS)
def test_hashes_are_spread_evenly(key):
    """Chi-squared over 256 classes of the upper and of the lower bits: mean 255, standard deviation 22.6."""
    h = reference.hashed(256 * 1000, key)
    for classes in (h >> np.uint32(24), h & np.uint32(255)):
        counts = np.bincount(classes, minlength=256)
        assert abs(((counts - 1000) ** 2 / 1000).sum() - 255) < 5 * 22.6


@pytest.mark.parametrize("bit", range(64))
def test_each_bit_of_the_key_turns_over_half_of_the_hash(bit):
    key = 0x0123456789ABCDEF
    turned = reference.hashed(4000, key) ^ reference.hashed(4000, key ^ (1 << bit))
    flipped = np.unpackbits(turned.view(np.uint8)).mean()
    assert abs(flipped - 0.5) < 0.02


def test_keys_that_follow_each_other_share_no_hashes():
    """Nor does one mask begin as the other does: no hash is found again at a place nearby."""
    one, other = reference.hashed(1000, 7), reference.hashed(1000, 8)
    for shift in range(-16, 17):
        assert not (one == np.roll(other, shift)).any()
