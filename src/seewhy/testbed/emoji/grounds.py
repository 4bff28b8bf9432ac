"""What the things of a scene stand on: photographs of textures, and drawn ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageFilter

from seewhy.testbed.emoji.sprites import FOLDER
from seewhy.testbed.rng import Rng, noise

RGB = tuple[int, int, int]

PHOTOGRAPHS: dict[str, tuple[str, tuple[RGB, ...]]] = {
    "grass": ("grass", ((96, 130, 62), (118, 146, 78), (84, 116, 70))),
    "gravel": ("gravel", ((150, 144, 136), (128, 126, 124))),
    "bricks": ("brick", ((164, 96, 78), (176, 122, 98), (150, 86, 72))),
}
"""Name of a ground: its photograph (grey) and the tints that it is drawn in."""
DRAWN: dict[str, tuple[RGB, ...]] = {
    "sand": ((222, 200, 158), (210, 186, 146)),
    "snow": ((236, 240, 246), (226, 232, 242)),
    "water": ((92, 142, 176), (74, 120, 162), (110, 160, 178)),
    "wood": ((176, 132, 88), (148, 106, 72), (196, 158, 112)),
    "cloth": ((170, 176, 190), (188, 170, 168), (160, 178, 166)),
    "paper": ((238, 234, 222), (228, 226, 228)),
    "concrete": ((168, 168, 166), (146, 148, 150)),
    "sky": ((172, 206, 234), (190, 214, 238)),
}
"""Name of a ground and its base colours."""
NAMES = (*PHOTOGRAPHS, *DRAWN)


@dataclass(frozen=True)
class Ground:
    """A ground: `name` of `NAMES`; `tint` chooses one of its colours; `key` its grain."""

    name: str
    tint: int
    key: int


def random_ground(rng: Rng) -> Ground:
    """One of all grounds, in one of its tints."""
    return Ground(rng.pick(NAMES), rng.below(60), rng.below(1 << 40))


def draw_ground(ground: Ground, width: int, height: int) -> np.ndarray:
    """The ground's colours, float32 `[height, width, 3]`, 0 .. 255."""
    rng = Rng("ground", ground.key)
    if ground.name in PHOTOGRAPHS:
        file, tints = PHOTOGRAPHS[ground.name]
        relief = _photograph(file, rng, width, height)
    else:
        tints = DRAWN[ground.name]
        relief = _RELIEFS[ground.name](rng, width, height)
    tint = np.array(tints[ground.tint % len(tints)], np.float32)
    return np.clip(tint * (1 + relief[..., None]), 0, 255)


@cache
def _texture(file: str) -> np.ndarray:
    """float32 `[512, 512]` with mean 0."""
    grey = np.asarray(Image.open(FOLDER / f"{file}.webp").convert("L"), np.float32) / 255
    return (grey - grey.mean()) / grey.mean()


def _photograph(file: str, rng: Rng, width: int, height: int) -> np.ndarray:
    texture = _texture(file)
    top, left = rng.below(512 - height + 1), rng.below(512 - width + 1)
    return 0.8 * texture[top : top + height, left : left + width]


def _smooth(rng: Rng, width: int, height: int, across: int, down: int) -> np.ndarray:
    """Smooth noise of about -1 .. 1 with so many knots across and down."""
    grain = noise(rng.bits(), down + 1, across + 1)
    return _resized(grain, width, height) / 127.5 - 1


def _resized(grain: np.ndarray, width: int, height: int) -> np.ndarray:
    image = Image.fromarray(grain).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32)


def _fine(rng: Rng, width: int, height: int, blur: float = 0.6) -> np.ndarray:
    grain = Image.fromarray(noise(rng.bits(), height, width))
    return np.asarray(grain.filter(ImageFilter.GaussianBlur(blur)), np.float32) / 127.5 - 1


def _sand(rng: Rng, width: int, height: int) -> np.ndarray:
    return 0.09 * _fine(rng, width, height) + 0.05 * _smooth(rng, width, height, 5, 14)


def _snow(rng: Rng, width: int, height: int) -> np.ndarray:
    return 0.02 * _fine(rng, width, height) + 0.05 * _smooth(rng, width, height, 4, 4)


def _water(rng: Rng, width: int, height: int) -> np.ndarray:
    waves = _smooth(rng, width, height, 9, 40) + _smooth(rng, width, height, 16, 70)
    return 0.10 * waves + 0.08 * _smooth(rng, width, height, 2, 3)


def _wood(rng: Rng, width: int, height: int) -> np.ndarray:
    boards = 3 + rng.below(3)
    rows = np.arange(height) * boards / height
    seams = np.where(rows % 1 < 0.025, -0.35, 0.0).astype(np.float32)[:, None]
    grain = _smooth(rng, width, height, 3, 60) + 0.6 * _smooth(rng, width, height, 5, 150)
    shade = np.array([rng.between(-10, 10) / 100 for _ in range(boards + 1)], np.float32)
    return seams + 0.10 * grain + shade[rows.astype(int)][:, None]


def _cloth(rng: Rng, width: int, height: int) -> np.ndarray:
    across, down = np.arange(width) % 6 < 3, np.arange(height) % 6 < 3
    weave = (across[None, :] ^ down[:, None]).astype(np.float32) - 0.5
    return 0.06 * weave + 0.08 * _smooth(rng, width, height, 3, 3)


def _paper(rng: Rng, width: int, height: int) -> np.ndarray:
    return 0.015 * _fine(rng, width, height) + 0.03 * _smooth(rng, width, height, 2, 2)


def _concrete(rng: Rng, width: int, height: int) -> np.ndarray:
    return 0.06 * _fine(rng, width, height, 1.2) + 0.10 * _smooth(rng, width, height, 6, 6)


def _sky(rng: Rng, width: int, height: int) -> np.ndarray:
    fall = np.linspace(-0.14, 0.10, height, dtype=np.float32)[:, None]
    return fall + 0.06 * _smooth(rng, width, height, 4, 6)


_RELIEFS = {
    "sand": _sand,
    "snow": _snow,
    "water": _water,
    "wood": _wood,
    "cloth": _cloth,
    "paper": _paper,
    "concrete": _concrete,
    "sky": _sky,
}
