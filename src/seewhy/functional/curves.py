"""Perturbation curves: the order of removal, areas under curves, normalisation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError, ShapeError


def falling_order(scores: Tensor, seed: int = 0) -> Tensor:
    """Indices of scores from the highest to the lowest; equal scores in a random order.

    The random order depends only on the seed and the number of scores: it is the same for all maps,
    and the position of a plateau is no advantage.

    Args:
        scores: float, any shape; taken flat.
        seed: of the order among equal scores.

    Returns:
        int64 `[score]`, a permutation.

    Example:
        >>> falling_order(torch.tensor([0.1, 0.9, 0.5])).tolist()
        [1, 2, 0]
    """
    flat = scores.flatten().cpu()
    drawn = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))
    return drawn[flat[drawn].argsort(descending=True, stable=True)]


def first_of(order: Tensor, count: int) -> Tensor:
    """A mask of the first indices of an order.

    Args:
        order: int64 `[score]`, a permutation.
        count: how many, in 0..len(order).

    Returns:
        bool `[score]`.

    Example:
        >>> first_of(torch.tensor([2, 0, 1]), 1).tolist()
        [False, False, True]
    """
    chosen = torch.zeros(len(order), dtype=torch.bool)
    chosen[order[:count]] = True
    return chosen


def area_under(values: Tensor, points: Tensor) -> Tensor:
    r"""The mean height of a curve, by trapezoids.

    $$\frac{1}{x_n - x_1} \sum_i (x_{i+1} - x_i) \frac{y_i + y_{i+1}}{2}$$

    Args:
        values: float `[..., point]`.
        points: float `[point]`, increasing, at least two.

    Returns:
        `[...]`; the area if `points` go from 0 to 1.

    Raises:
        ShapeError: if there are fewer than two points, or not one value for each.
        ParameterError: if the points do not increase.

    Example:
        >>> area_under(torch.tensor([1.0, 0.5, 0.0]), torch.tensor([0.0, 0.5, 1.0]))
        tensor(0.5000)
    """
    if points.ndim != 1 or len(points) < 2 or values.shape[-1] != len(points):
        raise ShapeError(
            f"Expected a value for each of at least two points, got shape {list(values.shape)} at "
            f"{list(points.shape)}: give the curve's points on the last axis."
        )
    if not bool((points.diff() > 0).all()):
        raise ParameterError(f"Expected rising points, got {points.tolist()}: sort them.")
    return torch.trapezoid(values, points) / (points[-1] - points[0])


def between(values: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    r"""Scale values from [low, high] to [0, 1], clamped.

    $$\min(1, \max(0, (y - y_0) / (y_1 - y_0)))$$

    Args:
        values: float, any shape.
        low, high: what becomes 0 and 1; high above low.

    Returns:
        In [0, 1], of the values' shape.

    Raises:
        ParameterError: if high is not above low.

    Example:
        >>> between(torch.tensor([-9.0, -2.0, 0.0]), -4.0, 0.0)
        tensor([0.0000, 0.5000, 1.0000])
    """
    span = torch.as_tensor(high) - torch.as_tensor(low)
    if not bool((span > 0).all()):
        raise ParameterError(
            f"Expected high above low, got {low!r} and {high!r}: the range is empty."
        )
    return ((values - low) / span).clamp(0, 1)


def nearest_cells(height: int, width: int, row: float, column: float, count: int) -> Tensor:
    """The cells nearest to a point: a disc, cut off at the edges.

    Args:
        height, width: of the grid.
        row, column: the point, in cells; (0, 0) is the first cell's middle.
        count: how many cells, in 0..height * width.

    Returns:
        bool `[height, width]`, exactly `count` true; of equal distances the first in reading order.

    Example:
        >>> nearest_cells(3, 3, 1.0, 1.0, 1).int().tolist()
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    down = torch.arange(height, dtype=torch.float64)[:, None] - row
    along = torch.arange(width, dtype=torch.float64) - column
    order = (down.square() + along.square()).flatten().argsort(stable=True)
    return first_of(order, count).view(height, width)


def dilated(mask: Tensor, cells: int) -> Tensor:
    """A mask and the cells around it up to a distance, diagonals included.

    Args:
        mask: bool `[height, width]`.
        cells: the distance, at least 0.

    Example:
        >>> dilated(torch.tensor([[True, False, False]]), 1).tolist()
        [[True, True, False]]
    """
    expect_axes(mask, "height width", name="mask")
    grown, side = mask[None].float(), 2 * cells + 1
    grown = F.max_pool2d(grown, (side, 1), stride=1, padding=(cells, 0))
    return F.max_pool2d(grown, (1, side), stride=1, padding=(0, cells))[0] > 0
