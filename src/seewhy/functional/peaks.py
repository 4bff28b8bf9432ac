"""The highest cell of a map, and the box around its high values."""

from __future__ import annotations

from torch import Tensor

from seewhy.core.axes import expect_axes


def peak(heatmap: Tensor) -> tuple[int, int] | None:
    """Find the highest cell of a map.

    Args:
        heatmap: float `[height, width]`, non-negative.

    Returns:
        Its row and column, the first in reading order among equals; None for an empty map (one
        without a positive value).

    Raises:
        ShapeError: if the map has other axes.

    Example:
        >>> import torch
        >>> peak(torch.tensor([[0.0, 1.0], [3.0, 2.0]]))
        (1, 0)
    """
    width = expect_axes(heatmap, "height width", name="heatmap")["width"]
    if not bool((heatmap > 0).any()):
        return None
    row, column = divmod(int(heatmap.argmax()), width)
    return row, column


def half_maximum_box(heatmap: Tensor) -> tuple[int, int, int, int] | None:
    """Bound all cells above half of a map's maximum.

    Args:
        heatmap: float `[height, width]`, non-negative.

    Returns:
        First row, first column, end row, end column (the ends exclusive); None for an empty map.

    Raises:
        ShapeError: if the map has other axes.

    Example:
        >>> import torch
        >>> half_maximum_box(torch.tensor([[0.0, 1.0, 0.0], [0.0, 4.0, 3.0]]))
        (1, 1, 2, 3)
    """
    expect_axes(heatmap, "height width", name="heatmap")
    if not bool((heatmap > 0).any()):
        return None
    bright = heatmap > heatmap.max() / 2
    rows, columns = bright.any(1).nonzero().flatten(), bright.any(0).nonzero().flatten()
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
