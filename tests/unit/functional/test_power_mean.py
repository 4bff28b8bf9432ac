import math
from itertools import pairwise

import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional import power_mean


@pytest.mark.parametrize("exponent", [0.05, 0.25, 0.5, 0.9, 1.0])
def test_power_mean_equals_the_equation(exponent):
    draw = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 4, 5, generator=draw)
    result = power_mean(first, second, exponent)
    for place in range(20):
        a, b = float(first.flatten()[place]), float(second.flatten()[place])
        expected = ((a**exponent + b**exponent) / 2) ** (1 / exponent)
        assert math.isclose(float(result.flatten()[place]), expected, rel_tol=2e-5)


def test_power_mean_approaches_the_geometric_mean_from_above():
    first, second = torch.tensor([0.9, 0.2]), torch.tensor([0.1, 0.7])
    geometric = (first * second).sqrt()
    gaps = [power_mean(first, second, q) - geometric for q in (1, 0.5, 0.1, 0.01)]
    assert all(bool((a > b).all()) for a, b in pairwise(gaps))
    assert float(gaps[-1].abs().max()) < 0.005


@pytest.mark.parametrize("exponent", [1e-3, 1e-6, 1e-8])
def test_power_mean_is_the_geometric_mean_at_tiny_exponents(exponent):
    result = power_mean(torch.tensor([0.5, 0.9]), torch.tensor([0.01, 0.9]), exponent)
    torch.testing.assert_close(result, torch.tensor([0.005**0.5, 0.9]), rtol=5e-3, atol=0)


def test_power_mean_keeps_the_order_where_one_score_is_zero():
    low, high = power_mean(torch.zeros(2), torch.tensor([0.2, 0.8]), 0.25).tolist()
    assert 0 < low < high < 0.1


def test_power_mean_never_leaves_the_range_of_its_scores():
    draw = torch.Generator().manual_seed(1)
    first, second = torch.rand(2, 1000, generator=draw)
    for same in (first, torch.ones(1000), torch.zeros(1000)):
        assert torch.equal(power_mean(same, same, 0.3).le(same), torch.ones(1000, dtype=torch.bool))
    result = power_mean(first, second, 0.125)
    assert bool((result >= torch.minimum(first, second) * (1 - 1e-5)).all())
    assert bool((result <= torch.maximum(first, second)).all())


@pytest.mark.parametrize("exponent", [0, -1, 1.5, float("nan"), True, "1"])
def test_power_mean_refuses_other_exponents(exponent):
    with pytest.raises(ParameterError, match=r"exponent in \(0, 1\], got"):
        power_mean(torch.ones(2), torch.ones(2), exponent)


def test_power_mean_refuses_grids_that_differ():
    with pytest.raises(ShapeError, match=r"one shape, got \[2\] and \[3\]"):
        power_mean(torch.ones(2), torch.ones(3), 0.5)
