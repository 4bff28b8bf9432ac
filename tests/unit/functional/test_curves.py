"""Curves, orders and regions: edges and refusals."""

from __future__ import annotations

import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional.curves import (
    area_under,
    between,
    dilated,
    falling_order,
    first_of,
    nearest_cells,
)


def test_falling_order_is_a_permutation_from_the_highest_down():
    scores = torch.tensor([[0.3, 0.1], [0.9, 0.3]])
    order = falling_order(scores, seed=4)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    assert scores.flatten()[order].tolist() == pytest.approx([0.9, 0.3, 0.3, 0.1])


def test_falling_order_breaks_ties_by_the_seed_alone():
    one, other = (falling_order(torch.full((50,), level), seed=1) for level in (0.0, 7.0))
    assert torch.equal(one, other)
    assert not torch.equal(one, falling_order(torch.zeros(50), seed=2))


def test_first_of_takes_none_or_all():
    order = torch.tensor([2, 0, 1])
    assert first_of(order, 0).tolist() == [False] * 3
    assert first_of(order, 3).tolist() == [True] * 3


def test_area_under_refuses_points_that_do_not_match():
    with pytest.raises(
        ShapeError, match=r"a value for each of at least two points, got shape \[3\]"
    ):
        area_under(torch.ones(3), torch.tensor([0.0, 1.0]))
    with pytest.raises(ParameterError, match="rising points"):
        area_under(torch.ones(2), torch.tensor([1.0, 0.0]))


def test_between_refuses_an_empty_range():
    with pytest.raises(ParameterError, match=r"high above low, got 1.0 and 1.0"):
        between(torch.ones(2), 1.0, 1.0)


@pytest.mark.parametrize("count", [0, 1, 17, 35])
def test_nearest_cells_holds_exactly_the_count(count):
    assert int(nearest_cells(5, 7, 2.0, 3.0, count).sum()) == count


def test_dilated_by_zero_is_the_mask():
    mask = torch.rand(6, 9) > 0.7
    assert torch.equal(dilated(mask, 0), mask)


def test_dilated_holds_every_cell_within_the_distance():
    mask = torch.zeros(7, 9, dtype=torch.bool)
    mask[3, 4] = True
    grown = torch.zeros_like(mask)
    grown[1:6, 2:7] = True
    assert torch.equal(dilated(mask, 2), grown)
