"""The experiment on an encoder whose tokens are known patches of the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.geometry import TokenGrid
from seewhy.models.probing import noise, probe_grids, random_blocks, share_found, stripe_responses

SIZE = (60, 40)


def encode(picture: Image.Image) -> Tensor:
    """float `[6, 3]`: the mean colour of each patch of 20 x 20 pixels, row by row."""
    pixels = torch.tensor(np.array(picture)).double()
    return pixels.unflatten(1, (-1, 20)).unflatten(0, (-1, 20)).mean((1, 3)).flatten(0, 1)


def test_probe_grids_finds_the_patches():
    result = probe_grids(encode, SIZE, stripes=60, blocks=20)
    (grid,) = result.grids
    assert torch.equal(grid.index, torch.arange(6).view(2, 3))
    assert grid.column_edges.tolist() == pytest.approx([0, 20, 40, 60], abs=1)
    assert grid.row_edges.tolist() == pytest.approx([0, 20, 40], abs=1)
    assert (result.non_spatial, result.confidence) == ((), 1.0)


def test_probe_grids_leaves_out_a_token_that_looks_nowhere():
    def with_newline(picture: Image.Image) -> Tensor:
        return torch.cat([encode(picture), torch.ones(1, 3)])

    result = probe_grids(with_newline, SIZE, stripes=60, blocks=20)
    assert (result.non_spatial, result.confidence) == ((6,), 1.0)


def test_probe_grids_is_not_sure_of_tokens_that_look_everywhere():
    result = probe_grids(lambda picture: encode(picture).mean(0).expand(6, 3), SIZE, 60, 20)
    assert result.confidence == 0.0


def test_share_found_is_low_for_cells_in_the_wrong_place():
    mirrored = TokenGrid.over((0, 0, 60, 40), 2, 3)
    mirrored = TokenGrid(mirrored.index.flip(1), mirrored.row_edges, mirrored.column_edges)
    assert share_found(encode, SIZE, [mirrored], (), 20) < 0.6


def test_stripe_responses_are_those_of_the_painted_tokens():
    responses, edges = stripe_responses(encode, SIZE, axis=0, stripes=3)
    assert edges.tolist() == [0, 20, 40, 60]
    assert torch.equal(responses > 0, torch.eye(3, dtype=torch.bool).repeat(2, 1))


def test_noise_is_dim_and_the_same_for_a_seed():
    one, other = np.asarray(noise(SIZE, 0)), np.asarray(noise(SIZE, 1))
    assert one.shape == (40, 60, 3)
    assert 70 <= one.min() < one.max() < 110
    assert (one == np.asarray(noise(SIZE, 0))).all()
    assert (one != other).any()


def test_random_blocks_lie_in_the_picture_and_are_smaller_than_a_cell():
    grid = TokenGrid.over((-10, -10, 70, 50), 2, 3)
    for left, top, right, bottom in random_blocks(grid, SIZE, 50, np.random.default_rng(0)):
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= top < bottom <= SIZE[1]
        assert (right - left, bottom - top) <= (9, 10)
