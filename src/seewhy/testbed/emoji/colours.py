"""The colours of things: which single one a sprite has, and how a sprite is given another."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from seewhy.testbed.emoji.sprites import sprite

COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "black",
    "white",
    "grey",
)
TARGETS: dict[str, tuple[float, float, float]] = {
    "red": (0, 0.85, 0.85),
    "orange": (28, 0.90, 1.0),
    "yellow": (52, 0.85, 1.0),
    "green": (125, 0.72, 0.66),
    "blue": (215, 0.80, 0.88),
    "purple": (276, 0.65, 0.75),
    "pink": (332, 0.42, 1.0),
    "brown": (24, 0.62, 0.50),
    "black": (220, 0.08, 0.17),
    "white": (40, 0.02, 0.97),
    "grey": (210, 0.04, 0.58),
}
"""Hue in degrees, saturation and value 0 .. 1 of a thing that is given the colour."""
ENOUGH = 0.62
"""A sprite has a colour that this share of its counted pixels has."""


def hsv(rgb: np.ndarray) -> np.ndarray:
    """Hue in degrees, saturation and value in 0 .. 1: float32 like `rgb`, uint8 `[..., 3]`."""
    pixels = rgb.astype(np.float32) / 255
    high, low = pixels.max(-1), pixels.min(-1)
    spread = np.maximum(high - low, 1e-6)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    hue = np.where(
        high == red,
        (green - blue) / spread % 6,
        np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    saturation = np.where(high > 0, (high - low) / np.maximum(high, 1e-6), 0)
    return np.stack([np.where(high == low, 0, hue * 60), saturation, high], -1)


def rgb(colour: np.ndarray) -> np.ndarray:
    """The inverse of `hsv`: uint8 `[..., 3]`."""
    hue, saturation, value = np.moveaxis(colour, -1, 0)
    shift = (np.array([5, 3, 1]) + hue[..., None] / 60) % 6
    ramp = np.clip(np.minimum(shift, 4 - shift), 0, 1)
    mixed = value[..., None] * (1 - saturation[..., None] * ramp)
    return np.rint(mixed * 255).clip(0, 255).astype(np.uint8)


def names_of(pixels: np.ndarray) -> np.ndarray:
    """Index into `COLOURS` of each pixel: int64 `[n]` for uint8 `[n, 3]`; -1 between two."""
    hue, saturation, value = np.moveaxis(hsv(pixels), -1, 0)
    index = COLOURS.index
    names = np.full(len(pixels), -1)
    bounds = (
        ("red", 0, 13),
        ("orange", 17, 40),
        ("yellow", 45, 66),
        ("green", 78, 165),
        ("blue", 185, 243),
        ("purple", 258, 297),
        ("pink", 308, 338),
        ("red", 346, 361),
    )
    for name, low, high in bounds:
        names[(hue >= low) & (hue < high)] = index(name)
    reddish = (hue < 45) | (hue >= 346)
    names[reddish & (value < 0.72) & (hue < 45) & (hue > 8) & (saturation > 0.3)] = index("brown")
    pale = (hue >= 300) | (hue < 14)
    names[pale & (saturation < 0.5) & (saturation > 0.2) & (value > 0.82)] = index("pink")
    names[(saturation < 0.16) & (value >= 0.4) & (value < 0.82)] = index("grey")
    names[(saturation < 0.10) & (value >= 0.88)] = index("white")
    names[(saturation < 0.16) & (value >= 0.82) & (value < 0.88)] = -1
    names[(saturation < 0.3) & (value >= 0.88) & (saturation >= 0.10) & ~pale] = -1
    names[(value < 0.32) & (saturation < 0.55)] = index("black")
    names[value < 0.16] = index("black")
    return names


def colour_of(pixels: np.ndarray) -> str | None:
    """The one colour that a cut-out picture has, or None.

    Args:
        pixels: uint8 `[height, width, 4]`.

    Black lines don't count where another colour fills the picture.
    """
    seen = pixels[pixels[..., 3] > 200][:, :3]
    if len(seen) == 0:
        return None
    counts = np.bincount(names_of(seen) + 1, minlength=len(COLOURS) + 1).astype(float)
    lines = 1 + COLOURS.index("black")
    if counts[lines] < 0.4 * len(seen):
        counts[lines] = 0
    best = int(counts[1:].argmax())
    return COLOURS[best] if counts[1 + best] >= ENOUGH * counts.sum() else None


@lru_cache(maxsize=4096)
def own_colour(kind: str, style: str) -> str | None:
    """The colour that a kind's sprite has by itself."""
    return colour_of(sprite(kind, style))


@lru_cache(maxsize=4096)
def recoloured(kind: str, style: str, colour: str) -> np.ndarray:
    """A kind's sprite in another colour: its main colour's pixels change, shading stays.

    Returns:
        uint8 `[height, width, 4]`.

    >>> colour_of(recoloured("car", "noto", "blue"))
    'blue'
    """
    picture = sprite(kind, style).copy()
    values = hsv(picture[..., :3])
    opaque = picture[..., 3] > 60
    main = _main(values, opaque)
    if not main.any():
        return picture
    target = np.array(TARGETS[colour], np.float32)
    shade = values[..., 2] / np.median(values[..., 2][main])
    strength = values[..., 1] / max(np.median(values[..., 1][main]), 0.05)
    changed = np.empty_like(values)
    changed[..., 0] = target[0]
    changed[..., 1] = np.clip(target[1] * np.clip(strength, 0.6, 1.15), 0, 1)
    changed[..., 2] = np.clip(target[2] * np.clip(shade, 0.55, 1.25), 0, 1)
    picture[..., :3][main] = rgb(changed[main])
    picture.flags.writeable = False
    return picture


def _main(values: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """The pixels of the picture's main colour, bool: the most common hue, or the dull ones."""
    vivid = opaque & (values[..., 1] > 0.3) & (values[..., 2] > 0.2)
    if vivid.sum() < 0.3 * opaque.sum():
        return opaque & (values[..., 1] <= 0.35)
    counts = np.bincount((values[..., 0][vivid] // 10).astype(int) % 36, minlength=36)
    around = counts + np.roll(counts, 1) + np.roll(counts, -1)
    hue = 10 * int(around.argmax()) + 5
    distance = np.abs((values[..., 0] - hue + 180) % 360 - 180)
    return opaque & (distance < 42) & (values[..., 1] > 0.18)


@lru_cache(maxsize=4096)
def possible_colours(kind: str, style: str) -> tuple[str, ...]:
    """The colours that a sprite can be given so that it clearly has them."""
    return tuple(c for c in COLOURS if colour_of(recoloured(kind, style, c)) == c)
