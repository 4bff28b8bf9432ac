"""The positions of visual tokens over the pixels of an image.

A `TokenGrid` is a raster of visual tokens with the pixel edges of its rows and columns. Most
families have one; those that encode the same pixels twice (tiles and a thumbnail, a base image and
a high-resolution raster) have several, and their maps are averaged: none is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import GeometryError

Box = tuple[float, float, float, float]
"""left, top, right, bottom in pixels of the original image; right and bottom are exclusive."""


@dataclass(frozen=True, eq=False)
class TokenGrid:
    """A raster of visual tokens whose cells do not overlap.

    Attributes:
        index: int64 `[height, width]`, each cell's position on the visual axis.
        row_edges: float64 `[height + 1]`, the rows' edges in pixels of the original image,
            increasing. They may extend beyond the image where the family pads, and end inside it
            where it crops.
        column_edges: float64 `[width + 1]`, likewise.
        name: what the grid is, such as `"image"`, `"tiles"` or `"thumbnail"`.
    """

    index: Tensor
    row_edges: Tensor
    column_edges: Tensor
    name: str = "image"

    def __post_init__(self) -> None:
        sizes = expect_axes(self.index, "height width", name=f"index of grid {self.name!r}")
        for edges, count in (
            (self.row_edges, sizes["height"]),
            (self.column_edges, sizes["width"]),
        ):
            if edges.shape != (count + 1,) or not bool((edges.diff() > 0).all()):
                raise GeometryError(
                    f"Expected {count + 1} increasing edges in grid {self.name!r}, "
                    f"got {[round(float(e), 2) for e in edges.flatten()[:6]]}..."
                )

    @staticmethod
    def over(
        box: Box, height: int, width: int, *, first: int = 0, name: str = "image"
    ) -> TokenGrid:
        """A raster of equal cells over `box`, its tokens row by row from `first` on."""
        left, top, right, bottom = box
        return TokenGrid(
            index=torch.arange(first, first + height * width).view(height, width),
            row_edges=torch.linspace(top, bottom, height + 1, dtype=torch.float64),
            column_edges=torch.linspace(left, right, width + 1, dtype=torch.float64),
            name=name,
        )

    def stretched(self, across: float, down: float) -> TokenGrid:
        """The same cells over a picture that is larger by these factors."""
        rows, columns = self.row_edges * down, self.column_edges * across
        return TokenGrid(self.index, rows, columns, self.name)

    @property
    def cell_area(self) -> float:
        """The mean area of a cell, in square pixels of the original image."""
        height = float(self.row_edges[-1] - self.row_edges[0])
        width = float(self.column_edges[-1] - self.column_edges[0])
        return height * width / self.index.numel()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.index.shape[0], self.index.shape[1]


@dataclass(frozen=True, eq=False)
class Geometry:
    """All token grids of one image, and the native grid on which its maps are given.

    Attributes:
        size: width and height of the original image in pixels (after EXIF rotation).
        grids: at least one; together they contain every visual token exactly once.
    """

    size: tuple[int, int]
    grids: tuple[TokenGrid, ...]

    def __post_init__(self) -> None:
        tokens = torch.cat([grid.index.flatten() for grid in self.grids])
        if not torch.equal(tokens.sort().values, torch.arange(len(tokens))):
            raise GeometryError(
                f"Expected every visual token in exactly one grid cell, got {len(tokens)} cells "
                f"holding {len(tokens.unique())} different tokens up to {int(tokens.max())}."
            )

    @staticmethod
    def of_equal_cells(size: tuple[int, int], height: int, width: int) -> Geometry:
        """One grid of `height` x `width` equal cells over the image, tokens row by row."""
        return Geometry(size, (TokenGrid.over((0.0, 0.0, *size), height, width),))

    @cached_property
    def visual(self) -> int:
        """Number of visual tokens that cover pixels."""
        return sum(grid.index.numel() for grid in self.grids)

    @cached_property
    def base_grid(self) -> TokenGrid:
        """The native grid: the finest one (the first of equals)."""
        return max(self.grids, key=lambda grid: grid.index.numel())

    @cached_property
    def boxes(self) -> Tensor:
        """float64 `[visual, 4]`: left, top, right, bottom of every token, in original pixels."""
        boxes = torch.empty(self.visual, 4, dtype=torch.float64)
        for grid in self.grids:
            top, left = torch.meshgrid(grid.row_edges[:-1], grid.column_edges[:-1], indexing="ij")
            bottom, right = torch.meshgrid(grid.row_edges[1:], grid.column_edges[1:], indexing="ij")
            boxes[grid.index.flatten()] = torch.stack([left, top, right, bottom], -1).view(-1, 4)
        return boxes

    def over_size(self, size: tuple[int, int]) -> Geometry:
        """The same grids over a picture that was stretched to this one's size beforehand.

        Args:
            size: width and height of that picture in pixels.

        Example:
            >>> Geometry.of_equal_cells((4, 2), 1, 2).over_size((40, 10)).boxes[1].tolist()
            [20.0, 0.0, 40.0, 10.0]
        """
        if size == self.size:
            return self
        across, down = (new / old for new, old in zip(size, self.size, strict=True))
        return Geometry(size, tuple(grid.stretched(across, down) for grid in self.grids))

    def to_grid(self, values: Tensor) -> Tensor:
        """Put values of visual tokens on the native grid; several grids are averaged.

        Args:
            values: float `[..., visual]`.

        Returns:
            float `[..., height, width]` on `base_grid`.
        """
        expect_axes(values, "... visual", name="values", visual=self.visual)
        grids = [
            resample(values[..., grid.index.to(values.device)], grid, self.base_grid)
            for grid in self.grids
        ]
        return grids[0] if len(grids) == 1 else torch.stack(grids).mean(0)


def resample(maps: Tensor, source: TokenGrid, target: TokenGrid) -> Tensor:
    """Resample maps from one grid to another by bilinear interpolation between cell centres.

    The edges of both grids are in pixels of the original image, so grids over different boxes
    (a crop, padding) stay aligned. Over equal boxes with equal cells this is
    `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)`.

    Args:
        maps: float `[..., height, width]` on `source`.

    Returns:
        float `[..., height, width]` on `target`.
    """
    if source is target:
        return maps
    down = interpolation(source.row_edges, target.row_edges).to(maps)
    across = interpolation(source.column_edges, target.column_edges).to(maps)
    return down @ maps @ across.T


def filled(maps: Tensor, source: TokenGrid, target: TokenGrid) -> Tensor:
    """Maps on a finer grid: each cell has the value of the cell in which its centre lies.

    Args:
        maps: float `[..., height, width]` on `source`.

    Returns:
        float `[..., height, width]` on `target`; beyond the source's edges the nearest value.

    Example:
        >>> coarse = TokenGrid.over((0.0, 0.0, 4.0, 1.0), 1, 2)
        >>> fine = TokenGrid.over((0.0, 0.0, 4.0, 1.0), 1, 4)
        >>> filled(torch.tensor([[1.0, 2.0]]), coarse, fine)
        tensor([[1., 1., 2., 2.]])
    """
    if source is target:
        return maps
    rows, columns = (
        _holding(getattr(source, edges), getattr(target, edges)).to(maps.device)
        for edges in ("row_edges", "column_edges")
    )
    return maps[..., rows, :][..., columns]


def _holding(source: Tensor, target: Tensor) -> Tensor:
    """int64 `[n]`: of each target cell the source cell that holds its centre, or the nearest."""
    centres = (target[:-1] + target[1:]) / 2
    return (torch.searchsorted(source, centres, right=True) - 1).clamp(0, len(source) - 2)


def interpolation(source: Tensor, target: Tensor) -> Tensor:
    """Weights that interpolate linearly from cells with edges `source` to cells with `target`.

    Args:
        source: float64 `[m + 1]`, increasing.
        target: float64 `[n + 1]`, increasing.

    Returns:
        float64 `[n, m]`, rows sum to 1; beyond the outermost centres the outermost value is used.

    Example:
        >>> interpolation(torch.tensor([0., 2., 4.]), torch.tensor([0., 1., 2., 3., 4.]))
        tensor([[1.0000, 0.0000],
                [0.7500, 0.2500],
                [0.2500, 0.7500],
                [0.0000, 1.0000]])
    """
    centres, targets = (source[:-1] + source[1:]) / 2, (target[:-1] + target[1:]) / 2
    if len(centres) == 1:
        return torch.ones(len(targets), 1, dtype=centres.dtype)
    right = torch.searchsorted(centres, targets).clamp(1, len(centres) - 1)
    left = right - 1
    share = ((targets - centres[left]) / (centres[right] - centres[left])).clamp(0, 1)
    weights = torch.zeros(len(targets), len(centres), dtype=centres.dtype)
    rows = torch.arange(len(targets))
    weights[rows, left] = 1 - share
    weights[rows, right] = share
    return weights


def pixel_edges(size: int, cells: int) -> Tensor:
    """Edges of `cells` equal cells over `size` pixels: float64 `[cells + 1]`."""
    return torch.linspace(0, size, cells + 1, dtype=torch.float64)


def on_pixels(maps: Tensor, grid: TokenGrid, size: tuple[int, int]) -> Tensor:
    """Maps at the size of their picture, by bilinear interpolation between cell centres.

    Args:
        maps: float `[..., height, width]` on `grid`.
        grid: its edges in pixels of the picture.
        size: width and height of the picture.

    Returns:
        float `[..., picture height, picture width]`; 0 where the grid does not reach, which the
        model did not see.

    Raises:
        ShapeError: if the maps are not of the grid's shape.

    Example:
        >>> right_half = TokenGrid.over((2.0, 0.0, 4.0, 1.0), 1, 1)
        >>> on_pixels(torch.ones(1, 1), right_half, (4, 1))
        tensor([[0., 0., 1., 1.]])
    """
    rows, columns = grid.shape
    expect_axes(maps, "... height width", name="maps", height=rows, width=columns)
    x, y = (pixel_edges(side, side) for side in size)
    down, across = interpolation(grid.row_edges, y), interpolation(grid.column_edges, x)
    down = down * is_inside(grid.row_edges, y)[:, None]
    across = across * is_inside(grid.column_edges, x)[:, None]
    return down.to(maps) @ maps @ across.to(maps).T


def is_inside(edges: Tensor, pixels: Tensor) -> Tensor:
    """Which pixels have their centre between a grid's outermost edges: bool `[n]`.

    Args:
        edges: of the grid's rows or columns, in pixels.
        pixels: float64 `[n + 1]`, the pixels' own edges.
    """
    centres = (pixels[:-1] + pixels[1:]) / 2
    return (centres >= edges[0]) & (centres < edges[-1])


def flatten(maps: Sequence[Tensor]) -> Tensor:
    """Join maps over several grids to one axis of cells.

    Args:
        maps: for each grid float `[..., height, width]`, the axes before equal.

    Returns:
        float `[..., cell]`, grid after grid, row by row.

    Example:
        >>> flatten([torch.zeros(3, 2, 2), torch.zeros(3, 1, 5)]).shape
        torch.Size([3, 9])
    """
    return torch.cat([grid_maps.flatten(-2) for grid_maps in maps], -1)


def unflatten(values: Tensor, base_grids: Sequence[TokenGrid]) -> tuple[Tensor, ...]:
    """Undo `flatten`: float `[..., cell]` to one `[..., height, width]` for each grid."""
    sizes = [math.prod(base_grid.shape) for base_grid in base_grids]
    expect_axes(values, "... cell", name="values", cell=sum(sizes))
    return tuple(
        part.unflatten(-1, base_grid.shape)
        for part, base_grid in zip(values.split(sizes, -1), base_grids, strict=True)
    )
