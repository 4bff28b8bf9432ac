"""Regions on rasters: exact coverage, pixels, JSON and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from seewhy.core.errors import ParameterError
from seewhy.core.geometry import TokenGrid
from seewhy.core.regions import POINTS_MAX, Region

SIZE = (100, 60)
GRID = TokenGrid.over((0, 0, 100, 60), 3, 4)
PADDED = TokenGrid.over((-20, -30, 120, 90), 6, 7)
"""Cells of 20 x 20 that begin and end beyond the picture."""
MASK = np.zeros((60, 100), bool)
MASK[10:30, 20:50] = True
REGIONS = {
    "box": Region.box(20, 10, 50, 30),
    "polygon": Region.polygon([(20, 10), (50, 10), (50, 30), (20, 30)]),
    "mask": Region.mask(MASK),
}
"""The same place in three ways."""


@pytest.mark.parametrize("grid", [GRID, PADDED], ids=["within", "padded"])
@pytest.mark.parametrize("kind", REGIONS)
def test_coverage_is_the_share_of_each_cell_that_lies_inside(kind, grid):
    found = REGIONS[kind].coverage(grid, SIZE)
    rows, columns = grid.row_edges.tolist(), grid.column_edges.tolist()
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            top, bottom = (min(max(e, 0), 60) for e in rows[row : row + 2])
            left, right = (min(max(e, 0), 100) for e in columns[column : column + 2])
            width = max(0, min(right, 50) - max(left, 20))
            height = max(0, min(bottom, 30) - max(top, 10))
            whole = (right - left) * (bottom - top)
            assert float(found[row, column]) == pytest.approx(
                width * height / whole if whole else 0, abs=1e-12
            )


@pytest.mark.parametrize("kind", REGIONS)
def test_pixels_bounds_and_json_of_the_same_place_are_the_same(kind):
    region = REGIONS[kind]
    assert torch.equal(region.pixels(SIZE), torch.from_numpy(MASK))
    assert region.bounds(SIZE) == (20, 10, 50, 30)
    data = json.loads(json.dumps(region.to_json()))
    assert Region.from_json(data) == region
    assert data["kind"] == kind
    assert data["view"] == 0
    assert hash(region) == hash(Region.from_json(data))


def test_whole_picture_covers_every_cell_of_it_and_none_beyond():
    found = Region.box(-50, -50, 500, 500).coverage(PADDED, SIZE)
    assert set(found.flatten().tolist()) == {0.0, 1.0}
    assert found[0].sum() == 0  # the first row ends at -10
    assert float(found[1, 1]) == 1


def test_point_is_the_cell_that_holds_it_with_the_last_edge():
    for x, y, cell in ((0, 0, (0, 0)), (25, 20, (1, 1)), (24.99, 19.99, (0, 0)), (100, 60, (2, 3))):
        found = Region.point(x, y).coverage(GRID, SIZE)
        assert found.nonzero().tolist() == [list(cell)]
    region = Region.point(30, 25)
    assert region.bounds(SIZE, GRID) == (25, 20, 50, 40)
    assert int(region.pixels(SIZE, GRID).sum()) == 25 * 20
    with pytest.raises(ParameterError, match="the map's grid with a point"):
        region.pixels(SIZE)


def test_point_where_the_model_sees_nothing_is_told():
    cropped = TokenGrid.over((20, 0, 80, 60), 3, 3)
    region = Region.point(5, 5)
    assert not region.coverage(cropped, SIZE).any()
    with pytest.raises(ParameterError, match="a point that the model sees"):
        region.pixels(SIZE, cropped)


def test_cells_are_a_mask_on_their_own_raster_which_is_exact():
    chosen = torch.zeros(6, 7, dtype=torch.bool)
    chosen[2:4, 3] = chosen[0, 0] = True
    region = Region.of_cells(chosen, PADDED, SIZE, 2)
    assert region.view == 2
    expected = chosen.double()
    expected[0, 0] = 0  # beyond the picture
    assert torch.equal(region.coverage(PADDED, SIZE), expected)
    assert region.bounds(SIZE) == (40, 10, 60, 50)
    assert Region.from_json(json.loads(json.dumps(region.to_json()))) == region
    with pytest.raises(ParameterError, match="only cells beyond its edge"):
        Region.of_cells(
            torch.eye(6, 7, dtype=torch.bool) & ~chosen.roll(1),
            TokenGrid.over((-140, -120, 0, 0), 6, 7),
            SIZE,
        )


def test_cells_smaller_than_pixels_are_not_lost():
    fine = TokenGrid.over((0, 0, 4, 4), 16, 16)
    chosen = torch.zeros(16, 16, dtype=torch.bool)
    chosen[0, 0] = True
    region = Region.of_cells(chosen, fine, (4, 4))
    assert region.pixels((4, 4)).nonzero().tolist() == [[0, 0]]
    assert torch.equal(region.coverage(fine, (4, 4)), chosen.double())


def test_region_of_less_than_a_pixel_is_the_pixels_that_it_touches():
    assert Region.box(10.2, 5.1, 10.4, 5.3).pixels(SIZE).nonzero().tolist() == [[5, 10]]
    sliver = Region.polygon([(10.9, 5.1), (11.1, 5.1), (11.1, 5.2)])
    assert sliver.pixels(SIZE).nonzero().tolist() == [[5, 10], [5, 11]]


def test_what_lies_beyond_the_picture_is_left_out():
    region = Region.polygon([(-100, -100), (30, -100), (30, 20), (-100, 20)])
    assert region.bounds(SIZE) == (0, 0, 30, 20)
    assert int(region.pixels(SIZE).sum()) == 600


@pytest.mark.parametrize(
    "region",
    [
        Region.box(200, 10, 300, 30),
        Region.box(100, 0, 110, 60),
        Region.polygon([(-9, -9), (-1, -9), (-5, 80)]),
        Region.polygon([(0, -5), (-5, 20), (-5, -5)]),
        Region.point(100.5, 3),
    ],
)
def test_region_beyond_the_picture_is_refused_when_it_is_used(region):
    with pytest.raises(ParameterError, match="on the picture of 100 x 60 pixels"):
        region.coverage(GRID, SIZE)


def test_mask_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(ParameterError, match="100 x 60 pixels, got 60 x 100"):
        Region.mask(MASK.T).pixels(SIZE)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "3", None, True, 1e9, [1]])
def test_coordinates_are_finite_numbers(value):
    with pytest.raises(ParameterError, match="coordinates that are finite numbers"):
        Region.box(0, 0, value, 10)
    with pytest.raises(ParameterError, match="coordinates that are finite numbers"):
        Region.from_json({"kind": "point", "points": [[value, 1]]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Region.box(5, 5, 5, 9), "left < right and top < bottom"),
        (lambda: Region.box(50, 50, 20, 10), "not its width and height"),
        (lambda: Region.polygon([(0, 0), (1, 1)]), "at least 3 corners"),
        (lambda: Region.polygon([(0, 0), (1, 1), (3, 3), (2, 2)]), "corners on one line"),
        (lambda: Region.polygon([(0, n) for n in range(POINTS_MAX + 1)]), "at most 2,000 corners"),
        (lambda: Region.polygon([(0, 0, 0), (1, 1, 1), (0, 3, 3)]), "a point as x and y"),
        (lambda: Region.mask(np.zeros((4, 4), bool)), "at least one true pixel"),
        (lambda: Region.mask(np.ones((4, 4))), "true and false"),
        (lambda: Region.mask(np.ones(4, bool)), "true and false"),
        (lambda: Region.mask("mask"), "true and false"),
        (lambda: Region.point(1, 2, view=-1), "number of a view"),
        (lambda: Region.point(1, 2, view=True), "number of a view"),
        (lambda: Region.point(1, 2, view=1.0), "number of a view"),
        (lambda: Region("circle", ((1, 2),)), "a region of kind box, polygon, point, mask"),
        (lambda: Region("point", ((1, 2), (3, 4))), "one point, got 2"),
        (lambda: Region("box", ((1, 2), (3, 4)), runs=((0, 1),)), "a box without a mask"),
        (lambda: Region("mask", ((1, 2),), runs=((0, 1),)), "a mask without points"),
        (lambda: Region("mask"), "rows of run lengths"),
        (lambda: Region("mask", runs=((0, 2), (3,))), "rows of run lengths"),
        (lambda: Region("mask", runs=((0, -2, 4),)), "rows of run lengths"),
        (lambda: Region("mask", runs=((0, 2),), row_edges=(0, 1)), "3 increasing edges"),
        (lambda: Region("mask", runs=((0, 1),), row_edges=(1, 0), column_edges=(0, 1)), "increas"),
    ],
)
def test_what_is_no_region_is_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "box",
        {},
        {"kind": "box"},
        {"kind": "box", "points": "abc"},
        {"kind": "box", "points": [1, 2, 3, 4]},
        {"kind": "box", "points": [[0, 0], [1, 1]], "size": 3},
        {"kind": ["box"], "points": [[0, 0], [1, 1]]},
        {"kind": "mask", "mask": [["a"]]},
        {"kind": "mask", "mask": "aa"},
        {"kind": "mask", "mask": [[0, 10**30]], "row_edges": 4},
        {"kind": "polygon", "points": [[0, 0]] * 5000},
        {"kind": "polygon", "points": {"0": [1, 2]}},
        {"kind": "point", "points": [[1, 2]], "view": "0"},
        {"kind": "point", "points": [[1, 2]], "view": 10**20},
    ],
)
def test_json_that_is_no_region_is_refused(data):
    with pytest.raises(ParameterError, match="Expected"):
        Region.from_json(data)


def test_mask_of_absurd_size_is_refused_before_it_is_made():
    region = Region.from_json({"kind": "mask", "mask": [[0, 10**12]]})
    with pytest.raises(ParameterError, match="100 x 60 pixels"):
        region.pixels(SIZE)


def test_numbers_of_numpy_are_numbers():
    region = Region.box(*np.array([1, 2, 3, 4], np.float32), view=np.int64(1))
    assert region == Region.box(1, 2, 3, 4, 1)
    assert json.loads(json.dumps(region.to_json()))["points"] == [[1, 2], [3, 4]]
