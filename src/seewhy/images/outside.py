"""The surroundings of a region at a part of their size: enough for what is smooth."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image


def reduced_outside(
    part: np.ndarray, inside: np.ndarray, shrink: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean colours of the pixels outside of a region, in squares of some pixels.

    Args:
        part: uint8 `[height, width, 3]`.
        inside: bool `[height, width]`, the region.
        shrink: side of a square in pixels, at least 1.

    Returns:
        float64 `[rows, columns, 3]` in [0, 1], zeros where a square has no pixel outside; and
        int64 `[rows, columns]`, how many it has.
    """
    height, width = (math.ceil(side / shrink) for side in inside.shape)
    starts = (np.arange(height) * shrink, np.arange(width) * shrink)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(values, starts[0], 0), starts[1], 1)

    known = ~inside
    counts = summed(known.astype(np.int64))
    channels = [summed(part[..., n].astype(np.int64) * known) for n in range(3)]
    return np.stack(channels, -1) / (255 * np.maximum(counts, 1)[..., None]), counts


def enlarged(pixels: np.ndarray, shrink: int, shape: tuple[int, ...]) -> np.ndarray:
    """Undo the reduction in size: uint8 `[height, width, 3]` of a shape, smooth in between."""
    if shrink == 1:
        return pixels
    size = (pixels.shape[1] * shrink, pixels.shape[0] * shrink)
    full = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(full)[: shape[0], : shape[1]]


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Colours in [0, 1] as uint8, rounded."""
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
