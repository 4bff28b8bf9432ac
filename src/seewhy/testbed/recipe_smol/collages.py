"""Training pictures for the tower: things side by side on a ground, more of them than in a scene.

Most of a scene is ground, which teaches little. A collage holds a thing in nearly every place.
Some things get black lines around them and fewer colours: a style with lines is then no surprise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from seewhy.testbed.emoji.colours import (
    COLOURS,
    colour_of,
    hsv,
    own_colour,
    possible_colours,
    recoloured,
    rgb,
)
from seewhy.testbed.emoji.grounds import NAMES, draw_ground, random_ground
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.scenes import (
    SIGN_COLOURS,
    SIGN_WORDS,
    Light,
    Scene,
    Thing,
    photographed,
    sign_board,
    unseen_pair,
)
from seewhy.testbed.emoji.sprites import INKED, more_styles_of, sprite, styles_of
from seewhy.testbed.rng import Rng

MIN_COVER = 0.3
"""A cell shows a thing that covers at least this share of it."""
NAMES_OF_KINDS = tuple(KINDS)


@dataclass(frozen=True)
class Cells:
    """What the cells of pictures show, int64 `[..., cell]` each; -1 where nothing is asked.

    Attributes:
        kind: 0 for ground, else 1 + index into `KINDS`.
        colour: 0 for none, else 1 + index into `COLOURS`.
        word: 0 for none, else 1 + index into `SIGN_WORDS`.
        ground: index into the names of grounds, -1 in cells of things.
        centre: 1 in the cell in the middle of a thing, one for each thing, else 0.
    """

    kind: np.ndarray
    colour: np.ndarray
    word: np.ndarray
    ground: np.ndarray
    centre: np.ndarray


def cells_of(
    labels: np.ndarray, things: tuple[Thing, ...], ground: str, boxes: np.ndarray
) -> Cells:
    """What the boxes of a picture's tokens show.

    Args:
        labels: int `[height, width]`, 0 or 1 + thing.
        things: of the labels.
        ground: its name.
        boxes: float64 `[cell, 4]`: left, top, right, bottom in pixels, as `Layout.boxes`.
    """
    covers = covers_of(labels, len(things), boxes)
    best, most = covers.argmax(1), covers.max(1)
    shown = most >= MIN_COVER
    unclear = (most > 0.04) & ~shown
    kinds = np.array([1 + NAMES_OF_KINDS.index(thing.kind) for thing in things])
    colours = np.array([1 + COLOURS.index(t.colour) if t.colour else 0 for t in things])
    words = np.array([1 + SIGN_WORDS.index(t.word) if t.word else 0 for t in things])

    def per_cell(values: np.ndarray) -> np.ndarray:
        return np.where(shown, values[best], np.where(unclear, -1, 0))

    grounds = np.where(shown | unclear, -1, NAMES.index(ground))
    centres = _centres(covers, np.where(shown, best, -1), boxes)
    return Cells(per_cell(kinds), per_cell(colours), per_cell(words), grounds, centres)


def covers_of(labels: np.ndarray, things: int, boxes: np.ndarray) -> np.ndarray:
    """The share of each box that each thing covers: float64 `[cell, thing]`; see `cells_of`."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return _pixels_in(labels, things, boxes) / areas[:, None]


def _pixels_in(labels: np.ndarray, things: int, boxes: np.ndarray) -> np.ndarray:
    """Int64 `[cell, thing]`: a thing's pixels in each box."""
    height, width = labels.shape
    sums = np.zeros((things, height + 1, width + 1), np.int64)
    for thing in range(things):
        np.cumsum(np.cumsum(labels == thing + 1, 0), 1, out=sums[thing, 1:, 1:])
    left, top, right, bottom = boxes.round().astype(np.int64).T
    left, right = left.clip(0, width), right.clip(0, width)
    top, bottom = top.clip(0, height), bottom.clip(0, height)
    inside = sums[:, bottom, right] - sums[:, top, right]
    return (inside - sums[:, bottom, left] + sums[:, top, left]).T


def _centres(covers: np.ndarray, owner: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Int64 `[cell]`: 1 in each thing's own cell nearest to its middle.

    Args:
        covers: the share of each cell that each thing covers, `[cell, thing]`.
        owner: the thing that a cell shows, or -1.
        boxes: of the cells.
    """
    places = (boxes[:, :2] + boxes[:, 2:]) / 2
    centres = np.zeros(len(owner), np.int64)
    for thing in range(covers.shape[1]):
        own = np.flatnonzero(owner == thing)
        if len(own):
            middle = np.average(places, 0, covers[:, thing])
            centres[own[np.square(places[own] - middle).sum(1).argmin()]] = 1
    return centres


def label_map(masks: np.ndarray) -> np.ndarray:
    """uint8 `[height, width]`: 0 for ground, 1 + index of the visible thing."""
    numbers = np.arange(1, len(masks) + 1, dtype=np.uint8)
    return (masks * numbers[:, None, None]).max(0).astype(np.uint8)


@lru_cache(maxsize=12000)
def _lined(kind: str, style: str, colour: str | None, lines: int) -> np.ndarray:
    """A sprite with a black line around it, `lines` pixels wide, and few colours."""
    picture = recoloured(kind, style, colour) if colour else sprite(kind, style)
    padded = np.pad(picture, ((lines, lines), (lines, lines), (0, 0)))
    opaque = Image.fromarray(padded[..., 3])
    wide = np.asarray(opaque.filter(ImageFilter.MaxFilter(2 * lines + 1)))
    colours = padded[..., :3].astype(np.float32)
    flat = Image.fromarray(padded[..., :3]).filter(ImageFilter.MedianFilter(5))
    few = np.asarray(flat.quantize(5).convert("RGB"), np.float32)
    edges = np.asarray(flat.convert("L").filter(ImageFilter.FIND_EDGES), np.float32)
    inner = np.clip(edges / 60, 0, 1)[..., None]
    alpha = padded[..., 3:].astype(np.float32) / 255
    colours = (few * (1 - inner) + 12 * inner) * alpha + 12 * (1 - alpha)
    return np.concatenate([colours.clip(0, 255), wide[..., None]], -1).astype(np.uint8)


def random_thing(rng: Rng, kinds: list[str]) -> tuple[Thing, np.ndarray]:
    """A thing and its pixels, uint8 `[h, w, 4]`, at the sprite's size."""
    if rng.chance(1, 14):
        thing = Thing(SIGN, "", rng.pick(SIGN_COLOURS), None, 0, 0, 0, word=rng.pick(SIGN_WORDS))
        return thing, sign_board(thing.colour or "white", thing.word or "")
    kind = rng.pick(kinds)
    more = more_styles_of(kind)
    if more and rng.chance(2, 5):
        return _drawn_otherwise(rng, kind, rng.pick(more))
    style = rng.pick(styles_of(kind))
    colour, given = own_colour(kind, style), None
    if KINDS[kind].recoloured:
        allowed = [c for c in possible_colours(kind, style) if not unseen_pair(kind, c)]
        if (colour is not None and unseen_pair(kind, colour)) or (allowed and rng.chance(4, 5)):
            given = rng.pick(allowed)
        colour = given or colour
    if rng.chance(2, 5):
        pixels = _lined(kind, style, given, rng.between(2, 5))
    else:
        pixels = recoloured(kind, style, given) if given else sprite(kind, style)
    if not KINDS[kind].recoloured and rng.chance(1, 3):
        pixels = _with_hue(pixels, rng.between(20, 340), rng.between(0, 13))
        colour = colour_of(pixels)
    return Thing(kind, style, colour, None, 0, 0, 0), pixels


def _drawn_otherwise(rng: Rng, kind: str, style: str) -> tuple[Thing, np.ndarray]:
    """A thing in one of `MORE_STYLES`; ink drawings are filled with a random colour."""
    pixels = sprite(kind, style)
    if style in INKED:
        fill = np.array([rng.between(60, 255) for _ in range(3)])
        pixels = pixels.copy()
        pixels[..., :3] = pixels[..., :3].astype(np.int64) * fill // 255
    elif rng.chance(1, 3):
        pixels = _with_hue(pixels, rng.between(20, 340), rng.between(0, 13))
    colour = colour_of(pixels)
    if KINDS[kind].recoloured and colour is not None and unseen_pair(kind, colour):
        colour, pixels = None, _with_hue(pixels, 0, 0)
    return Thing(kind, style, colour, None, 0, 0, 0), pixels


def _with_hue(pixels: np.ndarray, turn: int, strength: int) -> np.ndarray:
    """All hues turned by degrees, saturation times tenths: a kind is more than its colours."""
    values = hsv(pixels[..., :3])
    values[..., 0] = (values[..., 0] + turn) % 360
    values[..., 1] = np.clip(values[..., 1] * strength / 10, 0, 1)
    return np.concatenate([rgb(values), pixels[..., 3:]], -1)


def collage(index: int, side: int) -> tuple[np.ndarray, np.ndarray, tuple[Thing, ...], str]:
    """A picture full of things.

    Args:
        index: of the picture.
        side: of it, pixels.

    Returns:
        The picture uint8 `[side, side, 3]`, and what `cells_of` takes: labels, things, ground.
    """
    rng = Rng("collage", index)
    ground = random_ground(rng)
    canvas = draw_ground(ground, side, side)
    labels = np.zeros((side, side), np.uint8)
    things: list[Thing] = []
    kinds = [name for name in NAMES_OF_KINDS if name != SIGN]
    step = rng.pick((64, 76, 88, 104, 128))
    offset = rng.between(-step // 3, step // 3)
    for top in range(offset, side - step // 3, step):
        for left in range(rng.between(-step // 3, step // 3), side - step // 3, step):
            if rng.chance(1, 9):
                continue
            thing, pixels = random_thing(rng, kinds)
            size = step * rng.between(78, 112) // 100
            if thing.kind == SIGN:
                size = max(size, 100)
            things.append(thing)
            if thing.kind != SIGN and rng.chance(1, 2):
                pixels = pixels[:, ::-1]
            _paste(rng, canvas, labels, pixels, len(things), size, top, left, step)
    light = Light(
        (0, 0), (rng.between(-14, 14), rng.between(-14, 14)), rng.between(-5, 6),
        rng.weighted((0, 4, 8), (50, 30, 20)), rng.between(62, 95),
    )  # fmt: skip
    return photographed(canvas, light), labels, tuple(things), ground.name


def _paste(
    rng: Rng, canvas: np.ndarray, labels: np.ndarray, pixels: np.ndarray,
    number: int, size: int, top: int, left: int, step: int,
) -> None:  # fmt: skip
    """Paint a sprite at a random place near (top, left), turned and perhaps flipped."""
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGBa")
    scale = size / max(image.size)
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))),
        Image.Resampling.BILINEAR,
    )
    if rng.chance(2, 3):
        image = image.rotate(rng.between(-18, 18), Image.Resampling.BILINEAR, expand=True)
    part = np.asarray(image.convert("RGBA"), np.float32)
    y = top + (step - part.shape[0]) // 2 + rng.between(-6, 6)
    x = left + (step - part.shape[1]) // 2 + rng.between(-6, 6)
    rows = slice(max(0, y), max(0, y + part.shape[0]))
    columns = slice(max(0, x), max(0, x + part.shape[1]))
    under = canvas[rows, columns]
    if under.size == 0:
        return
    part = part[max(0, -y) :, max(0, -x) :][: under.shape[0], : under.shape[1]]
    alpha = part[..., 3:] / 255
    under += alpha * (part[..., :3] - under)
    labels[rows, columns][alpha[..., 0] > 0.5] = number


def scene_cells(scene: Scene, masks: np.ndarray, boxes: np.ndarray) -> Cells:
    """What the boxes of a drawn scene's tokens show."""
    return cells_of(label_map(masks), scene.things, scene.ground.name, boxes)
