"""Bootstrap statistics: edges and refusals."""

from __future__ import annotations

import math

import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional.statistics import (
    Values,
    bootstrap_weights,
    estimate,
    interval,
    paired_difference,
    statistic,
    weighted_auroc,
    weighted_average_precision,
    weighted_fpr95,
    weighted_mean,
)


def test_bootstrap_weights_are_the_same_for_the_same_seed():
    one, two, other = (bootstrap_weights(20, 50, seed=s) for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.sum(1).tolist() == [20.0] * 50


def test_bootstrap_weights_refuse_nothing_to_draw():
    with pytest.raises(ParameterError, match="at least 1 image and 1 replicate, got 0 and 1000"):
        bootstrap_weights(0)


def test_statistics_are_nan_where_nothing_was_drawn():
    values = Values.of([1.0, 2.0], [0, 0], [True, True])
    weights = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    assert weighted_mean(values, weights).tolist() == pytest.approx([math.nan, 1.5], nan_ok=True)
    assert weighted_auroc(values, weights).isnan().all()
    assert weighted_average_precision(values, weights)[0].isnan()
    assert weighted_fpr95(values, weights).isnan().all()
    assert weighted_fpr95(Values.of([1.0], [0], [False]), torch.ones(1, 1)).isnan().all()


def test_fpr95_takes_the_first_threshold_that_finds_enough():
    """Of 20 true labels 19 are enough: the lowest one costs no false positives."""
    scores = [*(float(n) for n in range(1, 21)), 0.5, 1.5, 2.0, 7.5]
    labels = [True] * 20 + [False] * 4
    values = Values.of(scores, range(24), labels)
    assert weighted_fpr95(values, torch.ones(1, 24)).item() == 0.5
    # A false label with the threshold's own score counts.
    turned = Values.of([-score for score in scores], range(24), labels)
    assert weighted_fpr95(turned, torch.ones(1, 24)).item() == 1.0


def test_fpr95_of_a_perfect_score_is_zero_and_of_a_constant_one():
    labels = [True, False, True, False]
    perfect = Values.of([3.0, 1.0, 2.0, 0.0], range(4), labels)
    constant = Values.of([1.0] * 4, range(4), labels)
    assert weighted_fpr95(perfect, torch.ones(1, 4)).item() == 0.0
    assert weighted_fpr95(constant, torch.ones(1, 4)).item() == 1.0


def test_statistics_of_no_values_are_nan():
    none = Values.of([], [], [])
    for kind in ("mean", "auroc", "average-precision", "fpr95"):
        result = estimate(kind, [none], bootstrap_weights(3, 10))
        assert math.isnan(result.value)
        assert math.isnan(result.low)
        assert (result.images, result.values) == (0, 0)


def test_estimate_of_a_constant_has_no_width():
    result = estimate("mean", [Values.of([0.5] * 6, [0, 0, 1, 2, 3, 4])], bootstrap_weights(5))
    assert result.value == result.low == result.high == 0.5


def test_paired_difference_of_a_method_with_itself_is_zero():
    values = Values.of(torch.rand(30).tolist(), [at // 3 for at in range(30)])
    result = paired_difference("mean", [values], [values], bootstrap_weights(10))
    assert result.value == result.low == result.high == 0.0


def test_interval_leaves_out_drawings_without_the_statistic():
    assert interval(torch.tensor([math.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert all(math.isnan(end) for end in interval(torch.tensor([math.nan])))


def test_interval_refuses_a_level_out_of_range():
    with pytest.raises(ParameterError, match="level between 0 and 1, got 95"):
        interval(torch.ones(3), level=95)


def test_values_refuse_tensors_not_finite_or_not_of_one_length():
    with pytest.raises(ParameterError, match="finite values, got NaN or infinity"):
        Values.of([math.nan], [0])
    with pytest.raises(ShapeError, match="images with one entry for each of 2 values"):
        Values.of([1.0, 2.0], [0])


def test_statistic_refuses_unknown_kinds_and_other_numbers_of_parts():
    one, weights = Values.of([1.0], [0]), bootstrap_weights(1, 2)
    with pytest.raises(ParameterError, match="among harmonic, mean, .*, got 'median'"):
        statistic("median", [one], weights)  # type: ignore[arg-type]
    with pytest.raises(
        ParameterError, match="Expected 2 sets of values for the harmonic .*, got 1"
    ):
        statistic("harmonic", [one], weights)


def test_auroc_refuses_values_without_labels():
    with pytest.raises(ParameterError, match="labels with the values, got none"):
        weighted_auroc(Values.of([1.0], [0]), bootstrap_weights(1, 2))


def test_statistics_refuse_weights_of_fewer_pictures():
    with pytest.raises(ShapeError, match=r"a column for each image, got shape \[2, 1\]"):
        weighted_mean(Values.of([1.0], [3]), bootstrap_weights(1, 2))
