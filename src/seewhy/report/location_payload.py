"""Boxes and points of an answer in a page's payload."""

from __future__ import annotations

from typing import TypedDict

from seewhy.core.record import Record
from seewhy.report.location_fit import Fit, fit_of
from seewhy.report.locations import Location, locations_of
from seewhy.report.payload_numbers import short


class FitData(TypedDict):
    """A map against a box or point; see `seewhy.report.location_fit.Fit`."""

    view: int
    iou: float | None
    hit: bool
    distance: float | None
    energy: float | None
    area: float | None


class LocationData(TypedDict):
    """A box or a point in the answer; see `seewhy.report.locations.Location`.

    `text` are its characters. `pixels` are those of the original picture: four of a box, two of a
    point, null where they are not known. `tokens`, `number_tokens` and `phrase_tokens` are indices
    of the answer's tokens.
    """

    kind: str
    text: str
    tokens: list[int]
    numbers: list[float]
    number_tokens: list[int]
    phrase: str | None
    phrase_tokens: list[int]
    pixels: list[float] | None
    convention: str | None
    picture: int | None
    views: list[int]
    notes: list[str]
    phrase_fit: FitData | None
    coordinates_fit: FitData | None


def locations_data(record: Record) -> list[LocationData]:
    """The boxes and points of a record's answer, in its order."""
    return [_location(record, location) for location in locations_of(record)]


def _location(record: Record, location: Location) -> LocationData:
    markup, phrase = location.markup, location.markup.phrase
    return {
        "kind": markup.kind,
        "text": record.answer[markup.start : markup.end],
        "tokens": list(location.tokens),
        "numbers": [short(value, 7) for value in markup.values],
        "number_tokens": sorted({token for group in location.number_tokens for token in group}),
        "phrase": None if phrase is None else record.answer[phrase[0] : phrase[1]],
        "phrase_tokens": [] if location.phrase is None else list(location.phrase.tokens),
        "pixels": None
        if location.pixels is None
        else [short(value, 7) for value in location.pixels],
        "convention": location.convention,
        "picture": location.picture,
        "views": list(location.views),
        "notes": list(location.notes),
        "phrase_fit": _fit(fit_of(record, location, location.phrase)),
        "coordinates_fit": _fit(fit_of(record, location, location.coordinates)),
    }


def _fit(fit: Fit | None) -> FitData | None:
    if fit is None:
        return None
    return {
        "view": fit.view,
        "iou": _short(fit.iou),
        "hit": fit.hit,
        "distance": _short(fit.distance),
        "energy": _short(fit.energy),
        "area": _short(fit.area),
    }


def _short(value: float | None) -> float | None:
    return None if value is None else short(value)
