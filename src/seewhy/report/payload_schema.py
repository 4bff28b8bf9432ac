"""The types of the page's data.

The page's own types are generated from these by `seewhy.report.payload_types`.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from seewhy.core.display import Display
from seewhy.report.location_payload import LocationData
from seewhy.report.payload_numbers import Box
from seewhy.report.verdict_payload import VerdictData

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

    `maps`, `shares`, `peaks` and `boxes` have one entry for each view. `best` is the view that
    stands for all: of the picture or clip with the largest share, the view with the highest value.
    `brightness` is the highest value of all views, displayed for the whole answer. `context` holds
    pairs of index (the prompt's spans first, then the answer's units) and share of the relevance of
    all earlier units. `visual_share` is in [0, 1], or null where the method does not measure it.
    `layers` is empty where the record has none. `special` is there, and true, for a special token.
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
    `first` is the word of the answer that the page opens on.
    """

    schema: int
    display: Display
    pictures: list[PictureData]
    prompt: str
    turns: list[TurnData]
    answer: str
    thinking: NotRequired[Extent]
    first: int
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
