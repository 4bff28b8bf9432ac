"""A start for towers with learned positions: their attention begins as a convolution.

Where position embeddings start small, they are still noise after 600 steps, and the tower sees a
bag of patches. Here some dimensions of the states are kept for waves of row and column, and every
head attends to the neighbour on one side: a linear map of waves turns them into those of a place
beside it. Training is free to change all of it. The idea of attention that starts as a convolution
is that of ConViT (d'Ascoli et al., 2021, arXiv 2103.10697).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WAVES = 8
"""Waves of each axis, 4 to 48 patches long."""
DIMENSIONS = 4 * WAVES
"""Of the states that hold positions: the last ones, in which patches differ least."""
SHARPNESS = 1.6
GROWTH = (1.0, 1.2, 1.3, 1.5, 2.0, 3.0)
"""How far states have grown before each layer: the waves are smaller beside them."""
NEAR, FAR = 1.5, 3.0
"""Patches to the neighbour in even and in odd layers."""
SMALL = 0.02


@dataclass(frozen=True)
class Layer:
    """The modules of a layer that the start changes.

    Attributes:
        norm: before attention.
        query, key, output: of attention.
        down: the last linear layer of the MLP.
    """

    norm: nn.LayerNorm
    query: nn.Linear
    key: nn.Linear
    output: nn.Linear
    down: nn.Linear


def wave_numbers() -> Tensor:
    """Radians by patch of each wave: float32 `[WAVES]`."""
    return math.pi / 2 * torch.logspace(0, -1, WAVES, base=12)


def position_waves(rows: int, columns: int) -> Tensor:
    """Cosines and sines of row, then of column: float32 `[rows * columns, DIMENSIONS]`."""
    axes = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [axis.flatten()[:, None] * wave_numbers() for axis in axes]
    return torch.cat([wave(angle) for angle in angles for wave in (torch.cos, torch.sin)], 1)


def displacement(down: float, right: float) -> Tensor:
    """The matrix that makes the waves of a place those of `(row - down, column - right)`.

    Example:
        >>> waves = position_waves(4, 4) @ displacement(1, 0).T
        >>> torch.allclose(waves[4:], position_waves(4, 4)[:-4], atol=1e-5)
        True
    """
    matrix = torch.zeros(DIMENSIONS, DIMENSIONS)
    places = torch.arange(WAVES)
    for first, patches in ((0, down), (2 * WAVES, right)):
        cosine, sine = places + first, places + first + WAVES
        angle = wave_numbers() * patches
        matrix[cosine, cosine] = matrix[sine, sine] = angle.cos()
        matrix[cosine, sine] = angle.sin()
        matrix[sine, cosine] = -angle.sin()
    return matrix


def start_near(
    patches: nn.Conv2d, positions: Tensor, layers: Sequence[Layer], heads: int, pixels: Tensor
) -> None:
    """Let the heads of a tower attend to the neighbours above, below, left and right.

    Args:
        patches: the embedding of patches.
        positions: of patches alone, `[cells * cells, width]`; changed in place.
        layers: of the tower, as many as `GROWTH` has.
        heads: of a layer; a multiple of four.
        pixels: of pictures, `[picture, 3, side, side]`: the waves deviate as their patches do.
    """
    with torch.no_grad():
        width = positions.shape[1]
        kept = slice(width - DIMENSIONS, width)
        patches.weight[kept] = 0
        if patches.bias is not None:
            patches.bias[kept] = 0
        embedded = patches(pixels)
        waves = position_waves(*embedded.shape[2:])
        positions.zero_()
        positions[:, kept] = embedded.std(1).mean() * 2**0.5 * waves
        for number, (layer, growth) in enumerate(zip(layers, GROWTH, strict=True)):
            for linear in (layer.output, layer.down):
                linear.weight[kept], linear.bias[kept] = 0, 0
            layer.norm.weight[kept], layer.norm.bias[kept] = 1, 0
            for linear in (layer.query, layer.key):
                nn.init.normal_(linear.weight, std=SMALL)
                linear.bias.zero_()
            far = FAR if number % 2 else NEAR
            size = layer.query.out_features // heads
            for head in range(heads):
                rows = slice(head * size, head * size + DIMENSIONS)
                side = ((0, far), (0, -far), (far, 0), (-far, 0))[head % 4]
                layer.query.weight[rows], layer.key.weight[rows] = 0, 0
                sharp = SHARPNESS * growth
                layer.query.weight[rows, kept] = sharp * torch.eye(DIMENSIONS)
                layer.key.weight[rows, kept] = sharp * displacement(*side)
