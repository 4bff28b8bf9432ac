"""Polygons to pixels in integers only, so that a drawing is the same on every machine.

Positions are in 1/64 px. A pixel has 4 x 4 samples, and a drawn layer keeps all of
them: one uint16 per pixel, one bit per sample. Layers are combined by bit operations,
without seams, and a pixel's coverage is the number of its bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Point = tuple[float, float]
Ring = Sequence[Point]
Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels; right and bottom are exclusive."""

PIXEL = 64
"""Positions per pixel, along either axis."""
SAMPLES = 16
"""Samples per pixel, 4 x 4."""
ONE = 1 << 14
"""The integer for 1.0 in the table of cosines and in an outline."""
FULL = np.uint16(0xFFFF)

COS = np.array([round(math.cos(math.radians(a)) * ONE) for a in range(360)], dtype=np.int64)
SIN = np.roll(COS, 90)
"""Cosine and sine of whole degrees in 1 / ONE: rounded, so that all libms agree."""

COUNT = np.zeros(1 << SAMPLES, dtype=np.uint8)
"""How many samples a uint16 of coverage holds, 0 .. 16."""
for _bit in range(SAMPLES):
    COUNT[1 << _bit : 2 << _bit] = COUNT[: 1 << _bit] + 1


def arc(cx: float, cy: float, rx: float, ry: float, start: int, stop: int) -> list[Point]:
    """Return points along an ellipse from start to stop, in degrees, clockwise as y points down.

    Whole-number arguments give multiples of 1 / ONE, on which floats are exact.

    >>> arc(0, 0, 10, 5, 0, 90)[::9]
    [(10.0, 0.0), (0.0, 5.0)]
    """
    steps = max(1, abs(stop - start) // 10)
    turns = [(start + (stop - start) * i // steps) % 360 for i in range(steps + 1)]
    return [(cx + rx * int(COS[a]) / ONE, cy + ry * int(SIN[a]) / ONE) for a in turns]


def ellipse(cx: float, cy: float, rx: float, ry: float) -> list[Point]:
    """Return a whole ellipse as a ring of 36 points."""
    return arc(cx, cy, rx, ry, 0, 350)


@dataclass(frozen=True)
class Outline:
    """Layers of rings inside the disc of radius ONE around (0, 0)."""

    points: np.ndarray
    """int64 [points, 2], x and y."""
    next: np.ndarray
    """int64 [points]: the point that follows on the same ring."""
    layer: np.ndarray
    """int64 [points]: the layer of the edge that starts there."""
    layers: int


def outline(layers: Sequence[Sequence[Ring]]) -> Outline:
    """Centre the layers' common bounding box on (0, 0) and scale them to touch the disc."""
    points: list[Point] = []
    following: list[int] = []
    layer: list[int] = []
    for number, rings in enumerate(layers):
        for ring in rings:
            first = len(points)
            points += ring
            following += [*range(first + 1, len(points)), first]
            layer += [number] * len(ring)
    grid = np.rint(np.array(points) * ONE).astype(np.int64)
    grid = 2 * grid - grid.min(0) - grid.max(0)
    reach = math.isqrt(int((grid**2).sum(1).max())) + 1
    return Outline(grid * ONE // reach, np.array(following), np.array(layer), len(layers))


def place(shape: Outline, x: int, y: int, radius: int, rotation: int) -> np.ndarray:
    """Return the outline's points turned by whole degrees and moved: int64 [points, 2], 1/64 px."""
    cos, sin = int(COS[rotation % 360]), int(SIN[rotation % 360])
    turn = np.array([[cos, sin], [-sin, cos]], dtype=np.int64) * radius
    return ((shape.points @ turn + ONE * ONE // 2) >> 28) + (x, y)


def fill(shape: Outline, points: np.ndarray, box: Box) -> np.ndarray:
    """Draw each layer, even-odd: uint16 [layers, height, width] of sample bits inside the box.

    Each edge toggles, on each row of samples that it crosses, every sample to its right;
    the toggles of a row are summed by one cumulative exclusive or.

    points: int64 [points, 2] in 1/64 px, as `place` returns them.

    >>> square = outline([[[(0, 0), (1, 0), (1, 1), (0, 1)]]])
    >>> bits = fill(square, np.array([(0, 0), (96, 0), (96, 64), (0, 64)]), (0, 0, 3, 1))
    >>> COUNT[bits][0].tolist()
    [[16, 8, 0]]
    """
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    # Count in quarter units, with the origin on the first sample of the box.
    step = PIXEL // 4
    origin = np.array([left * PIXEL + step // 2, top * PIXEL + step // 2])
    start = points - origin
    end = start[shape.next]
    down = start[:, 1] <= end[:, 1]
    high = np.where(down[:, None], start, end)
    low = np.where(down[:, None], end, start)
    # An edge crosses the rows of high.y <= row * step < low.y.
    first = np.clip(-(-high[:, 1] // step), 0, 4 * height)
    last = np.clip(-(-low[:, 1] // step), 0, 4 * height)
    rows = last - first
    edge = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + first[edge]
    rise = low[edge, 1] - high[edge, 1]
    run = low[edge, 0] - high[edge, 0]
    # The first sample at or right of the crossing: a ceiling in whole numbers.
    column = -((-(high[edge, 0] * rise + (row * step - high[edge, 1]) * run)) // (rise * step))
    column = np.clip(column, 0, 4 * width)

    shift = 4 * (row & 3)
    part = (0xF << (column & 3)) & 0xF
    cell = (shape.layer[edge] * height + (row >> 2)) * (width + 2) + (column >> 2)
    bits = np.zeros((shape.layers, height, width + 2), dtype=np.uint16)
    flat = bits.reshape(-1)
    np.bitwise_xor.at(flat, cell, (part << shift).astype(np.uint16))
    np.bitwise_xor.at(flat, cell + 1, ((part ^ 0xF) << shift).astype(np.uint16))
    return np.bitwise_xor.accumulate(bits, axis=2)[:, :, :width]


def bounds(points: np.ndarray, width: int, height: int) -> Box:
    """Return the box of whole pixels that holds the points, cut to the frame of width x height."""
    left, top = (points.min(0) // PIXEL).tolist()
    right, bottom = (-(-points.max(0) // PIXEL)).tolist()
    left, top = min(max(left, 0), width), min(max(top, 0), height)
    return left, top, min(max(right, left), width), min(max(bottom, top), height)
