"""Bring maps from one raster to another over the same picture, with area weights."""

from __future__ import annotations

import torch
from torch import Tensor


def area_weights(source: Tensor, target: Tensor) -> Tensor:
    r"""Which part of each target cell each source cell covers.

    $$w_{ij} = |t_i \cap s_j| / \sum_k |t_i \cap s_k|$$

    Args:
        source: float64 `[m + 1]`, edges in pixels, increasing.
        target: float64 `[n + 1]`, likewise.

    Returns:
        float64 `[n, m]`; rows sum to 1, or are 0 where no source cell reaches the target cell.

    Example:
        >>> area_weights(torch.tensor([0., 2., 4.]), torch.tensor([0., 1., 3., 4.]))
        tensor([[1.0000, 0.0000],
                [0.5000, 0.5000],
                [0.0000, 1.0000]])
    """
    left = torch.maximum(target[:-1, None], source[None, :-1])
    right = torch.minimum(target[1:, None], source[None, 1:])
    shared = (right - left).clamp_min(0)
    total = shared.sum(1, keepdim=True)
    return torch.where(total > 0, shared / total.clamp_min(1e-300), torch.zeros_like(shared))


def area_resampled(
    maps: Tensor, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]
) -> Tensor:
    """Mean values of maps under the cells of another raster.

    Args:
        maps: float `[..., height, width]` on the source raster.
        source: edges of its rows and of its columns.
        target: likewise of the other raster.

    Returns:
        float `[..., height, width]` on the target raster.
    """
    down = area_weights(source[0], target[0]).to(maps)
    across = area_weights(source[1], target[1]).to(maps)
    return down @ maps @ across.T
