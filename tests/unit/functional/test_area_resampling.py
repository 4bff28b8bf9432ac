"""Maps on another raster keep their mean where both cover the same area."""

from __future__ import annotations

import torch

from seewhy.functional.area_resampling import area_resampled, area_weights


def edges(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_weights_are_shares_of_area():
    weights = area_weights(edges(0, 3, 4), edges(0, 2, 4, 9))
    torch.testing.assert_close(weights, torch.tensor([[1, 0], [0.5, 0.5], [0, 0]]).double())


def test_resampled_map_keeps_its_mean_over_the_same_area():
    maps = torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    source = torch.linspace(0, 60, 6).double(), torch.linspace(0, 90, 8).double()
    target = torch.linspace(0, 60, 4).double(), torch.linspace(0, 90, 12).double()
    found = area_resampled(maps, source, target)
    assert found.shape == (2, 3, 11)
    torch.testing.assert_close(found.mean((1, 2)), maps.mean((1, 2)))
    torch.testing.assert_close(area_resampled(maps, source, source), maps)


def test_cells_beyond_the_source_are_zero():
    maps = torch.ones(1, 2, 2)
    inside, wider = edges(10, 20, 30), edges(0, 10, 30, 40)
    found = area_resampled(maps, (inside, inside), (wider, wider))
    assert found[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
