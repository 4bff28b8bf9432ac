"""A sheet of paper for a notebook's cell: text, and rows of small pictures with captions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw
from PIL.ImageDraw import ImageDraw as Pen

from seewhy.report.colourmaps import DEFAULT as COLOURMAP
from seewhy.report.colourmaps import colour_table
from seewhy.report.picture_text import (
    Piece,
    PlacedPiece,
    can_draw,
    draw_text,
    lines_of,
    shortened,
    width_of,
)

#: Pixels that are drawn for one pixel of the page, for sharp letters.
DENSITY = 1.5

#: Colours of the palette of the PNG: a drawing and its maps need no more.
COLOURS = 256

WIDTH, PADDING, GAP = 1120, 24, 14
INNER = WIDTH - 2 * PADDING
#: Sizes of letters, and the height of a line as a part of them.
LARGE, SMALL, LINE = 26, 17, 1.45
#: Lines of a sentence, at most.
MOST_LINES = 8

_PAPER, _INK, _SOFT, _FAINT, _WARNING = "#fbfaf6", "#1b1a17", "#55524b", "#77736a", "#a84300"
_MARKS = ((251, 250, 246), (23, 163, 152))  # of a mark of 0 and of 1


@dataclass(frozen=True)
class StaticPicture:
    """A picture of an explanation.

    Attributes:
        png: the file.
        size: width and height at which it is shown, in pixels of a page.
        pixels: its own width and height.
        text: what it says, for those who cannot see it.
    """

    png: bytes
    size: tuple[int, int]
    pixels: tuple[int, int]
    text: str


@dataclass(frozen=True)
class Tile:
    """A picture of a row, and what stands below it."""

    image: Image.Image
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A name, a sentence and a row of pictures; the name or the sentence may be empty."""

    tiles: Sequence[Tile]
    sentence: Sequence[Piece] = ()
    name: str = ""


def sheet(prompt: str, warnings: Sequence[str], sections: Sequence[Section]) -> Image.Image:
    """Put warnings, the prompt, sections and the scale of the maps' colours on one sheet."""
    head = [(line, _WARNING) for line in _cautions(warnings, sections)]
    head.append((shortened(prompt, INNER, SMALL), _FAINT))
    top = PADDING + round(len(head) * SMALL * 1.5) + 8
    height = top + sum(map(_height, sections)) + 30 + PADDING
    paper = Image.new("RGB", (WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(paper)
    for number, (line, colour) in enumerate(head):
        draw_text(pen, (PADDING, PADDING + (number + 0.75) * SMALL * 1.5), line, SMALL, colour)
    for section in sections:
        _draw_section(paper, pen, section, top)
        top += _height(section)
    _draw_scale(paper, pen, top + 8)
    return paper


def saved(image: Image.Image, text: str) -> StaticPicture:
    """A sheet as a small PNG file."""
    buffer = io.BytesIO()
    palette = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    # The nearest colour of the palette: median cut alone puts flat ground into bands.
    few = image.quantize(palette=palette, dither=Image.Dither.NONE)
    few.save(buffer, "PNG", optimize=True)
    size = round(image.width / DENSITY), round(image.height / DENSITY)
    return StaticPicture(buffer.getvalue(), size, image.size, text)


def tile_width(count: int) -> int:
    """How wide each of some tiles in a row is, in pixels."""
    return min(360, (INNER - (count - 1) * GAP) // max(count, 1))


def _cautions(warnings: Sequence[str], sections: Sequence[Section]) -> list[str]:
    """What must be read first, in lines."""
    lines = [line for warning in warnings for line in _wrapped(warning)]
    pieces = [piece for section in sections for piece in section.sentence]
    if not all(can_draw(piece.text) for piece in pieces):
        lines.append("This machine has no font for some letters of the answer.")
    return lines


def _wrapped(text: str) -> list[str]:
    words = text.split()
    pieces = [Piece((" " if number else "") + word) for number, word in enumerate(words)]
    lines: dict[int, str] = {}
    for placed in lines_of(pieces, INNER, SMALL, most=3):
        lines[placed.line] = lines.get(placed.line, "") + placed.piece.text
    return list(lines.values())


def _placed(section: Section) -> list[PlacedPiece]:
    return lines_of(section.sentence, INNER, LARGE, MOST_LINES)


def _text_height(section: Section) -> int:
    lines = 1 + max((piece.line for piece in _placed(section)), default=-1)
    gap = GAP if lines else 0
    return round(bool(section.name) * SMALL * 1.8) + round(lines * LARGE * LINE) + gap


def _height(section: Section) -> int:
    below = 1 + max((len(tile.lines) for tile in section.tiles), default=0)
    tallest = max((tile.image.height for tile in section.tiles), default=0)
    return _text_height(section) + tallest + round(SMALL * (0.8 + 1.3 * below))


def _draw_section(paper: Image.Image, pen: Pen, section: Section, top: int) -> None:
    if section.name:
        name = shortened(section.name, INNER, SMALL)
        draw_text(pen, (PADDING, top + SMALL), name, SMALL, _INK)
    start = top + round(bool(section.name) * SMALL * 1.8)
    _draw_sentence(pen, _placed(section), start)
    _draw_row(paper, pen, section.tiles, top + _text_height(section))


def _draw_sentence(pen: Pen, placed: Sequence[PlacedPiece], top: int) -> None:
    for one in placed:
        text, mark = one.piece.text, one.piece.mark
        base = top + (one.line + 0.72) * LARGE * LINE
        left = PADDING + one.left
        if mark > 0:
            lead = width_of(text[: len(text) - len(text.lstrip())], LARGE)
            right = left + width_of(text, LARGE)
            box = (left + lead - 2, base - LARGE, right + 2, base + LARGE * 0.36)
            pen.rounded_rectangle(box, radius=6, fill=_tint(0.25 + 0.5 * min(mark, 1.0)))
        draw_text(pen, (left, base), text, LARGE, _INK)


def _tint(share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(*_MARKS, strict=True))
    return red, green, blue


def _draw_row(paper: Image.Image, pen: Pen, row: Sequence[Tile], top: int) -> None:
    width = max((tile.image.width for tile in row), default=tile_width(2))
    for number, tile in enumerate(row):
        left = PADDING + number * (width + GAP)
        paper.paste(tile.image, (left + (width - tile.image.width) // 2, top))
        texts = [(tile.title, _INK if tile.lines else _FAINT)]
        texts += [(line, _SOFT) for line in tile.lines]
        for below, (text, colour) in enumerate(texts):
            base = top + tile.image.height + SMALL * (1.25 + 1.3 * below)
            draw_text(pen, (left, base), shortened(text, width, SMALL), SMALL, colour)


def _draw_scale(paper: Image.Image, pen: Pen, top: int) -> None:
    """The colours of the maps from low to high."""
    ramp = Image.fromarray(colour_table(COLOURMAP)[None].numpy()).resize((160, 10))
    left = PADDING + round(width_of("low", SMALL)) + 10
    draw_text(pen, (PADDING, top + 12), "low", SMALL, _FAINT)
    paper.paste(ramp, (left, top + 2))
    told = "high evidence, one scale for all words of an answer"
    draw_text(pen, (left + 170, top + 12), told, SMALL, _FAINT)
