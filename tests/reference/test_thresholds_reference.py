"""Otsu's threshold against its definition, in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from seewhy.functional import otsu_threshold


def otsu_reference(levels, bins):
    """The first level t with the largest n0 n1 (mu0 - mu1)^2."""
    best, split = Fraction(0), 0
    for t in range(bins):
        dark = [int(x) for x in levels if x <= t]
        bright = [int(x) for x in levels if x > t]
        if dark and bright:
            means = Fraction(sum(dark), len(dark)), Fraction(sum(bright), len(bright))
            between = len(dark) * len(bright) * (means[0] - means[1]) ** 2
            if between > best:
                best, split = between, t
    return split


@pytest.mark.parametrize("bins", [2, 16, 256])
@pytest.mark.parametrize(
    "kind", ["uniform", "two humps", "two values", "constant", "empty", "symmetric"]
)
def test_otsu_threshold_equals_the_definition(kind, bins):
    draw = np.random.default_rng(7)
    heatmap = {
        "uniform": lambda: draw.random((6, 7)),
        "two humps": lambda: np.concatenate(
            [draw.normal(0.2, 0.05, (3, 8)), draw.normal(0.8, 0.1, (2, 8))]
        ).clip(0, 1),
        "two values": lambda: np.where(draw.random((5, 5)) < 0.3, 0.9, 0.1),
        "constant": lambda: np.full((4, 4), 0.6),
        "empty": lambda: np.zeros((4, 4)),
        "symmetric": lambda: np.array([[0.0, 0.5, 1.0]]),
    }[kind]()
    levels = (torch.tensor(heatmap).float() * (bins - 1)).round()
    split = otsu_reference(levels.flatten().tolist(), bins)
    threshold = otsu_threshold(torch.tensor(heatmap), bins)
    assert float(threshold) == pytest.approx((split + 0.5) / (bins - 1))
    np.testing.assert_array_equal(levels > split, levels / (bins - 1) > threshold)
