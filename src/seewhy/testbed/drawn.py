"""Tell drawn scenes from other pictures, by their colours."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from PIL.Image import Image

from seewhy.testbed.scenes import SHADES
from seewhy.testbed.shapes import COLOURS, DARK, PALE, shaded

LEAST_SHARE = 0.75
"""Share of a scene's pixels whose colour is exactly one of the world's; at edges it is mixed."""
LEAST_OBJECTS, LEAST_GROUND = 0.01, 0.2
"""Shares of a scene's pixels that objects and background have at least: a blank one is no scene."""
MOST_WHITE = 0.4
"""Share of a scene's pixels that are pure white, at most: documents have more."""
RELIEF = range(-21, 13)
"""Grey levels by which a background's texture differs from its shade."""
MOST_PIXELS = 1 << 20
"""Pixels that are looked at, at most: of larger pictures every second or third row and column."""
_OBJECT, _WHITE = 1 << len(SHADES), 0xFFFFFF


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
    ground, objects, white = drawn_shares(image)
    return (
        ground + objects >= LEAST_SHARE
        and ground >= LEAST_GROUND
        and objects >= LEAST_OBJECTS
        and white <= MOST_WHITE
    )


def drawn_shares(image: Image) -> tuple[float, float, float]:
    """Shares of pixels in colours of the drawn world, each in [0, 1].

    Returns:
        Of the background that fits best, of the objects (in other colours), and pure white.
    """
    step = max(1, math.isqrt(image.width * image.height // MOST_PIXELS))
    pixels = np.asarray(image.convert("RGB"))[::step, ::step].reshape(-1, 3)
    codes = _codes(pixels.astype(np.int32))
    counts = np.bincount(_meanings()[codes], minlength=2 * _OBJECT)
    meanings = np.arange(len(counts))
    fitting = max(
        (counts[meanings & (1 << number) != 0].sum(), 1 << number) for number in range(len(SHADES))
    )[1]
    is_ground = meanings & fitting != 0
    objects = counts[~is_ground & (meanings & _OBJECT != 0)].sum()
    shares = (counts[is_ground].sum(), objects, (codes == _WHITE).sum())
    ground, of_objects, white = (float(count / len(codes)) for count in shares)
    return ground, of_objects, white


def _codes(pixels: np.ndarray) -> np.ndarray:
    """One number for each colour."""
    return (pixels[:, 0] << 16) | (pixels[:, 1] << 8) | pixels[:, 2]


@cache
def _meanings() -> np.ndarray:
    """uint8 `[colour]`: one bit for each background that has the colour, the next for objects."""
    table = np.zeros(1 << 24, np.uint8)
    relief = np.array(RELIEF)[:, None]
    for number, shade in enumerate(SHADES.values()):
        table[np.unique(_codes(np.clip(np.array(shade) + relief, 0, 255)))] |= 1 << number
    shades = ("colour", "darker", "lighter")
    parts = {shaded(shade, colour) for shade in shades for colour in COLOURS.values()}
    table[_codes(np.array([*parts, DARK, PALE]))] |= _OBJECT
    return table
