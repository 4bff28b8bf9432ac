"""Tell drawn scenes from other pictures, by their colours."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL.Image import Image

from seewhy.testbed.scenes import SHADES
from seewhy.testbed.shapes import COLOURS, DARK, PALE, shaded

LEAST_SHARE = 0.75
"""Share of a scene's pixels whose colour is exactly one of the world's; at edges it is mixed."""
LEAST_OBJECTS = 0.01
"""Share of a scene's pixels that objects have at least: a blank picture is no scene."""
MOST_WHITE = 0.4
"""Share of a scene's pixels that are pure white, at most: documents have more."""
RELIEF = range(-21, 13)
"""Grey levels by which a background's texture differs from its shade."""
_WHITE = 0xFFFFFF


def is_drawn(image: Image) -> bool:
    """Whether a picture is a scene of the drawn world, at any size, as `draw` paints it.

    A scene has the colours of one background, which its texture makes lighter or darker in all
    three channels alike, and of the objects' parts, which are flat. Photographs and other drawings
    have few pixels of exactly these colours.

    Args:
        image: in mode RGB.

    Example:
        >>> import PIL.Image
        >>> from seewhy.testbed.scenes import draw, scene
        >>> is_drawn(PIL.Image.fromarray(draw(scene(0)).image))
        True
        >>> is_drawn(PIL.Image.new("RGB", (160, 160), (255, 255, 255)))
        False
    """
    grounds, objects, white = drawn_shares(image)
    return grounds + objects >= LEAST_SHARE and objects >= LEAST_OBJECTS and white <= MOST_WHITE


def drawn_shares(image: Image) -> tuple[float, float, float]:
    """Shares of pixels in colours of the drawn world, each in [0, 1].

    Returns:
        Of the background that fits best, of the objects (in other colours), and pure white.
    """
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(np.int32)
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    objects, grounds = _colours()
    fitting = max(
        (np.isin(codes, ground) for ground in grounds), key=lambda fits: counts[fits].sum()
    )
    is_object = np.isin(codes, objects) & ~fitting
    shares = (fitting, is_object, codes == _WHITE)
    ground, of_objects, white = (float(counts[which].sum() / counts.sum()) for which in shares)
    return ground, of_objects, white


def _codes(pixels: np.ndarray) -> np.ndarray:
    """One number for each colour."""
    return (pixels[:, 0] << 16) | (pixels[:, 1] << 8) | pixels[:, 2]


@cache
def _colours() -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Colours of the objects' parts, and those of each background."""
    shades = ("colour", "darker", "lighter")
    parts = {shaded(shade, colour) for shade in shades for colour in COLOURS.values()}
    objects = _codes(np.array([*parts, DARK, PALE], np.int32))
    relief = np.array(RELIEF)[:, None]
    grounds = tuple(
        np.unique(_codes(np.clip(np.array(shade) + relief, 0, 255).astype(np.int32)))
        for shade in SHADES.values()
    )
    return objects, grounds
