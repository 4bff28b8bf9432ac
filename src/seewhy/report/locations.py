"""Boxes and points of a record's answer: where they are in its pictures, and what they go with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seewhy.core.boxes import (
    CONVENTIONS,
    BoxFormat,
    Convention,
    Markup,
    PictureFrame,
    find_markup,
    to_pixels,
)
from seewhy.core.errors import ParameterError
from seewhy.core.record import Record
from seewhy.core.suggestions import give_index
from seewhy.core.text import Token, Word
from seewhy.report.location_pictures import MarkedPictures
from seewhy.report.placing import placed

Pixels = tuple[float, ...]


@dataclass(frozen=True)
class Location:
    """A box or a point of an answer.

    Attributes:
        markup: how it stands in the answer: its numbers, phrase and characters.
        tokens: indices of the answer's tokens that it stands in.
        number_tokens: for each number the tokens that it stands in.
        coordinates: the characters and tokens from its first number to its last; None where no
            token of the answer holds them.
        phrase: the phrase that it goes with, or None where the answer does not say.
        convention: the name of what its numbers count, or None if that is not known.
        pixels: left, top, right and bottom, or x and y, in pixels of the original picture and
            within it; None if the numbers could not be converted, or lie outside.
        picture: the number of the prompt's picture or clip that it belongs to, from 0; None if the
            answer names one that is not there.
        views: the record's views that show it: one of a picture, the steps of a clip.
        notes: what a reader must know, such as a box that was cut at the picture's edge.
    """

    markup: Markup
    tokens: tuple[int, ...]
    number_tokens: tuple[tuple[int, ...], ...]
    coordinates: Word | None
    phrase: Word | None
    convention: str | None
    pixels: Pixels | None
    picture: int | None
    views: tuple[int, ...]
    notes: tuple[str, ...]


def locations_of(record: Record) -> tuple[Location, ...]:
    """The boxes and points of a record's answer, computed once and kept with the record."""
    return record.derived(_by_own_format)


def _by_own_format(record: Record) -> tuple[Location, ...]:
    return read_locations(record, record.box_format)


def read_locations(
    record: Record, box_format: BoxFormat | None, picture: int | None = None
) -> tuple[Location, ...]:
    """The boxes and points of a record's answer, read by a format.

    Args:
        record: the explanation.
        box_format: how the model writes them; None lists them without pixels.
        picture: the number of the picture that all belong to; None takes what the answer says,
            else the first.

    Raises:
        ParameterError: if there is no such picture.
    """
    count = len({view.medium for view in record.pictures})
    if picture is not None and not 0 <= picture < count:
        raise ParameterError(
            f"Expected the number of one of {count} pictures, got {picture!r}: {give_index(count)}."
        )
    box_format = box_format or BoxFormat(None, ())
    found = find_markup(record.answer, box_format.syntaxes)
    pictures = MarkedPictures(record, found, picture)
    return tuple(_location(record, markup, box_format, pictures) for markup in found)


def _location(
    record: Record, markup: Markup, box_format: BoxFormat, pictures: MarkedPictures
) -> Location:
    medium, views, notes = pictures.of(markup)
    convention, reason = _convention(markup, box_format, record.provenance.family)
    pixels = None
    if convention is None or medium is None:
        notes = (*notes, *([reason] if reason else []))
    else:
        frame = pictures.frame(views[0])
        pixels, remarks = _pixels(markup, convention, frame)
        notes = (*notes, *remarks)
    numbers = markup.numbers
    return Location(
        markup=markup,
        tokens=tokens_over(record.tokens, markup.start, markup.end),
        number_tokens=tuple(tokens_over(record.tokens, n.start, n.end) for n in numbers),
        coordinates=_word(record, numbers[0].start, numbers[-1].end) if numbers else None,
        phrase=None if markup.phrase is None else _word(record, *markup.phrase),
        convention=None if convention is None else convention.name,
        pixels=pixels,
        picture=medium,
        views=views,
        notes=notes,
    )


def _convention(
    markup: Markup, box_format: BoxFormat, family: str
) -> tuple[Convention | None, str]:
    """What a markup's numbers count; or None and the reason."""
    if not markup.is_complete:
        return None, f"The answer ends inside this {markup.kind}."
    remedy = "name their convention, with explanation.boxes_as(...) or --boxes"
    if box_format.convention is None:
        return None, (
            f"What the numbers count is not documented for the family {family!r}, so they are not "
            f"converted: {remedy}."
        )
    if markup.syntax not in box_format.syntaxes:
        return None, (
            f"The family {family!r} is not documented to write a {markup.kind} like this "
            f"({markup.syntax}), so its numbers are not converted: {remedy}."
        )
    return CONVENTIONS[box_format.convention], ""


def _pixels(
    markup: Markup, convention: Convention, frame: PictureFrame
) -> tuple[Pixels | None, list[str]]:
    """The place in the original picture, within it, and remarks."""
    if convention.frame == "input" and convention.unit is None and frame.input_size is None:
        return None, ["The size of the model's input was not kept, so pixels of it are not placed."]
    return placed(to_pixels(convention, markup.values, frame), frame, convention, markup.values)


def _word(record: Record, start: int, end: int) -> Word | None:
    """A piece of the answer as a word; None if it has no token."""
    tokens = tokens_over(record.tokens, start, end)
    return Word(record.answer[start:end], start, end, tokens) if tokens else None


def tokens_over(tokens: Sequence[Token], start: int, end: int) -> tuple[int, ...]:
    """Indices of the tokens that hold characters of `start:end`.

    Example:
        >>> tokens_over([Token(0, "a", 0, 1, 1.0), Token(1, " cup", 1, 5, 1.0)], 2, 5)
        (1,)
    """
    return tuple(
        index for index, token in enumerate(tokens) if token.start < end and start < token.end
    )


def words_before(record: Record, word: Word) -> int:
    """How many words of the answer begin before a piece of it."""
    return sum(other.start < word.start for other in record.words)


def with_convention(record: Record, convention: str) -> Record:
    """The record with its boxes read by another convention.

    Raises:
        UnknownNameError: if there is no such convention.
    """
    return replace(record, box_format=BoxFormat.named(convention))
