"""The words and tokens of the page's data."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.core.text import Token, Word
from seewhy.report.payload_maps import Maps
from seewhy.report.payload_numbers import short, shorts
from seewhy.report.payload_schema import (
    LayerData,
    RangesData,
    Span,
    TextData,
    UnitData,
    UnitScale,
    Weight,
)
from seewhy.report.spans import SpanScale, TextSpan

#: Context with a smaller share than this of the strongest one is left out: it is not visible.
CONTEXT_MIN = 0.01

#: Earlier words that the page is given: for one word at most so many, the strongest, at least so
#: many where a text is long, and so many for all words together. All would be the text's square.
CONTEXT_MOST, CONTEXT_LEAST, CONTEXT_ALL = 200, 16, 200_000


def text_data(
    prompt: Sequence[Word | Token],
    prompt_units: Sequence[TextSpan],
    answer_units: Sequence[TextSpan],
    maps: Maps,
    media: Sequence[int],
) -> TextData:
    """The data of prompt and answer, divided into words or into tokens."""
    units = len(prompt_units) + len(answer_units)
    most = min(max(CONTEXT_ALL // max(units, 1), CONTEXT_LEAST), CONTEXT_MOST)
    return {
        "prompt": [_prompt_span(s, i if prompt_units else None) for i, s in enumerate(prompt)],
        "prompt_units": [
            _unit(unit, maps.start("prompt", unit), [], most, media) for unit in prompt_units
        ],
        "answer": [
            _unit(unit, maps.start("answer", unit), maps.layers(unit), most, media)
            for unit in answer_units
        ],
    }


def _prompt_span(span: Word | Token, unit: int | None) -> Span:
    data: Span = {"text": span.text, "start": span.start, "end": span.end, "unit": unit}
    if span.special:
        data["special"] = True
    return data


def _unit(
    unit: TextSpan, first: int, layers: list[LayerData], most: int, media: Sequence[int]
) -> UnitData:
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
        "context": _context(context),
        "visual_share": None if unit.visual_share is None else short(unit.visual_share),
        "shares": [short(share) for share in unit.shares],
        "best": unit.main_view(media),
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


def _context(strongest: Sequence[tuple[int, float]]) -> list[Weight]:
    """The earlier words that can be seen beside the strongest one."""
    kept = [pair for pair in strongest if pair[1] >= CONTEXT_MIN * strongest[0][1]]
    shares = shorts([share for _, share in kept], 3)
    return [[index, share] for (index, _), share in zip(kept, shares, strict=True)]


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
