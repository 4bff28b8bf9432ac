"""Aggregation over scales against its equation, and grids against PyTorch's own resizing."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from seewhy.core.geometry import TokenGrid, resample
from seewhy.functional import aggregate_scales


def aggregate_scales_reference(maps, weights):
    """A_i = sum_s q_si A_i^(s) / sum_s q_si, the plain mean where all q_si are 0."""
    aggregated = np.zeros(maps[0].shape)
    for i in range(len(aggregated)):
        shares = [row[i] for row in weights]
        if sum(shares) == 0:
            shares = [1.0] * len(maps)
        aggregated[i] = sum(q * m[i] for q, m in zip(shares, maps, strict=True)) / sum(shares)
    return aggregated


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scales", [1, 2, 5])
def test_aggregate_scales_equals_the_equation(scales, weighted):
    draw = np.random.default_rng(5)
    maps, weights = draw.random((scales, 4, 3, 6)), draw.random((scales, 4))
    weights[:, 2] = 0
    aggregated = aggregate_scales(
        [torch.tensor(one) for one in maps], torch.tensor(weights) if weighted else None
    )
    expected = aggregate_scales_reference(maps, weights if weighted else np.ones((scales, 4)))
    np.testing.assert_allclose(aggregated, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "target"), [((4, 6), (8, 12)), ((9, 5), (6, 7)), ((1, 5), (3, 3)), ((8, 8), (1, 2))]
)
def test_resample_over_equal_boxes_is_bilinear_interpolation(source, target):
    maps = torch.rand(3, *source, generator=torch.Generator().manual_seed(6))
    box = (0.0, 0.0, 320.0, 200.0)
    resized = resample(maps, TokenGrid.over(box, *source), TokenGrid.over(box, *target))
    expected = interpolate(maps[None], size=target, mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(resized, expected, atol=1e-5, rtol=0)
