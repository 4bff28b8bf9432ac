"""Figures of an entry to save: for a paper, with text that stays text."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from seewhy.app.entries import Entry
from seewhy.app.errors import bad_request
from seewhy.app.replies import Reply, download

TYPES = {
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "png": "image/png",
    "tex": "application/x-tex",
}
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
    if kind not in TYPES:
        raise bad_request(f"Expected the format {', '.join(TYPES)}, got another.")
    if layout not in LAYOUTS:
        raise bad_request(f"Expected the layout {' or '.join(LAYOUTS)}, got another.")
    words = _words(query.get("words", ""))
    with _ONE_AT_A_TIME:
        content = drawn(entry, words, kind, layout)
    return download(content, TYPES[kind], f"seewhy-figure.{kind}")


def drawn(entry: Entry, words: list[int] | None, kind: str, layout: str) -> bytes:
    """The content of a figure's file."""
    from seewhy.app.errors import RequestError

    raise RequestError(501, "unsupported", "Figures cannot be saved from the page yet.")


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
