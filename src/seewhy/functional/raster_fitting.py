"""Rasters of visual tokens, fitted to the responses of tokens to stripes over a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from seewhy.core.geometry import TokenGrid

#: The share of a token's strongest response below which it does not respond to a stripe.
RESPONSE_MIN = 0.2


def fit_grids(
    across: Tensor, down: Tensor, x: Tensor, y: Tensor
) -> tuple[tuple[TokenGrid, ...], tuple[int, ...]]:
    """The grids that tokens form, from their responses to vertical and horizontal stripes.

    Args:
        across: float64 `[token, stripe]`, each token's response to vertical stripes, at least 0.
        down: float64 `[token, stripe]`, likewise to horizontal stripes.
        x, y: float64 `[stripe + 1]`, the stripes' edges in pixels, increasing.

    Returns:
        The grids, whose indices count only tokens that respond; none if the tokens form no
        rasters. And the indices of the tokens that respond to no stripe.
    """
    silent = (across.amax(-1) == 0) | (down.amax(-1) == 0)
    responding = (~silent).nonzero().flatten()
    if not len(responding):
        return (), ()
    across, down = (part[responding] / part[responding].amax(-1, True) for part in (across, down))
    grids = rasters(across, down, x, y)
    if have_same_cells(grids):  # tokens that all respond in the same place form none
        return (), ()
    return tuple(grids), tuple(silent.nonzero().flatten().tolist())


@dataclass(frozen=True, eq=False)
class Extents:
    """The area to which each token responds: float64 `[token]` each, in pixels.

    Attributes:
        x, y: the centres.
        width, height: the sides.
    """

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor


def rasters(across: Tensor, down: Tensor, x: Tensor, y: Tensor) -> list[TokenGrid]:
    """Group tokens into rasters by their responses; none if some of them fit no raster.

    Args:
        across, down: float64 `[token, stripe]`, each token's response, at most 1.
        x, y: float64 `[stripe + 1]`, the stripes' edges in pixels.
    """
    (centre_x, width), (centre_y, height) = extent(across, x), extent(down, y)
    extents = Extents(centre_x, centre_y, width, height)
    grids = []
    for tokens in grid_groups(extents):
        index = grid_index(tokens, extents)
        if index is None:
            return []
        columns = cell_edges([across[column].mean(0) for column in index.T], x)
        rows = cell_edges([down[row].mean(0) for row in index], y)
        if not (bool((columns.diff() > 0).all()) and bool((rows.diff() > 0).all())):
            return []
        grids.append(TokenGrid(index, rows, columns))
    if len(grids) == 1:
        return grids
    return [replace(grid, name=f"layer {number}") for number, grid in enumerate(grids, 1)]


def have_same_cells(grids: Sequence[TokenGrid]) -> bool:
    """Whether two grids have the same cells, as those of tokens that respond everywhere have."""
    return any(
        _same_cells(first, second) for index, second in enumerate(grids) for first in grids[:index]
    )


def _same_cells(first: TokenGrid, second: TokenGrid) -> bool:
    """Whether the edges of two grids differ by less than half a cell."""
    sides = ((first.row_edges, second.row_edges), (first.column_edges, second.column_edges))
    return first.shape == second.shape and all(
        float((edges - others).abs().max()) < float(edges.diff().mean()) / 2
        for edges, others in sides
    )


def extent(profile: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Each token's centre and width in pixels, from the stripes that it responds to.

    Args:
        profile: float64 `[token, stripe]`, at most 1.
        edges: float64 `[stripe + 1]`.
    """
    responds = (profile >= RESPONSE_MIN).int()
    low = edges[responds.argmax(-1)]
    high = edges[profile.shape[-1] - responds.flip(-1).argmax(-1)]
    return (low + high) / 2, high - low


def grid_groups(extents: Extents) -> list[list[int]]:
    """The tokens of each grid: blocks that form one grid together (tiles), or single blocks."""
    layers: list[list[list[int]]] = []  # each is a list of blocks of tokens
    for block in token_blocks(extents):
        fitting = (layer for layer in layers if _is_beside(block, _joined(layer), extents))
        layer = next(fitting, None)
        if layer is None:
            layers.append([block])
        else:
            layer.append(block)
    groups: list[list[int]] = []
    for layer in layers:
        tokens = _joined(layer)
        groups += [tokens] if grid_index(tokens, extents) is not None else layer
    return groups


def _joined(parts: Sequence[Sequence[int]]) -> list[int]:
    return list(chain.from_iterable(parts))


def token_blocks(extents: Extents) -> list[list[int]]:
    """Cut tokens, in their order, into blocks of rows with the same columns."""
    blocks: list[list[list[int]]] = []
    for row in _token_rows(extents):
        if blocks and _is_below(row, blocks[-1][-1], extents):
            blocks[-1].append(row)
        else:
            blocks.append([row])
    return [_joined(block) for block in blocks]


def _token_rows(extents: Extents) -> list[list[int]]:
    """Cut tokens, in their order, into runs that go from left to right."""
    rows: list[list[int]] = [[0]]
    for token in range(1, len(extents.x)):
        distance = abs(extents.y[token] - extents.y[token - 1])
        right = extents.x[token] - extents.x[token - 1] > extents.width[token] / 4
        if distance < extents.height[token] / 2 and right:
            rows[-1].append(token)
        else:
            rows.append([token])
    return rows


def _is_below(row: list[int], above: list[int], extents: Extents) -> bool:
    """Whether a row of tokens has the columns of another and is below it."""
    if len(row) != len(above):
        return False
    distance = (extents.x[row] - extents.x[above]).abs()
    below = (extents.y[row] - extents.y[above]).mean() > extents.height[row].mean() / 4
    return bool((distance < extents.width[row] / 2).all()) and bool(below)


def _is_beside(block: list[int], tokens: list[int], extents: Extents) -> bool:
    """Whether a block's cells are as large as those of `tokens` and overlap none of them."""
    for sides in (extents.width, extents.height):
        ratio = float(sides[block].median() / sides[tokens].median())
        if not 0.75 < ratio < 1.33:
            return False
    overlap_x = (extents.x[block][:, None] - extents.x[tokens]).abs() < (
        extents.width[block].median() / 2
    )
    overlap_y = (extents.y[block][:, None] - extents.y[tokens]).abs() < (
        extents.height[block].median() / 2
    )
    return not bool((overlap_x & overlap_y).any())


def grid_index(tokens: list[int], extents: Extents) -> Tensor | None:
    """int64 `[height, width]`, the tokens by row and column, or None if they fill no grid."""
    column, row = (
        ranks(centres[tokens], float(sides[tokens].median()) * 0.4)
        for centres, sides in ((extents.x, extents.width), (extents.y, extents.height))
    )
    index = torch.full((int(row.max()) + 1, int(column.max()) + 1), -1)
    index[row, column] = torch.tensor(tokens)
    return index if index.numel() == len(tokens) and bool((index >= 0).all()) else None


def ranks(centres: Tensor, gap: float) -> Tensor:
    """int64: the rank of each centre among those more than `gap` apart.

    Example:
        >>> ranks(torch.tensor([10.0, 1.0, 1.2]), 1.0)
        tensor([1, 0, 0])
    """
    order = centres.argsort()
    steps = torch.zeros(len(centres), dtype=torch.long)
    steps[order[1:]] = (centres[order].diff() > gap).long()
    return steps[order].cumsum(0)[order.argsort()]


def cell_edges(profiles: list[Tensor], stripes: Tensor) -> Tensor:
    """Edges of neighbouring cells in pixels: float64 `[cells + 1]`.

    The edge of two neighbours is where most of the first one's response is before it and most of
    the second one's after it. Resampling blurs both equally and does not shift the edge. The outer
    edges continue the cells' pitch, beyond the picture where the processor pads.

    Args:
        profiles: float64 `[stripe]`, the response of each cell's tokens.
        stripes: float64 `[stripe + 1]`, the stripes' edges.
    """
    responses = torch.stack([profile * (profile >= RESPONSE_MIN) for profile in profiles])
    responds = (responses > 0).int()
    first = stripes[int(responds[0].argmax())]
    last = stripes[responses.shape[1] - int(responds[-1].flip(-1).argmax())]
    if len(profiles) == 1:
        return torch.stack([first, last])
    cuts = (responses[:-1] - responses[1:]).cumsum(-1)
    inner = torch.stack([_largest_at(cut, stripes) for cut in cuts])
    if len(inner) == 1:
        return torch.cat([first[None], inner, last[None]])
    equal = _equal_cells(responses, inner, stripes)
    if equal is not None:
        return equal
    return torch.cat([2 * inner[:1] - inner[1:2], inner, 2 * inner[-1:] - inner[-2:-1]])


def _equal_cells(responses: Tensor, inner: Tensor, stripes: Tensor) -> Tensor | None:
    """Edges of equal cells, or None where the cells are not equal.

    Where the model interpolates a raster, neighbours share pixels, and the cuts follow the edges of
    the raster before interpolation. The midpoints between centres then give the edges.

    Args:
        responses: float64 `[cell, stripe]`.
        inner: float64 `[cell - 1]`, the cuts between neighbours.
        stripes: float64 `[stripe + 1]`, the stripes' edges.
    """
    middles = (stripes[:-1] + stripes[1:]) / 2
    centres = (responses @ middles) / responses.sum(-1)
    tolerance = 1.5 * float(stripes.diff().max())
    for edges in (inner, (centres[:-1] + centres[1:]) / 2):
        line = _regression_line(edges)
        if float((line[1:-1] - edges).abs().max()) <= tolerance:
            return line
    return None


def _regression_line(inner: Tensor) -> Tensor:
    """Inner edges on their least-squares line, and the outer edges that continue it."""
    numbers = torch.arange(1, len(inner) + 1, dtype=torch.float64)
    centred = numbers - numbers.mean()
    slope = (centred * (inner - inner.mean())).sum() / (centred**2).sum()
    return inner.mean() + slope * (torch.arange(len(inner) + 2).double() - numbers.mean())


def _largest_at(cut: Tensor, stripes: Tensor) -> Tensor:
    """The edge where a sum over stripes is largest: the mean of neighbouring edges if equal."""
    best = (cut >= cut.max() - 0.05 * cut.max().abs()).nonzero().flatten()
    neighbours = best[(best - int(cut.argmax())).abs() <= 1]
    return stripes[neighbours + 1].mean()
