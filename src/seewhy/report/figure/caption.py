"""The caption of a figure in plain English, from what the explanation holds."""

from __future__ import annotations

from typing import Literal, NamedTuple

from seewhy.core.display import Display
from seewhy.report.figure.content import Content, alternative_of, title_of
from seewhy.report.figure.options import FigureOptions
from seewhy.report.figure.panels import locations_with
from seewhy.report.figure.scales import kind_of_rows
from seewhy.report.figure.texts import model_name, plain, probability, shortened

#: Characters of a question or an answer that a caption quotes at most.
LONGEST_QUOTE = 400

SCALES: dict[Display, str] = {
    "answer": "All maps share one scale, so that they can be compared.",
    "word": "Each map has its own scale: compare shapes, not brightness.",
    "joint": "Each map is scaled together with the scores of the words before it.",
}


class Piece(NamedTuple):
    """A part of a caption: plain text, a quotation, or a name to be set in typewriter letters."""

    kind: Literal["text", "quote", "code"]
    text: str


def caption_of(content: Content, options: FigureOptions) -> tuple[Piece, ...]:
    """The caption, in pieces."""
    told = f" Bright places are strong evidence for the word. {_scale(content, options)}"
    pieces = [
        *_opening(content),
        *_conversation(content),
        Piece("text", told),
        *_rows(content),
        *_contrasts(content),
        *_probabilities(content),
    ]
    if options.draw_boxes and any(
        location.pixels
        for view in set(content.views)
        for location in locations_with(content.records[0], view, None)
    ):
        pieces.append(Piece("text", " Yellow outlines: boxes and points of the answer."))
    return tuple(pieces)


def as_text(pieces: tuple[Piece, ...]) -> str:
    """A caption as plain text.

    Example:
        >>> as_text((Piece("text", "Question: "), Piece("quote", "Why?"), Piece("text", ".")))
        'Question: “Why?”.'
    """
    return "".join(f"“{p.text}”" if p.kind == "quote" else p.text for p in pieces)


def _opening(content: Content) -> list[Piece]:
    """Of whose words, by which method."""
    methods = list(dict.fromkeys(r.provenance.method for r in content.records))
    models = list(dict.fromkeys(model_name(r.provenance.model) for r in content.records))
    words = "words" if len(content.spans) > 1 else "a word"
    place = "pictures" if len(content.records[0].pictures) > 1 else "picture"
    said = "said by" if len(models) == 1 else "of an answer, read by"
    return [
        Piece("text", f"Evidence in the {place} for {words} {said} "),
        *_listed(models),
        Piece("text", ", found by the method " if len(methods) == 1 else ", found by the methods "),
        *_listed(methods),
        Piece("text", "."),
    ]


def _conversation(content: Content) -> list[Piece]:
    """Question and answer."""
    record, pieces = content.records[0], []
    for name, text in (("Question", record.prompt), ("Answer", record.answer)):
        quoted = shortened(plain(text), LONGEST_QUOTE)
        if quoted:
            pieces += [Piece("text", f" {name}: "), Piece("quote", quoted), Piece("text", ".")]
    return pieces


def _scale(content: Content, options: FigureOptions) -> str:
    if options.scale == "answer" and len(content.records) > 1:
        return f"All maps of one {kind_of_rows(content)} share one scale."
    return SCALES[options.scale]


def _rows(content: Content) -> list[Piece]:
    """What the rows of a grid are."""
    if content.is_by_view:
        text = " Below each map: the part of the word's evidence that lies in this picture."
        return [Piece("text", text)]
    if content.layout == "grid" and len(content.records) > 1:
        return [Piece("text", " Rows: "), *_listed(content.names), Piece("text", ".")]
    return []


def _contrasts(content: Content) -> list[Piece]:
    record = content.records[0]
    pieces: list[Piece] = []
    for span in content.spans:
        if (alternative := alternative_of(record, span)) is not None:
            pieces += [
                Piece("text", " The map of "),
                Piece("quote", title_of(span)),
                Piece("text", " shows what speaks for it rather than for "),
                Piece("quote", plain(alternative)),
                Piece("text", "."),
            ]
    return pieces


def _probabilities(content: Content) -> list[Piece]:
    """The probability of each word, where all explanations agree."""
    models = {record.provenance.model for record in content.records}
    if len(models) > 1:
        text = " Below each map: the probability (p) that the model gives the word."
        return [Piece("text", text)]
    told: list[Piece] = []
    for span in dict.fromkeys(content.spans):
        told += [
            Piece("text", ", " if told else " Probabilities (p): "),
            Piece("quote", title_of(span)),
            Piece("text", f" {probability(span.probability).removeprefix('= ')}"),
        ]
    return [*told, Piece("text", ".")]


def _listed(names: list[str] | tuple[str, ...]) -> list[Piece]:
    """Names with commas, and an "and" before the last."""
    pieces: list[Piece] = []
    for number, name in enumerate(names):
        if number:
            pieces.append(Piece("text", " and " if number == len(names) - 1 else ", "))
        pieces.append(Piece("code", plain(name)))
    return pieces
