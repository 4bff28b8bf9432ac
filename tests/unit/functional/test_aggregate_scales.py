import pytest
import torch

from seewhy.core.errors import ParameterError, ShapeError
from seewhy.functional import aggregate_scales


def test_aggregate_scales_of_one_scale_is_its_maps() -> None:
    maps = torch.rand(3, 4, 5)
    assert torch.equal(aggregate_scales([maps]), maps)
    assert torch.equal(aggregate_scales([maps], torch.tensor([[0.2, 0.0, 1e-30]])), maps)


def test_aggregate_scales_ignores_a_scale_of_weight_zero() -> None:
    base, strange = torch.rand(2, 4, 5), torch.rand(2, 4, 5)
    weights = torch.tensor([[0.7, 0.1], [0.0, 0.0]])
    torch.testing.assert_close(aggregate_scales([base, strange], weights), base)


def test_aggregate_scales_keeps_shares_of_tiny_probabilities() -> None:
    maps = [torch.zeros(1, 1, 1), torch.ones(1, 1, 1)]
    shared = aggregate_scales(maps, torch.tensor([[1e-42], [3e-42]]))
    assert float(shared) == pytest.approx(0.75, abs=1e-3)


def test_aggregate_scales_averages_half_precision_in_float32() -> None:
    maps = [torch.full((1, 1, 1), 256.0, dtype=torch.bfloat16)] * 2
    maps.append(torch.full((1, 1, 1), 1.0, dtype=torch.bfloat16))
    assert float(aggregate_scales(maps)) == pytest.approx(171)


def test_aggregate_scales_refuses_no_scales() -> None:
    with pytest.raises(ShapeError, match="maps of at least one scale, got none"):
        aggregate_scales([])


def test_aggregate_scales_refuses_maps_on_another_grid() -> None:
    message = r"one shape \[token \.\.\.\] .* got \[2, 4, 4\] and, at scale 1, \[2, 8, 8\]"
    with pytest.raises(ShapeError, match=message):
        aggregate_scales([torch.ones(2, 4, 4), torch.ones(2, 8, 8)])


def test_aggregate_scales_refuses_weights_of_other_scales() -> None:
    with pytest.raises(ShapeError, match="Expected weights .* scale = 1, got scale = 2"):
        aggregate_scales([torch.ones(2, 4, 4)], torch.ones(2, 2))


def test_aggregate_scales_refuses_log_probabilities() -> None:
    with pytest.raises(ParameterError, match="at least 0, got -2: give probabilities"):
        aggregate_scales([torch.ones(1, 4, 4)], torch.tensor([[-2.0]]))


@pytest.mark.parametrize("place", [(7,), (2, 3), (2, 2, 3)])
def test_aggregate_scales_takes_any_spatial_axes(place: tuple[int, ...]) -> None:
    one, two, weights = torch.rand(3, *place), torch.rand(3, *place), torch.rand(2, 3)
    made = aggregate_scales([one, two], weights)
    flat = aggregate_scales([one.flatten(1), two.flatten(1)], weights)
    assert made.shape == (3, *place)
    torch.testing.assert_close(made.flatten(1), flat)


def test_aggregate_scales_refuses_maps_without_a_spatial_axis() -> None:
    with pytest.raises(ShapeError, match=r"one shape \[token \.\.\.\]"):
        aggregate_scales([torch.ones(2)])
