"""What a figure shows: rows of panels with their texts. No drawing, no sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seewhy.core.errors import ParameterError
from seewhy.core.record import Record
from seewhy.core.suggestions import give_index
from seewhy.report.figure.chosen_words import (
    MAIN_WORDS,
    Named,
    chosen_spans,
    main_words,
    span_at,
)
from seewhy.report.figure.geometry import columns_that_fit
from seewhy.report.figure.options import FigureOptions
from seewhy.report.figure.texts import model_name, probability, share, visible
from seewhy.report.locations import locations_of
from seewhy.report.payload import view_names
from seewhy.report.spans import TextSpan


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture, and a word's map over it if there is one.

    Attributes:
        record: the explanation.
        view: which of its pictures.
        span: the word; None for the picture alone.
        title: what stands below in dark: the word.
        lines: what stands below the title in grey: alternative, picture, probability.
    """

    record: Record
    view: int
    span: TextSpan | None
    title: str = ""
    lines: tuple[str, ...] = ()

    @property
    def aspect(self) -> float:
        """Width of the picture as a multiple of its height."""
        width, height = self.record.pictures[self.view].size
        return width / height


@dataclass(frozen=True, eq=False)
class Row:
    """Panels beside each other; in a grid None leaves a place free."""

    panels: tuple[Panel | None, ...]
    title: str = ""


@dataclass(frozen=True, eq=False)
class Content:
    """All that a figure shows.

    Attributes:
        layout: `"row"`: one row whose panels may continue in further lines; or `"grid"`.
        rows: at least one. In a grid all are equally long, and the first place is the picture's.
        records: the explanations.
        names: of the explanations, one each.
        spans: the words, of the first explanation.
        views: for each word the view that its map lies on.
        notes: what a reader of the figure must know.
    """

    layout: str
    rows: tuple[Row, ...]
    records: tuple[Record, ...]
    names: tuple[str, ...]
    spans: tuple[TextSpan, ...]
    views: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def is_by_view(self) -> bool:
        """Whether the rows of a grid are the pictures of one explanation."""
        return self.layout == "grid" and len(self.records) == 1 and len(self.rows) > 1


def content_of(
    record: Record,
    words: Named | Sequence[Named] | None,
    others: Sequence[Record] | Mapping[str, Record],
    options: FigureOptions,
    name: str | None = None,
) -> Content:
    """What a figure of some words shows.

    Args:
        record: the explanation.
        words: numbers or texts of words; None for the main words.
        others: further explanations of the same answer, by other methods or models; of a mapping
            the names are shown.
        options: how it is drawn.
        name: of the first explanation; None takes its method or its model.

    Raises:
        UnknownNameError: if a word is not in the answer.
        ParameterError: if the explanations are of different answers, or there is no such view.
    """
    _expect_view(record, options)
    records = (record, *(others.values() if isinstance(others, Mapping) else others))
    for other in records[1:]:
        _expect_same_answer(record, other)
    spans = tuple(chosen_spans(record, words))
    made = Content(
        layout=options.layout or _usual_layout(records, spans),
        rows=(),
        records=records,
        names=explanation_names(records, others, name),
        spans=spans,
        views=tuple(span.best_view if options.view is None else options.view for span in spans),
        notes=tuple(_notes(record, words, options)),
    )
    rows = _grid(made, options) if made.layout == "grid" else (_row(made),)
    return replace(made, rows=rows)


def explanation_names(
    records: Sequence[Record],
    others: Sequence[Record] | Mapping[str, Record] = (),
    name: str | None = None,
) -> tuple[str, ...]:
    """What tells explanations of one answer apart: their methods, or their models, or both."""
    methods = [record.provenance.method for record in records]
    models = [model_name(record.provenance.model) for record in records]
    if len(set(models)) == 1:
        own = methods
    elif len(set(methods)) == 1:
        own = models
    else:
        own = [f"{model}, {method}" for model, method in zip(models, methods, strict=True)]
    if len(set(own)) < len(own):
        own = [f"{name} ({number})" for number, name in enumerate(own, 1)]
    first = own[0] if name is None else visible(name)
    further = map(visible, others) if isinstance(others, Mapping) else own[1:]
    return first, *further


def title_of(span: TextSpan) -> str:
    """A word as it stands below its map."""
    return visible(span.text)


def alternative_of(record: Record, span: TextSpan) -> str | None:
    """What a word is contrasted with, or None."""
    for index, alternative in record.contrasts:
        if record.words[index].tokens == span.tokens:
            return alternative
    return None


def _usual_layout(records: Sequence[Record], spans: Sequence[TextSpan]) -> str:
    """A grid where rows and columns both say something, else a row."""
    return "grid" if len(records) > 1 and len(spans) > 1 else "row"


def _row(content: Content) -> Row:
    """The pictures that the maps lie on, then the maps: word by word, in each all explanations."""
    panels = [
        Panel(content.records[0], view, None, view_names(content.records[0].pictures)[view])
        for view in sorted(set(content.views))
    ]
    several = len(content.records) > 1
    for span, view in zip(content.spans, content.views, strict=True):
        for record, name in zip(content.records, content.names, strict=True):
            own = span_at(record, span.start, span.end)
            lines = _lines(record, own, view, with_view=len(record.pictures) > 1)
            if several:
                lines = (name, *lines)
            panels.append(Panel(record, view, own, title_of(own), lines))
    return Row(tuple(panels))


def _grid(content: Content, options: FigureOptions) -> tuple[Row, ...]:
    """A column for each word, a row for each explanation, or for each picture of the only one.

    Words that do not fit beside each other continue in further rows.
    """
    first = content.records[0]
    by_view = len(content.records) == 1 and options.view is None and len(first.pictures) > 1
    aspects = [Panel(first, view, None).aspect for view in set(content.views)]
    most = (options.columns or columns_that_fit(aspects, options.width_cm)) - 1
    pairs = list(zip(content.spans, content.views, strict=True))
    parts = math.ceil(len(pairs) / max(most, 1))
    length = math.ceil(len(pairs) / parts)
    rows: list[Row] = []
    for start in range(0, len(pairs), length):
        chosen = pairs[start : start + length]
        free = (None,) * (length - len(chosen))
        made = _view_rows(first, chosen) if by_view else _explanation_rows(content, chosen, start)
        rows += [Row((*row.panels, *free), row.title) for row in made]
    if all(row.panels[0] is None for row in rows):
        return tuple(Row(row.panels[1:], row.title) for row in rows)
    return tuple(rows)


def _view_rows(record: Record, pairs: Sequence[tuple[TextSpan, int]]) -> list[Row]:
    names = view_names(record.pictures)
    return [
        Row(
            (
                Panel(record, view, None, names[view]),
                *(
                    Panel(record, view, span, title_of(span), _view_lines(record, span, view))
                    for span, _ in pairs
                ),
            )
        )
        for view in range(len(record.pictures))
    ]


def _explanation_rows(
    content: Content, pairs: Sequence[tuple[TextSpan, int]], start: int
) -> list[Row]:
    """A row for each explanation; what is told of a word stands once where all tell the same."""
    by_row = any(_lines_differ(content, span, view) for span, view in pairs)
    several = len(content.records) > 1
    rows = []
    for number, (record, name) in enumerate(zip(content.records, content.names, strict=True)):
        is_last = number == len(content.records) - 1
        maps = []
        for span, view in pairs:
            own = span_at(record, span.start, span.end)
            lines = _lines(record, own, view, with_view=len(record.pictures) > 1)
            told = by_row or is_last
            maps.append(Panel(record, view, own, title_of(own) if told else "", lines * told))
        picture = None if start else _grid_picture(content, number)
        rows.append(Row((picture, *maps), name if several else ""))
    return rows


def _lines_differ(content: Content, span: TextSpan, view: int) -> bool:
    """Whether the explanations tell different numbers of a word."""
    told = {
        _lines(record, span_at(record, span.start, span.end), view, with_view=False)
        for record in content.records
    }
    return len(told) > 1


def _grid_picture(content: Content, number: int) -> Panel | None:
    """The picture of a row: once where all rows have the same, and no word has one of its own."""
    record, views = content.records[number], sorted(set(content.views))
    same = all(_same_picture(content.records[0], other, views) for other in content.records)
    if len(views) > 1 or (same and number):
        return None
    names = view_names(record.pictures)
    return Panel(record, views[0], None, names[views[0]])


def _same_picture(one: Record, other: Record, views: Sequence[int]) -> bool:
    return all(
        one.pictures[view].size == other.pictures[view].size
        and bool((one.pictures[view].image == other.pictures[view].image).all())
        for view in views
    )


def _lines(record: Record, span: TextSpan, view: int, *, with_view: bool) -> tuple[str, ...]:
    """What stands below a word."""
    alternative = alternative_of(record, span)
    lines = [] if alternative is None else [f"rather than {visible(alternative)}"]
    if with_view:
        lines.append(view_names(record.pictures)[view])
    return (*lines, f"p {probability(span.probability)}")


def _view_lines(record: Record, span: TextSpan, view: int) -> tuple[str, ...]:
    """What stands below a word over one of several pictures."""
    alternative = alternative_of(record, span)
    lines = [] if alternative is None else [f"rather than {visible(alternative)}"]
    return (*lines, f"{share(span.shares[view])} of its map")


def _notes(
    record: Record, words: Named | Sequence[Named] | None, options: FigureOptions
) -> list[str]:
    notes = [*record.warnings]
    if words is None:
        every = len(main_words(record, most=len(record.words)))
        if every > MAIN_WORDS:
            notes.append(
                f"{MAIN_WORDS} of the answer's {every} main words are shown: name others to see "
                "them."
            )
    if options.draw_boxes and not any(one.pixels for one in locations_of(record)):
        notes.append("The answer holds no box or point that could be placed, so none is drawn.")
    return notes


def _expect_view(record: Record, options: FigureOptions) -> None:
    count = len(record.pictures)
    if not count:
        raise ParameterError(
            "Expected an explanation with a picture, got one without: there is no map to draw."
        )
    if options.view is not None and options.view >= count:
        raise ParameterError(
            f"Expected the number of one of {count} views, got {options.view}: {give_index(count)}."
        )


def _expect_same_answer(one: Record, other: Record) -> None:
    if one.answer != other.answer:
        raise ParameterError(
            f"Expected explanations of one answer, got {one.answer[:60]!r} and "
            f"{other.answer[:60]!r}: explain the same answer again, with answer=..., or draw two "
            "figures."
        )
    if len(one.pictures) != len(other.pictures):
        raise ParameterError(
            f"Expected explanations of as many pictures, got {len(one.pictures)} and "
            f"{len(other.pictures)}: draw two figures."
        )
