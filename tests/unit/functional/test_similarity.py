"""Similarities: edges and refusals."""

from __future__ import annotations

import math

import pytest
import torch

from seewhy.core.errors import ShapeError
from seewhy.functional.similarity import pearson, relative_change, spearman, ssim

FLAT, SLOPE = torch.full((4, 5), 0.3), torch.linspace(0, 1, 20).view(4, 5)


def test_correlations_of_a_constant_map_are_undefined():
    for alike in (pearson, spearman):
        assert math.isnan(alike(FLAT, SLOPE))
        assert math.isnan(alike(SLOPE, FLAT))


def test_spearman_depends_only_on_the_order():
    assert spearman(SLOPE, SLOPE**5) == pytest.approx(1)
    assert spearman(SLOPE, -SLOPE) == pytest.approx(-1)


def test_ssim_of_a_flat_map_and_a_slope_is_low():
    assert ssim(FLAT, FLAT) == pytest.approx(1)
    assert ssim(FLAT, SLOPE) < 0.2


def test_ssim_refuses_a_single_row():
    with pytest.raises(ShapeError, match="at least 2 x 2 cells, got 1 x 5"):
        ssim(FLAT[:1], SLOPE[:1])


def test_similarities_refuse_maps_of_two_shapes():
    for alike in (pearson, spearman, ssim, relative_change):
        with pytest.raises(ShapeError, match=r"two maps of one shape, got \[4, 5\] and \[5, 4\]"):
            alike(FLAT, FLAT.T)


def test_relative_change_of_an_empty_map_is_undefined():
    assert relative_change(SLOPE, 2 * SLOPE) == pytest.approx(1)
    assert math.isnan(relative_change(torch.zeros(3), torch.zeros(3)))


def test_spearman_of_values_that_are_not_finite_is_undefined():
    broken = SLOPE.clone()
    broken[0] = float("nan")
    assert math.isnan(spearman(SLOPE, broken))
    assert math.isnan(spearman(broken, broken))
