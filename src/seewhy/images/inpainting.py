"""Inpainting from the border of a region, by scikit-image."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from seewhy.core.errors import ParameterError

UNKNOWN_MAX = 2500
"""Pixels that are solved for, at most: of a larger region a smaller picture is inpainted."""


def inpainted(part: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Biharmonic inpainting of a region.

    Args:
        part: uint8 `[height, width, 3]`.
        inside: bool `[height, width]`, the region; at least one pixel is outside.

    Returns:
        uint8 `[pixel, 3]`, the colours of the region's pixels in reading order.

    Raises:
        ParameterError: if scikit-image is not installed.
    """
    try:
        from skimage.restoration import inpaint_biharmonic
    except ImportError as error:
        raise ParameterError(
            "Expected scikit-image for fill='inpaint', got a Python without it: "
            "pip install 'seewhy[app]', or choose fill='blur' or fill='mean'."
        ) from error
    shrink = max(1, math.ceil(math.sqrt(inside.sum() / UNKNOWN_MAX)))
    colours, unknown = _reduced(part, inside, shrink)
    found = inpaint_biharmonic(colours, unknown, channel_axis=-1)
    pixels = np.clip(np.rint(found * 255), 0, 255).astype(np.uint8)
    if shrink == 1 and pixels.shape == part.shape:
        return pixels[inside]
    height, width = inside.shape
    grown = (pixels.shape[1] * shrink, pixels.shape[0] * shrink)
    full = Image.fromarray(pixels).resize(grown, Image.Resampling.BICUBIC)
    return np.asarray(full)[:height, :width][inside]


def _reduced(part: np.ndarray, inside: np.ndarray, shrink: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture at a part of its size, and the pixels of it that are unknown.

    A reduced pixel is known if any pixel of it is outside of the region, and has their mean colour.
    """
    height, width = (math.ceil(side / shrink) for side in inside.shape)
    rows, columns = height * shrink - inside.shape[0], width * shrink - inside.shape[1]
    known = np.pad(~inside, ((0, rows), (0, columns)))
    weighted = np.pad(part / 255.0, ((0, rows), (0, columns), (0, 0))) * known[..., None]
    count = known.reshape(height, shrink, width, shrink).sum((1, 3))
    total = weighted.reshape(height, shrink, width, shrink, 3).sum((1, 3))
    return total / np.maximum(count, 1)[..., None], count == 0
