"""Named axes and the errors they give."""

import pytest
import torch

from seewhy.core.axes import AXES, expect_axes
from seewhy.core.errors import ShapeError


def test_expect_axes_returns_sizes():
    assert expect_axes(torch.zeros(2, 3), "token visual", name="x") == {"token": 2, "visual": 3}


def test_expect_axes_admits_leading_axes_behind_dots():
    result = expect_axes(torch.zeros(7, 5, 2, 3), "... height width", name="maps")
    assert result == {"height": 2, "width": 3}


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4)])
def test_expect_axes_refuses_another_number_of_axes(shape):
    with pytest.raises(ShapeError, match=r"maps with axes \[token visual\], got shape .* 2 axes"):
        expect_axes(torch.zeros(shape), "token visual", name="maps")


def test_expect_axes_refuses_too_few_axes_behind_dots():
    with pytest.raises(ShapeError, match="at least 2 axes"):
        expect_axes(torch.zeros(3), "... height width", name="maps")


def test_expect_axes_refuses_another_size():
    with pytest.raises(ShapeError, match=r"token = 3, got token = 2 \(shape \[2, 5\]\)"):
        expect_axes(torch.zeros(2, 5), "token visual", name="maps", token=3)


def test_axes_are_named_once():
    assert len(set(AXES)) == len(AXES)
