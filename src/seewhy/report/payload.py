"""The data of the page: plain numbers and text, typed, versioned, and small."""

from __future__ import annotations

from seewhy.core.attribution import ScaleView
from seewhy.core.display import DISPLAY
from seewhy.core.record import Provenance, Record
from seewhy.report.colourmaps import NAMES, colour_table
from seewhy.report.first_word import first_word
from seewhy.report.location_payload import locations_data
from seewhy.report.payload_maps import Maps, in_base64, quantise
from seewhy.report.payload_numbers import short
from seewhy.report.payload_pictures import clock, data_uri, is_step, pictures_data, view_names
from seewhy.report.payload_schema import Origin, Payload, Scale
from seewhy.report.payload_units import text_data
from seewhy.report.spans import spans_of
from seewhy.report.verdict_payload import verdict_data

__all__ = [
    "SCHEMA_VERSION",
    "Payload",
    "clock",
    "data_uri",
    "is_step",
    "payload",
    "quantise",
    "view_names",
]

#: Increased by one for each change after which the page cannot read older payloads.
SCHEMA_VERSION = 4


def payload(record: Record) -> Payload:
    """Convert a record to the data of the page.

    Each map is quantised to 8 bit over its own range, whose raw ends are kept; other numbers are
    rounded to five significant digits, those of a layer's heads to three. A word of one token
    shares that token's maps.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    spans, maps = spans_of(record), Maps(record.layers)
    media = [picture.medium for picture in record.pictures]
    data: Payload = {
        "schema": SCHEMA_VERSION,
        "display": DISPLAY,
        "pictures": pictures_data(record.pictures),
        "prompt": record.prompt,
        "turns": [{"role": t.role, "start": t.start, "end": t.end} for t in record.turns],
        "answer": record.answer,
        "first": first_word(record),
        "contrasts": [{"word": word, "alternative": other} for word, other in record.contrasts],
        "verdicts": None if record.verdicts is None else [*map(verdict_data, record.verdicts)],
        "warnings": list(record.warnings),
        "word_notes": [{"word": word, "note": note} for word, note in record.word_notes],
        "locations": locations_data(record),
        "words": text_data(record.prompt_words, spans.prompt_words, spans.words, maps, media),
        "tokens": text_data(record.prompt_tokens, spans.prompt_tokens, spans.tokens, maps, media),
        "scales": [_scale(view) for view in record.attribution.scales],
        "maps": maps.data,
        "colours": {name: in_base64(colour_table(name)) for name in NAMES},
        "origin": _origin(record.provenance),
    }
    if record.thinking is not None:
        data["thinking"] = [*record.thinking]
    return data


def _scale(view: ScaleView) -> Scale:
    return {"scale": short(view.scale), "model_sizes": [list(size) for size in view.model_sizes]}


def _origin(provenance: Provenance) -> Origin:
    return {
        "model": provenance.model,
        "family": provenance.family,
        "method": provenance.method,
        "parameters": dict(provenance.parameters),
        "versions": dict(provenance.versions),
        "seconds": {stage: short(seconds) for stage, seconds in provenance.seconds.items()},
        "created": provenance.created,
        "seed": provenance.seed,
        "notes": list(provenance.notes),
    }
