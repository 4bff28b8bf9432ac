"""Pictures whose pixels say where they are, and the probe that finds a painted block's token."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.geometry import TokenGrid
from seewhy.models.family import Family


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """A dim random picture, no two patches alike."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(70, 110, (height, width, 3), dtype=np.uint8))


def ramps(width: int, height: int) -> Image.Image:
    """Red is the column and green the row of every pixel; both sides at most 256 pixels."""
    down, across = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([across, down, 0 * down], -1).astype(np.uint8))


def silence(model: torch.nn.Module, *ends: str) -> None:
    """Zero the named outputs of attention, so that a token shows its own patch and no other's.

    With random weights attention spreads every change over all tokens alike, and could hide it.
    """
    for name, weights in model.named_parameters():
        if any(f".{end}." in name for end in ends):
            torch.nn.init.zeros_(weights)


def blocks(grid: TokenGrid, number: int, seed: int = 0) -> list[tuple[int, int, int, int]]:
    """Random rectangles of whole pixels, each within one cell and at least half its side."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(number):
        spans = []
        for edges in (grid.column_edges, grid.row_edges):
            cell = int(rng.integers(len(edges) - 1))
            low, high = float(edges[cell]), float(edges[cell + 1])
            spans.append((int(np.ceil(low + rng.uniform(0, 0.2) * (high - low))), int(high)))
        (left, right), (top, bottom) = spans
        found.append((left, top, max(right, left + 1), max(bottom, top + 1)))
    return found


@torch.no_grad()
def share_found(family: Family, image: Image.Image, scale: float, number: int = 30) -> float:
    """The least share, over layers, of painted blocks that the right token finds.

    The right one is the layer's token whose embedding moves most (L2, relative to its length) and
    whose box holds the block's centre.
    """
    visual = family.process_image(image, scale)
    before, boxes = family.visual_features(visual), visual.geometry.boxes
    shares = []
    for grid in visual.geometry.grids:
        right = 0
        for left, top, far, bottom in blocks(grid, number):
            painted = image.copy()
            painted.paste((255, 255, 255), (left, top, far, bottom))
            moved = family.visual_features(family.process_image(painted, scale)) - before
            strength = (moved.norm(dim=-1) / before.norm(dim=-1))[grid.index.flatten()]
            box = boxes[grid.index.flatten()[strength.argmax()]]
            x, y = (left + far) / 2, (top + bottom) / 2
            right += bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])
        shares.append(right / number)
    return min(shares)


def centres_seen(pixels: Tensor, cell: int, mean: tuple, std: tuple) -> Tensor:
    """Where the cells of a picture of `ramps` come from, read off the pixels themselves.

    Args:
        pixels: `[3, height, width]`, normalised with `mean` and `std`.
        cell: side of a cell in these pixels; a rest at the end belongs to none.

    Returns:
        `[height, width, 2]`: x and y of every cell's centre in the original's pixels.
    """
    colours = pixels * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    cells = colours.unfold(1, cell, cell).unfold(2, cell, cell).mean((-1, -2))
    return (cells[:2] * 255 + 0.5).permute(1, 2, 0)


def off_centre(grid: TokenGrid, seen: Tensor, size: tuple[int, int]) -> float:
    """How far, in pixels, boxes lie from where `centres_seen` saw them, at most.

    Cells that reach over the image's rim are left out: what is padded there has its own colours.
    At least one must be left.
    """
    (left, right), (top, bottom) = (
        (edges[:-1], edges[1:]) for edges in (grid.column_edges, grid.row_edges)
    )
    # Resampling mixes a little of the neighbours in, so keep a tenth of a cell from the padding.
    rims = [
        torch.where((low[0] < -1e-6) | (high[-1] > length + 1e-6), (high - low) / 10, -1e-6)
        for low, high, length in ((left, right, size[0]), (top, bottom, size[1]))
    ]
    across = (left >= rims[0]) & (right <= size[0] - rims[0])
    down = (top >= rims[1]) & (bottom <= size[1] - rims[1])
    inside = down[:, None] & across[None, :]
    y, x = torch.meshgrid((top + bottom) / 2, (left + right) / 2, indexing="ij")
    return float((torch.stack([x, y], -1) - seen)[inside].abs().max())
