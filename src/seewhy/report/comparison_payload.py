"""The data of a comparison's page: both maps of each word as small pictures, and numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.geometry import TokenGrid, interpolation, pixel_edges
from seewhy.core.record import Picture, Record
from seewhy.report.colourmaps import colourise, diverging
from seewhy.report.payload import data_uri
from seewhy.report.payload_numbers import short

SCHEMA_VERSION = 1

#: Longest side in pixels of the picture, and of the maps that the browser draws larger.
PICTURE_SIDE, MAP_SIDE = 900, 72

Pair = Annotated[list[float], (float, float)]
"""A number of the first and of the second model."""


class ComparedModel(TypedDict):
    """A model: its hub id or folder, its family, and what a reader must know."""

    name: str
    family: str
    notes: list[str]


class ComparedPicture(TypedDict):
    """A view: a data URI, and its width and height in pixels."""

    source: str
    width: int
    height: int


class ComparedView(TypedDict):
    """Both maps over a view and their difference, as data URIs of pictures with alpha."""

    first: str
    second: str
    difference: str


class ComparedWordData(TypedDict):
    """A word: both probabilities, the greatest value of both maps, and the greatest change.

    `peak` and `change` are in the method's own unit; `change` has the sign of the second map minus
    the first.
    """

    text: str
    start: int
    end: int
    probabilities: Pair
    peak: float
    change: float
    views: list[ComparedView]


class ComparisonPayload(TypedDict):
    """All data of the page. `warnings` are shown first; they are among the models' notes too."""

    schema: int
    prompt: str
    answer: str
    method: str
    by: str
    models: list[ComparedModel]
    warnings: list[str]
    notes: list[str]
    pictures: list[ComparedPicture]
    words: list[ComparedWordData]


@dataclass(frozen=True, eq=False)
class ComparedMaps:
    """Two maps over one view, on one grid: float32 `[height, width]` each, in logits."""

    first: np.ndarray
    second: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """The second map minus the first."""
        return self.second - self.first


Compared = tuple[tuple[float, float], Sequence[ComparedMaps]]
"""A word's two probabilities, and its maps over each view."""


def payload(
    first: Record,
    second: Record,
    words: Sequence[Compared],
    *,
    by: str,
    notes: Sequence[str],
) -> ComparisonPayload:
    """The data of the page.

    Args:
        first, second: both explanations.
        words: for each word of the answer.
        by: `"tokens"` or `"words"`.
        notes: remarks on the comparison.
    """
    return {
        "schema": SCHEMA_VERSION,
        "prompt": first.prompt,
        "answer": first.answer,
        "method": first.provenance.method,
        "by": by,
        "models": [_model(first), _model(second)],
        "warnings": list(dict.fromkeys((*first.warnings, *second.warnings))),
        "notes": list(notes),
        "pictures": [
            {
                "source": data_uri(picture.image, PICTURE_SIDE),
                "width": picture.size[0],
                "height": picture.size[1],
            }
            for picture in first.pictures
        ],
        "words": [
            _word(first.pictures, word.text, (word.start, word.end), compared)
            for word, compared in zip(first.words, words, strict=True)
        ],
    }


def _model(record: Record) -> ComparedModel:
    origin = record.provenance
    return {"name": origin.model, "family": origin.family, "notes": list(origin.notes)}


def _word(
    pictures: Sequence[Picture], text: str, span: tuple[int, int], compared: Compared
) -> ComparedWordData:
    probabilities, views = compared
    peak = max(float(np.maximum(maps.first, maps.second).max()) for maps in views)
    changes = np.concatenate([maps.difference.ravel() for maps in views])
    return {
        "text": text,
        "start": span[0],
        "end": span[1],
        "probabilities": [short(value) for value in probabilities],
        "peak": short(peak),
        "change": short(float(changes[np.abs(changes).argmax()])),
        "views": [
            _view(picture, maps, peak) for picture, maps in zip(pictures, views, strict=True)
        ],
    }


def _view(picture: Picture, maps: ComparedMaps, peak: float) -> ComparedView:
    scale = max(peak, 1e-12)
    grid, size = picture.base_grid, picture.size

    def drawn(values: np.ndarray) -> Tensor:
        return _over_picture(torch.from_numpy(values / scale), grid, size)

    return {
        "first": _png(_heat(drawn(maps.first))),
        "second": _png(_heat(drawn(maps.second))),
        "difference": _png(diverging(drawn(maps.difference))),
    }


def _over_picture(values: Tensor, grid: TokenGrid, size: tuple[int, int]) -> Tensor:
    """Values on a small raster over the whole picture; 0 outside of the grid."""
    ratio = MAP_SIDE / max(size)
    width, height = (max(1, round(side * ratio)) for side in size)
    y, x = pixel_edges(size[1], height), pixel_edges(size[0], width)
    down, across = interpolation(grid.row_edges, y), interpolation(grid.column_edges, x)
    drawn = down @ values.double() @ across.T
    inside = _within(grid.row_edges, y)[:, None] & _within(grid.column_edges, x)[None]
    return torch.where(inside, drawn, torch.zeros_like(drawn))


def _within(edges: Tensor, pixels: Tensor) -> Tensor:
    centres = (pixels[:-1] + pixels[1:]) / 2
    return (centres >= edges[0]) & (centres < edges[-1])


def _heat(values: Tensor) -> Tensor:
    """uint8 `[height, width, 4]`: the colour map's colours, more opaque where values are high."""
    alpha = (255 * (0.55 + 0.35 * values.clamp(0, 1))).round().to(torch.uint8)
    return torch.cat([colourise(values.float()), alpha[..., None]], -1)


def _png(pixels: Tensor) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels.numpy(), "RGBA").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
