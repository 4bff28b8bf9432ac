import math
import random

import pytest
from scipy.stats import binomtest

from seewhy.functional.proportions import ClusteredSums, rate, wilson_interval
from seewhy.functional.statistics import Values, bootstrap_weights, estimate


def sums_of(*answers: tuple[float, int]) -> ClusteredSums:
    sums = ClusteredSums()
    for hits, total in answers:
        sums.add(hits, total)
    return sums


@pytest.mark.parametrize(("count", "total"), [(0, 5), (1, 5), (58, 60), (60, 60), (31, 400)])
def test_wilson_interval_is_scipys(count, total):
    theirs = binomtest(count, total).proportion_ci(method="wilson")
    ours = rate(count, total)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.value == count / total


@pytest.mark.parametrize("total", range(1, 40))
def test_wilson_interval_of_none_and_of_all_ends_exactly_there(total):
    assert rate(0, total).low == 0
    assert rate(total, total).high == 1


def test_wilson_interval_of_nothing_is_undefined():
    assert all(map(math.isnan, wilson_interval(0.5, 0)))
    assert math.isnan(rate(0, 0).value)


def test_clustered_rate_with_one_word_an_answer_is_wilsons():
    found = sums_of(*[(1, 1)] * 3, *[(0, 1)] * 7).rate()
    assert (found.low, found.high) == pytest.approx((rate(3, 10).low, rate(3, 10).high))
    assert (found.count, found.total) == (3, 10)


def test_clustered_rate_counts_words_that_are_all_alike_as_one():
    """Four words an answer that always agree say no more than one word."""
    found = sums_of(*[(4, 4)] * 3, *[(0, 4)] * 7).rate()
    assert (found.low, found.high) == pytest.approx((rate(3, 10).low, rate(3, 10).high))
    assert found.value == pytest.approx(0.3)


def test_clustered_rate_of_nothing_but_hits_stands_on_the_answers():
    found = sums_of((5, 5), (5, 5)).rate()
    assert found.low == pytest.approx(rate(2, 2).low)
    assert found.high == 1


def test_clustered_rate_is_never_narrower_than_of_independent_words():
    """Each answer has exactly one of two: the variance between answers is 0."""
    found = sums_of(*[(1, 2)] * 9, (2, 2)).rate()
    assert found.high - found.low >= rate(11, 20).high - rate(11, 20).low - 1e-3


def test_clustered_intervals_agree_with_a_bootstrap_over_answers():
    rng = random.Random(0)
    answers = [(sum(rng.random() < p for _ in range(n)), n) for p, n in
               ((rng.betavariate(2, 3), rng.randrange(1, 9)) for _ in range(300))]  # fmt: skip
    values = [float(n < hits) for hits, total in answers for n in range(total)]
    images = [at for at, (_, total) in enumerate(answers) for _ in range(total)]
    drawn = estimate("mean", [Values.of(values, images)], bootstrap_weights(300, 2000))
    found, mean = sums_of(*answers).rate(), sums_of(*answers).mean_interval()
    assert found.value == pytest.approx(drawn.value)
    assert (found.low, found.high) == pytest.approx((drawn.low, drawn.high), abs=0.008)
    assert mean == pytest.approx((drawn.low, drawn.high), abs=0.008)


def test_clustered_sums_leave_out_answers_without_words():
    assert sums_of((0, 0), (1, 2)).clusters == 1
    assert math.isnan(ClusteredSums().value)
    assert all(map(math.isnan, ClusteredSums().mean_interval()))
