"""Find the pixels of a model's tokens by experiment: parts of a noisy picture are painted.

The model is a function argument: from a picture to the vectors of its image tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image as Pictures
from torch import Tensor

from seewhy.core.geometry import Box, Geometry, TokenGrid
from seewhy.functional.raster_fitting import fit_grids

if TYPE_CHECKING:
    from PIL.Image import Image

Encoder = Callable[["Image"], Tensor]
"""From a picture to its image tokens' vectors: float `[image token, hidden]`."""

PixelBox = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels; right and bottom are exclusive."""


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """The result for pictures of one size at one scale.

    Attributes:
        grids: the token grids, in pixels of the original; empty if none were found.
        non_spatial: which image tokens responded to no stripe.
        confidence: the lowest share, over grids, of painted blocks that the right token finds.
        silenced: whether the vision tower's attention was set to zero.
        passes: number of vision passes.
    """

    grids: tuple[TokenGrid, ...]
    non_spatial: tuple[int, ...]
    confidence: float
    silenced: bool = False
    passes: int = 0


def probe_grids(encode: Encoder, size: tuple[int, int], stripes: int, blocks: int) -> ProbeResult:
    """Find the grids with stripes, and their confidence with blocks.

    Args:
        encode: from a picture to its tokens' vectors.
        size: width and height of the painted pictures.
        stripes: along each side, at most.
        blocks: number of blocks painted into each grid.
    """
    across, x = stripe_responses(encode, size, 0, stripes)
    down, y = stripe_responses(encode, size, 1, stripes)
    grids, non_spatial = fit_grids(across, down, x, y)
    confidence = share_found(encode, size, grids, non_spatial, blocks) if grids else 0.0
    return ProbeResult(grids, non_spatial, confidence)


def stripe_responses(
    encode: Encoder, size: tuple[int, int], axis: int, stripes: int
) -> tuple[Tensor, Tensor]:
    """Each image token's response to each stripe, and the stripes' edges in pixels.

    Args:
        encode: from a picture to its tokens' vectors.
        size: width and height.
        axis: 0 for vertical stripes from left to right, 1 for horizontal ones from the top.
        stripes: number of stripes, at most.

    Returns:
        float64 `[token, stripe]` and float64 `[stripe + 1]`.
    """
    picture = noise(size, 0)
    edges = torch.linspace(0, size[axis], min(size[axis], stripes) + 1).round().int()
    before = encode(picture)
    responses = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        box = (low, 0, high, size[1]) if axis == 0 else (0, low, size[0], high)
        responses.append(response(encode, picture, box, before))
    return torch.stack(responses, -1).double(), edges.double()


def share_found(
    encode: Encoder,
    size: tuple[int, int],
    grids: Sequence[TokenGrid],
    non_spatial: Sequence[int],
    blocks: int,
) -> float:
    """The lowest share, over grids, of painted blocks that the right token finds: 0 to 1.

    Args:
        encode: from a picture to its tokens' vectors.
        size: width and height.
        grids: as found with stripes.
        non_spatial: which image tokens are on no grid.
        blocks: number of blocks painted into each grid.
    """
    picture, boxes = noise(size, 0), Geometry(size, tuple(grids)).boxes
    before, shares = encode(picture), []
    spatial = torch.ones(len(before), dtype=torch.bool)
    spatial[list(non_spatial)] = False
    rng = np.random.default_rng(0)
    for grid in grids:
        tokens, hits = grid.index.flatten(), 0
        for block in random_blocks(grid, size, blocks, rng):
            strength = response(encode, picture, block, before)[spatial][tokens]
            left, top, right, bottom = boxes[tokens[strength.argmax()]].tolist()
            hits += is_in_reach((left, top, right, bottom), block)
        shares.append(hits / blocks)
    return min(shares)


def is_in_reach(box: Box, block: PixelBox) -> bool:
    """Whether a block overlaps a box, or touches it.

    Example:
        >>> is_in_reach((0.0, 0.0, 10.0, 10.0), (9, 4, 13, 6))
        True
        >>> is_in_reach((0.0, 0.0, 10.0, 10.0), (11, 4, 15, 6))
        False
    """
    x, y = (block[0] + block[2]) / 2, (block[1] + block[3]) / 2
    reach_x, reach_y = (block[2] - block[0]) / 2, (block[3] - block[1]) / 2
    return box[0] - reach_x <= x <= box[2] + reach_x and box[1] - reach_y <= y <= box[3] + reach_y


def response(encode: Encoder, picture: Image, box: PixelBox, before: Tensor) -> Tensor:
    """Relative change of each image token's vector when a box is painted white.

    Args:
        encode: from a picture to its tokens' vectors.
        picture: the picture without the box.
        box: the painted box.
        before: float `[image token, hidden]`, the vectors of the picture without the box.

    Returns:
        float `[image token]`, at least 0, on the CPU.
    """
    painted = picture.copy()
    painted.paste((255, 255, 255), box)
    change = (encode(painted) - before).norm(dim=-1)
    return (change / before.norm(dim=-1).clamp(min=1e-12)).cpu()


def noise(size: tuple[int, int], seed: int) -> Image:
    """A dark random picture of a width and a height; no two patches are equal."""
    rng = np.random.default_rng(seed)
    return Pictures.fromarray(rng.integers(70, 110, (size[1], size[0], 3), dtype=np.uint8))


def random_blocks(
    grid: TokenGrid, size: tuple[int, int], number: int, rng: np.random.Generator
) -> list[PixelBox]:
    """Random boxes of whole pixels, a third of a cell wide, within a grid's extent.

    They are drawn from the whole extent, not within cells, so that cells in the wrong place lower
    the share.
    """

    def span(edges: Tensor, length: int) -> tuple[int, int]:
        side = max(1, round(float(edges.diff().median()) / 3))
        low, high = max(0.0, float(edges[0])), min(float(length), float(edges[-1]))
        first = min(int(rng.uniform(low, max(low, high - side))), length - 1)
        return first, min(first + side, length)

    boxes = []
    for _ in range(number):
        left, right = span(grid.column_edges, size[0])
        top, bottom = span(grid.row_edges, size[1])
        boxes.append((left, top, right, bottom))
    return boxes
