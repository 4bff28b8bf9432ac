"""Similarities of two maps."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ShapeError


def pearson(first: Tensor, second: Tensor) -> float:
    r"""Correlation of two maps' values.

    $$\frac{\sum_v (A_v - \bar A)(B_v - \bar B)}{|A - \bar A|\,|B - \bar B|}$$

    Args:
        first, second: float, of one shape.

    Returns:
        In [-1, 1]; NaN if one of them is constant.

    Raises:
        ShapeError: if the shapes differ.

    Example:
        >>> round(pearson(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])), 4)
        1.0
    """
    _expect_same_shape(first, second)
    a, b = (values.double().flatten().cpu() for values in (first, second))
    # Without this, the mean's rounding would turn a constant map into noise.
    if bool((a == a[0]).all()) or bool((b == b[0]).all()):
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b / (a.norm() * b.norm())).clamp(-1, 1))


def spearman(first: Tensor, second: Tensor) -> float:
    """Correlation of two maps' ranks; equal values share their mean rank.

    Args:
        first, second: float, of one shape.

    Returns:
        In [-1, 1]; NaN if one of them is constant, or not finite.

    Raises:
        ShapeError: if the shapes differ.

    Source:
        Spearman 1904; of saliency maps, Adebayo et al. 2018.

    Example:
        >>> round(spearman(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.0, 5.0, 6.0])), 4)
        1.0
    """
    _expect_same_shape(first, second)
    if not bool(first.isfinite().all() and second.isfinite().all()):
        return math.nan
    return pearson(mean_ranks(first), mean_ranks(second))


def mean_ranks(values: Tensor) -> Tensor:
    """Ranks from 1, lowest first; equal values share their mean rank.

    Returns:
        float64 `[value]`, of the flat values.

    Example:
        >>> mean_ranks(torch.tensor([5.0, 1.0, 5.0])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, level, counts = values.flatten().cpu().unique(return_inverse=True, return_counts=True)
    return (counts.cumsum(0) - (counts - 1) / 2).double()[level]


def ssim(first: Tensor, second: Tensor, window: int = 7) -> float:
    r"""Structural similarity of two maps in [0, 1], the mean over windows inside the map.

    $$\frac{(2 \mu_A \mu_B + c_1)(2 \sigma_{AB} + c_2)}
    {(\mu_A^2 + \mu_B^2 + c_1)(\sigma_A^2 + \sigma_B^2 + c_2)}$$

    with c1 = 0.01^2, c2 = 0.03^2, uniform windows and sample covariances.

    Args:
        first, second: float `[height, width]` in [0, 1].
        window: side in cells, at least 2; no longer than the map's shorter side.

    Returns:
        In [-1, 1]; 1 for equal maps.

    Raises:
        ShapeError: if the shapes differ, or are not maps of at least 2 x 2 cells.

    Source:
        Wang et al. 2004, with scikit-image's default window; of saliency maps, Adebayo et al.
        2018. That the window shrinks to the map is ours: native grids are small.

    Example:
        >>> a = torch.rand(9, 9)
        >>> round(ssim(a, a), 4)
        1.0
    """
    _expect_same_shape(first, second)
    height, width = expect_axes(first, "height width", name="first").values()
    side = min(window, height, width)
    if side < 2:
        raise ShapeError(
            f"Expected maps of at least 2 x 2 cells, got {height} x {width}: a single row has no "
            "structure."
        )
    a, b = first.double().cpu(), second.double().cpu()
    means = _windows(torch.stack([a, b, a * a, b * b, a * b]), side)
    mean_a, mean_b, square_a, square_b, product = means
    sample = side**2 / (side**2 - 1)
    var_a, var_b = sample * (square_a - mean_a**2), sample * (square_b - mean_b**2)
    covariance = sample * (product - mean_a * mean_b)
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float((above / below).mean())


def relative_change(first: Tensor, second: Tensor) -> float:
    r"""The distance between two maps, relative to the norm of the first.

    $$|B - A| \,/\, |A|$$

    Args:
        first, second: float, of one shape.

    Returns:
        At least 0; NaN if the first is empty.

    Raises:
        ShapeError: if the shapes differ.

    Source:
        The sensitivity of Yeh et al. 2019, of one change.

    Example:
        >>> relative_change(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 4.0]))
        0.0
    """
    _expect_same_shape(first, second)
    a, b = first.double(), second.double()
    return float((b - a).norm() / a.norm())


def _windows(maps: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(maps[:, None], side, stride=1)[:, 0]


def _expect_same_shape(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or not first.numel():
        raise ShapeError(
            f"Expected two maps of one shape, got {list(first.shape)} and {list(second.shape)}: "
            "resample one to the grid of the other with `seewhy.core.geometry.resample`."
        )
