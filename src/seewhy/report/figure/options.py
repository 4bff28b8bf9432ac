"""How a figure is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from seewhy.core.display import DISPLAY, Display, expect_display
from seewhy.core.errors import ParameterError
from seewhy.core.suggestions import choose_from, unknown_choice_message
from seewhy.report.colourmaps import DEFAULT, colour_table

Layout = Literal["row", "grid"]
Format = Literal["pdf", "svg", "png", "tex"]

FORMATS: tuple[str, ...] = get_args(Format)
"""What a figure can be saved as, the usual one first."""

NARROWEST, WIDEST = 4.0, 60.0
"""Limits of a figure's width in centimetres."""


@dataclass(frozen=True)
class FigureOptions:
    """How a figure is drawn.

    Attributes:
        layout: `"row"`, the picture and the maps side by side, continued in further lines where
            they do not fit; `"grid"`, a table with a column for each word, and a row for each
            explanation, or of one explanation for each picture. None takes the grid where several
            explanations or pictures meet several words.
        scale: of the maps: `"answer"`, one for all words, so that they can be compared; `"word"`,
            each map alone, so that its shape shows; `"joint"`, each together with the scores of the
            words before (`seewhy.core.display`).
        width_cm: of the figure, in centimetres, from 4 to 60. 8.4 is a column of most papers of
            two columns. Text has 8 and 7 points at this width, never less than 6.
        view: which picture or step of a clip the maps lie on, from 0; None takes for each word the
            one with its highest value.
        draw_boxes: also draw boxes and points of the answer: all on the picture, and on a map those
            that the word goes with.
        colourmap: a name from `seewhy.report.colourmaps.NAMES`.
        columns: pictures beside each other, at least 1; None takes as many as can be read.
        font: the name of an installed font, such as `"Times New Roman"` or `"STIXGeneral"`; None
            takes DejaVu Sans, which matplotlib brings.

    Raises:
        ParameterError: if a value is out of its range.
        UnknownNameError: if there is no such scale or colour map.
    """

    layout: Layout | None = None
    scale: Display = DISPLAY
    width_cm: float = 8.4
    view: int | None = None
    draw_boxes: bool = False
    colourmap: str = DEFAULT
    columns: int | None = None
    font: str | None = None

    def __post_init__(self) -> None:
        if self.layout is not None and self.layout not in get_args(Layout):
            raise ParameterError(unknown_choice_message("layout", self.layout, get_args(Layout)))
        expect_display(self.scale)
        colour_table(self.colourmap)
        _expect_width(self.width_cm)
        if self.columns is not None and not _is_whole(self.columns, 1):
            raise ParameterError(
                f"Expected columns as a whole number of at least 1, got {self.columns!r}: leave it "
                "out to take as many as can be read."
            )
        if self.view is not None and not _is_whole(self.view, 0):
            raise ParameterError(
                f"Expected view as the number of a picture, from 0, got {self.view!r}: leave it "
                "out to take each word's brightest."
            )

    @staticmethod
    def of(**options: Any) -> FigureOptions:
        """Options by name.

        Raises:
            ParameterError: if there is no option of a name; as the class.

        Example:
            >>> FigureOptions.of(layout="grid").layout
            'grid'
        """
        known = FigureOptions.names()
        for name in options:
            if name not in known:
                raise ParameterError(
                    f"Expected an option of a figure, got {name!r}: {choose_from(name, known)}"
                )
        return FigureOptions(**options)

    @staticmethod
    def names() -> tuple[str, ...]:
        """The names of all options."""
        return tuple(field.name for field in fields(FigureOptions))


def expect_format(name: str) -> str:
    """Return the name of a format in lower case, or raise `ParameterError`.

    Example:
        >>> expect_format("PDF")
        'pdf'
    """
    if not isinstance(name, str) or name.lower() not in FORMATS:
        raise ParameterError(unknown_choice_message("format", name, FORMATS))
    return name.lower()


def _expect_width(width: float) -> None:
    is_number = isinstance(width, int | float) and not isinstance(width, bool)
    if not is_number or not math.isfinite(width) or not NARROWEST <= width <= WIDEST:
        raise ParameterError(
            f"Expected width_cm as centimetres from {NARROWEST:g} to {WIDEST:g}, got {width!r}: a "
            "column of a paper is about 8.4 wide, a page about 17."
        )


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
