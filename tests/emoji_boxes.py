"""Emoji scenes with a box for each thing: as exact as drawn ones for texts, and much faster."""

from __future__ import annotations

import numpy as np

from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grounds import Ground, random_ground
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.scenes import (
    CANVASES,
    EVIDENT,
    SIDES,
    SIGN_WORDS,
    Light,
    Scene,
    Thing,
)
from seewhy.testbed.emoji.sprites import STYLES
from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Picture


def boxed(index: int, split: str = "heldout") -> tuple[Scene, Picture]:
    """A random scene, made without sprites, and a picture of its things as boxes."""
    rng = Rng("boxes", split, index)
    width, height = rng.weighted(CANVASES, (70, 15, 15))
    kinds = rng.sample(tuple(KINDS), rng.between(2, 5))
    kinds += [kinds[0]] * rng.weighted((0, 1, 2, 3), (6, 2, 1, 1))
    if rng.chance(1, 5):
        kinds[1] = SIGN
    things = []
    for kind in rng.sample(kinds, len(kinds)):
        size = rng.pick(("small", None, "large"))
        side = rng.between(*SIDES[size])
        coloured = KINDS[kind].recoloured or rng.chance(1, 2)
        things.append(
            Thing(
                kind,
                rng.pick(STYLES),
                rng.pick(COLOURS[:4] if kinds.count(kind) > 1 else COLOURS) if coloured else None,
                size,
                rng.between(side // 2, width - side // 2),
                rng.between(side // 2, height - side // 2),
                side,
                rng.between(-18, 18),
                word=rng.pick(SIGN_WORDS) if kind == SIGN else None,
            )
        )
    light = Light((0, rng.below(3)), (0, 0), 0, 4 * rng.below(3), 80)
    made = Scene(split, 0, index, width, height, random_ground(rng), light, tuple(things))
    return made, boxes(made)


def boxes(chosen: Scene) -> Picture:
    """A blank picture, with each thing's mask the box of its sides."""
    whole = np.zeros((len(chosen.things), chosen.height, chosen.width), bool)
    for mask, t in zip(whole, chosen.things, strict=True):
        half = t.side // 2
        mask[max(0, t.y - half) : t.y + half, max(0, t.x - half) : t.x + half] = True
    masks = whole.copy()
    for i in range(len(masks) - 1):
        masks[i] &= ~whole[i + 1 :].any(0)
    return Picture(
        np.zeros((chosen.height, chosen.width, 3), np.uint8),
        masks,
        whole.sum((1, 2)).astype(np.int64),
        tuple(_front(whole, i) for i in range(len(whole))),
    )


def _front(whole: np.ndarray, i: int) -> int | None:
    shares = [((whole[i] & whole[j]).sum() / whole[i].sum(), j) for j in range(i + 1, len(whole))]
    most, j = max(shares, default=(0, i))
    return j if most >= EVIDENT else None


def arranged(*things: tuple[str, str | None, int, int], ground: str = "grass") -> Scene:
    """A scene of 400 x 400 pixels with these things: kind, colour, and centre."""
    made = [Thing(kind, "noto", colour, None, x, y, 60) for kind, colour, x, y in things]
    light = Light((0, 0), (0, 0), 0, 0, 80)
    return Scene("heldout", 0, 0, 400, 400, Ground(ground, 0, 0), light, tuple(made))
