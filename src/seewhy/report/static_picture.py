"""An explanation as one small picture: the sentence, and the maps of its main words.

A notebook's cell, a forge's preview and a page that removes scripts can all show a PNG. Therefore
the sentence is drawn into it, and nothing of it depends on markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from seewhy.core.record import Picture, Record
from seewhy.report.colourmaps import DEFAULT as COLOURMAP
from seewhy.report.figure.chosen_words import main_words
from seewhy.report.figure.texts import plain, visible
from seewhy.report.overlay import overlay
from seewhy.report.payload import view_names
from seewhy.report.picture_text import Piece
from seewhy.report.spans import TextSpan, spans_of
from seewhy.report.static_sheet import Section, StaticPicture, Tile, saved, sheet, tile_width
from seewhy.report.word_verdicts import worst_word

#: How many maps stand beside the picture.
WORDS = 4

#: Pixels of a picture's width where three or more explanations stand below each other.
SMALL_TILE = 168

#: How tall a picture may be, as a part of its width in the row.
TALLEST = 1.5

SOURCES = {
    "picture": "from the picture",
    "repeats": "repeats a word",
    "words": "from words or habit",
    "misread": "from another place",
    "unclear": "unclear",
}
"""What a word rests on, in a few words."""


def static_picture(record: Record, words: Sequence[int] | None = None) -> StaticPicture:
    """Draw the sentence, the picture, and the maps of the main words.

    Maps are on one scale for the whole answer, as a report shows them at first.

    Args:
        record: what to draw.
        words: indices of the words whose maps are drawn; None takes the main ones.
    """
    chosen = shown_words(record) if words is None else words
    section = Section(_tiles(record, chosen), _sentence(record, chosen))
    return saved(sheet(plain(record.prompt), record.warnings, [section]), _told(record, section))


def static_comparison(columns: Sequence[tuple[str, Record]]) -> StaticPicture:
    """Draw several explanations below each other, each with its name.

    Args:
        columns: names and records. The first one's main words are drawn of each that has the same
            answer; an answer that differs from the one above is written again.
    """
    sections: list[Section] = []
    above: Record | None = None
    chosen: Sequence[int] = ()
    for name, record in columns:
        differs = above is None or [w.text for w in above.words] != [w.text for w in record.words]
        if differs:
            chosen = shown_words(record)
        sentence = _sentence(record, chosen) if differs else ()
        most = SMALL_TILE if len(columns) > 2 else None
        sections.append(Section(_tiles(record, chosen, most), sentence, name))
        above = record
    warnings = dict.fromkeys(warning for _, record in columns for warning in record.warnings)
    text = " ".join(
        f"{name}: {_told(record, section)}"
        for (name, record), section in zip(columns, sections, strict=True)
    )
    prompt = columns[0][1].prompt if columns else ""
    return saved(sheet(plain(prompt), tuple(warnings), sections), text)


def shown_words(record: Record) -> tuple[int, ...]:
    """Indices of the words whose maps are drawn, in reading order.

    The main words; of a diagnosed answer the one that the picture supports least is among them.
    """
    main = main_words(record, WORDS)
    worst = worst_word(record) if record.verdicts is not None else None
    if worst is None or worst in main:
        return main
    return tuple(sorted((*main_words(record, WORDS - 1), worst)))


def _sentence(record: Record, chosen: Sequence[int]) -> list[Piece]:
    """The answer in pieces, each a word with what stands before it; the last also what follows."""
    words, answer, spans = record.words, record.answer, spans_of(record).words
    if not words:
        return [Piece(_shown(answer))] if answer else []
    starts = [0, *(word.end for word in words[:-1])]
    ends = [*(word.end for word in words[:-1]), len(answer)]
    return [
        Piece(_shown(answer[start:end]), spans[index].brightness if index in chosen else 0.0)
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _shown(text: str) -> str:
    """A piece of the answer with a space where white space was, and no control characters."""
    return (" " if text[:1].isspace() else "") + plain(text)


def _tiles(record: Record, chosen: Sequence[int], most: int | None = None) -> list[Tile]:
    """The picture, and the maps of words, at most `most` pixels wide each."""
    width = tile_width(1 + max(len(chosen), 1))
    width = width if most is None else min(width, most)
    view = _first_view(record, chosen)
    names = view_names(record.pictures)
    shown = Image.fromarray(record.pictures[view].image.numpy())
    size = _size_of(record.pictures[view], width)
    own = Tile(shown.resize(size, Image.Resampling.LANCZOS), names[view])
    return [own, *(_tile(record, index, width, names) for index in chosen)]


def _tile(record: Record, index: int, width: int, names: Sequence[str]) -> Tile:
    """A word's map over the view in which it is brightest."""
    span = spans_of(record).words[index]
    view = span.best_view
    picture = record.pictures[view]
    size = _size_of(picture, width)
    laid = overlay(picture.image, span.displays[view], picture.base_grid, COLOURMAP, size=size)
    where = f", {names[view]}" if len(record.pictures) > 1 else ""
    verdict = record.verdicts[index] if record.verdicts is not None else None
    told = [] if verdict is None else [SOURCES[verdict.source]]
    return Tile(laid, visible(span.text), (f"p {_probability(span)}{where}", *told))


def _probability(span: TextSpan) -> str:
    """A probability with two digits, never rounded up to 1 or down to 0."""
    if 0.995 <= span.probability < 1:
        return "> 0.99"
    return "< 0.01" if 0 < span.probability < 0.005 else f"= {span.probability:.2f}"


def _told(record: Record, section: Section) -> str:
    """What a section says, in words."""
    answer = plain(record.answer)
    maps = "; ".join(", ".join((tile.title, *tile.lines)) for tile in section.tiles[1:])
    return f"{answer} Maps of: {maps}." if maps else answer


def _first_view(record: Record, chosen: Sequence[int]) -> int:
    """The view that most of the chosen words are brightest in."""
    views = [spans_of(record).words[index].best_view for index in chosen]
    return max(views, key=views.count, default=0)


def _size_of(picture: Picture, width: int) -> tuple[int, int]:
    """The size of a view in a tile: as wide as the tile, or as tall as a tile may be."""
    across, down = picture.size
    factor = min(width / across, width * TALLEST / down)
    return max(1, round(across * factor)), max(1, round(down * factor))
