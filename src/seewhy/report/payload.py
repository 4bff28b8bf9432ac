"""What the page is told: plain numbers and text, typed, versioned, and small.

The page's own types are generated from the ones below (`typedefs`); a test holds the two together.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

import torch
from PIL import Image
from torch import Tensor

from seewhy.core.record import Record
from seewhy.core.text import Word
from seewhy.report.colourmaps import NAMES, colour_table
from seewhy.report.units import Unit, prompt_words, token_units, word_units

#: Raised by one whenever a page or folder written before could no longer be read.
SCHEMA_VERSION = 1

#: Longest side in pixels of the picture inside the page.
PICTURE_SIDE = 1600

#: Context weaker than this on the display's scale is left out: nobody could see it.
FAINTEST = 0.01


class Picture(TypedDict):
    """The picture as a data URI; width and height in pixels of the original."""

    source: str
    width: int
    height: int


class Canvas(TypedDict):
    """The native grid's edges in pixels of the original picture."""

    name: str
    rows: list[float]
    columns: list[float]


class MapData(TypedDict):
    """A map in 8 bit, row by row, base64: value = low + byte / 255 * (high - low)."""

    height: int
    width: int
    low: float
    high: float
    data: str


class Scale(TypedDict):
    """One scale: what was asked for, and the pixels that the model saw, width first."""

    scale: float
    seen: list[int]


class Span(TypedDict):
    """A piece of the prompt, its offsets counted in characters (code points)."""

    text: str
    start: int
    end: int


class UnitScale(TypedDict):
    """A unit at one scale; `map` is a place in the payload's maps."""

    map: int
    probability: float
    said: bool
    weight: float


class UnitData(TypedDict):
    """A word or token of the answer.

    `low` and `high` are the joint range of image and text scores that becomes [0, 1]; `context`
    holds pairs of place (the prompt's spans first, then the answer's units) and strength in [0, 1]
    on that same scale, as are `picture` and `earlier`.
    """

    text: str
    start: int
    end: int
    tokens: list[int]
    probability: float
    candidates: list[list[str | float]]
    map: int
    low: float
    high: float
    context: list[list[float]]
    picture: float
    earlier: float
    share: float
    peak: list[float] | None
    box: list[float] | None
    scales: list[UnitScale]


class Text(TypedDict):
    """One way to cut prompt and answer into pieces."""

    prompt: list[Span]
    answer: list[UnitData]


class Origin(TypedDict):
    """Where the explanation comes from; see `seewhy.core.record.Provenance`."""

    model: str
    family: str
    method: str
    parameters: dict[str, Any]
    versions: dict[str, str]
    seconds: dict[str, float]
    created: str
    seed: int | None
    notes: list[str]


class Payload(TypedDict):
    """All that a page shows."""

    schema: int
    picture: Picture
    canvas: Canvas
    prompt: str
    answer: str
    words: Text
    tokens: Text
    scales: list[Scale]
    maps: list[MapData]
    colours: dict[str, str]
    origin: Origin


def payload(record: Record) -> Payload:
    """Put a record into the page's terms.

    Maps are cut to 8 bit each over its own range, whose raw ends are kept; other numbers to five
    significant digits. A word of one token shares that token's maps.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    maps: list[MapData] = []
    places: dict[tuple[int, ...], dict[str, Any]] = {}

    def place(unit: Unit) -> dict[str, Any]:
        if unit.tokens not in places:
            first = len(maps)
            maps.extend(quantise(m) for m in (unit.map, *(s.map for s in unit.scales)))
            places[unit.tokens] = {"map": first, "scales": range(first + 1, len(maps))}
        return places[unit.tokens]

    def text(prompt: tuple[Any, ...], units: tuple[Unit, ...]) -> Text:
        return {
            "prompt": [{"text": s.text, "start": s.start, "end": s.end} for s in prompt],
            "answer": [_unit(unit, place(unit)) for unit in units],
        }

    origin = record.provenance
    width, height = record.size
    asked: tuple[Word, ...] = prompt_words(record)
    return {
        "schema": SCHEMA_VERSION,
        "picture": {"source": data_uri(record.image), "width": width, "height": height},
        "canvas": {
            "name": record.canvas.name,
            "rows": [_short(e, 7) for e in record.canvas.rows],
            "columns": [_short(e, 7) for e in record.canvas.columns],
        },
        "prompt": record.prompt,
        "answer": record.answer,
        "words": text(asked, word_units(record)),
        "tokens": text(record.prompt_tokens, token_units(record)),
        "scales": [
            {"scale": _short(view.scale), "seen": list(view.seen)}
            for view in record.attribution.scales
        ],
        "maps": maps,
        "colours": {name: _base64(colour_table(name)) for name in NAMES},
        "origin": {
            "model": origin.model,
            "family": origin.family,
            "method": origin.method,
            "parameters": dict(origin.parameters),
            "versions": dict(origin.versions),
            "seconds": {stage: _short(s) for stage, s in origin.seconds.items()},
            "created": origin.created,
            "seed": origin.seed,
            "notes": list(origin.notes),
        },
    }


def _unit(unit: Unit, place: dict[str, Any]) -> UnitData:
    context = [(j, unit.shown(relevance)) for j, relevance in unit.context]
    return {
        "text": unit.text,
        "start": unit.start,
        "end": unit.end,
        "tokens": list(unit.tokens),
        "probability": _short(unit.probability),
        "candidates": [[text, _short(p)] for text, p in unit.candidates],
        "map": place["map"],
        "low": _short(unit.low),
        "high": _short(unit.high),
        "context": [[j, _short(shown, 3)] for j, shown in context if shown >= FAINTEST],
        "picture": _short(unit.picture),
        "earlier": _short(unit.earlier),
        "share": _short(unit.share),
        "peak": None if unit.peak is None else [_short(xy) for xy in unit.peak],
        "box": None if unit.box is None else [_short(edge) for edge in unit.box],
        "scales": [
            {
                "map": at,
                "probability": _short(s.probability),
                "said": s.said,
                "weight": _short(s.weight),
            }
            for s, at in zip(unit.scales, place["scales"], strict=True)
        ],
    }


def quantise(values: Tensor) -> MapData:
    """Cut a map to 8 bit over its own range.

    Args:
        values: float `[height, width]`.

    Example:
        >>> quantise(torch.tensor([[0.0, 2.0]]))
        {'height': 1, 'width': 2, 'low': 0.0, 'high': 2.0, 'data': 'AP8='}
    """
    low, high = float(values.min()), float(values.max())
    levels = (values.double() - low) / ((high - low) or 1.0) * 255
    return {
        "height": values.shape[0],
        "width": values.shape[1],
        "low": _short(low),
        "high": _short(high),
        "data": _base64(levels.round().to(torch.uint8)),
    }


def data_uri(image: Tensor, side: int = PICTURE_SIDE) -> str:
    """Encode a picture for a page, no side longer than `side` pixels.

    A drawing stays lossless (PNG); a photograph, whose PNG would be far larger, becomes a JPEG.

    Args:
        image: uint8 `[height, width, 3]`.
    """
    picture = Image.fromarray(image.numpy())
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    exact, lossy = io.BytesIO(), io.BytesIO()
    picture.save(exact, "PNG", optimize=True)
    picture.save(lossy, "JPEG", quality=88)
    kind, best = ("png", exact) if exact.tell() <= 2 * lossy.tell() else ("jpeg", lossy)
    return f"data:image/{kind};base64,{base64.b64encode(best.getvalue()).decode()}"


def _base64(table: Tensor) -> str:
    return base64.b64encode(table.contiguous().numpy().tobytes()).decode()


def _short(number: float | Tensor, digits: int = 5) -> float:
    """Round to significant digits.

    >>> _short(0.123456789), _short(1234567.0)
    (0.12346, 1234600.0)
    """
    number = float(number)
    if not math.isfinite(number):
        raise ValueError(f"Expected finite numbers in a record, got {number}.")
    return float(f"{number:.{digits}g}")


def typedefs() -> str:
    """The payload's types as JSDoc, as they stand in `assets/page.js`."""
    blocks = []
    for kind in (Picture, Canvas, MapData, Scale, Span, UnitScale, UnitData, Text, Origin, Payload):
        fields = get_type_hints(kind).items()
        lines = [f" * @property {{{_script_type(hint)}}} {name}" for name, hint in fields]
        blocks.append("\n".join(["/**", f" * @typedef {{object}} {kind.__name__}", *lines, " */"]))
    return "\n".join(blocks)


def _script_type(hint: Any) -> str:
    """A Python type as JavaScript's.

    >>> _script_type(list[int]), _script_type(int | None)
    ('number[]', 'number|null')
    """
    plain = {int: "number", float: "number", str: "string", bool: "boolean", Any: "unknown"}
    if hint in plain:
        return plain[hint]
    if hint is type(None):
        return "null"
    if is_typeddict(hint):
        return hint.__name__
    parts = [_script_type(part) for part in get_args(hint)]
    if get_origin(hint) is list:
        return f"({parts[0]})[]" if "|" in parts[0] else f"{parts[0]}[]"
    if get_origin(hint) is dict:
        return f"Record<{', '.join(parts)}>"
    return "|".join(dict.fromkeys(parts))
