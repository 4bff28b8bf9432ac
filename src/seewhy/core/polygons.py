"""Which part of each cell of a raster a polygon covers, exactly; and which pixels lie inside."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError

CROSSINGS_MAX = 5000
"""How often a polygon may cross itself: each crossing costs a row of the computation."""

CHUNK = 1 << 22
"""Numbers in one temporary tensor, at most."""


def polygon_areas(
    points: Sequence[tuple[float, float]], row_edges: Tensor, column_edges: Tensor
) -> Tensor:
    """The area of a polygon within each cell of a raster.

    Inside is what the outline goes around, in either direction (the non-zero rule, as browsers fill
    by default). So a part that an outline goes around twice is no hole.

    The plane is cut into rows at every corner, at every crossing of two sides, and at the edges of
    the raster. Within a row the sides do not cross, so the polygon is trapezoids there, whose areas
    left of a vertical line are known in closed form.

    Args:
        points: x and y of at least three corners, in pixels; the last is joined to the first.
        row_edges: float64 `[height + 1]`, increasing or equal, in pixels.
        column_edges: float64 `[width + 1]`, likewise.

    Returns:
        float64 `[height, width]`, in square pixels.

    Raises:
        ParameterError: if the outline crosses itself more than `CROSSINGS_MAX` times.

    Example:
        >>> edges = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
        >>> polygon_areas([(0, 0), (2, 0), (0, 2)], edges, edges)
        tensor([[1.0000, 0.5000],
                [0.5000, 0.0000]], dtype=torch.float64)
    """
    rows, columns = row_edges.double().cpu(), column_edges.double().cpu()
    areas = torch.zeros(len(rows) - 1, len(columns) - 1, dtype=torch.float64)
    sides = _sides(points)
    if not len(sides) or not areas.numel():
        return areas
    low, high = max(float(sides[:, 1].min()), float(rows[0])), float(rows[-1])
    cuts = torch.cat([sides[:, 1], sides[:, 3], rows, _crossings(sides)])
    cuts = cuts[(cuts >= low) & (cuts <= high)].unique()
    tops, bottoms = cuts[:-1], cuts[1:]
    step = max(1, CHUNK // max(len(sides), len(columns)))
    for top, bottom in zip(tops.split(step), bottoms.split(step), strict=True):
        _add_trapezoids(areas, sides, rows, columns, top, bottom)
    return areas


def pixels_inside(points: Sequence[tuple[float, float]], size: tuple[int, int]) -> Tensor:
    """The pixels whose centres lie in a polygon, by the same rule: bool `[height, width]`.

    Args:
        points: x and y of at least three corners, in pixels.
        size: width and height of the picture.

    Example:
        >>> pixels_inside([(0, 0), (2, 0), (2, 1), (0, 1)], (3, 2)).int()
        tensor([[1, 1, 0],
                [0, 0, 0]], dtype=torch.int32)
    """
    width, height = size
    inside = torch.zeros(height, width, dtype=torch.bool)
    sides = _sides(points)
    if not len(sides):
        return inside
    first = max(0, int(float(sides[:, 1].min())) - 1)
    last = min(height, int(float(sides[:, 3].max())) + 2)
    lines = torch.arange(first, last, dtype=torch.float64) + 0.5
    centres = torch.arange(width, dtype=torch.float64) + 0.5
    for chunk in lines.split(max(1, CHUNK // max(len(sides), width))):
        y = chunk[:, None]
        active = (sides[:, 1] <= y) & (y < sides[:, 3])
        at = torch.where(active, _x_at(sides, y), torch.inf)
        turns = torch.where(active, sides[:, 4], 0.0).int()
        columns = torch.searchsorted(centres, at.contiguous())  # the first centre right of it
        change = torch.zeros(len(chunk), width + 1, dtype=torch.int32)
        change.scatter_add_(1, columns, turns)
        start = int(chunk[0])
        inside[start : start + len(chunk)] = change.cumsum(1)[:, :width] != 0
    return inside


def area_of(points: Sequence[tuple[float, float]]) -> float:
    """The area of a polygon without crossings; with them, parts may cancel each other.

    Example:
        >>> area_of([(0, 0), (2, 0), (0, 2)])
        2.0
    """
    following = [*points[1:], points[0]]
    doubled = sum(
        x * after_y - after_x * y
        for (x, y), (after_x, after_y) in zip(points, following, strict=True)
    )
    return abs(doubled) / 2


def _sides(points: Sequence[tuple[float, float]]) -> Tensor:
    """float64 `[side, 5]`: x and y of the upper end, of the lower one, and 1 if it goes down."""
    corners = torch.tensor(list(points), dtype=torch.float64)
    start, end = corners, corners.roll(-1, 0)
    down = end[:, 1] > start[:, 1]
    upper = torch.where(down[:, None], start, end)
    lower = torch.where(down[:, None], end, start)
    turns = torch.where(down, 1.0, -1.0).double()[:, None]
    return torch.cat([upper, lower, turns], 1)[lower[:, 1] > upper[:, 1]]


def _x_at(sides: Tensor, y: Tensor) -> Tensor:
    """Where sides are at heights `[row, 1]`: float64 `[row, side]`."""
    share = (y - sides[:, 1]) / (sides[:, 3] - sides[:, 1])
    return sides[:, 0] + share * (sides[:, 2] - sides[:, 0])


def _crossings(sides: Tensor) -> Tensor:
    """The heights at which two sides cross, away from their ends: float64 `[crossing]`."""
    found: list[Tensor] = []
    count = 0
    slope = (sides[:, 2] - sides[:, 0]) / (sides[:, 3] - sides[:, 1])
    offset = sides[:, 0] - slope * sides[:, 1]
    for first in torch.arange(len(sides)).split(max(1, CHUNK // len(sides))):
        steepness = slope[first, None] - slope
        parallel = steepness == 0
        heights = (offset - offset[first, None]) / torch.where(parallel, 1.0, steepness)
        top = torch.maximum(sides[first, 1, None], sides[:, 1])
        bottom = torch.minimum(sides[first, 3, None], sides[:, 3])
        later = torch.arange(len(sides)) > first[:, None]
        crossed = later & ~parallel & (heights > top) & (heights < bottom)
        found.append(heights[crossed])
        count += len(found[-1])
        if count > CROSSINGS_MAX:
            raise ParameterError(
                f"Expected an outline that crosses itself at most {CROSSINGS_MAX} times, got one "
                "that does so more often: draw it again, or give fewer corners."
            )
    return torch.cat(found) if found else torch.empty(0, dtype=torch.float64)


def _add_trapezoids(
    areas: Tensor, sides: Tensor, rows: Tensor, columns: Tensor, top: Tensor, bottom: Tensor
) -> None:
    """Add the areas of the polygon between heights `top` and `bottom`, `[cut]` each, to `areas`."""
    middle = ((top + bottom) / 2)[:, None]
    active = (sides[:, 1] < middle) & (middle < sides[:, 3])
    at = torch.where(active, _x_at(sides, middle), torch.inf)
    order = at.argsort(1)
    turns = torch.where(active, sides[:, 4], 0.0).gather(1, order).cumsum(1)
    before = torch.cat([torch.zeros_like(turns[:, :1]), turns[:, :-1]], 1)
    # Where the outline is entered it counts as the left side of a trapezoid, else as its right.
    sign = (turns == 0).double() - (before == 0).double()
    sign = torch.where(active.gather(1, order), sign, 0.0)
    cut, place = sign.nonzero(as_tuple=True)
    if not len(cut):
        return
    side = sides[order[cut, place]]
    left, right = (_x_of(side, edge[cut]) for edge in (top, bottom))
    heights = (bottom - top)[cut] * sign[cut, place]
    cell = (torch.searchsorted(rows, middle[:, 0].contiguous(), right=True) - 1)[cut]
    for part in torch.arange(len(cut)).split(max(1, CHUNK // len(columns))):
        lengths = _mean_minimum(left[part, None], right[part, None], columns).diff(dim=1)
        areas.index_add_(0, cell[part].clamp(0, len(areas) - 1), lengths * heights[part, None])


def _x_of(sides: Tensor, y: Tensor) -> Tensor:
    """Where each side `[n, 5]` is at its own height `[n]`."""
    share = ((y - sides[:, 1]) / (sides[:, 3] - sides[:, 1])).clamp(0, 1)
    return sides[:, 0] + share * (sides[:, 2] - sides[:, 0])


def _mean_minimum(one: Tensor, other: Tensor, limit: Tensor) -> Tensor:
    """The mean of min(x, limit) while x goes evenly from `one` to `other`; they broadcast."""
    low, high = torch.minimum(one, other), torch.maximum(one, other)
    span = (high - low).clamp_min(1e-300)
    reached = limit.clamp(low, high)
    within = (reached - low) * (reached + low) / 2 + reached * (high - reached)
    mean = torch.where(high > low, within / span, reached)
    return torch.where(limit < low, limit.expand_as(mean), mean)
