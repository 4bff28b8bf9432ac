"""Thresholds that turn a map into a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError, ShapeError


def otsu_threshold(maps: Tensor, bins: int = 256) -> Tensor:
    r"""Split each map where the means of the two sides differ most (Otsu's method).

    $$t = \arg\max_t\; n_0(t)\, n_1(t)\, (\mu_0(t) - \mu_1(t))^2$$

    over the levels t of the map rounded to `bins` levels, side 0 holding the values <= t; the
    first of equals wins. As in OpenCV, a map of one level is split at level 0: it is all
    foreground unless it is empty.

    Args:
        maps: float `[..., height, width]` in [0, 1]; values outside are clamped.
        bins: number of levels, at least 2; 256 treats the map as an 8-bit image.

    Returns:
        float32 `[...]` in [0, 1]: (t + 1/2) / (bins - 1), half-way to the next level, so that
        `maps > threshold` is the foreground for maps rounded to levels and for unrounded ones.

    Raises:
        ShapeError: if `maps` has fewer than two axes, or no cells.
        ParameterError: if `bins` is below 2.

    Source:
        Otsu 1979. That maps are binarised by it is stated by TAM; Obj-IoU and Func-IoU use it.

    Example:
        >>> otsu_threshold(torch.tensor([[0.0, 51 / 255], [1.0, 1.0]])) * 255
        tensor(51.5000)
    """
    sizes = expect_axes(maps, "... height width", name="maps")
    cells = sizes["height"] * sizes["width"]
    if bins < 2:
        raise ParameterError(f"Expected at least 2 bins, got {bins}: 8-bit images have 256.")
    if cells == 0:
        raise ShapeError(f"Expected maps with at least one cell, got shape {list(maps.shape)}.")
    count = math.prod(maps.shape[:-2])
    levels = (maps.float().clamp(0, 1) * (bins - 1)).round().long().reshape(count, cells)
    first = torch.arange(count, device=maps.device)[:, None] * bins
    histogram = torch.bincount((levels + first).flatten(), minlength=count * bins)
    # From here on only a few numbers per map, in float64, which some accelerators lack.
    histogram = histogram.view(count, bins).cpu()
    below = histogram.cumsum(1)
    mass = (histogram * torch.arange(bins)).cumsum(1)
    # n0 n1 (mu0 - mu1)^2 = (mass n - mass_all n0)^2 / (n0 n1), whose numerator is exact.
    apart = (mass * cells - mass[:, -1:] * below).double()
    between = apart.square() / (below * (cells - below)).clamp(min=1)
    split = between.argmax(1).float().add(0.5).div(bins - 1)
    return split.view(maps.shape[:-2]).to(maps.device)


def eight_bit(maps: Tensor) -> Tensor:
    r"""Maps as 8-bit images hold them: the levels 0 to 255, cut off and not rounded.

    $$\lfloor 255\, A_v \rfloor$$

    Args:
        maps: float `[...]` in [0, 1]; values outside are clamped.

    Returns:
        float32 `[...]`, whole numbers from 0 to 255.

    Source:
        TAM's published code, which evaluates maps in this form.

    Example:
        >>> eight_bit(torch.tensor([0.0, 0.5, 1.0]))
        tensor([  0., 127., 255.])
    """
    return (maps.float().clamp(0, 1) * 255).floor()


def function_threshold(nouns: Sequence[Tensor]) -> float:
    r"""Func-IoU's threshold: the mean over nouns of the largest level of a noun's tokens.

    $$t = \frac{1}{N} \sum_n \max_{i \in n} \mathrm{otsu}(A_i)$$

    Args:
        nouns: for each noun float `[token, height, width]` in [0, 1], the maps of its tokens.

    Returns:
        In levels, from 0 to 255: a level is the highest one of Otsu's dark side.

    Raises:
        ParameterError: if there is no noun.
        ShapeError: if a noun's maps have fewer than two axes, or no cells.

    Source:
        TAM's published evaluation. (Its paper says only that the threshold comes from nouns.)

    Example:
        >>> one = torch.tensor([[[0.0, 51 / 255], [1.0, 1.0]]])
        >>> function_threshold([one, torch.cat([one, one / 2])])
        51.0
    """
    if not nouns:
        raise ParameterError("Expected the maps of at least one noun, got none: name one.")
    largest = [float(otsu_threshold(maps).max()) for maps in nouns]
    return sum(round(255 * threshold - 0.5) for threshold in largest) / len(largest)
