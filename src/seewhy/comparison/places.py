"""Maps of two columns on common cells: same places of pictures of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seewhy.core.geometry import TokenGrid
from seewhy.core.record import Picture
from seewhy.functional.area_resampling import area_resampled


def same_places(first: Sequence[Picture], second: Sequence[Picture]) -> bool:
    """Whether a place in one column's views is a place in the other's: all sizes are equal."""
    return [view.size for view in first] == [view.size for view in second]


def same_grids(first: Sequence[Picture], second: Sequence[Picture]) -> bool:
    """Whether both have the same cells too."""
    return len(first) == len(second) and all(map(_same_grid, first, second))


def _same_grid(one: Picture, other: Picture) -> bool:
    a, b = one.base_grid, other.base_grid
    return a.shape == b.shape and all(
        bool(((x - y).abs() < 1e-6).all())
        for x, y in ((a.row_edges, b.row_edges), (a.column_edges, b.column_edges))
    )


def on_grids(
    maps: Sequence[Tensor], source: Sequence[Picture], target: Sequence[Picture]
) -> tuple[Tensor, ...]:
    """Maps on the grids of other views of the same sizes, with area weights.

    Args:
        maps: for each view float `[height, width]` on the grid of `source`.
        source, target: the views.
    """
    return tuple(
        values
        if _same_grid(one, other)
        else area_resampled(values, _edges(one.base_grid), _edges(other.base_grid))
        for values, one, other in zip(maps, source, target, strict=True)
    )


def shares_on_grids(
    maps: Sequence[Tensor], source: Sequence[Picture], target: Sequence[Picture]
) -> tuple[Tensor, ...]:
    r"""Maps in shares: each map's positive part divided by its sum over all views.

    $$s_v = A_v^+ \,/\, \sum_u A_u^+$$

    so that maps of methods with different units can be subtracted. On other grids a cell gets the
    shares that lie on its area.

    Returns:
        For each view float `[height, width]` on the grid of `target`, at least 0, with a sum over
        all views of 1 (less what lies outside of the target's cells), or 0 for an empty map.
    """
    positive = [values.double().clamp_min(0) for values in maps]
    total = sum(float(values.sum()) for values in positive) or 1.0
    shares = [values / total for values in positive]
    if same_grids(source, target):
        return tuple(shares)
    density = [values / _areas(view.base_grid) for values, view in zip(shares, source, strict=True)]
    moved = on_grids(density, source, target)
    # A cell that the source's grid covers in part holds the mean over the covered part alone.
    return tuple(
        values * _areas(other.base_grid) * _covered(one, other)
        for values, one, other in zip(moved, source, target, strict=True)
    )


@dataclass(frozen=True, eq=False)
class CommonCells:
    """Which cells of the target's grids two columns can be compared in.

    Those whose centre is inside the picture, and inside the grids of both: a family that pads has
    cells beyond the picture, and one that crops leaves parts of it out.

    Attributes:
        inside: for each view bool `[height, width]`.
    """

    inside: tuple[Tensor, ...]

    @staticmethod
    def of(
        target: Sequence[Picture], first: Sequence[Picture], second: Sequence[Picture]
    ) -> CommonCells:
        """The cells of two columns on the grids of `target`."""
        return CommonCells(
            tuple(_inside(*views) for views in zip(target, first, second, strict=True))
        )

    @cached_property
    def key(self) -> tuple[bytes, ...]:
        """What tells the cells from others."""
        return tuple(
            bytes(str(list(one.shape)), "ascii") + one.numpy().tobytes() for one in self.inside
        )

    def values(self, maps: Sequence[Tensor]) -> Tensor:
        """The values of all views' cells: float `[cell]`."""
        return torch.cat([values[kept] for values, kept in zip(maps, self.inside, strict=True)])


def _inside(target: Picture, *others: Picture) -> Tensor:
    width, height = target.size
    grids = [view.base_grid for view in others]
    rows = _centres_within(
        target.base_grid.row_edges, float(height), [grid.row_edges for grid in grids]
    )
    columns = _centres_within(
        target.base_grid.column_edges, float(width), [grid.column_edges for grid in grids]
    )
    return rows[:, None] & columns[None]


def _centres_within(edges: Tensor, size: float, others: Sequence[Tensor]) -> Tensor:
    centres = (edges[:-1] + edges[1:]) / 2
    low = max(0.0, *(float(other[0]) for other in others))
    high = min(size, *(float(other[-1]) for other in others))
    return (centres >= low) & (centres < high)


def _covered(source: Picture, target: Picture) -> Tensor:
    """Which part of each target cell the source's grid covers."""
    a, b = source.base_grid, target.base_grid
    rows = _covered_part(a.row_edges, b.row_edges)
    return rows[:, None] * _covered_part(a.column_edges, b.column_edges)[None]


def _covered_part(source: Tensor, target: Tensor) -> Tensor:
    low = target[:-1].clamp_min(float(source[0]))
    high = target[1:].clamp_max(float(source[-1]))
    return (high - low).clamp_min(0) / target.diff()


def _edges(grid: TokenGrid) -> tuple[Tensor, Tensor]:
    return grid.row_edges, grid.column_edges


def _areas(grid: TokenGrid) -> Tensor:
    """float64 `[height, width]`: the cells' areas in pixels of the picture."""
    return grid.row_edges.diff()[:, None] * grid.column_edges.diff()[None]
