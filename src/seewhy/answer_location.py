"""A box or a point in an answer, with its phrase, its pixels and the maps that go with it."""

from __future__ import annotations

from typing import Any

from seewhy.core.boxes import BoxFormat
from seewhy.core.record import Record
from seewhy.core.text import Word
from seewhy.explained_word import ExplainedWord, RecordWords
from seewhy.report.location_fit import Fit, fit_of, span_of
from seewhy.report.location_json import location_to_json
from seewhy.report.locations import Location, locations_of, read_locations


class AnswerLocation:
    """A box or a point that stands in an answer.

    Its numbers are converted to pixels of the original picture by the convention of the model's
    family, or by one that was named. Where no convention is known, `pixels` is None and `notes`
    says why.
    """

    def __init__(self, words: RecordWords, location: Location) -> None:
        self._words, self._record, self._location = words, words.record, location

    @property
    def kind(self) -> str:
        """`"box"` or `"point"`."""
        return self._location.markup.kind

    @property
    def text(self) -> str:
        """Its characters in the answer, special tokens and brackets included."""
        return self._record.answer[self.start : self.end]

    @property
    def start(self) -> int:
        """Where it begins in the answer, in characters."""
        return self._location.markup.start

    @property
    def end(self) -> int:
        """Where it ends in the answer, exclusive."""
        return self._location.markup.end

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """The answer's tokens that it stands in."""
        return tuple(self._words.tokens[index] for index in self._location.tokens)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its numbers as they are written, in the order of the text."""
        return self._location.markup.values

    @property
    def number_spans(self) -> tuple[tuple[int, int], ...]:
        """Start and end in the answer of each number, in characters."""
        return tuple((number.start, number.end) for number in self._location.markup.numbers)

    @property
    def number_tokens(self) -> tuple[tuple[ExplainedWord, ...], ...]:
        """For each number the answer's tokens that it stands in."""
        of_number = self._location.number_tokens
        return tuple(tuple(self._words.tokens[index] for index in group) for group in of_number)

    @property
    def coordinates(self) -> ExplainedWord | None:
        """Its numbers as one word with a map; None if no token holds them."""
        return self._word(self._location.coordinates)

    @property
    def phrase(self) -> ExplainedWord | None:
        """The phrase that it goes with, with a map; None if the answer does not say."""
        return self._word(self._location.phrase)

    @property
    def pixels(self) -> tuple[float, ...] | None:
        """Left, top, right, bottom of a box, x and y of a point, in pixels of the original picture.

        Within the picture and not rounded; right and bottom are edges, as those of
        `ExplainedWord.box`. None where the numbers could not be converted; `notes` says why.
        """
        return self._location.pixels

    @property
    def convention(self) -> str | None:
        """The name of what its numbers count, such as `"relative-1000"`; None if not known."""
        return self._location.convention

    @property
    def syntax(self) -> str:
        """How it is written: a name of `seewhy.core.boxes.MARKED` or `BARE`."""
        return self._location.markup.syntax

    @property
    def picture(self) -> int | None:
        """The number of its picture or clip in the prompt, from 0; None if there is no such."""
        return self._location.picture

    @property
    def views(self) -> tuple[int, ...]:
        """The views that show it: one of a picture, one or all steps of a clip."""
        return self._location.views

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of it, such as that it was clipped or why it has no pixels."""
        return self._location.notes

    @property
    def phrase_fit(self) -> Fit | None:
        """How well the phrase's map fits it; None without phrase or pixels."""
        return fit_of(self._record, self._location, self._location.phrase)

    @property
    def coordinates_fit(self) -> Fit | None:
        """How well the map of its numbers fits it; None without pixels."""
        return fit_of(self._record, self._location, self._location.coordinates)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; what `seewhy explain --json` prints."""
        return location_to_json(self._record, self._location)

    def _word(self, word: Word | None) -> ExplainedWord | None:
        return None if word is None else ExplainedWord(self._words, span_of(self._record, word))

    def __repr__(self) -> str:
        phrase = "" if self.phrase is None else f" of {self.phrase.text!r}"
        place = "not placed" if self.pixels is None else ", ".join(f"{v:.1f}" for v in self.pixels)
        return f"AnswerLocation({self.kind}{phrase}: {place}, convention={self.convention!r})"


def answer_locations(
    words: RecordWords, kind: str, convention: str | None = None, picture: int | None = None
) -> tuple[AnswerLocation, ...]:
    """The boxes or the points of a record's answer.

    Args:
        words: of the record.
        kind: `"box"` or `"point"`.
        convention: the name of what numbers count; None takes the record's own.
        picture: the picture that all belong to; None takes what the answer says, else the first.

    Raises:
        UnknownNameError: if there is no such convention.
        ParameterError: if there is no such picture.
    """
    record: Record = words.record
    if convention is None and picture is None:
        found = locations_of(record)
    else:
        named = record.box_format if convention is None else BoxFormat.named(convention)
        found = read_locations(record, named, picture)
    return tuple(AnswerLocation(words, one) for one in found if one.markup.kind == kind)
