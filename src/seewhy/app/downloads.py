"""Figures of an entry to save: for a paper, with text that stays text."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from seewhy.app.entries import Entry
from seewhy.app.errors import bad_request
from seewhy.app.replies import Reply, download

if TYPE_CHECKING:
    from seewhy.report.figure.figure import FigureFile

FORMATS = ("pdf", "svg", "png", "tex")
LAYOUTS = ("row", "grid")
WORDS = 24
"""Words of one figure, at most."""

_ONE_AT_A_TIME = threading.Lock()
"""matplotlib is not made for threads."""


def figure_of(entry: Entry, query: Mapping[str, str]) -> Reply:
    """A figure of some words of an entry.

    Args:
        entry: of the history.
        query: `words` (numbers with commas between), `format` (pdf, svg, png, tex) and `layout`
            (row, grid).

    Raises:
        RequestError: with 400 if one of them is malformed.
        SeewhyError: as `Explanation.figure`.
    """
    kind, layout = query.get("format", "pdf"), query.get("layout", "row")
    if kind not in FORMATS:
        raise bad_request(f"Expected the format {', '.join(FORMATS)}, got another.")
    if layout not in LAYOUTS:
        raise bad_request(f"Expected the layout {' or '.join(LAYOUTS)}, got another.")
    words = _words(query.get("words", ""))
    with _ONE_AT_A_TIME:
        file = drawn(entry, words, kind, layout)
    return download(file.content, file.content_type, file.name)


def drawn(entry: Entry, words: list[int] | None, kind: str, layout: str) -> FigureFile:
    """A figure as a file.

    Raises:
        SeewhyError: as `Explanation.figure`.
    """
    explanation = entry.explanation()
    if words is not None and (missing := [n for n in words if n >= len(explanation)]):
        raise bad_request(
            f"Expected numbers of the answer's {len(explanation)} words, got {missing[0]}: the "
            "first is 0."
        )
    return explanation.figure(words, layout=layout).file(kind)


def _words(text: str) -> list[int] | None:
    """Numbers of words; None for no text, which takes the figure's own choice."""
    if not text:
        return None
    parts = text.split(",")
    if len(parts) > WORDS or not all(part.isascii() and part.isdigit() for part in parts):
        raise bad_request(
            f"Expected at most {WORDS} numbers of words with commas between them, got something "
            "else: choose fewer words."
        )
    numbers = [int(part[:9]) for part in parts]
    return list(dict.fromkeys(numbers))
