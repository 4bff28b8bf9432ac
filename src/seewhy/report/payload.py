"""The data of the page: plain numbers and text, typed, versioned, and small.

The page's own types are generated from the ones below by `seewhy.report.payload_types`.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.attribution import ScaleView
from seewhy.core.display import DISPLAY, Display
from seewhy.core.layers import Layers
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import Token, Word
from seewhy.report.colourmaps import NAMES, colour_table
from seewhy.report.location_payload import LocationData, locations_data
from seewhy.report.payload_numbers import Box, short
from seewhy.report.spans import SpanScale, TextSpan, spans_of
from seewhy.report.verdict_payload import VerdictData, verdict_data
from seewhy.report.word_layers import WordLayers, word_layers

#: Increased by one for each change after which the page cannot read older payloads.
SCHEMA_VERSION = 4

#: Longest side in pixels of the picture inside a page. With several pictures it is divided by the
#: square root of their number, so that together they hold no more pixels than one, but is at least
#: the second value: smaller pictures are not readable.
PICTURE_SIDE, SMALLEST_SIDE = 1600, 480

#: Context with a smaller share than this of the strongest one is left out: it is not visible.
CONTEXT_MIN = 0.01

#: Earlier words that the page is given: for one word at most so many, the strongest, at least so
#: many where a text is long, and so many for all words together. All would be the text's square.
CONTEXT_MOST, CONTEXT_LEAST, CONTEXT_ALL = 200, 16, 200_000


# JSON has no tuples: the types in a list of fixed length are in its annotation.
Size = Annotated[list[int], (int, int)]
"""Width and height in pixels."""

XY = Annotated[list[float], (float, float)]
"""A position in pixels of the original picture."""

Extent = Annotated[list[int], (int, int)]
"""Start and end of some characters."""

Weight = Annotated[list[float], (int, float)]
"""An index on the text axis, and a share in [0, 1]."""

Range = Annotated[list[float], (float, float)]
"""The raw values that are shown as 0 and 1."""

Candidate = Annotated[list[str | float], (str, float)]
"""A token's text, and its probability."""


class Grid(TypedDict):
    """The native grid's edges in pixels of the original picture."""

    name: str
    rows: list[float]
    columns: list[float]


class PictureData(TypedDict):
    """A view: a picture, or a step of a clip; width and height in pixels of the original.

    `source` is a data URI, `name` the view's name on the page, `medium` the index of its picture or
    clip in the prompt. `clip` is true for steps of a clip, which may have a time in `seconds` and
    the indices of their `frames`.
    """

    source: str
    width: int
    height: int
    grid: Grid
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
    """One scale: the ratio that the model saw, and the size of the model's input for each view."""

    scale: float
    model_sizes: list[Size]


class Span(TypedDict):
    """A piece of the prompt, its offsets counted in characters (code points).

    `unit` is its index in `TextData.prompt_units`, or null where the prompt was not explained.
    `special` is there, and true, for a special token.
    """

    text: str
    start: int
    end: int
    unit: int | None
    special: NotRequired[bool]


class TurnData(TypedDict):
    """One turn of the prompt: the role of its characters from `start` to `end`."""

    role: str
    start: int
    end: int


class Contrast(TypedDict):
    """A word of the answer, by its index, whose maps explain it against the alternative."""

    word: int
    alternative: str


class WordNote(TypedDict):
    """What a reader must know of a word of the answer, by its index."""

    word: int
    note: str


class UnitScale(TypedDict):
    """A unit at one scale; `maps` are indices of the payload's maps, one for each view."""

    maps: list[int]
    probability: float
    is_top1: bool
    weight: float


class LayerData(TypedDict):
    """A unit at one decoder layer.

    `probability` and `rank` (0 for the first) are those of its first token if the answer is read
    out after this layer. `picture` and `text` hold for each head what it took from the pictures and
    from the conversation's words, `feed_forward` is the share of the layer's other parts, all in
    logits. `lens` (what could be read there) and `taken` are indices of the payload's maps, one for
    each view.
    """

    probability: float
    rank: int
    picture: list[float]
    text: list[float]
    feed_forward: float
    lens: list[int]
    taken: list[int]


class RangesData(TypedDict):
    """The range of a unit's maps on each scale of `seewhy.core.display`."""

    answer: Range
    word: Range
    joint: Range


class UnitData(TypedDict):
    """A word or token, of the answer or of the prompt.

    `maps`, `shares`, `peaks` and `boxes` have one entry for each view, `best` is the view with the
    highest value, and `brightness` that value on the answer's scale. `context` holds pairs of index
    (the prompt's spans first, then the answer's units) and share of the relevance of all earlier
    units. `visual_share` is in [0, 1], or null where the method does not measure it. `layers` is
    empty where the record has none. `special` is there, and true, for a special token.
    """

    text: str
    start: int
    end: int
    special: NotRequired[bool]
    tokens: list[int]
    probability: float
    candidates: list[Candidate]
    maps: list[int]
    ranges: RangesData
    brightness: float
    context: list[Weight]
    visual_share: float | None
    shares: list[float]
    best: int
    peaks: list[XY | None]
    boxes: list[Box | None]
    scales: list[UnitScale]
    layers: list[LayerData]


class TextData(TypedDict):
    """Prompt and answer, divided into words or into tokens.

    `prompt_units` holds the prompt's units where it was explained, `answer` those of the answer.
    """

    prompt: list[Span]
    prompt_units: list[UnitData]
    answer: list[UnitData]


class Origin(TypedDict):
    """How the explanation was made; see `seewhy.core.record.Provenance`."""

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
    """All data of a page.

    `display` is the scale on which maps are shown at first. `verdicts` has an entry for each word
    of the answer, null where the word has none; it is null where the answer was not diagnosed.
    `thinking` holds the start and the end of the answer's thinking block in characters (code
    points); an answer without one has no such entry. `warnings` are shown before anything else;
    they are among the notes of `origin` too. `locations` are the boxes and points in the answer.
    """

    schema: int
    display: Display
    pictures: list[PictureData]
    prompt: str
    turns: list[TurnData]
    answer: str
    thinking: NotRequired[Extent]
    contrasts: list[Contrast]
    verdicts: list[VerdictData | None] | None
    warnings: list[str]
    word_notes: list[WordNote]
    locations: list[LocationData]
    words: TextData
    tokens: TextData
    scales: list[Scale]
    maps: list[MapData]
    colours: dict[str, str]
    origin: Origin


def payload(record: Record) -> Payload:
    """Convert a record to the data of the page.

    Each map is quantised to 8 bit over its own range, whose raw ends are kept; other numbers are
    rounded to five significant digits, those of a layer's heads to three. A word of one token
    shares that token's maps.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    spans, maps = spans_of(record), _Maps(record.layers)
    data: Payload = {
        "schema": SCHEMA_VERSION,
        "display": DISPLAY,
        "pictures": _pictures(record.pictures),
        "prompt": record.prompt,
        "turns": [{"role": t.role, "start": t.start, "end": t.end} for t in record.turns],
        "answer": record.answer,
        "contrasts": [{"word": word, "alternative": other} for word, other in record.contrasts],
        "verdicts": None if record.verdicts is None else [*map(verdict_data, record.verdicts)],
        "warnings": list(record.warnings),
        "word_notes": [{"word": word, "note": note} for word, note in record.word_notes],
        "locations": locations_data(record),
        "words": _text(record.prompt_words, spans.prompt_words, spans.words, maps),
        "tokens": _text(record.prompt_tokens, spans.prompt_tokens, spans.tokens, maps),
        "scales": [_scale(view) for view in record.attribution.scales],
        "maps": maps.data,
        "colours": {name: base64_text(colour_table(name)) for name in NAMES},
        "origin": _origin(record.provenance),
    }
    if record.thinking is not None:
        data["thinking"] = [*record.thinking]
    return data


class _Maps:
    """The payload's maps; words and tokens of the same tokens share theirs."""

    def __init__(self, layers: Layers | None = None) -> None:
        self.data: list[MapData] = []
        self._starts: dict[tuple[str, tuple[int, ...]], int] = {}
        self._layers = layers
        self._layer_data: dict[tuple[int, ...], list[LayerData]] = {}

    def start(self, part: str, unit: TextSpan) -> int:
        """The index of the first of the unit's maps: those of its views, then of its scales."""
        key = part, unit.tokens
        if key not in self._starts:
            self._starts[key] = len(self.data)
            self.data.extend(map(quantise, unit.maps))
            self.data.extend(quantise(values) for scale in unit.scales for values in scale.maps)
        return self._starts[key]

    def layers(self, unit: TextSpan) -> list[LayerData]:
        """The layers of a unit of the answer; empty where the record has none."""
        if self._layers is None:
            return []
        if unit.tokens not in self._layer_data:
            word = word_layers(self._layers, unit.tokens, unit.deciding)
            made = [self._layer(word, index) for index in range(len(word))]
            self._layer_data[unit.tokens] = made
        return self._layer_data[unit.tokens]

    def _layer(self, word: WordLayers, index: int) -> LayerData:
        return {
            "probability": short(word.probabilities[index]),
            "rank": int(word.ranks[index]),
            "picture": [short(share, 3) for share in word.picture[index]],
            "text": [short(share, 3) for share in word.text[index]],
            "feed_forward": short(word.feed_forward[index]),
            "lens": self._added(maps[index] for maps in word.lens_maps),
            "taken": self._added(maps[index] for maps in word.share_maps),
        }

    def _added(self, maps: Iterable[np.ndarray]) -> list[int]:
        """The indices of maps that are added."""
        start = len(self.data)
        self.data.extend(quantise(torch.from_numpy(values)) for values in maps)
        return list(range(start, len(self.data)))


def _text(
    prompt: Sequence[Word | Token],
    prompt_units: Sequence[TextSpan],
    answer_units: Sequence[TextSpan],
    maps: _Maps,
) -> TextData:
    units = len(prompt_units) + len(answer_units)
    most = min(max(CONTEXT_ALL // max(units, 1), CONTEXT_LEAST), CONTEXT_MOST)
    return {
        "prompt": [_prompt_span(s, i if prompt_units else None) for i, s in enumerate(prompt)],
        "prompt_units": [
            _unit(unit, maps.start("prompt", unit), [], most) for unit in prompt_units
        ],
        "answer": [
            _unit(unit, maps.start("answer", unit), maps.layers(unit), most)
            for unit in answer_units
        ],
    }


def _prompt_span(span: Word | Token, unit: int | None) -> Span:
    data: Span = {"text": span.text, "start": span.start, "end": span.end, "unit": unit}
    if span.special:
        data["special"] = True
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


def view_names(pictures: Sequence[Picture]) -> list[str]:
    """The name of each view on a page: picture, picture 2, 0:03.5, clip 1 at 0:03.5.

    Steps without a time are named by the index of their first frame.
    """
    clips = list(dict.fromkeys(p.medium for p in pictures if is_step(p)))
    stills = [i for i, p in enumerate(pictures) if not is_step(p)]
    names = []
    for i, picture in enumerate(pictures):
        if not is_step(picture):
            names.append("picture" if len(stills) == 1 else f"picture {stills.index(i) + 1}")
            continue
        time = f"frame {picture.frames[0]}" if picture.seconds is None else clock(picture.seconds)
        clip = "clip" if len(clips) == 1 else f"clip {clips.index(picture.medium) + 1}"
        names.append(time if len(clips) == 1 and not stills else f"{clip} at {time}")
    return names


def is_step(picture: Picture) -> bool:
    """Whether a view is a step of a clip."""
    return picture.seconds is not None or bool(picture.frames)


def clock(seconds: float) -> str:
    """A time in minutes, seconds and tenths.

    Example:
        >>> clock(0.0), clock(3.5), clock(59.96), clock(75.25)
        ('0:00.0', '0:03.5', '1:00.0', '1:15.2')
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def picture_side(pictures: int) -> int:
    """The longest side in pixels of each of so many pictures inside a page."""
    return max(SMALLEST_SIDE, round(PICTURE_SIDE / math.sqrt(pictures)))


def _pictures(pictures: Sequence[Picture]) -> list[PictureData]:
    side = picture_side(len(pictures))
    return [
        {
            "source": data_uri(picture.image, side),
            "width": picture.size[0],
            "height": picture.size[1],
            "grid": {
                "name": picture.base_grid.name,
                "rows": [short(edge, 7) for edge in picture.base_grid.row_edges],
                "columns": [short(edge, 7) for edge in picture.base_grid.column_edges],
            },
            "name": name,
            "medium": picture.medium,
            "clip": is_step(picture),
            "seconds": None if picture.seconds is None else short(picture.seconds),
            "frames": list(picture.frames),
        }
        for picture, name in zip(pictures, view_names(pictures), strict=True)
    ]


def _unit(unit: TextSpan, first: int, layers: list[LayerData], most: int) -> UnitData:
    """The data of a word or token whose maps begin at index `first` of the payload's maps.

    It names at most `most` earlier words.
    """
    views, context = len(unit.maps), unit.strongest_context(most)
    data: UnitData = {
        "text": unit.text,
        "start": unit.start,
        "end": unit.end,
        "tokens": list(unit.tokens),
        "probability": short(unit.probability),
        "candidates": [[text, short(p)] for text, p in unit.candidates],
        "maps": list(range(first, first + views)),
        "ranges": _ranges(unit),
        "brightness": short(unit.brightness),
        "context": [
            [j, short(share, 3)] for j, share in context if share >= CONTEXT_MIN * context[0][1]
        ],
        "visual_share": None if unit.visual_share is None else short(unit.visual_share),
        "shares": [short(share) for share in unit.shares],
        "best": unit.best_view,
        "peaks": [None if peak is None else [short(xy) for xy in peak] for peak in unit.peaks],
        "boxes": [None if box is None else [short(edge) for edge in box] for box in unit.boxes],
        "scales": [
            _unit_scale(scale, first + views * number, views)
            for number, scale in enumerate(unit.scales, 1)
        ],
        "layers": layers,
    }
    if unit.special:
        data["special"] = True
    return data


def _ranges(unit: TextSpan) -> RangesData:
    answer, word, joint = (
        [short(end) for end in unit.range_of(display)] for display in ("answer", "word", "joint")
    )
    return {"answer": answer, "word": word, "joint": joint}


def _unit_scale(scale: SpanScale, first: int, views: int) -> UnitScale:
    return {
        "maps": list(range(first, first + views)),
        "probability": short(scale.probability),
        "is_top1": scale.is_top1,
        "weight": short(scale.weight),
    }


def quantise(values: Tensor) -> MapData:
    """Quantise a map to 8 bit over its own range.

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
        "low": short(low),
        "high": short(high),
        "data": base64_text(levels.round().to(torch.uint8)),
    }


def data_uri(image: Tensor, side: int = PICTURE_SIDE) -> str:
    """Encode a picture for a page, no side longer than `side` pixels.

    A drawing is stored as PNG, without loss; a photograph, whose PNG is far larger, as JPEG.

    Args:
        image: uint8 `[height, width, 3]`.
    """
    picture = Image.fromarray(image.numpy())
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    exact, lossy = io.BytesIO(), io.BytesIO()
    picture.save(exact, "PNG", optimize=True)
    picture.save(lossy, "JPEG", quality=88)
    format_name, best = ("png", exact) if exact.tell() <= 2 * lossy.tell() else ("jpeg", lossy)
    return f"data:image/{format_name};base64,{base64.b64encode(best.getvalue()).decode()}"


def base64_text(table: Tensor) -> str:
    """The bytes of a table as base64."""
    return base64.b64encode(table.contiguous().numpy().tobytes()).decode()
