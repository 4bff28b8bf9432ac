"""How well the map of a phrase, or of coordinates, fits the box or point that they go with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.core.geometry import TokenGrid, pixel_edges, resample
from seewhy.core.record import Picture, Record
from seewhy.core.text import Word
from seewhy.functional.overlap import energy_inside, object_iou
from seewhy.functional.peaks import peak
from seewhy.report.locations import Location, Pixels, words_before
from seewhy.report.spans import TextSpan, spans_of

#: Longest side of the raster on which maps and boxes are compared.
RASTER = 256


@dataclass(frozen=True)
class Fit:
    """A map against a box or a point, in the view where it is highest.

    Attributes:
        view: the record's view.
        iou: the overlap of the map above its Otsu threshold with the box, in [0, 1]; None for a
            point.
        hit: the pointing game: whether the centre of the map's highest cell lies in the box; for a
            point whether the point lies in that cell. False for an empty map.
        distance: from that centre to the box or point, in pixels of the picture; 0 inside the box,
            None for an empty map.
        energy: the share of the map's sum that is inside the box, in [0, 1]; None for a point, and
            for an empty map.
        area: the box's share of the picture, in [0, 1], with which `energy` compares; None for a
            point.
    """

    view: int
    iou: float | None
    hit: bool
    distance: float | None
    energy: float | None
    area: float | None


def span_of(record: Record, word: Word) -> TextSpan:
    """The span of a phrase or of coordinates."""
    return spans_of(record).word(word, words_before(record, word))


def fit_of(record: Record, location: Location, word: Word | None) -> Fit | None:
    """The map of a word against a location; None if one of the two is missing.

    Computed once and kept with the record.

    Args:
        record: the explanation.
        location: with or without pixels.
        word: its phrase or its coordinates.
    """
    if word is None or location.pixels is None:
        return None
    known = record.derived(_Fits).known
    if (location, word) not in known:
        known[location, word] = _fit(record, location, word, location.pixels)
    return known[location, word]


class _Fits:
    """The fits of a record that were asked for."""

    def __init__(self, record: Record) -> None:
        self.known: dict[tuple[Location, Word], Fit] = {}


def _fit(record: Record, location: Location, word: Word, pixels: Pixels) -> Fit:
    span = span_of(record, word)
    view = max(location.views, key=lambda view: float(span.maps[view].max()))
    picture = record.pictures[view]
    centre, cell = _peak(span.maps[view], picture.base_grid)
    if location.markup.kind == "point":
        x, y = pixels
        hit = cell is not None and cell[0] <= x <= cell[2] and cell[1] <= y <= cell[3]
        return Fit(view, None, hit, _distance(centre, (x, y, x, y)), None, None)
    left, top, right, bottom = pixels
    iou, energy, area = _overlap(span.displays[view], picture, (left, top, right, bottom))
    distance = _distance(centre, (left, top, right, bottom))
    return Fit(view, iou, distance == 0, distance, energy, area)


Corners = tuple[float, float, float, float]


def _peak(values: Tensor, grid: TokenGrid) -> tuple[tuple[float, float] | None, Corners | None]:
    """The centre of a map's highest cell, and the cell, in pixels; None for an empty map."""
    place = peak(values)
    if place is None:
        return None, None
    row, column = place
    top, bottom = (float(edge) for edge in grid.row_edges[row : row + 2])
    left, right = (float(edge) for edge in grid.column_edges[column : column + 2])
    return ((left + right) / 2, (top + bottom) / 2), (left, top, right, bottom)


def _distance(centre: tuple[float, float] | None, box: Corners) -> float | None:
    """From a position to a box, 0 inside it."""
    if centre is None:
        return None
    x, y = centre
    left, top, right, bottom = box
    return math.hypot(max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom))


def _overlap(
    display: Tensor, picture: Picture, box: Corners
) -> tuple[float | None, float | None, float]:
    """Overlap at Otsu's threshold, energy inside, and the box's share of the picture."""
    width, height = picture.size
    share = min(1.0, RASTER / max(width, height))
    columns, rows = max(1, round(width * share)), max(1, round(height * share))
    raster = TokenGrid.over((0.0, 0.0, float(width), float(height)), rows, columns)
    values = resample(display.detach().cpu().float(), picture.base_grid, raster)
    # What the model did not see has no evidence: interpolation would continue the edge there.
    grid = picture.base_grid
    seen = _between(grid.row_edges[0], grid.row_edges[-1], height, rows)[:, None] & _between(
        grid.column_edges[0], grid.column_edges[-1], width, columns
    )
    values = (values * seen).clamp(0, 1)
    left, top, right, bottom = box
    mask = _between(top, bottom, height, rows)[:, None] & _between(left, right, width, columns)
    iou, energy = float(object_iou(values, mask)), float(energy_inside(values, mask))
    area = (right - left) * (bottom - top) / (width * height)
    return _known(iou), _known(energy), area


def _between(low: Tensor | float, high: Tensor | float, length: int, cells: int) -> Tensor:
    """Which of a side's cells have their centre between two edges: bool `[cells]`.

    The nearest cell if the two are so close that none has.
    """
    edges = pixel_edges(length, cells)
    centres = (edges[:-1] + edges[1:]) / 2
    inside = (centres >= low) & (centres < high)
    if not bool(inside.any()):
        inside[torch.argmin((centres - (low + high) / 2).abs())] = True
    return inside


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
