"""For methods that change a picture: fills, masks, and conversion between cells and pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError
from seewhy.core.suggestions import unknown_choice_message

Fill = Literal["mean", "blur", "noise", "black"]
"""What replaces the removed pixels of a picture."""

BLUR = 1 / 8
"""Standard deviation of the blurred fill, as a share of the picture's longer side."""


def fill_of(image: Tensor, fill: Fill, seed: int = 0) -> Tensor:
    """The picture whose pixels replace removed pixels of a picture.

    `"mean"` is the picture's mean colour, `"blur"` the picture under a Gaussian of `BLUR` times
    its longer side, `"noise"` is drawn for each pixel and channel from the normal distribution of
    that channel's mean and standard deviation, `"black"` is 0 everywhere.

    Args:
        image: float `[height, width, channel]` in [0, 255].
        fill: one of `Fill`.
        seed: of the noise.

    Returns:
        float32 `[height, width, channel]` in [0, 255].

    Raises:
        ParameterError: if there is no such fill.
        ShapeError: if the axes differ.

    Source:
        Ours; the mean colour is usual for occlusion, the blur for insertion (Petsiuk et al. 2018),
        black is EAGLE's (Chen et al. 2026).

    Example:
        >>> fill_of(torch.tensor([[[0.0], [100.0]]]), "mean").flatten()
        tensor([50., 50.])
    """
    expect_axes(image, "height width channel", name="image")
    image = image.float()
    if fill == "mean":
        return image.mean((0, 1)).expand_as(image)
    if fill == "blur":
        return gaussian_blur(image, BLUR * max(image.shape[:2]))
    if fill == "noise":
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(image.shape, generator=generator).to(image.device)
        spread = image.std((0, 1), correction=0)
        return (image.mean((0, 1)) + spread * noise).clamp(0, 255)
    if fill == "black":
        return torch.zeros_like(image)
    raise ParameterError(unknown_choice_message("fill", fill, get_args(Fill)))


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Blur a picture by a Gaussian that is cut off at three sigma; edge pixels are repeated.

    Args:
        image: float `[height, width, channel]`.
        sigma: in pixels, positive.

    Returns:
        float32 `[height, width, channel]`.

    Raises:
        ParameterError: if sigma is not positive.

    Example:
        >>> gaussian_blur(torch.tensor([[[0.0], [9.0], [0.0]]]), 0.4).flatten()
        tensor([0.3635, 8.2730, 0.3635])
    """
    if not sigma > 0:
        raise ParameterError(f"Expected a positive sigma in pixels, got {sigma!r}.")
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=image.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    planes = image.float().movedim(-1, 0)[:, None]
    for side, shape in (
        ((0, 0, radius, radius), (1, 1, -1, 1)),
        ((radius, radius, 0, 0), (1, 1, 1, -1)),
    ):
        planes = F.conv2d(F.pad(planes, side, mode="replicate"), kernel.view(shape))
    return planes[:, 0].movedim(0, -1)


def blend(image: Tensor, fill: Tensor, keep: Tensor) -> Tensor:
    """Show a picture where a mask keeps it, and a fill elsewhere.

    Args:
        image, fill: float `[height, width, channel]`.
        keep: float or bool `[height, width]` in [0, 1].

    Returns:
        float32 `[height, width, channel]`.

    Example:
        >>> blend(torch.full((1, 2, 1), 8.0), torch.zeros(1, 2, 1), torch.tensor([[1.0, 0.25]]))
        tensor([[[8.],
                 [2.]]])
    """
    return torch.lerp(fill.float(), image.float(), keep.float()[..., None])


def windows(height: int, width: int, window: int, stride: int = 1) -> Tensor:
    """All positions of a square window over a grid, also those partly outside it.

    At a stride of 1 each cell is in the same number of windows. Without the positions at the border
    a cell there would share all its windows with its neighbour.

    Args:
        height, width: of the grid in cells.
        window: the square's side in cells.
        stride: step in cells from one position to the next, at most the window's side.

    Returns:
        bool `[window, height, width]`, each with at least one True.

    Raises:
        ParameterError: if a number is below 1, or the stride leaves cells out.

    Example:
        >>> windows(1, 3, 2).sum(0)
        tensor([[4, 4, 4]])
        >>> windows(1, 3, 3, stride=2)[:, 0].int()
        tensor([[1, 0, 0],
                [1, 1, 1],
                [0, 0, 1],
                [1, 0, 0],
                [1, 1, 1],
                [0, 0, 1]], dtype=torch.int32)
    """
    if not 1 <= stride <= window:
        raise ParameterError(
            f"Expected a stride from 1 to the window's side, got window {window} and stride "
            f"{stride}: a longer step would leave cells out."
        )
    down, across = _spans(height, window, stride), _spans(width, window, stride)
    return (down[:, None, :, None] & across[None, :, None, :]).flatten(0, 1)


def _spans(cells: int, window: int, stride: int) -> Tensor:
    """bool `[window, cell]`: the cells of each window along one side."""
    starts = torch.arange(1 - window, cells, stride)[:, None]
    indices = torch.arange(cells)
    return (indices >= starts) & (indices < starts + window)


def coarse_masks(
    number: int, size: tuple[int, int], cells: int, share: float, seed: int
) -> Iterator[Tensor]:
    """Random masks that keep smooth patches of a picture: those of RISE.

    Each is a grid of `cells x cells`, every cell kept with probability `share`, enlarged bilinearly
    to one cell more than the picture, and cropped to the picture's size at a random position.

    Args:
        number: of masks.
        size: height and width of the picture in pixels.
        cells: along each side, at least 1.
        share: in (0, 1).
        seed: of grids and positions.

    Yields:
        float32 `[height, width]` in [0, 1], one mask after the other.

    Source:
        Petsiuk et al. (2018), section 3.2, stated by the paper.

    Example:
        >>> [mask.shape for mask in coarse_masks(2, (6, 9), 3, 0.5, seed=0)]
        [torch.Size([6, 9]), torch.Size([6, 9])]
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    step = (math.ceil(height / cells), math.ceil(width / cells))
    larger = ((cells + 1) * step[0], (cells + 1) * step[1])
    for _ in range(number):
        grid = (torch.rand(1, 1, cells, cells, generator=generator) < share).float()
        top, left = (int(torch.randint(side, (), generator=generator)) for side in step)
        enlarged = F.interpolate(grid, larger, mode="bilinear", align_corners=False)[0, 0]
        yield enlarged.clamp(0, 1)[top : top + height, left : left + width]


def cell_means(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The mean of maps on pixels over each cell.

    Args:
        maps: float `[..., height, width]` on pixels.
        rows, columns: float64, increasing edges of the cells in pixels; they may extend
            beyond the map.

    Returns:
        float32 `[..., row, column]`; 0 for a cell without pixels.

    Example:
        >>> line = torch.tensor([[1.0, 3.0, 5.0]])
        >>> cell_means(line, torch.tensor([0, 1]), torch.tensor([0, 2, 4]))
        tensor([[2., 5.]])
    """
    down, across = overlaps(rows, maps.shape[-2]), overlaps(columns, maps.shape[-1])
    area = (down.sum(1)[:, None] * across.sum(1)).to(maps.device)
    sums = down.to(maps.device) @ maps.float() @ across.to(maps.device).T
    return torch.where(area > 0, sums / area.clamp_min(1e-12), 0.0)


def cells_to_pixels(cells: Tensor, rows: Tensor, columns: Tensor, size: tuple[int, int]) -> Tensor:
    """Values of cells as values of pixels, weighted where cells share a pixel.

    Args:
        cells: float or bool `[..., row, column]`.
        rows, columns: float64, increasing edges of the cells in pixels.
        size: height and width in pixels.

    Returns:
        float32 `[..., height, width]`; 0 where there is no cell.

    Example:
        >>> edges = torch.tensor([0.0, 1.5, 3.0])
        >>> cells_to_pixels(torch.tensor([[1.0, 0.0]]), torch.tensor([0.0, 1.0]), edges, (1, 3))
        tensor([[1.0000, 0.5000, 0.0000]])
    """
    down, across = overlaps(rows, size[0]), overlaps(columns, size[1])
    return down.to(cells.device).T @ cells.float() @ across.to(cells.device)


def overlaps(edges: Tensor, size: int) -> Tensor:
    """float32 `[cell, pixel]`: the share of each pixel's length in each cell, in [0, 1].

    Args:
        edges: `[cell + 1]`, increasing, in pixels.
        size: number of pixels.
    """
    edges = edges.double().cpu()
    pixels = torch.arange(size, dtype=torch.float64)
    end = torch.minimum(edges[1:, None], pixels + 1)
    return (end - torch.maximum(edges[:-1, None], pixels)).clamp_min(0).float()
