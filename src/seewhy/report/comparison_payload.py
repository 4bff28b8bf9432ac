"""The data of a comparison's page: columns with their words and maps, and numbers of pairs.

Maps are 8 bit on their own grids, as those of the report; the page draws them, and subtracts them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

from torch import Tensor

from seewhy.core.record import Picture, Record
from seewhy.core.verdict import Verdict
from seewhy.functional.agreement import Agreement
from seewhy.report.colourmaps import DEFAULT, colour_table
from seewhy.report.payload_maps import in_base64, quantise
from seewhy.report.payload_numbers import short
from seewhy.report.payload_pictures import data_uri, picture_side, view_names
from seewhy.report.payload_schema import Grid, MapData, Range
from seewhy.report.spans import TextSpan, spans_of

SCHEMA_VERSION = 2

Ends = Annotated[list[int], (int, int)]
"""The numbers of the first and of the second column of a pair."""


class ComparedView(TypedDict):
    """A view of a column: its picture, by its index, and its grid in pixels of the original.

    `width` and `height` are those of the original picture.
    """

    picture: int
    name: str
    width: int
    height: int
    grid: Grid


class ComparedVerdict(TypedDict):
    """What a word rests on, how sure it is that the picture bears it out, and why."""

    source: str
    support: float
    sentence: str


class ComparedWordData(TypedDict):
    """A word of a column's answer.

    `maps` are indices of the payload's maps, one for each view. `answer` and `word` are the raw
    values that are shown as 0 and 1 on the answer's scale, and on the word's own. `total` is the
    sum of the positive part of all its maps. `verdict` is null where it has none.
    """

    text: str
    start: int
    end: int
    probability: float
    visual_share: float | None
    maps: list[int]
    best: int
    answer: Range
    word: Range
    total: float
    verdict: ComparedVerdict | None


class ComparedColumnData(TypedDict):
    """An explanation: what tells it from the others, how it was made, its views and its words."""

    label: str
    model: str
    family: str
    method: str
    prompt: str
    answer: str
    diagnosed: bool
    notes: list[str]
    views: list[ComparedView]
    words: list[ComparedWordData]


class AgreementData(TypedDict):
    """How much two maps agree; see `seewhy.functional.agreement`. Null for what is not defined."""

    rank_correlation: float | None
    top_overlap: float | None
    cells: int


class ComparedPairData(TypedDict):
    """Two columns: what is subtracted ("values" or "shares"), and how much they agree.

    `same_places` is false where their pictures have other sizes. `agreements` has an entry for each
    row, null where there is nothing to compare. `mean` is over the `words` rows with a letter or
    digit.
    """

    columns: Ends
    unit: str
    same_places: bool
    agreements: list[AgreementData | None]
    mean: AgreementData | None
    words: int


class ComparisonPayload(TypedDict):
    """All data of the page.

    `kind` says what differs, `by` how words were matched. `rows` has for each row the number of the
    word of each column, null where its answer has no such word. `warnings` are shown first; they
    are among the columns' notes too. `sources` are pictures as data URIs.
    """

    schema: int
    kind: str
    by: str
    columns: list[ComparedColumnData]
    rows: list[list[int | None]]
    pairs: list[ComparedPairData]
    sources: list[str]
    maps: list[MapData]
    colours: dict[str, str]
    warnings: list[str]
    notes: list[str]


@dataclass(frozen=True)
class ComparedColumn:
    """An explanation and its name."""

    label: str
    record: Record


@dataclass(frozen=True)
class ComparedPair:
    """Two columns by their numbers, and how much they agree.

    Attributes:
        first, second: the numbers.
        unit: `"values"` or `"shares"`: what is subtracted.
        same_places: whether their pictures have the same sizes.
        agreements: for each row, None where there is nothing to compare.
        mean: over all rows that say something.
    """

    first: int
    second: int
    unit: str
    same_places: bool
    agreements: tuple[Agreement | None, ...]
    mean: Agreement | None


def payload(
    columns: Sequence[ComparedColumn],
    rows: Sequence[Sequence[int | None]],
    pairs: Sequence[ComparedPair],
    *,
    kind: str,
    by: str,
    notes: Sequence[str],
) -> ComparisonPayload:
    """The data of the page.

    Args:
        columns: the explanations.
        rows: for each row the number of the word of each column, or None.
        pairs: all pairs of columns.
        kind: what differs.
        by: how words were matched.
        notes: remarks on the comparison.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    pictures, maps = _Pictures(columns), list[MapData]()
    warnings = [warning for column in columns for warning in column.record.warnings]
    return {
        "schema": SCHEMA_VERSION,
        "kind": kind,
        "by": by,
        "columns": [_column(column, pictures, maps) for column in columns],
        "rows": [list(row) for row in rows],
        "pairs": [_pair(pair) for pair in pairs],
        "sources": pictures.sources,
        "maps": maps,
        "colours": {DEFAULT: in_base64(colour_table(DEFAULT))},
        "warnings": list(dict.fromkeys(warnings)),
        "notes": list(notes),
    }


class _Pictures:
    """The pictures of all columns, each once: methods and models show the same ones."""

    def __init__(self, columns: Sequence[ComparedColumn]) -> None:
        self.sources: list[str] = []
        self._known: dict[tuple[tuple[int, int], bytes], int] = {}
        self._side = picture_side(max(len(column.record.pictures) for column in columns))

    def index(self, picture: Picture) -> int:
        """The index of a picture's source."""
        key = picture.size, picture.image.numpy().tobytes()
        if key not in self._known:
            self._known[key] = len(self.sources)
            self.sources.append(data_uri(picture.image, self._side))
        return self._known[key]


def _column(column: ComparedColumn, pictures: _Pictures, maps: list[MapData]) -> ComparedColumnData:
    record = column.record
    origin = record.provenance
    names = view_names(record.pictures)
    verdicts = record.verdicts or [None] * len(record.words)
    return {
        "label": column.label,
        "model": origin.model,
        "family": origin.family,
        "method": origin.method,
        "prompt": record.prompt,
        "answer": record.answer,
        "diagnosed": record.verdicts is not None,
        "notes": list(origin.notes),
        "views": [
            _view(picture, name, pictures.index(picture))
            for picture, name in zip(record.pictures, names, strict=True)
        ],
        "words": [
            _word(span, maps, verdict)
            for span, verdict in zip(spans_of(record).words, verdicts, strict=True)
        ],
    }


def _view(picture: Picture, name: str, index: int) -> ComparedView:
    grid = picture.base_grid
    return {
        "picture": index,
        "name": name,
        "width": picture.size[0],
        "height": picture.size[1],
        "grid": {
            "name": grid.name,
            "rows": [short(edge, 7) for edge in grid.row_edges],
            "columns": [short(edge, 7) for edge in grid.column_edges],
        },
    }


def _word(span: TextSpan, maps: list[MapData], verdict: Verdict | None) -> ComparedWordData:
    start = len(maps)
    maps.extend(map(quantise, span.maps))
    return {
        "text": span.text,
        "start": span.start,
        "end": span.end,
        "probability": short(span.probability),
        "visual_share": None if span.visual_share is None else short(span.visual_share),
        "maps": list(range(start, len(maps))),
        "best": span.best_view,
        "answer": [short(end) for end in span.range_of("answer")],
        "word": [short(end) for end in span.range_of("word")],
        "total": short(sum(map(_positive, span.maps))),
        "verdict": None
        if verdict is None
        else {
            "source": verdict.source,
            "support": short(verdict.support),
            "sentence": verdict.sentence,
        },
    }


def _positive(values: Tensor) -> float:
    return float(values.double().clamp_min(0).sum())


def _pair(pair: ComparedPair) -> ComparedPairData:
    return {
        "columns": [pair.first, pair.second],
        "unit": pair.unit,
        "same_places": pair.same_places,
        "agreements": [_agreement(one) for one in pair.agreements],
        "mean": _agreement(pair.mean),
        "words": 0 if pair.mean is None else pair.mean.pairs,
    }


def _agreement(agreement: Agreement | None) -> AgreementData | None:
    if agreement is None:
        return None
    return {
        "rank_correlation": _defined(agreement.rank_correlation),
        "top_overlap": _defined(agreement.top_overlap),
        "cells": agreement.cells,
    }


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else short(value)
