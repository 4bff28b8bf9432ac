"""Scenes of the drawn world: sampled with a fixed seed, drawn as vectors, with exact masks.

`scene` chooses and places the objects, `draw` paints them. Both use integers only, so a
scene's picture has the same bytes on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise

import numpy as np

from seewhy.testbed.raster import (
    COS,
    COUNT,
    FULL,
    ONE,
    PIXEL,
    SAMPLES,
    SIN,
    Box,
    bounds,
    fill,
    place,
)
from seewhy.testbed.rng import Rng, noise
from seewhy.testbed.shapes import COLOURS, HELD_OUT_PAIRS, KINDS, RGB, shaded

SPLITS = ("train", "heldout", "unseen")
CANVASES = ((160, 160), (192, 128), (128, 192))
TEXTURES = ("plain", "stripes", "dots", "checks", "noise")
SIZES = ("small", "large")
SHADES: dict[str, RGB] = {
    "white": (250, 250, 248),
    "cream": (240, 233, 216),
    "sand": (212, 203, 186),
    "mist": (214, 222, 228),
    "grey": (178, 178, 180),
    "slate": (112, 118, 126),
}

RADII = {"small": (150, 165), "large": (205, 235)}
"""Radius in thousandths of the canvas' shorter side."""
GAP = 2 * PIXEL
"""Minimum distance between the discs of two objects that do not overlap."""
MARGIN = PIXEL
"""Minimum distance between an object's disc and the frame."""
HIDDEN = (Fraction(13, 100), Fraction(39, 100))
"""Hidden share of the back object of an overlapping pair, within the documented 12 .. 40 %."""
EVIDENT = Fraction(12, 100)
"""An object counts as occluded from this hidden share on."""
MAX_ATTEMPTS = 200
"""Layouts tried before an overlap is given up: two slim objects may have no allowed one."""


@dataclass(frozen=True)
class SceneObject:
    """An object of the scene, inside the disc of its radius around (x, y)."""

    kind: str
    colour: str
    size: str
    """"small" or "large"."""
    x: int
    """Centre from the left edge, 1/64 px."""
    y: int
    """Centre from the top edge, 1/64 px."""
    radius: int
    """1/64 px."""
    rotation: int
    """Degrees clockwise, -20 .. 20."""


@dataclass(frozen=True)
class Background:
    """The background: a neutral shade with a faint texture."""

    texture: str
    shade: str
    angle: int
    """Degrees, 0 .. 179."""
    period: int
    """Of the pattern, 1/64 px."""


@dataclass(frozen=True)
class Scene:
    """The objects and their positions, determined by split, seed and index."""

    split: str
    seed: int
    index: int
    width: int
    """Pixels at scale 1, a multiple of 32."""
    height: int
    background: Background
    objects: tuple[SceneObject, ...]
    """From back to front."""


@dataclass(frozen=True)
class Picture:
    """A drawn scene and the visible part of each object; objects in the scene's order."""

    image: np.ndarray
    """uint8 [height, width, 3]."""
    masks: np.ndarray
    """bool [objects, height, width]: pixels covered by the object by more than half; disjoint."""
    full_areas: np.ndarray
    """int64 [objects]: pixels that each mask would have without occlusion."""
    occluded_by: tuple[int | None, ...]
    """Index of the object that hides at least 12 % of this object, else None."""


def scene(index: int, split: str = "train", seed: int = 0) -> Scene:
    """Return the scene of this index, the same in every version.

    index: >= 0. split: "train" and "heldout" show no pair of `HELD_OUT_PAIRS`,
    "unseen" shows at least one in every scene.

    >>> scene(3) == scene(3), scene(3) == scene(3, "heldout")
    (True, False)
    """
    if split not in SPLITS:
        raise ValueError(
            f"Expected split to be one of {', '.join(SPLITS)}, got {split!r}: choose one of these."
        )
    if index < 0:
        raise ValueError(f"Expected index >= 0, got {index}.")
    rng = Rng("scene", split, seed, index)
    width, height = rng.weighted(CANVASES, (60, 20, 20))
    number = rng.weighted((1, 2, 3, 4), (8, 30, 37, 25))
    looks = _looks(rng, number, split)
    sizes = _sizes(rng, number)
    overlap = number > 1 and rng.chance(30, 100)
    ground = _ground(rng)
    for attempt in count():
        overlap = overlap and attempt < MAX_ATTEMPTS
        objects = _layout(rng.fork("layout", attempt), width, height, looks, sizes, overlap)
        if objects:
            return Scene(split, seed, index, width, height, ground, objects)
    raise AssertionError("unreachable: the attempts do not end")


def _looks(rng: Rng, number: int, split: str) -> list[tuple[str, str]]:
    """Kinds and colours: all kinds distinct, or two equal, or two equal with one colour."""
    kinds = rng.sample(tuple(KINDS), number)
    alike = rng.weighted(("distinct", "kind", "twin"), (55, 30, 15)) if number > 1 else "distinct"
    if alike != "distinct":
        kinds[1] = kinds[0]
    colours = [
        rng.pick([c for c in COLOURS if split == "unseen" or (kind, c) not in HELD_OUT_PAIRS])
        for kind in kinds
    ]
    if split == "unseen":
        colours[0] = next(c for c in COLOURS if (kinds[0], c) in HELD_OUT_PAIRS)
    if alike == "twin":
        colours[1] = colours[0]
    while alike == "kind" and colours[1] == colours[0]:
        other = rng.pick(tuple(COLOURS))
        if split == "unseen" or (kinds[1], other) not in HELD_OUT_PAIRS:
            colours[1] = other
    return rng.sample(list(zip(kinds, colours, strict=True)), number)


def _sizes(rng: Rng, number: int) -> list[str]:
    """Half of the objects are large, but at most two of four."""
    while True:
        sizes = [rng.pick(SIZES) for _ in range(number)]
        if number < 4 or sizes.count("large") <= 2:
            return sizes


def _ground(rng: Rng) -> Background:
    texture = rng.pick(TEXTURES)
    lo, hi = (2, 4) if texture == "noise" else (7, 18)
    return Background(
        texture, rng.pick(tuple(SHADES)), rng.below(180), rng.between(lo * PIXEL, hi * PIXEL)
    )


def _layout(
    rng: Rng,
    width: int,
    height: int,
    looks: list[tuple[str, str]],
    sizes: list[str],
    overlap: bool,
) -> tuple[SceneObject, ...] | None:
    """Place the objects in the frame, from back to front; None where they do not fit."""
    short = min(width, height) * PIXEL
    radii = [short * rng.between(*RADII[size]) // 1000 for size in sizes]
    turns = [rng.between(-20, 20) for _ in sizes]
    pair = rng.sample(range(len(sizes)), 2) if overlap else []
    centres = _centres(rng, width, height, radii, pair)
    if centres is None:
        return None
    across = sorted(centres, key=lambda i: centres[i])
    if not all(_clear(centres[i], centres[j]) for i, j in pairwise(across)):
        return None
    objects = [
        SceneObject(*looks[i], sizes[i], *centres[i], radii[i], turns[i]) for i in range(len(sizes))
    ]
    depth = rng.sample(range(len(sizes)), len(sizes))
    if pair:
        front, back = pair
        if abs(across.index(front) - across.index(back)) != 1:
            return None
        if not HIDDEN[0] <= _hidden(objects[back], objects[front], width, height) <= HIDDEN[1]:
            return None
        if depth.index(back) > depth.index(front):
            depth.reverse()
    return tuple(objects[i] for i in depth)


def _centres(
    rng: Rng, width: int, height: int, radii: list[int], pair: list[int]
) -> dict[int, tuple[int, int]] | None:
    """Random centres of discs, of which only the pair overlaps; None where one does not fit."""
    centres: dict[int, tuple[int, int]] = {}

    def fits(i: int, x: int, y: int) -> bool:
        for j, (u, v) in centres.items():
            if 10 * abs(x - u) < width * PIXEL:
                return False
            overlaps = i in pair and j in pair
            reach = radii[i] + radii[j] + (0 if overlaps else GAP)
            if ((x - u) ** 2 + (y - v) ** 2 < reach**2) != overlaps:
                return False
        return True

    # The overlapping pair is placed first, then the largest: they are the hardest to fit.
    for i in sorted(range(len(radii)), key=lambda i: (i not in pair, -radii[i])):
        edge = radii[i] + MARGIN
        for _ in range(24):
            x = rng.between(edge, width * PIXEL - edge)
            y = rng.between(edge, height * PIXEL - edge)
            if fits(i, x, y):
                centres[i] = x, y
                break
        else:
            return None
    return centres


def _clear(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two centres have a clear direction: horizontal or vertical by a factor of 1.3."""
    dx, dy = abs(one[0] - other[0]), abs(one[1] - other[1])
    return 10 * dy >= 13 * dx or 10 * dx >= 13 * dy


def _hidden(back: SceneObject, front: SceneObject, width: int, height: int) -> Fraction:
    """The share of the back object's samples that the front object covers."""
    behind = _samples(back, width, height)
    covered = _common(behind, _samples(front, width, height))
    return Fraction(covered, int(COUNT[behind.shape].sum()))


def draw(scene: Scene, scale: Fraction | float = 1) -> Picture:
    """Draw the scene as vectors at this scale > 0; sides are rounded to whole pixels.

    Paints from front to back: each part fills the samples that are still free.

    >>> picture = draw(scene(0), 2)
    >>> picture.image.shape[:2] == (2 * scene(0).height, 2 * scene(0).width)
    True
    """
    scale = Fraction(scale)
    if scale <= 0:
        raise ValueError(f"Expected scale > 0, got {float(scale)}: 1 is the base size.")
    width, height = max(1, round(scene.width * scale)), max(1, round(scene.height * scale))
    number = len(scene.objects)
    samples = [_samples(_scaled(item, scale), width, height) for item in scene.objects]
    free = np.full((height, width), FULL)
    paint = np.zeros((height, width, 3), dtype=np.int16)
    masks = np.zeros((number, height, width), dtype=bool)
    for i in reversed(range(number)):
        window = _window(samples[i].box)
        masks[i][window] = COUNT[free[window] & samples[i].shape] > SAMPLES // 2
        colour = COLOURS[scene.objects[i].colour]
        parts = KINDS[scene.objects[i].kind].parts
        for part, layer in zip(reversed(parts), samples[i].layers[::-1], strict=True):
            taken = layer & free[window]
            free[window] ^= taken
            paint[window] += COUNT[taken][..., None] * np.array(
                shaded(part.shade, colour), np.int16
            )
    paint += COUNT[free][..., None] * _background_colours(scene, scale, width, height)
    return Picture(
        ((paint + SAMPLES // 2) >> 4).astype(np.uint8),
        masks,
        np.array([(COUNT[s.shape] > SAMPLES // 2).sum() for s in samples], dtype=np.int64),
        tuple(_occluder(samples, i) for i in range(number)),
    )


def visible_fraction(picture: Picture) -> np.ndarray:
    """Return the visible share of each object, float64 [objects], 0 .. 1.

    >>> bool((visible_fraction(draw(scene(0))) >= 0.6).all())
    True
    """
    return picture.masks.sum((1, 2)) / np.maximum(picture.full_areas, 1)


@dataclass(frozen=True)
class _Samples:
    """An object's sample bits inside its box."""

    box: Box
    layers: np.ndarray
    """uint16 [parts, height, width]."""
    shape: np.ndarray
    """uint16 [height, width]: all parts together."""


def _samples(item: SceneObject, width: int, height: int) -> _Samples:
    shape = KINDS[item.kind].outline
    points = place(shape, item.x, item.y, item.radius, item.rotation)
    box = bounds(points, width, height)
    layers = fill(shape, points, box)
    return _Samples(box, layers, np.bitwise_or.reduce(layers, axis=0))


def _window(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def _scaled(item: SceneObject, scale: Fraction) -> SceneObject:
    x, y, radius = (round(value * scale) for value in (item.x, item.y, item.radius))
    return SceneObject(item.kind, item.colour, item.size, x, y, radius, item.rotation)


def _common(one: _Samples, other: _Samples) -> int:
    """How many samples two objects share."""
    left, top = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    right, bottom = min(one.box[2], other.box[2]), min(one.box[3], other.box[3])
    if left >= right or top >= bottom:
        return 0
    cut = (
        s.shape[top - s.box[1] : bottom - s.box[1], left - s.box[0] : right - s.box[0]]
        for s in (one, other)
    )
    return int(COUNT[np.bitwise_and(*cut)].sum())


def _occluder(samples: list[_Samples], i: int) -> int | None:
    """The object in front of object i that hides at least the share `EVIDENT` of it."""
    area = int(COUNT[samples[i].shape].sum())
    shares = [(_common(samples[i], samples[j]), j) for j in range(i + 1, len(samples))]
    most, j = max(shares, default=(0, i))
    return j if most > 0 and most >= EVIDENT * area else None


def _background_colours(scene: Scene, scale: Fraction, width: int, height: int) -> np.ndarray:
    """The background's colours, int16 [height, width, 3]; cosine waves avoid aliasing."""
    ground = scene.background
    shade = np.array(SHADES[ground.shade], dtype=np.int16)
    if ground.texture == "plain":
        return np.broadcast_to(shade, (height, width, 3))
    across, down = (
        np.array(
            [(2 * i + 1) * PIXEL * scale.denominator // (2 * scale.numerator) for i in range(n)]
        )
        for n in (width, height)
    )
    if ground.texture == "noise":
        key = Rng("ground", scene.split, scene.seed, scene.index).bits()
        columns, rows = across // ground.period, down // ground.period
        grain = noise(key, int(rows[-1]) + 1, int(columns[-1]) + 1)
        relief = (grain[np.ix_(rows, columns)].astype(np.int16) - 128) // 10
    else:
        relief = _waves(ground, across[None, :], down[:, None]).astype(np.int16)
    return np.clip(shade + relief[..., None], 0, 255).astype(np.int16)


def _waves(ground: Background, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A relief of about -12 .. 12 grey levels over positions in 1/64 px."""
    cos, sin = int(COS[ground.angle]), int(SIN[ground.angle])

    def wave(along: np.ndarray) -> np.ndarray:
        return COS[(along * 360 // (ground.period * ONE)) % 360]

    first = wave(x * cos + y * sin)
    if ground.texture == "stripes":
        return first * 10 // ONE
    second = wave(y * cos - x * sin)
    if ground.texture == "dots":
        return np.maximum(first + second - ONE // 2, 0) * -14 // ONE
    return np.clip(first * second // (ONE // 4), -ONE, ONE) * 9 // ONE
