"""A page in a frame of a notebook's cell, without any extension."""

from __future__ import annotations

from dataclasses import dataclass

from seewhy.report.page import framed_document


@dataclass(frozen=True)
class CellFrame:
    """A whole page in a frame: the last line of a cell shows it.

    The page, megabytes of it, becomes a part of the notebook file, and is shown only where the
    notebook is trusted.

    Attributes:
        document: the page.
        title: of the frame, for screen readers.
        height: in CSS pixels.
    """

    document: str
    title: str
    height: int

    def _repr_html_(self) -> str:
        return framed_document(self.document, self.title, self.height)

    def __repr__(self) -> str:
        return f"CellFrame({self.title!r}, {len(self.document):,} characters)"
