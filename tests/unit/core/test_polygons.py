"""Areas of polygons in cells, against clipping in exact fractions and against dense sampling."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from seewhy.core.errors import ParameterError
from seewhy.core.polygons import area_of, pixels_inside, polygon_areas


def edges(*values):
    return torch.tensor(values, dtype=torch.float64)


def clipped(points, axis, limit, above):
    """Sutherland and Hodgman: the part of a polygon on one side of a line, in fractions."""
    found = []
    for one, other in zip(points, [*points[1:], points[0]], strict=True):
        inside, next_inside = (
            (p[axis] >= limit) == above or p[axis] == limit for p in (one, other)
        )
        if inside:
            found.append(one)
        if inside != next_inside:
            share = (limit - one[axis]) / (other[axis] - one[axis])
            found.append(tuple(a + share * (b - a) for a, b in zip(one, other, strict=True)))
    return found


def area_in_cell(points, left, top, right, bottom):
    for axis, limit, above in (
        (0, left, True),
        (0, right, False),
        (1, top, True),
        (1, bottom, False),
    ):
        points = clipped(points, axis, limit, above) if points else []
    return area_of(points) if len(points) > 2 else 0.0


def star(seed, corners=9):
    """A polygon without crossings around (10, 8), with corners on a coarse raster too."""
    rng = torch.Generator().manual_seed(seed)
    angles = torch.linspace(0, 6.2831853, corners + 1)[:-1]
    radius = 1 + 8 * torch.rand(corners, generator=rng)
    xs, ys = 10 + radius * angles.cos(), 8 + radius * angles.sin()
    return [(round(float(x) * 4) / 4, round(float(y) * 4) / 4) for x, y in zip(xs, ys, strict=True)]


@pytest.mark.parametrize("seed", range(6))
def test_areas_equal_clipping_in_fractions(seed):
    points = star(seed)
    exact = [(Fraction(x), Fraction(y)) for x, y in points]
    rows, columns = edges(0, 2.5, 6, 8, 8.25, 16), edges(-3, 1, 7.75, 10, 20)
    found = polygon_areas(points, rows, columns)
    expected = torch.tensor(
        [
            [
                float(area_in_cell(exact, *map(Fraction, (left, top, right, bottom))))
                for left, right in zip(columns[:-1].tolist(), columns[1:].tolist(), strict=True)
            ]
            for top, bottom in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True)
        ]
    )
    torch.testing.assert_close(found, expected.double(), rtol=0, atol=1e-6)


def test_direction_and_start_of_the_outline_make_no_difference():
    points, rows = star(11), edges(*range(0, 21, 3))
    whole = polygon_areas(points, rows, rows)
    torch.testing.assert_close(polygon_areas(points[::-1], rows, rows), whole)
    torch.testing.assert_close(polygon_areas(points[4:] + points[:4], rows, rows), whole)


def test_what_is_gone_around_twice_and_both_parts_of_an_eight_are_inside():
    eight = [(0, 0), (4, 4), (4, 0), (0, 4)]
    assert float(polygon_areas(eight, edges(0, 4), edges(0, 4))) == pytest.approx(8)
    twice = [(0, 0), (4, 0), (4, 4), (0, 4)] * 2
    assert float(polygon_areas(twice, edges(0, 9), edges(0, 9))) == pytest.approx(16)
    overlapping = [(0, 0), (6, 0), (6, 2), (2, 2), (2, -2), (4, -2), (4, 4), (0, 4)]
    dense = pixels_inside([(x * 50, (y + 2) * 50) for x, y in overlapping], (300, 300))
    found = polygon_areas(overlapping, edges(-2, 4), edges(0, 6))
    assert float(found) == pytest.approx(float(dense.sum()) / 2500, abs=1e-9)


def test_lasso_that_crosses_itself_often_equals_dense_sampling():
    rng = torch.Generator().manual_seed(3)
    points = (torch.rand(25, 2, generator=rng) * 8).tolist()
    cells = edges(*range(9))
    found = polygon_areas(points, cells, cells)
    scale = 200
    dense = pixels_inside([(x * scale, y * scale) for x, y in points], (8 * scale, 8 * scale))
    sampled = dense.double().view(8, scale, 8, scale).mean((1, 3))
    torch.testing.assert_close(found, sampled, rtol=0, atol=3e-3)


def test_pixels_are_those_whose_centres_are_inside():
    assert pixels_inside([(0.5, 0), (2.4, 0), (2.4, 1), (0.5, 1)], (4, 2)).tolist() == [
        [True, True, False, False],
        [False] * 4,
    ]
    beyond = pixels_inside([(-5, -5), (50, -5), (50, 50), (-5, 50)], (3, 2))
    assert bool(beyond.all())


def test_polygon_of_no_height_and_raster_without_cells_are_empty():
    flat = [(0, 1), (5, 1), (3, 1)]
    assert not polygon_areas(flat, edges(0, 2), edges(0, 9)).any()
    assert not pixels_inside(flat, (9, 2)).any()
    equal = edges(0, 1, 1, 2)
    found = polygon_areas([(0, 0), (2, 0), (2, 2), (0, 2)], equal, equal)
    assert found.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]


def test_outline_that_crosses_itself_without_end_is_refused():
    rng = torch.Generator().manual_seed(0)
    points = torch.rand(300, 2, generator=rng).tolist()
    with pytest.raises(ParameterError, match="crosses itself at most 5000 times"):
        polygon_areas(points, edges(0, 1), edges(0, 1))
