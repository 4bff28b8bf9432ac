"""Boxes and points of an answer as JSON: for `--json` and for readers of saved folders."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from seewhy.core.record import Record
from seewhy.core.text import Word
from seewhy.report.location_fit import Fit, fit_of
from seewhy.report.locations import Location, locations_of


def locations_to_json(record: Record) -> dict[str, list[dict[str, Any]]]:
    """`boxes` and `points` of a record's answer, in its order."""
    found = locations_of(record)
    return {
        f"{kind}es" if kind == "box" else f"{kind}s": [
            location_to_json(record, one) for one in found if one.markup.kind == kind
        ]
        for kind in ("box", "point")
    }


def location_to_json(record: Record, location: Location) -> dict[str, Any]:
    """JSON-ready: characters, tokens, numbers, phrase, pixels, convention, notes and fits."""
    markup = location.markup
    return {
        "text": record.answer[markup.start : markup.end],
        "start": markup.start,
        "end": markup.end,
        "tokens": list(location.tokens),
        "numbers": [
            {"value": n.value, "start": n.start, "end": n.end, "tokens": list(tokens)}
            for n, tokens in zip(markup.numbers, location.number_tokens, strict=True)
        ],
        "phrase": _phrase(record, location),
        "pixels": None if location.pixels is None else list(location.pixels),
        "convention": location.convention,
        "syntax": markup.syntax,
        "picture": location.picture,
        "views": list(location.views),
        "notes": list(location.notes),
        "phrase_fit": _fit(fit_of(record, location, location.phrase)),
        "coordinates_fit": _fit(fit_of(record, location, location.coordinates)),
    }


def _phrase(record: Record, location: Location) -> dict[str, Any] | None:
    if location.markup.phrase is None:
        return None
    start, end = location.markup.phrase
    word: Word | None = location.phrase
    tokens = [] if word is None else list(word.tokens)
    return {"text": record.answer[start:end], "start": start, "end": end, "tokens": tokens}


def _fit(fit: Fit | None) -> dict[str, Any] | None:
    return None if fit is None else asdict(fit)
