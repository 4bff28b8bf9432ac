"""Overlaps of maps with the masks of the objects that words mean.

All are fractions. A measure is NaN where it is undefined, so that it is left out of a mean and not
counted as a failure.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ShapeError
from seewhy.functional.thresholds import otsu_threshold


def iou(prediction: Tensor, mask: Tensor) -> Tensor:
    r"""Intersection over union.

    $$\mathrm{IoU} = |P \cap M| \,/\, |P \cup M|$$

    Args:
        prediction: bool `[..., height, width]`.
        mask: bool `[height, width]`.

    Returns:
        float32 `[...]` in [0, 1]; NaN where both are empty.

    Raises:
        ShapeError: if the grids differ, or one of the two is not boolean.

    Example:
        >>> iou(torch.tensor([[True, True, False]]), torch.tensor([[False, True, True]]))
        tensor(0.3333)
    """
    _expect_same_grid(prediction, mask, "prediction")
    _expect_bool(prediction, "prediction")
    both = (prediction & mask).sum((-2, -1))
    return both / (prediction | mask).sum((-2, -1))


def object_iou(maps: Tensor, mask: Tensor, threshold: Tensor | float | None = None) -> Tensor:
    r"""Obj-IoU of each map: the overlap of its cells above a threshold with an object.

    $$\mathrm{IoU}(A > t, M)$$

    Args:
        maps: float `[..., height, width]` in [0, 1], on the mask's grid.
        mask: bool `[height, width]`, the object.
        threshold: number or float `[...]`; each map's own `otsu_threshold` if None.

    Returns:
        float32 `[...]` in [0, 1]. Of a word's subtokens the best counts (`.amax()`).

    Raises:
        ShapeError: if the grids differ, or the mask is not boolean.

    Source:
        TAM's Obj-IoU, stated by the paper; a fixed threshold of 0.5 is our addition.

    Example:
        >>> heatmap, mask = torch.tensor([[0.1, 0.9, 0.8]]), torch.tensor([[False, True, False]])
        >>> object_iou(heatmap, mask), object_iou(heatmap, mask, threshold=0.85)
        (tensor(0.5000), tensor(1.))
    """
    _expect_same_grid(maps, mask, "maps")
    limit = otsu_threshold(maps) if threshold is None else threshold
    return iou(maps > _per_map(limit, maps), mask)


def function_iou(maps: Tensor, threshold: Tensor | float) -> Tensor:
    r"""Func-IoU of each map: the share of its cells that are dark, high for a function word.

    $$|\{v : A_v < t\}| \,/\, N$$

    Args:
        maps: float `[..., height, width]` on their native grid; for TAM's figure `eight_bit`.
        threshold: number or float `[...]` in the unit of the maps; for TAM's figure the
            `function_threshold` of the sample's nouns.

    Returns:
        float32 `[...]` in [0, 1]. A word's is the mean over its subtokens.

    Raises:
        ShapeError: if `maps` has fewer than two axes.

    Source:
        TAM, stated by the paper; that cells are those of the native grid, and that a value equal
        to the threshold is not dark, is in its published evaluation.

    Example:
        >>> function_iou(torch.tensor([[0.1, 0.2, 0.9, 0.5]]), 0.5)
        tensor(0.5000)
    """
    expect_axes(maps, "... height width", name="maps")
    return (maps < _per_map(threshold, maps)).float().mean((-2, -1))


def f1_iou(object_iou: float, function_iou: float) -> float:
    r"""F1-IoU: the harmonic mean of the two.

    $$2ab / (a + b)$$

    Args:
        object_iou: mean Obj-IoU over a data set, in [0, 1].
        function_iou: mean Func-IoU over the same data set, in [0, 1].

    Returns:
        A fraction in [0, 1]; 0 if both are 0.

    Source:
        TAM, stated by the paper. It is computed from the two means, not averaged over samples.

    Example:
        >>> round(f1_iou(0.2737, 0.6844), 4)
        0.391
    """
    total = object_iou + function_iou
    return 2 * object_iou * function_iou / total if total else 0.0


def auc(maps: Tensor, mask: Tensor) -> Tensor:
    r"""Area under the ROC curve: the probability that a cell inside is above one outside.

    $$P(A_u > A_v) + \tfrac12 P(A_u = A_v), \quad u \in M,\ v \notin M$$

    Args:
        maps: float `[..., height, width]`.
        mask: bool `[height, width]`.

    Returns:
        float32 `[...]` in [0, 1], 1/2 for a constant map; NaN if no cell is inside or none
        outside.

    Raises:
        ShapeError: if the grids differ, or the mask is not boolean.

    Source:
        Mann and Whitney 1947; equal values share their ranks.

    Example:
        >>> auc(torch.tensor([[0.1, 0.4, 0.4, 0.9]]), torch.tensor([[False, False, True, True]]))
        tensor(0.8750)
    """
    _expect_same_grid(maps, mask, "maps")
    inside, outside = maps[..., mask].contiguous(), maps[..., ~mask].sort().values
    # Twice the rank among the cells outside: lower cells count twice, equal ones once.
    below = torch.searchsorted(outside, inside).sum(-1)
    up_to = torch.searchsorted(outside, inside, right=True).sum(-1)
    return (below + up_to) / (2 * inside.shape[-1] * outside.shape[-1])


def energy_inside(maps: Tensor, mask: Tensor) -> Tensor:
    r"""The share of a map's sum that is on an object.

    $$\sum_{v \in M} A_v \,/\, \sum_v A_v$$

    Args:
        maps: float `[..., height, width]`, non-negative.
        mask: bool `[height, width]`.

    Returns:
        float32 `[...]` in [0, 1]; NaN for an empty map.

    Raises:
        ShapeError: if the grids differ, or the mask is not boolean.

    Source:
        The energy-based pointing game of Wang et al. 2020 (Score-CAM).

    Example:
        >>> energy_inside(torch.tensor([[1.0, 3.0]]), torch.tensor([[False, True]]))
        tensor(0.7500)
    """
    _expect_same_grid(maps, mask, "maps")
    maps = maps.float()
    return (maps * mask).sum((-2, -1)) / maps.sum((-2, -1))


def leak(heatmap: Tensor, own: Tensor, others: Tensor) -> float:
    r"""The relevance on other objects, relative to that on the word's own object.

    $$\frac{\bar A_{\text{others}} - \bar A_{\text{background}}}
    {\bar A_{\text{own}} - \bar A_{\text{background}}}$$

    0: other objects are as low as the background; 1: as high as the word's own object.

    Args:
        heatmap: float `[height, width]`.
        own: bool `[height, width]`, the word's own object.
        others: bool `[height, width]`, all other objects; cells of both count as its own. The
            background is the rest.

    Returns:
        The ratio, negative if other objects are lower than the background; NaN if one of the three
        regions is empty, or the own object is not higher than the background.

    Raises:
        ShapeError: if the grids differ, or a mask is not boolean.

    Source:
        Ours, to measure on drawn scenes the interference that TAM and ARC remove.

    Example:
        >>> own, others = torch.tensor([[True, False, False]]), torch.tensor([[False, True, False]])
        >>> leak(torch.tensor([[0.75, 0.375, 0.25]]), own, others)
        0.25
    """
    expect_axes(heatmap, "height width", name="heatmap")
    _expect_same_grid(heatmap, own, "heatmap")
    _expect_same_grid(heatmap, others, "heatmap")
    heatmap = heatmap.float()
    # The mean over no cells is NaN, and then so is the result.
    background = float(heatmap[~(own | others)].mean())
    on_own = float(heatmap[own].mean()) - background
    on_others = float(heatmap[others & ~own].mean()) - background
    return on_others / on_own if on_own > 0 else float("nan")


def _per_map(threshold: Tensor | float, maps: Tensor) -> Tensor:
    limit = torch.as_tensor(threshold, dtype=torch.float32, device=maps.device)
    if limit.ndim and limit.shape != maps.shape[:-2]:
        raise ShapeError(
            f"Expected one threshold, or one for each of maps with shape {list(maps.shape)}, got "
            f"shape {list(limit.shape)}: give a tensor of shape {list(maps.shape[:-2])}."
        )
    return limit[..., None, None]


def _expect_same_grid(maps: Tensor, mask: Tensor, name: str) -> None:
    height, width = expect_axes(maps, "... height width", name=name).values()
    _expect_bool(mask, "mask")
    if mask.shape != (height, width):
        raise ShapeError(
            f"Expected a mask on the grid of {name}, {height} x {width}, got shape "
            f"{list(mask.shape)}: resample {name} to the mask's grid with "
            "`seewhy.core.geometry.resample`."
        )


def _expect_bool(mask: Tensor, name: str) -> None:
    if mask.dtype != torch.bool:
        raise ShapeError(
            f"Expected {name} of booleans, got {mask.dtype}: compare it first, as in `{name} > 0`."
        )
