"""A quick plot of many words, with matplotlib; `seewhy.report.figure` draws figures for papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seewhy.core.display import DISPLAY, Display, expect_display
from seewhy.core.errors import OutputError, ParameterError
from seewhy.core.record import Record
from seewhy.core.suggestions import give_index
from seewhy.report.colourmaps import DEFAULT, colour_table
from seewhy.report.figure.chosen_words import Named, span_named
from seewhy.report.figure.panels import draw_locations, locations_with, panel_image
from seewhy.report.payload import view_names
from seewhy.report.spans import TextSpan, spans_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES: dict[Display, str] = {
    "answer": "one scale for all words of the answer",
    "word": "each map on its own scale",
    "joint": "image and text scores scaled together",
}
"""What the colour bar says of each scale."""

#: In inches: a panel's width, and what its title adds to its height.
PANEL_WIDTH, TITLE_HEIGHT = 2.2, 0.4


def plot(
    record: Record,
    words: Sequence[Named] | None = None,
    *,
    columns: int = 5,
    colourmap: str = DEFAULT,
    display: Display = DISPLAY,
) -> tuple[Figure, Any]:
    """Draw the picture and, beside it, the maps of words; with several views, one row for each.

    Args:
        record: what to draw.
        words: words of the answer by number (negative ones from the end) or text, phrases by text,
            or words of an explanation; all words that hold a letter or digit if not given, without
            special tokens and a thinking block.
        columns: panels in a row, at least one. With several views each row begins with the view
            itself, and the words that do not fit continue in further rows.
        colourmap: a name from `seewhy.report.colourmaps.NAMES`.
        display: the scale of the maps (`seewhy.core.display`): one for the whole answer, each map
            alone, or each together with the words before.

    Returns:
        The figure and its axes, `[rows, columns]`; a caller may save or change both.

    Raises:
        ParameterError: if an index or `columns` is out of range.
        OutputError: if matplotlib is not installed.
        UnknownNameError: if there is no such scale, or the answer has no such text.
    """
    spans = _chosen(record, words)
    return plot_spans(record, spans, columns=columns, colourmap=colourmap, display=display)


def plot_spans(
    record: Record,
    spans: Sequence[TextSpan],
    *,
    columns: int = 5,
    colourmap: str = DEFAULT,
    display: Display = DISPLAY,
) -> tuple[Figure, Any]:
    """As `plot`, for words, phrases or tokens of the answer or the prompt."""
    expect_display(display)
    if columns < 1:
        raise ParameterError(f"Expected at least one column, got {columns}.")
    pyplot = _pyplot()
    panels = _panels(len(record.pictures), spans, columns)
    across = max(map(len, panels))
    tallest = max(height / width for width, height in (view.size for view in record.pictures))
    figure, axes = pyplot.subplots(
        len(panels),
        across,
        figsize=(across * PANEL_WIDTH, len(panels) * (PANEL_WIDTH * tallest + TITLE_HEIGHT)),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for row, row_axes in zip(panels, axes, strict=True):
        for (view, span), axis in zip(row, row_axes, strict=False):
            if span is None:
                _draw_picture(axis, record, view)
            else:
                _draw_map(axis, record, view, span, colourmap, display)
    _add_colour_bar(figure, axes, colourmap, display)
    return figure, axes


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise OutputError(
            "Expected matplotlib for figures, got none: pip install 'seewhy[plot]'."
        ) from error
    return pyplot


def _draw_picture(axis: Any, record: Record, view: int) -> None:
    axis.imshow(panel_image(record, view, None))
    axis.set_title(view_names(record.pictures)[view], fontsize=9, color="0.45")


def _draw_map(
    axis: Any, record: Record, view: int, span: TextSpan, colourmap: str, display: Display
) -> None:
    axis.imshow(panel_image(record, view, span, colourmap=colourmap, display=display))
    radius = 0.02 * max(record.pictures[view].size)
    draw_locations(axis, locations_with(record, view, span), radius)
    number = span.probability if len(record.pictures) == 1 else span.shares[view]
    axis.set_title(f"{span.text}  {number:.2f}", fontsize=9, parse_math=False)


def _add_colour_bar(figure: Figure, axes: Any, colourmap: str, display: Display) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap

    table = ListedColormap((colour_table(colourmap) / 255).tolist(), name=colourmap)
    bar = figure.colorbar(ScalarMappable(cmap=table), ax=axes, shrink=0.8, pad=0.02)
    bar.set_label(f"evidence, {SCALES[display]}", fontsize=8)


Panel = tuple[int, TextSpan | None]
"""A view and the span whose map is laid over it, or None for the picture alone."""


def _panels(views: int, spans: Sequence[TextSpan], columns: int) -> list[list[Panel]]:
    """Rows of panels."""
    if views == 1:
        flat: list[Panel] = [(0, None), *((0, span) for span in spans)]
        return [flat[i : i + columns] for i in range(0, len(flat), columns)]
    step = max(columns - 1, 1)
    return [
        [(view, None), *((view, span) for span in spans[i : i + step])]
        for i in range(0, max(len(spans), 1), step)
        for view in range(views)
    ]


def _chosen(record: Record, words: Sequence[Named] | None) -> list[TextSpan]:
    spans = spans_of(record).words
    if words is None:
        final = [spans[index] for index in record.final_words if not spans[index].special]
        return [span for span in final if any(c.isalnum() for c in span.text)]
    for index in words:
        if isinstance(index, int) and not -len(spans) <= index < len(spans):
            raise ParameterError(
                f"Expected indices of the answer's {len(spans)} words, got {index}: "
                f"{give_index(len(spans))}."
            )
    return [span_named(record, word) for word in words]
