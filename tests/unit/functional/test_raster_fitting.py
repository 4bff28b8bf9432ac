"""Rasters fitted to the responses of tokens whose cells are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seewhy.core.geometry import TokenGrid
from seewhy.functional.raster_fitting import (
    cell_edges,
    extent,
    fit_grids,
    have_same_cells,
    ranks,
)

STRIPES = 48


def responses(edges: Tensor, stripes: Tensor) -> Tensor:
    """float64 `[cell, stripe]`: the share of each stripe in each cell."""
    low = torch.maximum(edges[:-1, None], stripes[:-1])
    high = torch.minimum(edges[1:, None], stripes[1:])
    return (high - low).clamp(min=0) / stripes.diff()


def painted(grids: list[TokenGrid], size: tuple[int, int]) -> tuple[Tensor, ...]:
    """The arguments of `fit_grids`, for tokens that respond only inside their cells."""
    x, y = (torch.linspace(0, side, STRIPES + 1, dtype=torch.float64) for side in size)
    count = sum(grid.index.numel() for grid in grids)
    across, down = torch.zeros(2, count, STRIPES, dtype=torch.float64)
    for grid in grids:
        columns, rows = responses(grid.column_edges, x), responses(grid.row_edges, y)
        for row, tokens in enumerate(grid.index.tolist()):
            for column, token in enumerate(tokens):
                across[token], down[token] = columns[column], rows[row]
    return across, down, x, y


def expect_same(given: TokenGrid, wanted: TokenGrid, tolerance: float) -> None:
    assert torch.equal(given.index, wanted.index)
    torch.testing.assert_close(given.row_edges, wanted.row_edges, atol=tolerance, rtol=0)
    torch.testing.assert_close(given.column_edges, wanted.column_edges, atol=tolerance, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 4), (6, 5)])
def test_fit_grids_finds_one_raster(shape):
    wanted = TokenGrid.over((0, 0, 240, 120), *shape)
    (result,), silent = fit_grids(*painted([wanted], (240, 120)))
    expect_same(result, wanted, 240 / STRIPES)
    assert (result.name, silent) == ("image", ())


def test_fit_grids_finds_tiles_and_a_thumbnail():
    tile = TokenGrid.over((0, 0, 120, 120), 4, 4)
    other = TokenGrid.over((120, 0, 240, 120), 4, 4, first=16)
    thumbnail = TokenGrid.over((0, 0, 240, 120), 4, 4, first=32)
    grids, _ = fit_grids(*painted([tile, other, thumbnail], (240, 120)))
    assert [(grid.name, grid.shape) for grid in grids] == [("layer 1", (4, 8)), ("layer 2", (4, 4))]
    assert torch.equal(grids[0].index, torch.cat([tile.index, other.index], 1))
    expect_same(grids[1], thumbnail, 240 / STRIPES)


def test_fit_grids_leaves_out_tokens_that_respond_to_nothing():
    wanted = TokenGrid.over((0, 0, 120, 120), 3, 3)
    across, down, x, y = painted([wanted], (120, 120))
    across, down = (torch.cat([part[:4], 0 * part[:1], part[4:]]) for part in (across, down))
    (result,), silent = fit_grids(across, down, x, y)
    assert silent == (4,)
    expect_same(result, wanted, 120 / STRIPES)


def test_fit_grids_finds_none_where_no_token_responds():
    x = torch.linspace(0, 96, STRIPES + 1, dtype=torch.float64)
    nothing = torch.zeros(4, STRIPES, dtype=torch.float64)
    assert fit_grids(nothing, nothing, x, x) == ((), ())


def test_fit_grids_finds_none_where_all_tokens_respond_everywhere():
    x = torch.linspace(0, 96, STRIPES + 1, dtype=torch.float64)
    alike = torch.ones(8, STRIPES, dtype=torch.float64)
    assert fit_grids(alike, alike, x, x) == ((), ())


def test_have_same_cells_allows_less_than_half_a_cell_of_difference():
    one = TokenGrid.over((0, 0, 100, 100), 5, 5)
    assert have_same_cells([one, TokenGrid.over((9, 9, 109, 109), 5, 5)])
    assert not have_same_cells([one, TokenGrid.over((11, 0, 111, 100), 5, 5)])
    assert not have_same_cells([one, TokenGrid.over((0, 0, 100, 100), 4, 5)])
    assert not have_same_cells([one])


def test_extent_reads_the_stripes_with_a_strong_response():
    edges = torch.arange(0.0, 60.0, 10.0, dtype=torch.float64)
    profile = torch.tensor([[0.1, 0.3, 1.0, 0.0, 0.0]], dtype=torch.float64)
    centre, width = extent(profile, edges)
    assert (centre.tolist(), width.tolist()) == ([20.0], [20.0])


def test_cell_edges_continue_the_pitch_beyond_the_picture():
    wanted = torch.tensor([-15.0, 20.0, 55.0, 90.0, 125.0], dtype=torch.float64)
    stripes = torch.linspace(0, 110, 111, dtype=torch.float64)
    result = cell_edges(list(responses(wanted, stripes)), stripes)
    torch.testing.assert_close(result, wanted, atol=1.5, rtol=0)


def test_ranks_counts_centres_that_are_apart():
    assert ranks(torch.tensor([30.0, 1.0, 1.4, 29.8, 12.0]), 1.0).tolist() == [2, 0, 0, 2, 1]
