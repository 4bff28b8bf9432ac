"""Scenes of the emoji world: things on a ground, under one light, with exact masks.

`scene` chooses and places the things with integers only, so a scene is the same everywhere. `draw`
paints it with Pillow: its pixels may differ by a grey level between releases of Pillow.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from seewhy.testbed.emoji.colours import (
    TARGETS,
    own_colour,
    possible_colours,
    recoloured,
    rgb,
)
from seewhy.testbed.emoji.grounds import Ground, draw_ground, random_ground
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.sprites import STYLES, UNSEEN_STYLE, sprite, styles_of
from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Picture

SPLITS = ("train", "heldout", "pairs", "style")
"""`pairs` has colours that a kind never has in training; `style` is drawn in the unseen style."""
CANVASES = ((384, 384), (448, 320), (320, 448))
SIDES = {"small": (62, 78), None: (88, 104), "large": (124, 148)}
"""Pixels of a thing's longer side, by the word for its size."""
SIGN_WORDS = (
    *("STOP", "OPEN", "SALE", "EXIT", "TAXI", "FREE", "CAFE", "BANK", "HELP", "NEWS"),
    *("PARK", "ZOO", "SHOP", "FOOD", "MUSIC", "HOTEL", "BEACH", "SCHOOL", "MARKET", "CLOSED"),
    *("WELCOME", "LIBRARY", "DANGER", "QUIET"),
)
SIGN_COLOURS = ("white", "yellow", "red", "blue", "green", "black")
MARGIN = 4
"""Least pixels between a thing and the frame."""
HIDDEN = (0.08, 0.40)
"""Hidden share of the back thing of an overlapping pair."""
EVIDENT = 0.08
"""A thing is occluded from this hidden share on."""


@dataclass(frozen=True)
class Thing:
    """A thing of the scene.

    Attributes:
        kind: of `KINDS`.
        style: that it is drawn in; "" for a sign.
        colour: its one colour, of `COLOURS`; None where it has several: then none is said.
        size: "small", "large", or None where neither is said.
        x, y: its centre, pixels.
        side: its longer side before it is turned, pixels.
        rotation: degrees, anticlockwise.
        flipped: left and right exchanged.
        word: on a sign.
    """

    kind: str
    style: str
    colour: str | None
    size: str | None
    x: int
    y: int
    side: int
    rotation: int = 0
    flipped: bool = False
    word: str | None = None


@dataclass(frozen=True)
class Light:
    """The common light: where shadows fall, which side is bright, blur, and JPEG quality.

    Attributes:
        shadow: right and down, pixels; (0, 0) for none.
        slope: how much brighter the right and the lower edge are, percent.
        warmth: percent added to red and taken from blue.
        blur: radius in tenths of a pixel.
        quality: of the JPEG file, 1 .. 95.
    """

    shadow: tuple[int, int]
    slope: tuple[int, int]
    warmth: int
    blur: int
    quality: int


@dataclass(frozen=True)
class Scene:
    """Things on a ground, determined by split, seed and index; from back to front."""

    split: str
    seed: int
    index: int
    width: int
    height: int
    ground: Ground
    light: Light
    things: tuple[Thing, ...]


def unseen_pair(kind: str, colour: str) -> bool:
    """Whether training never shows a kind in this colour: an eighth of the pairs."""
    return KINDS[kind].recoloured and kind != SIGN and Rng("pair", kind, colour).chance(1, 8)


def scene(index: int, split: str = "heldout", seed: int = 0) -> Scene:
    """A scene of 2 to 8 things.

    Args:
        index: 0 or more.
        split: of `SPLITS`; "style" needs the unseen style's sprites only when it is drawn.
        seed: of another world of scenes.

    Raises:
        ValueError: if the split is unknown or the index negative.

    >>> len(scene(3).things) >= 2
    True
    """
    if split not in SPLITS or index < 0:
        raise ValueError(
            f"Expected a split of {', '.join(SPLITS)} and an index >= 0, got {split!r}, {index}."
        )
    rng = Rng("emoji", split, seed, index)
    width, height = rng.weighted(CANVASES, (70, 15, 15))
    while True:
        looks = _looks(rng, split)
        things = _placed(rng, width, height, looks)
        if things is not None:
            break
    light = Light(
        shadow=(rng.between(-7, 7), rng.between(2, 8)) if rng.chance(3, 4) else (0, 0),
        slope=(rng.between(-14, 14), rng.between(-14, 14)),
        warmth=rng.between(-5, 6),
        blur=rng.weighted((0, 4, 8), (50, 30, 20)),
        quality=rng.between(62, 95),
    )
    return Scene(split, seed, index, width, height, random_ground(rng), light, things)


def _looks(rng: Rng, split: str) -> list[Thing]:
    """What stands in the scene, not yet placed: kinds, some of them several times, colours."""
    number = rng.weighted((2, 3, 4, 5, 6, 7, 8), (14, 24, 24, 16, 10, 7, 5))
    house = (UNSEEN_STYLE,) if split == "style" else STYLES
    one_style = rng.pick(house) if rng.chance(1, 2) else None
    looks: list[Thing] = []
    names = [name for name in KINDS if name != SIGN]
    bright = [name for name in names if KINDS[name].recoloured]
    if split == "pairs":
        looks.append(_pair_look(rng, bright))
    if rng.chance(1, 6):
        looks.append(_sign_look(rng))
    while len(looks) < number:
        kind = rng.pick(bright) if rng.chance(1, 4) else rng.pick(names)
        if any(kind == thing.kind for thing in looks):
            continue
        copies = 1
        if rng.chance(1, 4):
            copies = min(rng.weighted((2, 3, 4, 5), (50, 28, 15, 7)), number - len(looks))
        first = _look(rng, kind, house, one_style)
        for copy in range(copies):
            alike = copy == 0 or rng.chance(4, 5)
            looks.append(first if alike else _look(rng, kind, house, one_style))
    sizes = ("small", None, "large")
    weights = (35, 45, 20) if number <= 5 else (60, 36, 4)
    return [
        replace(thing, size=rng.weighted(("large", None), (60, 40)))
        if thing.kind == SIGN
        else replace(thing, size=rng.weighted(sizes, weights))
        for thing in looks
    ]


def _look(rng: Rng, kind: str, house: tuple[str, ...], one_style: str | None) -> Thing:
    possible = house if house == (UNSEEN_STYLE,) else styles_of(kind)
    style = one_style if one_style in possible else rng.pick(possible)
    turned = rng.between(-18, 18) if rng.chance(2, 3) else 0
    thing = Thing(kind, style, None, None, 0, 0, 0, turned, rng.chance(1, 2))
    if KINDS[kind].recoloured and rng.chance(4, 5):
        colours = [c for c in possible_colours(kind, style) if not unseen_pair(kind, c)]
        if colours:
            return replace(thing, colour=rng.pick(colours))
    own = own_colour(kind, style)
    if own is not None and unseen_pair(kind, own):
        return _look(rng, kind, house, one_style)
    return replace(thing, colour=own)


def _pair_look(rng: Rng, bright: list[str]) -> Thing:
    """A kind in a colour that training never shows it in."""
    while True:
        kind = rng.pick(bright)
        style = rng.pick(styles_of(kind))
        colours = [c for c in possible_colours(kind, style) if unseen_pair(kind, c)]
        if colours:
            turned = rng.between(-18, 18)
            return Thing(kind, style, rng.pick(colours), None, 0, 0, 0, turned, rng.chance(1, 2))


def _sign_look(rng: Rng) -> Thing:
    return Thing(
        SIGN, "", rng.pick(SIGN_COLOURS), None, 0, 0, 0, rng.between(-6, 6), False,
        rng.pick(SIGN_WORDS),
    )  # fmt: skip


def _placed(rng: Rng, width: int, height: int, looks: list[Thing]) -> tuple[Thing, ...] | None:
    """Give each thing its side and place, from back to front; None where they don't fit."""
    looks = rng.sample(looks, len(looks))
    overlap = len(looks) > 1 and rng.chance(2, 5)
    placed: list[Thing] = []
    order = sorted(range(len(looks)), key=lambda i: i > 1 if overlap else 0)
    for i in order:
        thing = looks[i]
        side = rng.between(*SIDES[thing.size]) + (24 if thing.kind == SIGN else 0)
        reach = round(side * 0.58) if thing.rotation else side // 2
        edge = reach + MARGIN
        for _ in range(40):
            x, y = rng.between(edge, width - edge), rng.between(edge, height - edge)
            here = replace(thing, x=x, y=y, side=side)
            if all(_apart(here, other, overlap and len(placed) == 1) for other in placed):
                placed.append(here)
                break
        else:
            return None
    # The front thing of the overlapping pair was placed second.
    return tuple(placed)


def _apart(one: Thing, other: Thing, overlapping: bool) -> bool:
    distance = max(abs(one.x - other.x), abs(one.y - other.y))
    reach = (one.side + other.side) / 2
    if overlapping:
        return 0.55 * reach <= distance <= 0.78 * reach
    return distance >= 0.98 * reach + 2


def draw(scene: Scene) -> Picture:
    """Draw a scene.

    Returns:
        The picture, uint8 `[height, width, 3]`, and each thing's visible mask.
    """
    canvas = draw_ground(scene.ground, scene.width, scene.height)
    shape = (len(scene.things), scene.height, scene.width)
    whole = np.zeros(shape, bool)
    right, down = scene.light.shadow
    for i, thing in enumerate(scene.things):
        pixels = _turned(thing)
        top, left = thing.y - pixels.shape[0] // 2, thing.x - pixels.shape[1] // 2
        opacity = pixels[..., 3].astype(np.float32) / 255
        if right or down:
            _darken(canvas, opacity, top + down, left + right)
        window = np.s_[
            max(0, top) : max(0, top + pixels.shape[0]), max(0, left) : left + pixels.shape[1]
        ]
        part = np.s_[max(0, -top) :, max(0, -left) :]
        under = canvas[window]
        inside = (slice(None, under.shape[0]), slice(None, under.shape[1]))
        alpha = opacity[part][inside]
        under += alpha[..., None] * (pixels[part][inside][..., :3] - under)
        whole[i][window] = alpha > 0.5
    masks = whole.copy()
    for i in range(len(masks) - 1):
        masks[i] &= ~whole[i + 1 :].any(0)
    return Picture(
        photographed(canvas, scene.light),
        masks,
        whole.sum((1, 2)).astype(np.int64),
        tuple(_occluder(whole, i) for i in range(len(whole))),
    )


def _turned(thing: Thing) -> np.ndarray:
    """The thing's pixels at its size, float32 `[h, w, 4]`."""
    image = Image.fromarray(_cut(thing))
    scale = thing.side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    image = image.convert("RGBa").resize(size, Image.Resampling.LANCZOS)
    if thing.flipped:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if thing.rotation:
        image = image.rotate(thing.rotation, Image.Resampling.BICUBIC, expand=True)
    return np.asarray(image.convert("RGBA"), np.float32)


def _cut(thing: Thing) -> np.ndarray:
    """The thing's picture, cut out, uint8 `[h, w, 4]`."""
    if thing.kind == SIGN:
        return sign_board(thing.colour or "white", thing.word or "")
    if KINDS[thing.kind].recoloured and thing.colour is not None:
        return recoloured(thing.kind, thing.style, thing.colour)
    return sprite(thing.kind, thing.style)


@lru_cache(maxsize=256)
def sign_board(colour: str, word: str) -> np.ndarray:
    """A board with a word, uint8 `[h, w, 4]`."""
    board = tuple(int(v) for v in rgb(np.array(TARGETS[colour])))
    letters = (20, 20, 24) if colour in ("white", "yellow") else (250, 250, 250)
    font = ImageFont.load_default(size=46)
    left, top, right, bottom = font.getbbox(word)
    width, height = round(right - left) + 44, round(bottom - top) + 44
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, width - 1, height - 1), 14, (*letters, 255))
    pen.rounded_rectangle((5, 5, width - 6, height - 6), 10, (*board, 255))
    pen.text((22 - left, 22 - top), word, font=font, fill=(*letters, 255), stroke_width=1)
    return np.array(image)


def _darken(canvas: np.ndarray, opacity: np.ndarray, top: int, left: int) -> None:
    """A soft shadow."""
    pad = 8
    shape = Image.fromarray(np.rint(np.pad(opacity, pad) * 255).astype(np.uint8))
    soft = np.asarray(shape.filter(ImageFilter.BoxBlur(4)), np.float32) / 255
    top, left = top - pad, left - pad
    rows = slice(max(0, top), max(0, top + soft.shape[0]))
    columns = slice(max(0, left), max(0, left + soft.shape[1]))
    under = canvas[rows, columns]
    part = soft[max(0, -top) :, max(0, -left) :][: under.shape[0], : under.shape[1]]
    under *= 1 - 0.38 * part[..., None]


def photographed(canvas: np.ndarray, light: Light) -> np.ndarray:
    """The canvas under its light, blurred and once saved as JPEG: uint8 `[h, w, 3]`."""
    height, width, _ = canvas.shape
    across, down = light.slope
    gain = 1 + across / 100 * np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    gain = gain + down / 100 * np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    warmth = np.array([1 + light.warmth / 100, 1, 1 - light.warmth / 100], np.float32)
    lit = np.clip(canvas * gain[..., None] * warmth, 0, 255).astype(np.uint8)
    image = Image.fromarray(lit)
    if light.blur:
        image = image.filter(ImageFilter.GaussianBlur(light.blur / 10))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=light.quality)
    return np.array(Image.open(file))


def _occluder(whole: np.ndarray, i: int) -> int | None:
    """The thing in front of thing i that hides at least the share `EVIDENT` of it."""
    area = max(1, int(whole[i].sum()))
    shares = [(int((whole[i] & whole[j]).sum()), j) for j in range(i + 1, len(whole))]
    most, j = max(shares, default=(0, i))
    return j if most >= EVIDENT * area else None


def visible_fraction(picture: Picture) -> np.ndarray:
    """The visible share of each thing, float64 `[thing]`, 0 .. 1."""
    return picture.masks.sum((1, 2)) / np.maximum(picture.full_areas, 1)
