"""A figure's content drawn with matplotlib, at its size in print."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy.core.errors import OutputError, ParameterError
from seewhy.core.graphemes import units_of
from seewhy.report.colourmaps import colour_table
from seewhy.report.figure.content import Content, Panel, Row
from seewhy.report.figure.fonts import font_families, missing_note
from seewhy.report.figure.geometry import (
    BAR_ABOVE,
    BAR_HEIGHT,
    BAR_WIDEST,
    LINE,
    MARGIN,
    TITLE_LINE,
    Arrangement,
    Box,
    Cell,
    flow,
    grid,
)
from seewhy.report.figure.options import FigureOptions
from seewhy.report.figure.panels import draw_locations, locations_with, panel_image
from seewhy.report.figure.scales import bar_ends, scale_note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 300
"""Pixels of the pictures for each inch in print."""

TITLE_SIZE, TEXT_SIZE, LEAST_SIZE = 8.0, 7.0, 6.0
"""Points of words, of all other text, and of text that would not fit otherwise."""

INK, SOFT, EDGE = "#1b1a17", "#55524b", "#b5b1a6"
"""Colours of words, of other text, and of the line around pictures."""


@dataclass(frozen=True)
class TextStyle:
    """How a line of text is written: points, colour, the height of its line, where it is held."""

    size: float
    colour: str
    line: float
    side: str


WORD = TextStyle(TITLE_SIZE, INK, TITLE_LINE, "center")
PICTURE = TextStyle(TEXT_SIZE, SOFT, TITLE_LINE, "center")
BELOW = TextStyle(TEXT_SIZE, SOFT, LINE, "center")
SMALL = TextStyle(TEXT_SIZE, SOFT, LINE, "left")
NAME = TextStyle(TEXT_SIZE, INK, LINE, "left")

BASE = 0.74
"""Where the base line of a line of text lies, as a part of the line's height."""

BAR_GAP = 0.12
"""Centimetres between the colour bar and its ends' texts."""

TALLEST_PAGE = 24.0
"""The greatest height of a figure in centimetres: a page without its margins."""

CM, POINT = 1 / 2.54, 2.54 / 72
"""A centimetre in inches, a point in centimetres."""

SETTINGS = {
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "seewhy",
    "pdf.compression": 9,
}
"""Text stays text, and equal figures are equal files."""

_LOCK = RLock()


@contextmanager
def own_settings():
    """matplotlib with our settings alone, whatever the user's are; one thread at a time.

    Raises:
        OutputError: if matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise OutputError(
            "Expected matplotlib for figures, got none: pip install 'seewhy[plot]'."
        ) from error
    defaults: Any = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith("backend")
    }
    with _LOCK, matplotlib.rc_context(), warnings.catch_warnings():
        # What no font has is told by our own note.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing from.*")
        for name, value in {**defaults, **SETTINGS}.items():
            matplotlib.rcParams[name] = value
        yield


def draw(content: Content, options: FigureOptions) -> tuple[Figure, tuple[str, ...]]:
    """Draw a figure.

    Returns:
        The figure of matplotlib, and what to know of it: characters that no font has.

    Raises:
        OutputError: if matplotlib is not installed.
        ParameterError: if the figure would be taller than a page.
        UnknownNameError: if a font is not installed.
    """
    with own_settings():
        return _Drawing(content, options).draw()


class _Drawing:
    """One figure while it is drawn; places are in centimetres from its top left."""

    def __init__(self, content: Content, options: FigureOptions) -> None:
        self.content, self.options = content, options
        self.note = scale_note(content, options.scale)
        self.ends = bar_ends(content, options.scale)
        self.families, self.missing = font_families(self._texts(), options.font)
        self.width = float(options.width_cm)
        self.is_titled = any(row.title for row in content.rows)
        self.places = _arrangement(content, options)
        self.note_lines = _wrapped(self.note, self.width - 2 * MARGIN, self._measure)
        below = BAR_ABOVE + max(BAR_HEIGHT, LINE) + LINE * len(self.note_lines) + MARGIN
        self.height = self.places.bottom + below

    def draw(self) -> tuple[Figure, tuple[str, ...]]:
        """The figure and its notes."""
        from matplotlib.figure import Figure

        if self.height > TALLEST_PAGE:
            raise ParameterError(
                f"Expected a figure that fits on a page ({TALLEST_PAGE:g} cm), got one of "
                f"{self.height:.0f} cm: name fewer words, draw fewer explanations or one view, or "
                "take another width_cm or layout."
            )
        self.figure = Figure(
            figsize=(self.width * CM, self.height * CM), dpi=DPI, facecolor="white"
        )
        for row, cells, top in zip(
            self.content.rows, self.places.cells, self.places.title_tops, strict=True
        ):
            drawn = [(p, c) for p, c in zip(row.panels, cells, strict=True) if p and c]
            for panel, cell in drawn:
                self._draw_panel(panel, cell)
                if row.title and panel.span is None:
                    self._text(cell.left, top, panel.title, SMALL, cell.text_width)
            if row.title:
                left = min(cell.left for panel, cell in drawn if panel.span is not None)
                self._text(left, top, row.title, NAME, self.width - left)
        self._draw_bar()
        notes = (missing_note(self.missing),) if self.missing else ()
        return self.figure, notes

    def _texts(self) -> list[str]:
        texts = [self.note, *self.ends]
        for row in self.content.rows:
            texts.append(row.title)
            for panel in filter(None, row.panels):
                texts += [panel.title, *panel.lines]
        return texts

    def _axis(self, box: Box) -> Any:
        left, bottom = box.left / self.width, 1 - (box.top + box.height) / self.height
        return self.figure.add_axes(
            (left, bottom, box.width / self.width, box.height / self.height)
        )

    def _draw_panel(self, panel: Panel, cell: Cell) -> None:
        box, record = cell.picture, panel.record
        size = (_pixels(box.width), _pixels(box.height))
        shown = panel_image(
            record,
            panel.view,
            panel.span,
            colourmap=self.options.colourmap,
            display=self.options.scale,
            size=size,
        )
        width, height = record.pictures[panel.view].size
        axis = self._axis(box)
        axis.imshow(
            np.asarray(shown), extent=(0, width, height, 0), aspect="auto", interpolation="none"
        )
        _frame(axis)
        if self.options.draw_boxes:
            # A ring of 0.09 cm.
            radius = 0.09 * width / box.width
            draw_locations(axis, locations_with(record, panel.view, panel.span), radius)
        if panel.span is not None or not self.is_titled:
            self._draw_texts(panel, cell)

    def _draw_texts(self, panel: Panel, cell: Cell) -> None:
        """What stands below a panel: all titles of a row on one line, those of pictures smaller."""
        top, style = cell.text_top, WORD if panel.span is not None else PICTURE
        if panel.title:
            self._text(cell.middle, top, panel.title, style, cell.text_width)
            top += TITLE_LINE
        for line in panel.lines:
            self._text(cell.middle, top, line, BELOW, cell.text_width)
            top += LINE

    def _draw_bar(self) -> None:
        """The colour bar between its ends, and what it says below."""
        low, high = (self._measure(end, TEXT_SIZE) for end in self.ends)
        gap = BAR_GAP
        room = self.width - 2 * MARGIN - low - high - 2 * gap
        across = max(min(room, BAR_WIDEST), 1.0)
        total = low + high + 2 * gap + across
        left = (self.width - total) / 2 + low + gap
        top = self.places.bottom + BAR_ABOVE
        middle = top + LINE / 2
        table = colour_table(self.options.colourmap).numpy()
        axis = self._axis(Box(left, middle - BAR_HEIGHT / 2, across, BAR_HEIGHT))
        axis.imshow(table[None], extent=(0, 1, 0, 1), aspect="auto", interpolation="none")
        _frame(axis)
        self._text(left - gap, top, self.ends[0], replace(BELOW, side="right"), self.width)
        self._text(left + across + gap, top, self.ends[1], SMALL, self.width)
        for number, line in enumerate(self.note_lines, 1):
            self._text(self.width / 2, top + number * LINE, line, BELOW, self.width)

    def _text(self, x: float, top: float, text: str, style: TextStyle, room: float) -> None:
        """Write a line below `top`, smaller or cut where it is wider than its room."""
        text, size = self._fitted(text, style.size, room)
        self.figure.text(
            x / self.width,
            1 - (top + BASE * style.line) / self.height,
            text,
            fontsize=size,
            color=style.colour,
            fontfamily=self.families,
            horizontalalignment=style.side,
            verticalalignment="baseline",
            parse_math=False,
        )

    def _fitted(self, text: str, size: float, room: float) -> tuple[str, float]:
        wide = self._measure(text, size)
        if wide <= room:
            return text, size
        size = max(LEAST_SIZE, round(size * room / wide - 0.05, 1))
        if self._measure(text, size) <= room:
            return text, size
        for edge in reversed(units_of(text).edges[1:-1]):
            cut = text[:edge].rstrip() + "…"
            if self._measure(cut, size) <= room:
                return cut, size
        return "…", size

    def _measure(self, text: str, size: float = TEXT_SIZE) -> float:
        """The width of a line of text in centimetres."""
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import TextToPath

        properties = FontProperties(family=self.families, size=size)
        width, _, _ = TextToPath().get_text_width_height_descent(text, properties, False)
        return width * POINT


def _arrangement(content: Content, options: FigureOptions) -> Arrangement:
    """The places of a content's panels."""
    if content.layout == "row":
        (row,) = content.rows
        panels = [panel for panel in row.panels if panel is not None]
        lines = max(_lines_of(panel) for panel in panels)
        aspects = [panel.aspect for panel in panels]
        return flow(aspects, lines, options.width_cm, options.columns)
    return grid(
        [[panel and panel.aspect for panel in row.panels] for row in content.rows],
        [_lines_of_row(row) for row in content.rows],
        any(row.title for row in content.rows),
        options.width_cm,
    )


def _lines_of_row(row: Row) -> int:
    """Lines of text below a row of a grid; the picture's name is above it where the row has one."""
    told = [p for p in row.panels if p is not None and (p.span is not None or not row.title)]
    return max(map(_lines_of, told))


def _lines_of(panel: Panel) -> int:
    return bool(panel.title) + len(panel.lines)


def _pixels(centimetres: float) -> int:
    return max(1, round(centimetres * CM * DPI))


def _frame(axis: Any) -> None:
    """A thin line around a picture, so that a white one has an edge; no ticks."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set(linewidth=0.4, edgecolor=EDGE)


def _wrapped(text: str, room: float, measure: Any) -> list[str]:
    """A text in lines that fit, cut between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and measure(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
