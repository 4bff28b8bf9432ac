"""Inpainting from the border of a region, by scikit-image."""

from __future__ import annotations

import math

import numpy as np

from seewhy.core.errors import ParameterError
from seewhy.images.outside import enlarged, reduced_outside, to_bytes

UNKNOWN_MAX = 2500
"""Pixels that are solved for, at most: of a larger region a smaller picture is inpainted."""


def inpainted(part: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Biharmonic inpainting of a region.

    Args:
        part: uint8 `[height, width, 3]`.
        inside: bool `[height, width]`, the region; at least one pixel is outside.

    Returns:
        uint8 `[height, width, 3]`, to be used inside.

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
    colours, counts = reduced_outside(part, inside, shrink)
    if counts.all():  # no square is wholly inside: their means are smooth enough
        return enlarged(to_bytes(colours), shrink, inside.shape)
    found = inpaint_biharmonic(colours, counts == 0, channel_axis=-1)
    return enlarged(to_bytes(found), shrink, inside.shape)
