"""Aggregation of maps over the scales at which the image was shown."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ParameterError, ShapeError


def aggregate_scales(maps: Sequence[Tensor], weights: Tensor | None = None) -> Tensor:
    r"""Average each token's maps over the scales.

    $$A_i = \frac{\sum_s q_{si} A_i^{(s)}}{\sum_s q_{si}}$$

    Args:
        maps: per scale a float `[token, ...]` over any spatial axes, all on the base grid (see
            `seewhy.core.geometry.resample`).
        weights: float `[scale, token]`, non-negative, such as the probability of the token at each
            scale; None for equal weights. A token whose weights are all 0 gets the plain mean.

    Returns:
        float32 `[token, ...]`.

    Raises:
        ShapeError: if there are no maps, or the shapes differ.
        ParameterError: if a weight is negative.

    Source:
        MSEA. That attributions at several scales are aggregated is stated by the paper (Eq. 4);
        the mean on the base grid is our reading, the weights are our addition.

    Example:
        >>> base, double = torch.zeros(2, 1, 1), torch.ones(2, 1, 1)
        >>> aggregate_scales([base, double], torch.tensor([[1.0, 0.0], [3.0, 0.0]])).flatten()
        tensor([0.7500, 0.5000])
    """
    if not maps:
        raise ShapeError("Expected the maps of at least one scale, got none: add the base scale.")
    shape = maps[0].shape
    for scale, scale_maps in enumerate(maps):
        if scale_maps.ndim < 2 or scale_maps.shape != shape:
            raise ShapeError(
                f"Expected maps of one shape [token ...] at all scales, got {list(shape)} and, at "
                f"scale {scale}, {list(scale_maps.shape)}: resample them to the base grid first."
            )
    stack = torch.stack([scale_maps.float() for scale_maps in maps])
    if weights is None:
        return stack.mean(0)
    expect_axes(weights, "scale token", name="weights", scale=len(maps), token=shape[0])
    if bool((weights < 0).any()):
        raise ParameterError(
            f"Expected weights of at least 0, got {float(weights.min()):.4g}: "
            "give probabilities, not log-probabilities."
        )
    weights = weights.float()
    # Divided by the largest first: the sum of very small probabilities may round to 0.
    largest = weights.amax(0)
    shares = torch.where(largest > 0, weights / largest, 1)
    return torch.einsum("st,st...->t...", shares / shares.sum(0), stack)
