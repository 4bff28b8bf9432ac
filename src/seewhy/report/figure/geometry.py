"""Where everything in a figure lies: plain numbers in centimetres, y downwards from the top.

All panels of a row layout are equally tall. In a grid all panels of a column are equally wide. A
panel is never taller than a part of the figure's width, so that a phone's screenshot does not fill
the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Between panels, and between a panel and its text.
GAP, TEXT_GAP = 0.14, 0.06

#: Heights of a line of text: a title (8 points) and the lines below it (7 points).
TITLE_LINE, LINE = 0.36, 0.31

#: Smallest width and height of a panel of a row, and of a grid, where columns belong together.
ROW_LEAST, GRID_LEAST = (1.45, 0.95), (1.2, 0.7)

#: Greatest height of a panel, as a part of the figure's width.
TALLEST = 0.55

#: The colour bar: its height, its greatest width, and the room above it.
BAR_HEIGHT, BAR_WIDEST, BAR_ABOVE = 0.17, 7.0, 0.16

#: Around everything.
MARGIN = 0.04


@dataclass(frozen=True)
class Box:
    """A rectangle in centimetres from the figure's left and top edge."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Cell:
    """The place of a panel: its left edge, its picture, and the text below."""

    left: float
    picture: Box
    middle: float
    text_top: float
    text_width: float


@dataclass(frozen=True)
class Arrangement:
    """Places of all panels, row by row, the tops of the rows' titles, and where all of it ends."""

    cells: tuple[tuple[Cell | None, ...], ...]
    title_tops: tuple[float, ...]
    bottom: float


def flow(
    aspects: Sequence[float], lines_of_text: int, width: float, columns: int | None = None
) -> Arrangement:
    """Places of panels one after another, as many beside each other as can be read.

    Args:
        aspects: of each panel, width by height.
        lines_of_text: below each panel, the title among them.
        width: of the figure.
        columns: panels beside each other; None for as many as can be read.

    Example:
        >>> places = flow([1.5, 1.5, 1.5], 2, 8.4)
        >>> [round(cell.picture.width, 2) for cell in places.cells[0]]
        [2.68, 2.68, 2.68]
    """
    inner = width - 2 * MARGIN
    count = len(aspects)
    most = columns or _most_columns(aspects, inner)
    length = math.ceil(count / math.ceil(count / most))
    lines = [range(i, min(i + length, count)) for i in range(0, count, length)]
    least = min(ROW_LEAST[0], (inner - GAP * (length - 1)) / length)
    tall = min(_line_height([aspects[i] for i in line], inner, least) for line in lines)
    tall = min(tall, TALLEST * width)
    step = tall + TEXT_GAP + text_height(lines_of_text) + GAP
    # Cells of one line as wide as their pictures or as the narrowest that has room for text.
    rows = [[max(tall * aspects[i], least) for i in line] for line in lines]
    widest = max(sum(row) + GAP * (len(row) - 1) for row in rows)
    cells = []
    for number, (line, widths) in enumerate(zip(lines, rows, strict=True)):
        left = MARGIN + (inner - widest) / 2
        for i, cell in zip(line, widths, strict=True):
            top = MARGIN + number * step
            cells.append(_cell(left, top, cell, tall * aspects[i], tall, tall))
            left += cell + GAP
    return Arrangement((tuple(cells),), (MARGIN,), MARGIN + len(lines) * step - GAP)


def grid(
    rows: Sequence[Sequence[float | None]],
    lines_of_text: Sequence[int],
    titled: bool,
    width: float,
) -> Arrangement:
    """Places of panels in a table.

    Args:
        rows: the aspect of each panel; None where a place is free.
        lines_of_text: below the panels of each row, the title among them.
        titled: whether each row has a title above it.
        width: of the figure.
    """
    inner = width - 2 * MARGIN
    length = len(rows[0])
    cell = (inner - GAP * (length - 1)) / length
    tallest = TALLEST * width
    # Tall pictures narrow their column; what is left over lies at both sides.
    natural = max(min(cell, tallest * (a or 0)) for row in rows for a in row)
    cell = min(cell, max(natural, GRID_LEAST[0]))
    begin = MARGIN + (inner - cell * length - GAP * (length - 1)) / 2
    top, cells, titles = MARGIN, [], []
    for row, texts in zip(rows, lines_of_text, strict=True):
        titles.append(top)
        top += TITLE_LINE if titled else 0.0
        sizes = [_within(a, cell, tallest) for a in row]
        tall = max(size[1] for size in sizes if size is not None)
        cells.append(
            tuple(
                None
                if size is None
                else _cell(begin + i * (cell + GAP), top, cell, size[0], size[1], tall)
                for i, size in enumerate(sizes)
            )
        )
        top += tall + (TEXT_GAP + text_height(texts) if texts else 0.0) + GAP
    return Arrangement(tuple(cells), tuple(titles), top - GAP)


def columns_that_fit(aspects: Sequence[float], width: float) -> int:
    """How many columns a grid may have, the picture's among them; at least 2."""
    least_width, least_height = GRID_LEAST
    cell = max(least_width, least_height * max(aspects))
    return max(2, int((width - 2 * MARGIN + GAP) / (cell + GAP)))


def text_height(lines: int) -> float:
    """The height of a title and the lines below it."""
    return TITLE_LINE + (lines - 1) * LINE if lines else 0.0


def _most_columns(aspects: Sequence[float], inner: float) -> int:
    """How many panels beside each other are still large enough to be read."""
    least_width, least_height = ROW_LEAST
    cell = max(least_width, least_height * sum(aspects) / len(aspects))
    return max(1, int((inner + GAP) / (cell + GAP)))


def _line_height(aspects: Sequence[float], inner: float, least: float) -> float:
    """The height at which panels beside each other, none narrower than `least`, fill a line."""
    room = inner - GAP * (len(aspects) - 1)
    fixed: set[int] = set()
    while True:
        free = [a for i, a in enumerate(aspects) if i not in fixed]
        if not free:
            return math.inf
        tall = (room - least * len(fixed)) / sum(free)
        narrow = {i for i, a in enumerate(aspects) if i not in fixed and a * tall < least}
        if not narrow:
            return tall
        fixed |= narrow


def _within(aspect: float | None, width: float, height: float) -> tuple[float, float] | None:
    """The size of a picture within a cell."""
    if aspect is None:
        return None
    tall = min(width / aspect, height)
    return tall * aspect, tall


def _cell(
    left: float, top: float, width: float, across: float, down: float, row_height: float
) -> Cell:
    """A cell whose picture is in its middle, its text below the tallest picture of the row."""
    picture = Box(left + (width - across) / 2, top + (row_height - down) / 2, across, down)
    return Cell(left, picture, left + width / 2, top + row_height + TEXT_GAP, width + GAP * 0.6)
