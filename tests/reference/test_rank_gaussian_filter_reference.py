"""The rank Gaussian filter against its equation, window by window in float64."""

import math

import numpy as np
import pytest
import torch

from seewhy.functional import rank_gaussian_filter


def rank_gaussian_filter_reference(heatmap, window):
    """Sort the window, weigh rank r by exp(-r^2 / (2 s^2)) with s = std / mean, normalise."""
    heatmap = np.asarray(heatmap, dtype=np.float64)
    height, width = heatmap.shape
    padded = np.pad(heatmap, window // 2, mode="reflect")
    filtered = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            values = sorted(padded[row : row + window, column : column + window].ravel())
            mean = math.fsum(values) / len(values)
            if mean <= 0:
                continue
            s = math.sqrt(math.fsum((x - mean) ** 2 for x in values) / len(values)) / mean
            middle = len(values) // 2
            if s < 1e-7:
                filtered[row, column] = values[middle]
                continue
            weights = [math.exp(-((k - middle) ** 2) / (2 * s * s)) for k in range(len(values))]
            weighted = math.fsum(w * x for w, x in zip(weights, values, strict=True))
            filtered[row, column] = weighted / math.fsum(weights)
    return filtered


@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (7, 1), (2, 2), (2, 5), (3, 3), (9, 12)])
@pytest.mark.parametrize("kind", ["uniform", "sparse", "calm", "heavy", "signed", "empty"])
def test_rank_gaussian_filter_equals_the_equation(shape, window, kind):
    draw = np.random.default_rng(4)
    heatmap = {
        "uniform": lambda: draw.random(shape),
        "sparse": lambda: draw.random(shape) * (draw.random(shape) < 0.2),
        "calm": lambda: 1 + 1e-3 * draw.random(shape),
        "heavy": lambda: draw.pareto(0.7, shape),
        "signed": lambda: draw.normal(0.3, 1, shape),
        "empty": lambda: np.zeros(shape),
    }[kind]().astype(np.float32)
    filtered = rank_gaussian_filter(torch.tensor(heatmap), window)
    expected = rank_gaussian_filter_reference(heatmap, window)
    np.testing.assert_allclose(filtered, expected, rtol=2e-5, atol=1e-5 * np.abs(heatmap).max())
