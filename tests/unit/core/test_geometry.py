"""Boxes, grids and resampling, against `torch.nn.functional.interpolate` where it applies."""

import pytest
import torch
from torch.nn import functional as F

from seewhy.core.errors import GeometryError, ShapeError
from seewhy.core.geometry import (
    Geometry,
    TokenGrid,
    flatten,
    interpolation,
    pixel_edges,
    resample,
    unflatten,
)


@pytest.mark.parametrize("source", [(1, 1), (1, 5), (3, 4), (8, 2)])
@pytest.mark.parametrize("target", [(1, 1), (2, 9), (3, 4), (16, 16)])
def test_resample_equals_interpolate_over_equal_boxes(source, target):
    box = (0.0, 0.0, 64.0, 48.0)
    maps = torch.rand(2, *source, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps[None], size=target, mode="bilinear", align_corners=False)[0]
    result = resample(maps, TokenGrid.over(box, *source), TokenGrid.over(box, *target))
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


def test_resample_onto_itself_is_the_same_tensor():
    grid = TokenGrid.over((0, 0, 4, 4), 2, 2)
    maps = torch.rand(3, 2, 2)
    assert resample(maps, grid, grid) is maps


def test_resample_places_a_crop_at_its_pixels():
    """A ramp over a crop keeps its values at the same pixels on a grid over the whole image."""
    crop = TokenGrid.over((16, 0, 48, 8), 1, 8)
    whole = TokenGrid.over((0, 0, 64, 8), 1, 16)
    centres = (crop.column_edges[:-1] + crop.column_edges[1:]) / 2
    result = resample(centres[None].float(), crop, whole)[0]
    wanted = ((whole.column_edges[:-1] + whole.column_edges[1:]) / 2).float()
    torch.testing.assert_close(result, wanted.clamp(float(centres[0]), float(centres[-1])))


def test_resample_keeps_the_dtype():
    source, target = TokenGrid.over((0, 0, 8, 8), 2, 2), TokenGrid.over((0, 0, 8, 8), 3, 3)
    assert resample(torch.ones(2, 2, dtype=torch.bfloat16), source, target).dtype == torch.bfloat16


@pytest.mark.parametrize(("cells", "wanted"), [(1, 4), (4, 1), (7, 3), (3, 7)])
def test_interpolation_rows_sum_to_one_and_are_non_negative(cells, wanted):
    weights = interpolation(pixel_edges(100, cells), pixel_edges(100, wanted))
    assert weights.shape == (wanted, cells)
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(1), torch.ones(wanted, dtype=torch.float64))


def test_interpolation_is_linear_between_uneven_cells():
    source = torch.tensor([0.0, 1.0, 3.0, 7.0])  # centres 0.5, 2, 5
    target = torch.tensor([1.5, 5.5])  # centre 3.5
    assert interpolation(source, target)[0].tolist() == [0.0, 0.5, 0.5]


def test_token_grid_over_numbers_cells_row_by_row():
    grid = TokenGrid.over((10, 20, 40, 60), 2, 3, first=5, name="tiles")
    assert grid.shape == (2, 3)
    assert grid.index.tolist() == [[5, 6, 7], [8, 9, 10]]
    assert grid.row_edges.tolist() == [20, 40, 60]
    assert grid.column_edges.tolist() == [10, 20, 30, 40]


def test_token_grid_refuses_edges_of_another_number():
    with pytest.raises(GeometryError, match=r"Expected 3 increasing edges in grid 'image'"):
        TokenGrid(torch.arange(4).view(2, 2), pixel_edges(4, 3), pixel_edges(4, 2))


def test_token_grid_refuses_edges_that_do_not_increase():
    with pytest.raises(GeometryError, match="increasing edges in grid 'tiles'"):
        TokenGrid(torch.zeros(1, 1).long(), torch.tensor([4.0, 4.0]), pixel_edges(4, 1), "tiles")


def test_geometry_boxes_are_cells_in_visual_order():
    swapped = TokenGrid(torch.tensor([[1, 0]]), pixel_edges(10, 1), pixel_edges(20, 2))
    geometry = Geometry((20, 10), (swapped,))
    assert geometry.visual == 2
    assert geometry.boxes.tolist() == [[10, 0, 20, 10], [0, 0, 10, 10]]


def test_geometry_refuses_a_token_in_two_cells():
    grid = TokenGrid(torch.tensor([[0, 0]]), pixel_edges(10, 1), pixel_edges(20, 2))
    with pytest.raises(GeometryError, match="2 cells holding 1 different tokens up to 0"):
        Geometry((20, 10), (grid,))


def test_geometry_refuses_a_token_left_out():
    grid = TokenGrid.over((0, 0, 20, 10), 1, 2, first=1)
    with pytest.raises(GeometryError, match="every visual token in exactly one grid cell"):
        Geometry((20, 10), (grid,))


def test_to_grid_follows_the_index_of_the_grid():
    grid = TokenGrid(torch.tensor([[2, 0], [1, 3]]), pixel_edges(4, 2), pixel_edges(4, 2))
    result = Geometry((4, 4), (grid,)).to_grid(torch.tensor([10.0, 11.0, 12.0, 13.0]))
    assert result.tolist() == [[12, 10], [11, 13]]


def test_to_grid_averages_grids_on_the_finest():
    fine = TokenGrid.over((0, 0, 8, 8), 2, 2, name="tiles")
    coarse = TokenGrid.over((0, 0, 8, 8), 1, 1, first=4, name="thumbnail")
    geometry = Geometry((8, 8), (fine, coarse))
    assert geometry.base_grid is fine
    result = geometry.to_grid(torch.tensor([0.0, 2.0, 4.0, 6.0, 10.0]))
    assert result.tolist() == [[5, 6], [7, 8]]


def test_to_grid_refuses_another_number_of_values():
    geometry = Geometry((8, 8), (TokenGrid.over((0, 0, 8, 8), 2, 2),))
    with pytest.raises(ShapeError, match="visual = 4, got visual = 3"):
        geometry.to_grid(torch.zeros(3))


def test_flatten_joins_grids_row_by_row():
    first, second = torch.arange(8.0).view(2, 2, 2), 10 + torch.arange(6.0).view(2, 1, 3)
    assert flatten([first, second]).tolist() == [
        [0, 1, 2, 3, 10, 11, 12],
        [4, 5, 6, 7, 13, 14, 15],
    ]


def test_unflatten_undoes_flatten():
    base_grids = [TokenGrid.over((0, 0, 9, 9), *grid) for grid in ((2, 3), (1, 1), (4, 2))]
    maps = [torch.rand(5, *base_grid.shape) for base_grid in base_grids]
    for one, other in zip(unflatten(flatten(maps), base_grids), maps, strict=True):
        assert torch.equal(one, other)


def test_unflatten_refuses_another_number_of_cells():
    base_grids = [TokenGrid.over((0, 0, 9, 9), *grid) for grid in ((2, 3), (1, 1))]
    with pytest.raises(ShapeError, match="values with axes .* cell = 7, got cell = 8"):
        unflatten(torch.zeros(2, 8), base_grids)
