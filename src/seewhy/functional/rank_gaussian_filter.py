"""TAM's rank Gaussian filter: a blur over ranks instead of distances."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError

#: Numbers held at once, window values included; bounds memory for many or large maps.
NUMBERS_AT_ONCE = 2**20


def rank_gaussian_filter(maps: Tensor, window: int = 3) -> Tensor:
    r"""Denoise maps by a Gaussian over the ranks of each window's values.

    $$F(x) = \frac{\sum_r e^{-r^2 / 2 s^2}\, x_{(r)}}{\sum_r e^{-r^2 / 2 s^2}}, \qquad
    s = \frac{\mathrm{std}(x)}{\mathrm{mean}(x)}$$

    where x_(r) are the window's n values in rising order, r = -(n-1)/2 .. (n-1)/2 counts from the
    median, and std is the population's. The more the values vary, the wider the Gaussian:
    nearly equal values give their median, very different ones nearly their mean. Where the mean is
    not positive the result is 0; for s = 0 it is the median, the limit.

    Windows at the border are filled by reflection, the edge cell itself not repeated; where a
    side has too few cells for that the reflection is repeated, so a side of one cell is replicated.

    Args:
        maps: float `[..., height, width]`.
        window: side of the square window in cells, odd, at least 3.

    Returns:
        float32 `[..., height, width]`, within each window's range where its mean is positive.

    Raises:
        ShapeError: if `maps` has fewer than two axes.
        ParameterError: if `window` is even or below 3.

    Source:
        TAM (Li et al., ICCV 2025), stated by the paper for 3x3; larger windows, the limit and
        the sides of one cell are our reading.

    Example:
        >>> spike = torch.ones(3, 3)
        >>> spike[1, 1] = 9.0
        >>> rank_gaussian_filter(spike)[1, 1]
        tensor(1.0262)
    """
    sizes = expect_axes(maps, "... height width", name="maps")
    if window < 3 or window % 2 == 0:
        raise ParameterError(
            f"Expected an odd window of at least 3 cells, got {window}: "
            "leave out the filter if you want none."
        )
    if maps.numel() == 0:
        return maps.detach().float()
    height, width = sizes["height"], sizes["width"]
    stack = maps.detach().float().reshape(math.prod(maps.shape[:-2]), height, width)
    rows, columns = (_reflected(size, window // 2).to(maps.device) for size in (height, width))
    # Whole maps at a time, and bands of rows where a single map is too large.
    band = max(1, NUMBERS_AT_ONCE // (window * window * width))
    chunk = max(1, band // height)
    filtered = torch.empty_like(stack)
    for first in range(0, len(stack), chunk):
        padded = stack[first : first + chunk, :, columns]
        for top in range(0, height, band):
            bottom = min(top + band, height)
            filtered[first : first + chunk, top:bottom] = _filter(
                padded[:, rows[top : bottom + window - 1]], window
            )
    return filtered.view(maps.shape)


def _filter(padded: Tensor, window: int) -> Tensor:
    """Filter float32 `[token, height + window - 1, width + window - 1]` without its border."""
    values = _window_values(padded, window)
    _sort_planes(values)
    variance, dark = _relative_variance(values)
    return _rank_mean(values, variance).masked_fill_(dark, 0)


def _window_values(padded: Tensor, window: int) -> list[Tensor]:
    """One plane `[token, height, width]` for each position in the window."""
    height, width = (size - window + 1 for size in padded.shape[1:])
    return [
        padded[:, row : row + height, column : column + width].clone()
        for row in range(window)
        for column in range(window)
    ]


def _sort_planes(values: list[Tensor]) -> None:
    """Sort planes in place, cell by cell, the lowest values first.

    A fixed network of comparisons of planes is many times faster than sorting millions of short
    rows.
    """
    spare = torch.empty_like(values[0])
    for low, high in sorting_network(len(values)):
        torch.minimum(values[low], values[high], out=spare)
        torch.maximum(values[low], values[high], out=values[high])
        values[low], spare = spare, values[low]


def _relative_variance(values: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The variance over planes divided by their squared mean; where the mean is not positive."""
    mean = _sum(values).div_(len(values))
    # A mean below the smallest normal number counts as not positive: dividing by it overflows.
    dark = mean < torch.finfo(mean.dtype).tiny
    inverse = mean.masked_fill_(dark, 1).reciprocal_()
    variance, spare = torch.zeros_like(mean), torch.empty_like(mean)
    for value in values:
        torch.mul(value, inverse, out=spare).sub_(1)
        variance.addcmul_(spare, spare)
    return variance.div_(len(values)), dark


def _rank_mean(values: list[Tensor], variance: Tensor) -> Tensor:
    """The mean of sorted planes, weighted by a Gaussian over ranks; both arguments are overwritten.

    Args:
        values: planes, an odd number, the lowest values first.
        variance: s^2, the Gaussian's.
    """
    # With e = exp(-1 / 2 s^2), rank r weighs e^(r^2), and e^(r^2) = e^((r-1)^2) e^(2r-1). The floor
    # of s^2 makes e exactly 0: a constant window keeps its value.
    factor = variance.clamp_(min=1e-12).reciprocal_().mul_(-0.5).exp_()
    ratio, weight = factor.clone(), torch.ones_like(factor)
    factor.square_()
    middle = len(values) // 2
    filtered, total = values[middle], torch.ones_like(weight)
    for rank in range(1, middle + 1):
        weight.mul_(ratio)
        ratio.mul_(factor)
        pair = values[middle - rank].add_(values[middle + rank])
        filtered.addcmul_(weight, pair)
        total.add_(weight, alpha=2)
    return filtered.div_(total)


def _sum(values: list[Tensor]) -> Tensor:
    total = values[0].clone()
    for value in values[1:]:
        total.add_(value)
    return total


@lru_cache(maxsize=8)
def sorting_network(size: int) -> tuple[tuple[int, int], ...]:
    """Comparisons that sort any `size` values: merge exchange (Batcher 1968; Knuth 5.2.2 M).

    Args:
        size: how many values there are.

    Returns:
        Pairs (low, high) in order of execution; after each, the smaller value
        is at low and the larger at high.

    Example:
        >>> sorting_network(3)
        ((0, 2), (0, 1), (1, 2))
    """
    pairs = []
    top = 1 << max(0, (size - 1).bit_length() - 1)
    step = top if size > 1 else 0
    while step:
        reach, phase, gap = top, 0, step
        while True:
            pairs += [(low, low + gap) for low in range(size - gap) if low & step == phase]
            if reach == step:
                break
            gap, reach, phase = reach - step, reach // 2, step
        step //= 2
    return tuple(pairs)


def _reflected(size: int, border: int) -> Tensor:
    """int64 `[size + 2 border]`: the cell whose value each position from `-border` on takes."""
    period = max(1, 2 * (size - 1))
    positions = torch.arange(-border, size + border) % period
    return torch.minimum(positions, (period - positions) % period)
