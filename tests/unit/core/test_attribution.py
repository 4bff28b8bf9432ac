"""What every attribution promises."""

from typing import Any

import pytest
import torch

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.errors import ShapeError


def attribution(**changes):
    parts: dict[str, Any] = {
        "maps": (torch.tensor([[[0.0, 2.0], [4.0, 8.0]]]),),
        "context": torch.zeros(1, 3),
        "low": torch.tensor([2.0]),
        "high": torch.tensor([6.0]),
    }
    return Attribution(**(parts | changes))


def test_display_scales_by_the_joint_range_and_clamps():
    (display,) = attribution().display
    assert display.tolist() == [[[0.0, 0.0], [0.5, 1.0]]]


def test_display_of_an_empty_range_is_finite():
    flat = attribution(low=torch.zeros(1), high=torch.zeros(1), maps=(torch.zeros(1, 2, 2),))
    (display,) = flat.display
    assert display.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_attribution_refuses_a_context_of_other_tokens():
    with pytest.raises(ShapeError, match="maps of view 0 with axes .* token = 2, got token = 1"):
        attribution(context=torch.zeros(2, 3))


def test_attribution_refuses_flat_maps():
    with pytest.raises(ShapeError, match=r"maps of view 0 with axes \[token height width\]"):
        attribution(maps=(torch.zeros(1, 4),))


def two_views(**changes):
    first = torch.tensor([[[0.0, 2.0], [4.0, 8.0]], [[0.0, 0.0], [0.0, 0.0]]])
    second = torch.tensor([[[2.0, 6.0, 10.0]], [[0.0, 0.0, 0.0]]])
    parts = {"maps": (first, second), "context": torch.zeros(2, 3)}
    ends = {"low": torch.tensor([2.0, 0.0]), "high": torch.tensor([6.0, 0.0])}
    return attribution(**{**parts, **ends, **changes})


def test_display_scales_all_views_by_one_range():
    first, second = two_views().display
    assert first.tolist() == [[[0.0, 0.0], [0.5, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]
    assert second.tolist() == [[[0.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]]]


def test_shares_compare_means_whatever_the_number_of_cells():
    shares = two_views().shares
    torch.testing.assert_close(shares[0], torch.tensor([3.5, 6.0]) / 9.5)
    assert shares[1].tolist() == [0.0, 0.0]  # no view says anything
    large = torch.full((1, 9, 9), 2.0), torch.full((1, 1, 1), 2.0)
    even = two_views(maps=large, context=torch.zeros(1, 3), low=torch.zeros(1), high=torch.ones(1))
    assert even.shares.tolist() == [[0.5, 0.5]]


def test_attribution_names_the_view_that_does_not_fit():
    with pytest.raises(ShapeError, match="maps of view 1 with axes .* token = 2, got token = 3"):
        two_views(maps=(torch.zeros(2, 2, 2), torch.zeros(3, 2, 2)))


@pytest.mark.parametrize("name", ["low", "high"])
def test_attribution_refuses_a_range_of_other_tokens(name):
    with pytest.raises(ShapeError, match=f"{name} with axes .* token = 2, got token = 1"):
        two_views(**{name: torch.zeros(1)})


def test_tokens_cuts_everything_that_has_a_token_axis():
    scale = ScaleView(
        scale=1.0,
        model_sizes=((8, 8), (8, 4)),
        maps=(torch.arange(8.0).view(2, 2, 2), torch.arange(6.0).view(2, 1, 3)),
        probabilities=torch.tensor([0.25, 0.5]),
        is_top1=torch.tensor([True, False]),
        weights=torch.tensor([1.0, 0.5]),
    )
    whole = two_views(context=torch.tensor([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0]]), scales=(scale,))
    last = whole.tokens(slice(1, None))
    assert [maps.shape for maps in last.maps] == [(1, 2, 2), (1, 1, 3)]
    assert last.context.tolist() == [[2.0, 3.0, 0.0]]
    assert (last.low.tolist(), last.high.tolist()) == ([0.0], [0.0])
    (cut,) = last.scales
    assert [maps.tolist() for maps in cut.maps] == [[[[4.0, 5.0], [6.0, 7.0]]], [[[3.0, 4.0, 5.0]]]]
    assert (cut.probabilities.tolist(), cut.is_top1.tolist(), cut.weights.tolist()) == (
        [0.5],
        [False],
        [0.5],
    )
    assert (cut.scale, cut.model_sizes) == (1.0, ((8, 8), (8, 4)))
