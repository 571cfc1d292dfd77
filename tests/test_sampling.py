"""One draw from logits."""

import numpy as np
import pytest
from chain import backends, float_types
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_same_bits

import nnlite
from nnlite import sample, sampling_probabilities

BELOW_1 = 1 - 2**-53  # the largest number that rng.random() gives


@float_types
@backends
@pytest.mark.parametrize("temperature", [0.25, 0.75, 1.0, 1.5])
def test_frequencies_are_the_probabilities(temperature, dtype, backend_name):
    """Evenly spaced u instead of random ones: each id comes as often as its probability says, to within one."""
    logits = np.random.default_rng(0).standard_normal(38).astype(dtype)
    p = np.exp(logits.astype("float64") / temperature)
    p /= p.sum()
    n = 4000
    with nnlite.use_backend(backend_name):
        drawn = [sample(logits, temperature, (i + 0.5) / n) for i in range(n)]
    assert np.abs(np.bincount(drawn, minlength=38) - n * p).max() <= 1
    assert drawn == sorted(drawn)


@float_types
def test_both_backends_draw_the_same(dtype):
    rng = np.random.default_rng(1)
    for V in (1, 2, 17, 38, 1000):
        logits = (4 * rng.standard_normal(V)).astype(dtype)
        for temperature in (0, 0.25, 1, 1.5):
            for u in (0.0, *rng.random(20), BELOW_1):
                compiled = sample(logits, temperature, u)
                with nnlite.use_backend("reference"):
                    plain = sample(logits, temperature, u)
                assert plain == compiled
                assert type(plain) is type(compiled) is int


@backends
@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-300, 1e-3, 1.0, 1e300])
def test_no_temperature_is_too_low_or_too_high(temperature, backend_name):
    logits = np.array([1e4, -1e4, 1e4 + 1, 0])
    with nnlite.use_backend(backend_name):
        drawn = {sample(logits, temperature, u) for u in (0, 0.3, 0.6, BELOW_1)}
    assert drawn == ({0, 1, 2, 3} if temperature == 1e300 else {0, 2} if temperature == 1 else {2})


@backends
def test_u_belongs_to_the_id_that_begins_at_it(backend_name):
    """Of four equal ones each has a quarter, its lower end included."""
    with nnlite.use_backend(backend_name):
        assert [sample(np.zeros(4), 1.0, u) for u in (0, 0.2499, 0.25, 0.4999, 0.5, 0.75, BELOW_1)] == [
            0,
            0,
            1,
            1,
            2,
            3,
            3,
        ]


@backends
def test_a_u_that_was_rounded_to_1_draws_the_last_id_that_can_be_drawn(backend_name):
    with nnlite.use_backend(backend_name):
        assert nnlite.sampler(1.0)(np.array([0, 0, -np.inf]), float(np.float32(BELOW_1))) == 1


@backends
def test_the_first_of_the_largest_at_temperature_0(backend_name):
    with nnlite.use_backend(backend_name):
        assert sample(np.array([1.0, 3.0, 3.0]), 0, 0.9) == 1
        assert sample(np.array([-np.inf, -5.0]), 0, 0.9) == 1


@float_types
@backends
def test_what_cannot_be_drawn_is_never_drawn(dtype, backend_name):
    """At the ends of [0, 1) too, where rounding could lead past the last id that has a probability."""
    rng = np.random.default_rng(2)
    with nnlite.use_backend(backend_name):
        for _ in range(300):
            logits = rng.standard_normal(7).astype(dtype)
            logits[[0, 3, 5, 6]] = -np.inf
            assert sample(logits, 1.0, 0.0) == 1
            assert sample(logits, 1.0, BELOW_1) == 4


@backends
@pytest.mark.parametrize("bad", [[np.nan, 0], [0, np.nan], [0, np.inf], [-np.inf, -np.inf], []], ids=str)
@pytest.mark.parametrize("temperature", [0, 1])
def test_nothing_to_draw_from(bad, temperature, backend_name):
    logits = np.array(bad, "float64")
    with nnlite.use_backend(backend_name):
        assert nnlite.kernels.backend().softmax.sample(logits, temperature, 0.5) == -1
        with pytest.raises(ValueError, match="logits: expected finite numbers"):
            sample(logits, temperature, 0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["a"], 1, 0.5), TypeError, "logits: expected numbers, got an array of texts"),
        ((np.zeros(3, complex), 1, 0.5), TypeError, "logits: expected numbers, got an array of complex128"),
        ((np.zeros((1, 3)), 1, 0.5), ValueError, r"logits: expected shape \(V,\), got \(1, 3\)"),
        ((np.zeros(3), -1, 0.5), ValueError, r"temperature: expected a number in \[0, inf\), got -1"),
        ((np.zeros(3), np.inf, 0.5), ValueError, "temperature: expected a number"),
        ((np.zeros(3), np.nan, 0.5), ValueError, "temperature: expected a number"),
        ((np.zeros(3), "warm", 0.5), TypeError, "temperature: expected a number, got 'warm'"),
        ((np.zeros(3), 1, 1.0), ValueError, r"u: expected a number in \[0, 1\), got 1.0"),
        ((np.zeros(3), 1, None), TypeError, "u: expected a number, got None"),
        ((np.zeros(3), 1, 0.5, 0), ValueError, "top_k: expected a whole number of at least 1, got 0"),
        ((np.zeros(3), 1, 0.5, None, 0.0), ValueError, r"top_p: expected a number in \(0, 1\], got 0"),
        ((np.zeros(3), 1, 0.5, None, -0.1), ValueError, r"top_p: expected a number in \[0, 1\], got -0.1"),
        ((np.zeros(3), 1, 0.5, None, np.nan), ValueError, "top_p: expected a number"),
        ((np.zeros(3), 1, 0.5, None, "half"), TypeError, "top_p: expected a number, got 'half'"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        sample(*arguments)


@pytest.mark.parametrize("arguments", [{"temperature": -1}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.5}], ids=str)
def test_a_sampler_refuses_its_arguments_when_it_is_made(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}: expected"):
        nnlite.sampler(**{"temperature": 1.0, **arguments})


# The likeliest alone.

HALVES = np.log([0.125, 0.25, 0.5, 0.125])  # exact sums
LEFT = [
    ({"top_k": 1}, [0, 0, 1, 0]),
    ({"top_k": 2}, [0, 1 / 3, 2 / 3, 0]),
    ({"top_k": 3}, [1 / 7, 2 / 7, 4 / 7, 0]),  # of equals the first
    ({"top_k": 100}, [1 / 8, 1 / 4, 1 / 2, 1 / 8]),
    ({"top_p": 1e-9}, [0, 0, 1, 0]),
    ({"top_p": 0.49}, [0, 0, 1, 0]),
    ({"top_p": 0.51}, [0, 1 / 3, 2 / 3, 0]),
    ({"top_p": 0.76}, [1 / 7, 2 / 7, 4 / 7, 0]),
    ({"top_p": 1}, [1 / 8, 1 / 4, 1 / 2, 1 / 8]),
    ({"top_k": 2, "top_p": 0.6}, [0, 0, 1, 0]),  # p of what k leaves, of which two thirds are the likeliest's
    ({"top_k": 2, "top_p": 0.7}, [0, 1 / 3, 2 / 3, 0]),
]


@float_types
@pytest.mark.parametrize(("arguments", "expected"), LEFT, ids=str)
def test_what_top_k_and_top_p_leave(arguments, expected, dtype):
    logits = HALVES.astype(dtype)
    np.testing.assert_allclose(sampling_probabilities(logits, 1.0, **arguments), expected, rtol=1e-6)
    n = 840
    drawn = np.bincount([sample(logits, 1.0, (i + 0.5) / n, **arguments) for i in range(n)], minlength=4)
    np.testing.assert_allclose(drawn, n * np.array(expected), atol=1)


@float_types
def test_of_many_equals_the_first_stay(dtype):
    """In small vocabularies NumPy's sorts all keep the order of equals, in large ones only the stable sort does."""
    logits = np.tile(np.array([0, 1, 1, 0], dtype), 250)
    kept = sampling_probabilities(logits, 1.0, top_k=301).nonzero()[0]
    assert kept.tolist() == [i for i in range(602) if i % 4 in (1, 2)]


@float_types
@pytest.mark.parametrize("temperature", [0, 0.5, 1.5])
@pytest.mark.parametrize("arguments", [{}, {"top_k": 5}, {"top_p": 0.8}, {"top_k": 9, "top_p": 0.9}], ids=str)
def test_rows_are_as_each_by_itself(arguments, temperature, dtype):
    logits = 3 * np.random.default_rng(0).standard_normal((2, 7, 38)).astype(dtype)
    logits[1, 2, ::3] = -np.inf
    p = sampling_probabilities(logits, temperature, **arguments)
    for row in np.ndindex(2, 7):
        assert_same_bits(p[row], sampling_probabilities(logits[row], temperature, **arguments))
    assert sampling_probabilities(logits[:, :0], temperature, **arguments).shape == (2, 0, 38)
    logits[0, 3, 1] = np.nan
    with pytest.raises(ValueError, match="logits: expected finite numbers"):
        sampling_probabilities(logits, temperature, **arguments)
    with pytest.raises(ValueError, match=r"logits: expected shape \(\.\.\., V\), got \(\)"):
        sampling_probabilities(np.array(1.0, dtype), temperature)


def test_a_sum_of_exactly_top_p_is_enough():
    assert sampling_probabilities(np.zeros(4), 1.0, top_p=0.5).tolist() == [0.5, 0.5, 0, 0]


def test_where_rounding_keeps_a_sum_below_top_p_no_more_than_top_k_stay():
    for k in range(2, 60):
        p = sampling_probabilities(np.zeros(64), 1.0, top_k=k, top_p=float(np.nextafter(1, 0)))
        assert np.flatnonzero(p).max() < k


def test_the_nucleus_of_many_is_summed_in_float64():
    logits = np.zeros(100_000, "float32")
    drawn = [sample(logits.astype(dtype), 1.0, 1 - 1e-9, top_p=0.5) for dtype in ("float32", "float64")]
    assert drawn[0] == drawn[1] == pytest.approx(50_000, abs=1)


def test_the_nucleus_is_that_of_the_temperature():
    assert (sampling_probabilities(HALVES, 0.25, top_p=0.9) > 0).tolist() == [False, False, True, False]
    assert (sampling_probabilities(HALVES, 4.0, top_p=0.9) > 0).all()


probabilities_of = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40).map(np.array)


@given(probabilities_of, st.floats(0.1, 10), st.integers(1, 50), st.floats(0, 1, exclude_min=True))
def test_the_likeliest_stay_and_no_more_than_it_takes(logits, temperature, k, p):
    every = sampling_probabilities(logits, temperature)
    assert every.sum() == pytest.approx(1)
    left = sampling_probabilities(logits, temperature, top_k=k) > 0
    assert left.sum() <= min(k, len(logits))
    assert every[~left].max(initial=0) <= every[left].min()
    left = sampling_probabilities(logits, temperature, top_p=p) > 0
    assert every[left].sum() >= p - 1e-9
    assert every[left].sum() - every[left].min() <= p + 1e-9


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("bad", [[np.nan, 5, 0], [5, 0, np.nan], [0, np.inf, 0], [-np.inf] * 3, []], ids=str)
def test_no_nan_gets_lost_among_the_unlikely(bad, temperature):
    for arguments in ({"top_k": 1}, {"top_p": 0.5}):
        with pytest.raises(ValueError, match="logits: expected finite numbers"):
            sample(np.array(bad, "float64"), temperature, 0.5, **arguments)
        with pytest.raises(ValueError, match="logits: expected finite numbers"):
            sampling_probabilities(np.array(bad, "float64"), temperature, **arguments)


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-300, 1.0, 1e300])
def test_probabilities_at_any_temperature(temperature):
    p = sampling_probabilities(np.array([1e4, -np.inf, 1e4, 0]), temperature, top_p=0.9)
    expected = {0: [1, 0, 0, 0], 1e300: [1 / 3, 0, 1 / 3, 1 / 3]}.get(temperature, [0.5, 0, 0.5, 0])
    np.testing.assert_allclose(p, expected)
    assert p.dtype == np.float64
