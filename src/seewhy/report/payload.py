"""What the page is told: plain numbers and text, typed, versioned, and small.

The page's own types are generated from the ones below by `seewhy.report.payload_types`.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import torch
from PIL import Image
from torch import Tensor

from seewhy.core.record import Picture, Record
from seewhy.core.text import Token, Word
from seewhy.report.colourmaps import NAMES, colour_table
from seewhy.report.spans import TextSpan, spans_of

#: Raised by one whenever the page could no longer read a payload written before.
SCHEMA_VERSION = 2

#: Longest side in pixels of the one picture inside a page. Of several, none is longer than this
#: divided by the root of their number, so that together they hold no more pixels than one would;
#: but never shorter than the second, where a person could no longer make anything out.
PICTURE_SIDE, SMALLEST_SIDE = 1600, 480

#: Context weaker than this on the display's scale is left out: nobody could see it.
CONTEXT_MIN = 0.01


# JSON has no tuples: lists of a fixed length say so in their annotation.
Size = Annotated[list[int], (int, int)]
"""Width and height in pixels."""

XY = Annotated[list[float], (float, float)]
"""A place in pixels of the original picture."""

Box = Annotated[list[float], (float, float, float, float)]
"""Left, top, right and bottom in pixels of the original picture."""

Strength = Annotated[list[float], (int, float)]
"""A place on the text axis, and a strength in [0, 1]."""

Candidate = Annotated[list[str | float], (str, float)]
"""A token's text, and its probability."""


class Canvas(TypedDict):
    """The native grid's edges in pixels of the original picture."""

    name: str
    rows: list[float]
    columns: list[float]


class PictureData(TypedDict):
    """A view: a picture, or a step of a clip; width and height in pixels of the original.

    `source` is a data URI, `name` what a person calls it among the others, `medium` which picture
    or clip of the prompt it belongs to. `clip` tells steps of a clip, which may have a time in
    `seconds` and the places of their `frames`.
    """

    source: str
    width: int
    height: int
    canvas: Canvas
    name: str
    medium: int
    clip: bool
    seconds: float | None
    frames: list[int]


class MapData(TypedDict):
    """A map in 8 bit, row by row, base64: value = low + byte / 255 * (high - low)."""

    height: int
    width: int
    low: float
    high: float
    data: str


class Scale(TypedDict):
    """One scale: what was asked for, and the pixels seen of each view, width first."""

    scale: float
    seen: list[Size]


class Span(TypedDict):
    """A piece of the prompt, its offsets counted in characters (code points).

    `unit` is its place in `TextData.asked`, or null where the prompt was not explained.
    """

    text: str
    start: int
    end: int
    unit: int | None


class TurnData(TypedDict):
    """One turn of the prompt: whose words its characters from `start` to `end` are."""

    role: str
    start: int
    end: int


class Contrast(TypedDict):
    """A word of the answer, by its place, whose maps say why it was said and not the other."""

    word: int
    alternative: str


class UnitScale(TypedDict):
    """A unit at one scale; `maps` are places in the payload's maps, one for each view."""

    maps: list[int]
    probability: float
    said: bool
    weight: float


class UnitData(TypedDict):
    """A word or token, of the answer or of the prompt.

    `maps`, `shares`, `peaks` and `boxes` have one entry for each view, `best` is the view that says
    most. `low` and `high` are the joint range of image and text scores that becomes [0, 1];
    `context` holds pairs of place (the prompt's spans first, then the answer's units) and strength
    in [0, 1] on that same scale, as are `picture` and `earlier`.
    """

    text: str
    start: int
    end: int
    tokens: list[int]
    probability: float
    candidates: list[Candidate]
    maps: list[int]
    low: float
    high: float
    context: list[Strength]
    picture: float
    earlier: float
    share: float
    shares: list[float]
    best: int
    peaks: list[XY | None]
    boxes: list[Box | None]
    scales: list[UnitScale]


class TextData(TypedDict):
    """One way to cut prompt and answer into pieces.

    `asked` holds the prompt's units as `answer` does the answer's, where they were explained.
    """

    prompt: list[Span]
    asked: list[UnitData]
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
    pictures: list[PictureData]
    prompt: str
    turns: list[TurnData]
    answer: str
    contrasts: list[Contrast]
    words: TextData
    tokens: TextData
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
    places: dict[tuple[str, tuple[int, ...]], int] = {}

    def place(part: str, unit: TextSpan) -> int:
        """Where the unit's maps begin: those of its views, then those of its scales' views."""
        key = part, unit.tokens
        if key not in places:
            places[key] = len(maps)
            maps.extend(map(quantise, unit.maps))
            maps.extend(quantise(one) for scale in unit.scales for one in scale.maps)
        return places[key]

    def text(
        prompt: Sequence[Word | Token], asked: Sequence[TextSpan], answer: Sequence[TextSpan]
    ) -> TextData:
        return {
            "prompt": [
                {"text": s.text, "start": s.start, "end": s.end, "unit": i if asked else None}
                for i, s in enumerate(prompt)
            ],
            "asked": [_unit(unit, place("prompt", unit)) for unit in asked],
            "answer": [_unit(unit, place("answer", unit)) for unit in answer],
        }

    origin, spans = record.provenance, spans_of(record)
    return {
        "schema": SCHEMA_VERSION,
        "pictures": _pictures(record.pictures),
        "prompt": record.prompt,
        "turns": [{"role": t.role, "start": t.start, "end": t.end} for t in record.turns],
        "answer": record.answer,
        "contrasts": [{"word": word, "alternative": other} for word, other in record.contrasts],
        "words": text(record.prompt_words, spans.prompt_words, spans.words),
        "tokens": text(record.prompt_tokens, spans.prompt_tokens, spans.tokens),
        "scales": [
            {"scale": _short(view.scale), "seen": [list(size) for size in view.input_sizes]}
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


def view_names(pictures: Sequence[Picture]) -> list[str]:
    """What a person calls each view: the picture, picture 2, 0:03.5, clip 1 at 0:03.5.

    Steps without a time bear the place of their first frame.
    """
    clips = list(dict.fromkeys(p.medium for p in pictures if is_step(p)))
    stills = [i for i, p in enumerate(pictures) if not is_step(p)]
    names = []
    for i, one in enumerate(pictures):
        if not is_step(one):
            names.append("picture" if len(stills) == 1 else f"picture {stills.index(i) + 1}")
            continue
        when = f"frame {one.frames[0]}" if one.seconds is None else clock(one.seconds)
        clip = "clip" if len(clips) == 1 else f"clip {clips.index(one.medium) + 1}"
        names.append(when if len(clips) == 1 and not stills else f"{clip} at {when}")
    return names


def is_step(picture: Picture) -> bool:
    """Whether a view is a step of a clip."""
    return picture.seconds is not None or bool(picture.frames)


def clock(seconds: float) -> str:
    """A time as a person reads it, in minutes, seconds and tenths.

    Example:
        >>> clock(0.0), clock(3.5), clock(59.96), clock(75.25)
        ('0:00.0', '0:03.5', '1:00.0', '1:15.2')
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def _pictures(pictures: Sequence[Picture]) -> list[PictureData]:
    side = max(SMALLEST_SIDE, round(PICTURE_SIDE / math.sqrt(len(pictures))))
    return [
        {
            "source": data_uri(one.image, side),
            "width": one.size[0],
            "height": one.size[1],
            "canvas": {
                "name": one.base_grid.name,
                "rows": [_short(edge, 7) for edge in one.base_grid.row_edges],
                "columns": [_short(edge, 7) for edge in one.base_grid.column_edges],
            },
            "name": name,
            "medium": one.medium,
            "clip": is_step(one),
            "seconds": None if one.seconds is None else _short(one.seconds),
            "frames": list(one.frames),
        }
        for one, name in zip(pictures, view_names(pictures), strict=True)
    ]


def _unit(unit: TextSpan, first: int) -> UnitData:
    views = len(unit.maps)
    return {
        "text": unit.text,
        "start": unit.start,
        "end": unit.end,
        "tokens": list(unit.tokens),
        "probability": _short(unit.probability),
        "candidates": [[text, _short(p)] for text, p in unit.candidates],
        "maps": list(range(first, first + views)),
        "low": _short(unit.low),
        "high": _short(unit.high),
        "context": [
            [j, _short(shown, 3)] for j, shown in unit.context_display if shown >= CONTEXT_MIN
        ],
        "picture": _short(unit.image_strength),
        "earlier": _short(unit.context_strength),
        "share": _short(unit.image_share),
        "shares": [_short(share) for share in unit.shares],
        "best": unit.best_view,
        "peaks": [None if one is None else [_short(xy) for xy in one] for one in unit.peaks],
        "boxes": [None if one is None else [_short(edge) for edge in one] for one in unit.boxes],
        "scales": [
            {
                "maps": list(range(first + views * (i + 1), first + views * (i + 2))),
                "probability": _short(s.probability),
                "said": s.is_top1,
                "weight": _short(s.weight),
            }
            for i, s in enumerate(unit.scales)
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
