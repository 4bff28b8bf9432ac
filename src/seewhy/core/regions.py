"""A region of a picture: a box, a lasso, a point or a mask, on any raster."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.core.geometry import Box, TokenGrid
from seewhy.core.polygons import area_of, pixels_inside, polygon_areas
from seewhy.core.run_lengths import from_runs, to_runs

KINDS = ("box", "polygon", "point", "mask")

POINTS_MAX = 2000
"""Corners of a polygon, at most."""

FARTHEST = 1e7
"""Coordinates are at most this, in pixels, so that areas keep their precision."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """A region of one view of an explanation, in pixels of the upright picture.

    Make it by `Region.box`, `Region.polygon`, `Region.point` or `Region.mask`, or read it by
    `Region.from_json`. x grows to the right and y downwards; pixel (0, 0) covers 0 to 1 in both.
    What lies beyond the picture is left out; a region that lies beyond it entirely is refused when
    it is used.

    Attributes:
        kind: `"box"`, `"polygon"`, `"point"` or `"mask"`.
        points: of a box its left upper and right lower corner, of a polygon its corners, of a point
            itself; of a mask none.
        view: which picture or step of a clip, counted from 0 (`explanation.views`).
        runs: of a mask, for each row the lengths of its runs, outside and inside in turn; the first
            is outside and may be 0.
        row_edges, column_edges: of a mask, the edges of its rows and columns in pixels. Empty where
            its cells are the picture's pixels.
    """

    kind: str
    points: tuple[Point, ...] = ()
    view: int = 0
    runs: tuple[tuple[int, ...], ...] = ()
    row_edges: tuple[float, ...] = ()
    column_edges: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "view", _view(self.view))
        if self.kind not in KINDS:
            raise ParameterError(
                f"Expected a region of kind {', '.join(KINDS)}, got {str(self.kind)[:40]!r}: "
                "choose one."
            )
        object.__setattr__(self, "points", tuple(map(_point, self.points)))
        _CHECKS[self.kind](self)

    @staticmethod
    def box(left: float, top: float, right: float, bottom: float, view: int = 0) -> Region:
        """A rectangle.

        Raises:
            ParameterError: if an edge is no finite number, or the box is empty.

        Example:
            >>> Region.box(10, 20, 60, 80).bounds((100, 70))
            (10.0, 20.0, 60.0, 70.0)
        """
        return Region("box", ((left, top), (right, bottom)), view)

    @staticmethod
    def polygon(points: Sequence[Sequence[float]], view: int = 0) -> Region:
        """What a lasso goes around; the last corner is joined to the first.

        Where it crosses itself, all that it goes around is inside.

        Args:
            points: x and y of 3 to 2,000 corners.
            view: which picture or step of a clip.

        Raises:
            ParameterError: if there are too few or too many corners, a number is not finite, or the
                corners lie on one line.
        """
        return Region("polygon", tuple(map(tuple, points)), view)  # type: ignore[arg-type]

    @staticmethod
    def point(x: float, y: float, view: int = 0) -> Region:
        """One point: the cell of the map that holds it.

        Raises:
            ParameterError: if a coordinate is no finite number.
        """
        return Region("point", ((x, y),), view)

    @staticmethod
    def mask(mask: Any, view: int = 0) -> Region:
        """The pixels where a mask is true.

        Args:
            mask: bool `[height, width]`, of the picture's size: an array, a tensor or lists.
            view: which picture or step of a clip.

        Raises:
            ParameterError: if it is no bool mask of two axes, or has no true pixel.

        Example:
            >>> Region.mask([[False, True], [False, False]]).to_json()["mask"]
            [[1, 1], [2]]
        """
        return Region("mask", view=view, runs=to_runs(_bool_tensor(mask)))

    @staticmethod
    def of_cells(chosen: Tensor, grid: TokenGrid, size: tuple[int, int], view: int = 0) -> Region:
        """Some cells of a map.

        Args:
            chosen: bool `[height, width]`.
            grid: of the map.
            size: width and height of the picture; what a family pads beyond it is left out.
            view: which picture or step of a clip.

        Raises:
            ParameterError: if no chosen cell lies on the picture.
        """
        edges = (
            tuple(float(edge) for edge in edges.clamp(0, side))
            for edges, side in ((grid.row_edges, size[1]), (grid.column_edges, size[0]))
        )
        return Region("mask", (), view, to_runs(chosen), *edges)

    @staticmethod
    def from_json(data: Any) -> Region:
        """Read what `to_json` wrote, from a page or a file.

        The two corners of a box may stand in any order.

        Raises:
            ParameterError: if it is no region, or holds something else.

        Example:
            >>> Region.from_json({"kind": "box", "points": [[9, 9], [1, 2]]}).points
            ((1.0, 2.0), (9.0, 9.0))
        """
        if not isinstance(data, Mapping) or not _KEYS >= set(data):
            raise ParameterError(
                f"Expected a region as {{'view', 'kind', 'points'}}, got {str(data)[:80]!r}: give "
                "what Region.to_json writes."
            )
        kind, points = data.get("kind"), data.get("points", [])
        if not isinstance(points, list) or not all(isinstance(p, list | tuple) for p in points):
            raise ParameterError(
                f"Expected points as a list of [x, y], got {str(points)[:80]!r}: give numbers."
            )
        _expect_few(points)
        if kind == "box" and len(points) == 2:
            (a, b), (c, d) = map(_point, points)
            points = [(min(a, c), min(b, d)), (max(a, c), max(b, d))]
        return Region(
            kind,  # type: ignore[arg-type] - checked
            tuple(points),
            data.get("view", 0),
            _nested(data.get("mask", []), "mask"),
            *(_nested([data.get(name, [])], name)[0] for name in ("row_edges", "column_edges")),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: `view`, `kind`, `points`; of a mask also `mask`, and the edges of cells."""
        data: dict[str, Any] = {"view": self.view, "kind": self.kind}
        data["points"] = [list(point) for point in self.points]
        if self.kind == "mask":
            data["mask"] = [list(row) for row in self.runs]
        if self.row_edges:
            data["row_edges"] = list(self.row_edges)
            data["column_edges"] = list(self.column_edges)
        return data

    def coverage(self, grid: TokenGrid, size: tuple[int, int]) -> Tensor:
        """Which part of each cell of a map lies inside, of the part that lies on the picture.

        Args:
            grid: of the map, over this view.
            size: width and height of the picture.

        Returns:
            float64 `[height, width]` in [0, 1]; 0 for cells beyond the picture. Of a point, 1 for
            the cell that holds it.

        Raises:
            ParameterError: if the region lies beyond the picture, or is a mask of another size.
        """
        self.expect_on(size)
        rows, columns = grid.row_edges.clamp(0, size[1]), grid.column_edges.clamp(0, size[0])
        if self.kind == "point":
            return _cell_of(self.points[0], rows, columns, size)
        if self.kind == "polygon":
            areas = polygon_areas(self.points, rows, columns)
        else:
            mask, *edges = self._raster(size)
            down, across = _overlaps(rows, edges[0]), _overlaps(columns, edges[1])
            areas = down @ mask.double() @ across.T
        whole = rows.diff()[:, None] * columns.diff()
        return torch.where(whole > 0, areas / whole.clamp_min(1e-300), 0.0).clamp(0, 1)

    def pixels(self, size: tuple[int, int], grid: TokenGrid | None = None) -> Tensor:
        """The pixels inside: bool `[height, width]`, at least one.

        A pixel is inside if its centre is. A region that holds no pixel's centre is the pixels that
        it touches.

        Args:
            size: width and height of the picture.
            grid: of the map, for a point: its cell is meant.

        Raises:
            ParameterError: as `coverage`; or for a point without a grid, or beyond all its cells.
        """
        self.expect_on(size)
        if self.kind == "point":
            return self._cell(size, grid).pixels(size)
        if self.kind == "polygon":
            inside = pixels_inside(self.points, size)
        elif self.kind == "mask" and not self.row_edges:
            return from_runs(self.runs)
        else:
            mask, *edges = self._raster(size)
            lines = (
                _line_of_pixels(edge, side) for edge, side in zip(edges, size[::-1], strict=True)
            )
            inside = _picked(mask, *lines)
        return inside if bool(inside.any()) else self._touched(size)

    def bounds(self, size: tuple[int, int], grid: TokenGrid | None = None) -> Box:
        """left, top, right, bottom in pixels around it, within the picture.

        Args:
            size: width and height of the picture.
            grid: of the map, for a point: its cell is meant.

        Raises:
            ParameterError: as `pixels`.
        """
        if self.kind == "point":
            return self._cell(size, grid).bounds(size)
        if self.kind == "mask":
            mask, rows, columns = self._raster(size)
            mask = mask & (rows.diff()[:, None] * columns.diff() > 0)  # what is on the picture
            down, across = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
            corners = [
                (float(columns[across[0]]), float(rows[down[0]])),
                (float(columns[across[-1] + 1]), float(rows[down[-1] + 1])),
            ]
        else:
            corners = list(self.points)
        left, top = (min(values) for values in zip(*corners, strict=True))
        right, bottom = (max(values) for values in zip(*corners, strict=True))
        return (
            max(left, 0.0),
            max(top, 0.0),
            min(right, float(size[0])),
            min(bottom, float(size[1])),
        )

    def expect_on(self, size: tuple[int, int]) -> None:
        """Raise `ParameterError` if it lies beyond a picture, or is a mask of another size.

        Args:
            size: width and height of the picture.
        """
        if self.kind == "mask" and not self.row_edges:
            own = (sum(self.runs[0]), len(self.runs))
            if own != tuple(size):
                raise ParameterError(
                    f"Expected a mask of the picture's {size[0]} x {size[1]} pixels, got "
                    f"{own[0]} x {own[1]}: give one of its size, [height, width]."
                )
            return
        if self.kind == "point":
            (x, y), (width, height) = self.points[0], size
            is_on = 0 <= x <= width and 0 <= y <= height
        else:
            left, top, right, bottom = self.bounds(size)
            is_on = left < right and top < bottom
        if self.kind == "polygon" and is_on:
            edges = (torch.tensor([0.0, side], dtype=torch.float64) for side in size[::-1])
            is_on = float(polygon_areas(self.points, *edges)) > 0
        if not is_on:
            raise ParameterError(
                f"Expected a region on the picture of {size[0]} x {size[1]} pixels, got a "
                f"{self.kind} at {_short(self.points)}: give it in pixels of the original picture."
            )

    def _cell(self, size: tuple[int, int], grid: TokenGrid | None) -> Region:
        """The cell of a map that holds a point."""
        if grid is None:
            raise ParameterError(
                "Expected the map's grid with a point, got none: a point is the cell that holds "
                "it. Give the grid, or a box."
            )
        chosen = self.coverage(grid, size) > 0
        if not bool(chosen.any()):
            raise ParameterError(
                f"Expected a point that the model sees, got {_short(self.points)}: the model's "
                "processor cuts this part of the picture off. Choose another point, or a box."
            )
        return Region.of_cells(chosen, grid, size, self.view)

    def _raster(self, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """A box or a mask as bool `[row, column]` with the edges of its rows and columns."""
        if self.kind == "box":
            (left, top), (right, bottom) = self.points
            mask, rows, columns = torch.ones(1, 1, dtype=torch.bool), (top, bottom), (left, right)
        else:
            mask, rows, columns = from_runs(self.runs), self.row_edges, self.column_edges
            rows, columns = rows or range(size[1] + 1), columns or range(size[0] + 1)
        return mask, _numbers(rows), _numbers(columns)

    def _touched(self, size: tuple[int, int]) -> Tensor:
        """The pixels that a region of less than a pixel touches."""
        left, top, right, bottom = self.bounds(size)
        touched = torch.zeros(size[1], size[0], dtype=torch.bool)
        touched[int(top) : math.ceil(bottom), int(left) : math.ceil(right)] = True
        return touched


_KEYS = {"view", "kind", "points", "mask", "row_edges", "column_edges"}


def _view(view: Any) -> int:
    """The number of a view, or `ParameterError`."""
    is_whole = hasattr(view, "__index__") and not isinstance(view, bool)
    if not is_whole or not 0 <= view.__index__() < 1 << 31:
        raise ParameterError(
            f"Expected the number of a view, counted from 0, got {str(view)[:40]!r}: give that of "
            "one of explanation.views."
        )
    return view.__index__()


def _point(point: Any) -> Point:
    """x and y as floats, or `ParameterError`."""
    values = tuple(point) if isinstance(point, Sequence) else ()
    if len(values) != 2:
        raise ParameterError(f"Expected a point as x and y, got {str(point)[:60]!r}: give two.")
    return _coordinate(values[0]), _coordinate(values[1])


def _coordinate(value: Any) -> float:
    is_number = not isinstance(value, bool | str | bytes) and hasattr(value, "__float__")
    found = float(value) if is_number else math.nan
    if not abs(found) <= FARTHEST:  # in this form it is also true for NaN
        raise ParameterError(
            f"Expected coordinates that are finite numbers of pixels, got {str(value)[:40]!r}: "
            f"give numbers between -{FARTHEST:g} and {FARTHEST:g}."
        )
    return found


def _expect_few(points: Sequence[Any]) -> None:
    if len(points) > POINTS_MAX:
        raise ParameterError(
            f"Expected at most {POINTS_MAX:,} corners, got {len(points):,}: leave corners out "
            "where the outline is nearly straight."
        )


def _expect_box(region: Region) -> None:
    _expect_no_mask(region)
    if len(region.points) != 2:
        raise ParameterError(
            f"Expected two corners of a box, got {len(region.points)}: give left, top, right, "
            "bottom."
        )
    (left, top), (right, bottom) = region.points
    if not (left < right and top < bottom):
        raise ParameterError(
            f"Expected a box with left < right and top < bottom, got {left:g}, {top:g}, "
            f"{right:g}, {bottom:g}: give its edges, not its width and height, and no empty box."
        )


def _expect_polygon(region: Region) -> None:
    _expect_no_mask(region)
    if len(region.points) < 3:
        raise ParameterError(
            f"Expected at least 3 corners of a polygon, got {len(region.points)}: give a box or a "
            "point for less."
        )
    _expect_few(region.points)
    first, *others = region.points
    if all(area_of([first, *pair]) == 0 for pair in pairwise(others)):
        raise ParameterError(
            f"Expected a polygon with an area, got corners on one line, {_short(region.points)}: "
            "draw around something."
        )


def _expect_point(region: Region) -> None:
    _expect_no_mask(region)
    if len(region.points) != 1:
        raise ParameterError(f"Expected one point, got {len(region.points)}: give x and y.")


def _expect_mask(region: Region) -> None:
    if region.points:
        raise ParameterError(
            f"Expected a mask without points, got {len(region.points)}: leave them out."
        )
    lengths = [length for row in region.runs for length in row]
    are_whole = all(type(length) is int and length >= 0 for length in lengths)
    widths = {sum(row) for row in region.runs} if are_whole else set()
    if len(widths) != 1 or widths == {0}:
        raise ParameterError(
            "Expected a mask as rows of run lengths with one sum, whole numbers from 0, got "
            f"{str(region.runs)[:60]!r}: give what Region.mask(...).to_json() writes."
        )
    if not any(sum(row[1::2]) for row in region.runs):
        raise ParameterError(
            "Expected a mask with at least one true pixel, got an empty one: choose something."
        )
    if region.row_edges or region.column_edges:
        shape = len(region.runs), widths.pop()
        _expect_edges(region, shape)


def _expect_edges(region: Region, shape: tuple[int, int]) -> None:
    """Raise `ParameterError` unless the edges are those of cells, some of the chosen with area."""
    named = zip((region.row_edges, region.column_edges), shape, strict=True)
    for edges, count in named:
        known = [_coordinate(edge) for edge in edges]
        if len(known) != count + 1 or any(a > b for a, b in pairwise(known)):
            raise ParameterError(
                f"Expected {count + 1} increasing edges of a mask's cells, got {len(known)}: give "
                "what Region.to_json writes."
            )
    rows, columns = (
        torch.tensor(edges, dtype=torch.float64).diff()
        for edges in (region.row_edges, region.column_edges)
    )
    if not bool((from_runs(region.runs) & (rows[:, None] * columns > 0)).any()):
        raise ParameterError(
            "Expected cells on the picture, got only cells beyond its edge: choose others."
        )


def _expect_no_mask(region: Region) -> None:
    if region.runs or region.row_edges or region.column_edges:
        raise ParameterError(
            f"Expected a {region.kind} without a mask, got one: leave it out, or take Region.mask."
        )


_CHECKS = {
    "box": _expect_box,
    "polygon": _expect_polygon,
    "point": _expect_point,
    "mask": _expect_mask,
}


def _bool_tensor(mask: Any) -> Tensor:
    """bool `[height, width]`, or `ParameterError`."""
    try:
        found = torch.as_tensor(mask)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"Expected a mask [height, width] of true and false, got {type(mask).__name__}: "
            f"{error}."
        ) from error
    if found.dtype != torch.bool or found.ndim != 2 or not found.numel():
        raise ParameterError(
            f"Expected a mask [height, width] of true and false, got {found.dtype} of shape "
            f"{list(found.shape)}: compare it with a threshold first."
        )
    return found.cpu()


def _nested(value: Any, name: str) -> tuple[tuple[Any, ...], ...]:
    """Lists of lists as tuples, or `ParameterError`."""
    if not isinstance(value, list | tuple) or not all(isinstance(v, list | tuple) for v in value):
        raise ParameterError(
            f"Expected {name} as lists of numbers, got {str(value)[:60]!r}: give what "
            "Region.to_json writes."
        )
    return tuple(map(tuple, value))


def _cell_of(point: Point, rows: Tensor, columns: Tensor, size: tuple[int, int]) -> Tensor:
    """float64 `[height, width]`: 1 for the cell that holds a point; zeros if none does."""
    found = torch.zeros(len(rows) - 1, len(columns) - 1, dtype=torch.float64)
    places = []
    for value, edges, side in ((point[1], rows, size[1]), (point[0], columns, size[0])):
        # A point on the picture's last edge belongs to the cell that ends there.
        inside = (edges[:-1] <= value) & (value < edges[1:])
        at_end = (edges[:-1] < value) & (value == edges[1:]) & (edges[1:] == side)
        places.append((inside | at_end).nonzero().flatten()[:1])
    found[places[0][:, None], places[1]] = 1.0
    return found


def _overlaps(cells: Tensor, edges: Tensor) -> Tensor:
    """float64 `[cell, other]`: the length that intervals have in common with others."""
    left = torch.maximum(cells[:-1, None], edges[None, :-1])
    right = torch.minimum(cells[1:, None], edges[None, 1:])
    return (right - left).clamp_min(0)


def _line_of_pixels(edges: Tensor, side: int) -> Tensor:
    """int64 `[side]`: the interval that holds each pixel's centre; -1 for none."""
    centres = torch.arange(side, dtype=torch.float64) + 0.5
    at = torch.searchsorted(edges, centres, right=True) - 1
    return torch.where((at >= 0) & (at < len(edges) - 1), at, -1)


def _picked(mask: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """bool `[row, column]`: the mask at some rows and columns; false where they are -1."""
    found = mask[rows.clamp_min(0)][:, columns.clamp_min(0)]
    return found & (rows >= 0)[:, None] & (columns >= 0)


def _numbers(values: Sequence[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def _short(points: Sequence[Point]) -> str:
    shown = ", ".join(f"({x:g}, {y:g})" for x, y in points[:3])
    return f"{shown}, ..." if len(points) > 3 else shown
