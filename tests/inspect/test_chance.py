"""Scores are AUC and r, and the limit of chance is that of the best unit over all shifts of the labels."""

import numpy as np
import pytest

from nnlite.inspect import chance

RNG = np.random.default_rng(4)
X = np.round(RNG.normal(size=(70, 60)), 1)  # with equals
X[3], X[4] = 0.5, 0  # units that never change
YES = RNG.random(60) < 0.3
NUMBER = RNG.normal(size=60)


def auc(unit, yes):
    """The share of pairs of which the one with a yes is higher; equals count half."""
    pairs = unit[yes][:, None] - unit[~yes]
    return ((pairs > 0) + (pairs == 0) / 2).mean()


def r(unit, number):
    return 0 if np.ptp(unit) == 0 else np.corrcoef(unit, number)[0, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_are_auc_and_r(dtype):
    x = X.astype(dtype)
    aucs = chance.scores(chance.comparable(x, True), YES, True)
    rs = chance.scores(chance.comparable(x, False), NUMBER, False)
    np.testing.assert_allclose(aucs, [auc(u, YES) - 0.5 for u in x], atol=1e-12)
    np.testing.assert_allclose(rs, [r(u, NUMBER) for u in x], atol=1e-12)


@pytest.mark.parametrize("concepts", [1, 10])
@pytest.mark.parametrize(("labels", "yes_no"), [(YES, True), (NUMBER, False)])
def test_the_limit_is_what_the_best_of_all_units_reaches_with_shifted_labels(labels, yes_no, concepts):
    x = chance.comparable(X, yes_no)
    best = [np.abs(chance.scores(x, np.roll(labels, s), yes_no)).max() for s in range(3, 58)]  # 60 / 20 or farther
    expected = np.quantile(best, 1 - 0.01 / concepts, method="higher")
    assert chance.limit(x, labels.astype(float), yes_no, concepts) == pytest.approx(expected)


def test_the_limit_is_larger_for_more_concepts():
    """Of 1800 shifts 18 lie above it for one concept, and one for ten."""
    x, labels = chance.comparable(RNG.normal(size=(5, 2000)), False), RNG.normal(size=2000)
    best = sorted(np.abs(chance.scores(x, np.roll(labels, s), False)).max() for s in range(100, 1900))
    assert chance.limit(x, labels, False, 1) == pytest.approx(best[-18])
    assert chance.limit(x, labels, False, 10) == pytest.approx(best[-2])


def test_a_slow_unit_needs_more_than_a_fast_one():
    """Shuffled labels would say that both need the same."""
    fast, slow = np.sign(RNG.normal(size=2000)), np.repeat(np.sign(RNG.normal(size=40)), 50)
    limits = [chance.limit(chance.comparable(unit[None], True), unit > 0, True, 1) for unit in (fast, slow)]
    assert limits[1] > 3 * limits[0]


@pytest.mark.parametrize(("n", "nearest"), [(60, 3), (59, 3), (61, 3), (20, 1)])
def test_the_nearest_shift_is_a_twentieth_of_the_text(n, nearest):
    """Labels with one hump, and a unit that is the same: the nearer the shift, the higher the score."""
    labels = np.exp(-(((np.arange(n) - n // 2) / 2) ** 2))
    x = chance.comparable(labels[None], False)
    (expected,) = chance.scores(x, np.roll(labels, nearest), False)
    assert chance.limit(x, labels, False, 1) == pytest.approx(abs(expected))


def test_so_few_labels_that_none_can_be_shifted_are_never_told():
    assert chance.limit(chance.comparable(X[:, :2], True), np.array([0.0, 1.0]), True, 1) == np.inf


def test_a_unit_that_tells_the_opposite_in_the_test_does_not_agree():
    x = chance.comparable(np.arange(60.0)[None], True)
    labels = np.arange(60) > 40
    assert chance.best((x, labels), (x, labels), True, 1)[:3] == (0, 1, pytest.approx(0.5))
    best = chance.best((x, labels), (x, ~labels), True, 1)
    assert best[:3] == (0, 1, pytest.approx(-0.5))
    assert best.agrees == pytest.approx(-0.5)
    assert chance.best((-x, labels), (-x, labels), True, 1).agrees == pytest.approx(0.5)


def test_the_best_unit_has_the_largest_score_of_either_sign_and_the_limit_of_the_other_text():
    x, labels = np.stack([np.tile([0.0, 1.0], 30), -np.arange(60.0)]), np.arange(60) > 40
    found, tested = ((chance.comparable(part, True), labels) for part in (x, X[:2]))
    best = chance.best(found, tested, True, 2)
    assert (best.unit, best.sign) == (1, -1)
    assert best.limit == chance.limit(*tested, True, 2) != chance.limit(*found, True, 2)
    assert not chance.is_yes_no(np.array([0.0, 2.0]))


def test_a_unit_that_changes_by_rounding_alone_does_not_change():
    assert not chance.comparable(np.array([[1, 1 + 1e-9, 1 - 1e-9, 1]]), yes_no=False).any()
    assert chance.comparable(np.array([[1, 1 + 1e-4, 1 - 1e-4, 1]]), yes_no=False).any()
