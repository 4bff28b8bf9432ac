"""How much two maps agree: ranks, the brightest tenth, means, and what is not defined."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional.agreement import Agreement, top_overlap
from seewhy.functional.similarity import spearman


def test_equal_maps_agree_and_reversed_ones_do_not():
    values = torch.arange(100.0)
    same = Agreement.between(values, values * 3)
    assert (same.rank_correlation, same.top_overlap) == (pytest.approx(1), pytest.approx(1))
    assert same.cells == 100
    other = Agreement.between(values, -values)
    assert other.rank_correlation == pytest.approx(-1)
    assert other.top_overlap == 0.0


def test_top_overlap_counts_the_brightest_tenth():
    first, second = torch.zeros(100), torch.zeros(100)
    first[:10], second[5:15] = torch.arange(1.0, 11), torch.arange(1.0, 11)
    assert top_overlap(first, second) == pytest.approx(0.5)


def test_cells_with_equal_values_share_what_is_left():
    """One bright cell each; the other nine places go to 99 equal cells, wherever they stand."""
    first, second = torch.zeros(100), torch.zeros(100)
    first[3] = second[3] = 1
    share = 9 / 99
    assert top_overlap(first, second) == pytest.approx((1 + 99 * share) / 10)
    second[3], second[4] = 0, 1
    assert top_overlap(first, second) == pytest.approx((98 * share + 2 * share) / 10)


@given(st.permutations(range(30)), st.permutations(range(30)))
def test_order_of_cells_decides_nothing(values, order):
    first = torch.tensor(values).float().div(7).floor()  # with equal values
    second = torch.tensor(values[::-1]).float()
    cells = torch.tensor(order)
    assert top_overlap(first, second) == pytest.approx(top_overlap(first[cells], second[cells]))
    assert 0 <= top_overlap(first, second) <= 1


def test_by_chance_a_tenth_is_shared():
    rng = torch.Generator().manual_seed(0)
    values = [
        top_overlap(torch.rand(200, generator=rng), torch.rand(200, generator=rng))
        for _ in range(300)
    ]
    assert sum(values) / len(values) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("bad", [torch.ones(10), torch.full((10,), math.nan)])
def test_constant_and_broken_maps_have_no_agreement(bad):
    found = Agreement.between(bad, torch.arange(10.0))
    assert math.isnan(found.rank_correlation)
    assert math.isnan(found.top_overlap)
    assert found.to_json() == {
        "rank_correlation": None,
        "top_overlap": None,
        "cells": 10,
        "pairs": 1,
    }


def test_mean_is_over_what_is_defined():
    nothing = Agreement(math.nan, math.nan, 50)
    found = Agreement.mean([Agreement(0.5, 0.2, 100), nothing, Agreement(0.1, 0.4, 80)])
    assert found == Agreement(pytest.approx(0.3), pytest.approx(0.3), 50, 3)
    assert Agreement.mean([]) is None
    empty = Agreement.mean([nothing])
    assert empty is not None
    assert math.isnan(empty.top_overlap)


def test_rank_correlation_is_spearmans():
    rng = torch.Generator().manual_seed(1)
    first, second = torch.rand(2, 60, generator=rng)
    found = Agreement.between(first, second).rank_correlation
    assert found == pytest.approx(spearman(first, second))


def test_other_shapes_and_parts_are_refused():
    with pytest.raises(ShapeError, match="two maps of one shape"):
        top_overlap(torch.ones(3), torch.ones(4))
    with pytest.raises(ShapeError, match="two maps of one shape"):
        top_overlap(torch.ones(0), torch.ones(0))
    for part in (0.0, 1.5, -1):
        with pytest.raises(ParameterError, match="part of the area above 0"):
            top_overlap(torch.arange(3.0), torch.arange(3.0), part)
