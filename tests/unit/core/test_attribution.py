"""Attributions: checks, display, selection."""

from dataclasses import replace
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


def test_shares_compare_means_for_any_number_of_cells():
    shares = two_views().shares
    torch.testing.assert_close(shares[0], torch.tensor([3.5, 6.0]) / 9.5)
    assert shares[1].tolist() == [0.0, 0.0]  # no view says anything
    large = torch.full((1, 9, 9), 2.0), torch.full((1, 1, 1), 2.0)
    even = two_views(maps=large, context=torch.zeros(1, 3), low=torch.zeros(1), high=torch.ones(1))
    assert even.shares.tolist() == [[0.5, 0.5]]


def test_attribution_names_the_view_that_does_not_match():
    with pytest.raises(ShapeError, match="maps of view 1 with axes .* token = 2, got token = 3"):
        two_views(maps=(torch.zeros(2, 2, 2), torch.zeros(3, 2, 2)))


@pytest.mark.parametrize("name", ["low", "high"])
def test_attribution_refuses_a_range_of_other_tokens(name):
    with pytest.raises(ShapeError, match=f"{name} with axes .* token = 2, got token = 1"):
        two_views(**{name: torch.zeros(1)})


def two_scales() -> Attribution:
    scale = ScaleView(
        scale=1.0,
        model_sizes=((8, 8), (8, 4)),
        maps=(torch.arange(8.0).view(2, 2, 2), torch.arange(6.0).view(2, 1, 3)),
        probabilities=torch.tensor([0.25, 0.5]),
        is_top1=torch.tensor([True, False]),
        weights=torch.tensor([1.0, 0.5]),
    )
    context = torch.tensor([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0]])
    return two_views(context=context, scales=(scale, replace(scale, scale=0.5)))


def tensors_of(part) -> list[torch.Tensor]:
    """All tensors of an attribution, written down by hand."""
    own = [*part.maps, part.context, part.low, part.high]
    return own + [
        tensor
        for view in part.scales
        for tensor in (*view.maps, view.probabilities, view.is_top1, view.weights)
    ]


def test_context_display_scales_by_the_joint_range_and_clamps():
    result = attribution(context=torch.tensor([[0.0, 3.0, 9.0]]))
    assert result.context_display.tolist() == [[0.0, 0.25, 1.0]]


def test_select_cuts_everything_that_has_a_token_axis():
    original = two_scales()
    last = original.select(slice(1, None))
    assert [maps.shape for maps in last.maps] == [(1, 2, 2), (1, 1, 3)]
    assert last.context.tolist() == [[2.0, 3.0, 0.0]]
    assert (last.low.tolist(), last.high.tolist()) == ([0.0], [0.0])
    cut, half = last.scales
    assert [maps.tolist() for maps in cut.maps] == [[[[4.0, 5.0], [6.0, 7.0]]], [[[3.0, 4.0, 5.0]]]]
    assert (cut.probabilities.tolist(), cut.is_top1.tolist(), cut.weights.tolist()) == (
        [0.5],
        [False],
        [0.5],
    )
    assert (cut.scale, cut.model_sizes) == (1.0, ((8, 8), (8, 4)))
    assert (half.scale, half.weights.tolist()) == (0.5, [0.5])


def test_with_tokens_from_takes_everything_of_these_tokens_and_nothing_else():
    original = two_scales()
    other = replace(
        two_scales(),
        maps=tuple(maps + 100 for maps in original.maps),
        context=original.context + 100,
        low=original.low + 1,
        high=original.high + 100,
        scales=tuple(
            replace(
                view,
                maps=tuple(maps + 100 for maps in view.maps),
                probabilities=view.probabilities + 0.25,
                is_top1=~view.is_top1,
                weights=view.weights + 1,
            )
            for view in original.scales
        ),
    )
    mixed = original.with_tokens_from(other, [1])
    for result, own, others in zip(*map(tensors_of, (mixed, original, other)), strict=True):
        assert torch.equal(result[0], own[0])
        assert torch.equal(result[1], others[1])
        assert not torch.equal(result[1], own[1])
    assert [view.scale for view in mixed.scales] == [1.0, 0.5]


def test_with_tokens_from_no_token_changes_nothing():
    original = two_scales()
    same = original.with_tokens_from(two_scales(), [])
    assert all(map(torch.equal, tensors_of(same), tensors_of(original)))


def test_with_tokens_from_refuses_other_scales():
    original = two_scales()
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        original.with_tokens_from(replace(original, scales=original.scales[:1]), [0])


def test_cpu_makes_every_tensor_contiguous_in_main_memory():
    original = two_scales()
    turned = replace(original, maps=tuple(maps.mT.contiguous().mT for maps in original.maps))
    assert not all(tensor.is_contiguous() for tensor in tensors_of(turned))
    result = turned.cpu()
    for one, other in zip(tensors_of(result), tensors_of(original), strict=True):
        assert one.is_contiguous()
        assert one.device.type == "cpu"
        assert torch.equal(one, other)


def test_displayed_shows_all_tokens_on_one_scale_each_on_its_own_or_with_the_text():
    maps = torch.zeros(2, 10, 10)
    maps[0, 0], maps[1, 0, 0] = torch.arange(10.0), 2.0
    made = Attribution((maps,), torch.zeros(2, 3), torch.zeros(2), torch.tensor([20.0, 4.0]))
    span = made.answer_span()
    assert span == 7.0  # the 198th of 200 values
    (answer,), (word,), (joint,) = map(made.displayed, ("answer", "word", "joint"))
    assert torch.equal(answer, (maps / span).clamp(0, 1))
    assert word.amax((1, 2)).tolist() == [1.0, 1.0]
    assert joint.amax((1, 2)).tolist() == pytest.approx([9 / 20, 2 / 4])
    assert torch.equal(joint, made.display[0])


def test_displayed_shows_nothing_below_a_token_s_floor_or_below_zero():
    maps = torch.tensor([[[0.4, 0.9]], [[-3.0, 0.5]]])
    made = Attribution((maps,), torch.zeros(2, 1), torch.tensor([0.4, -3.0]), torch.ones(2))
    assert made.floor.tolist() == pytest.approx([0.4, 0.0])
    (answer,) = made.displayed("answer")
    assert answer.tolist() == [[[0.0, 1.0]], [[0.0, 1.0]]]


def test_answer_span_of_some_tokens_leaves_out_those_without_maps():
    maps = torch.zeros(3, 2, 2)
    maps[1] = 5.0
    made = Attribution((maps,), torch.zeros(3, 1), torch.zeros(3), torch.ones(3))
    assert made.answer_span([1]) == 5.0
    assert made.answer_span([0, 2]) == 0.0


def test_context_shares_sum_to_one_or_are_all_zero():
    context = torch.tensor([[0.0, 0.0, 0.0], [3.0, 1.0, 0.0]])
    made = Attribution((torch.zeros(2, 1, 1),), context, torch.zeros(2), torch.ones(2))
    assert made.context_shares.tolist() == [[0.0, 0.0, 0.0], [0.75, 0.25, 0.0]]
