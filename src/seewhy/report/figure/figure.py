"""A figure that can be shown, changed and saved. It needs matplotlib: `seewhy[plot]`."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy._version import __version__
from seewhy.core.errors import ParameterError
from seewhy.core.record import Record
from seewhy.report.figure.caption import as_text, caption_of
from seewhy.report.figure.chosen_words import Named
from seewhy.report.figure.compressed import small_pdf, small_svg
from seewhy.report.figure.content import Content, content_of, title_of
from seewhy.report.figure.drawing import DPI, draw, own_settings
from seewhy.report.figure.latex import expect_safe_name, snippet
from seewhy.report.figure.options import FigureOptions, expect_format
from seewhy.report.figure.texts import file_stem
from seewhy.report.whole_files import write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTENT_TYPES = {
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "png": "image/png",
    "tex": "application/x-tex",
}


@dataclass(frozen=True)
class FigureFile:
    """A figure as the content of one file.

    Attributes:
        name: a safe name for it, such as `"seewhy-star.pdf"`.
        content_type: of HTTP.
        content: its bytes.
    """

    name: str
    content_type: str
    content: bytes


class ExplanationFigure:
    """A figure for a paper: the picture, maps of words, one colour bar, words and probabilities.

    The same explanation and options give the same bytes. In a notebook it shows itself.
    `explanation.figure(...)` makes one.
    """

    def __init__(self, content: Content, options: FigureOptions) -> None:
        self._content, self.options = content, options
        self._figure, drawn = draw(content, options)
        self._notes = (*content.notes, *drawn)

    @property
    def figure(self) -> Figure:
        """The figure of matplotlib; what is changed there is saved too."""
        return self._figure

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it shows."""
        return tuple(title_of(span) for span in self._content.spans)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of it: warnings of the explanation, words left out, characters without a
        font."""
        return self._notes

    @property
    def size_cm(self) -> tuple[float, float]:
        """Width and height in print, in centimetres."""
        width, height = self._figure.get_size_inches()
        return round(2.54 * float(width), 2), round(2.54 * float(height), 2)

    @cached_property
    def caption(self) -> str:
        """The caption as plain text: model, method, question, answer, scale and probabilities."""
        return as_text(caption_of(self._content, self.options))

    @property
    def name(self) -> str:
        """A safe name for its file, without an ending."""
        return file_stem(list(self.words))

    def pdf(self) -> bytes:
        """As PDF: text stays text (TrueType fonts), pictures have 300 dots per inch.

        The pictures of a file of more than half a megabyte are JPEG, those of others are exact.
        """
        return small_pdf(self._saved("pdf", {"CreationDate": None, **self._about}))

    def svg(self) -> str:
        """As SVG: text stays text, pictures are inside, as those of `pdf`."""
        return small_svg(self._saved("svg", {"Date": None, **self._about}).decode())

    def png(self, dpi: int = DPI) -> bytes:
        """As PNG.

        Args:
            dpi: dots per inch in print, from 50 to 1200.
        """
        if isinstance(dpi, bool) or not isinstance(dpi, int) or not 50 <= dpi <= 1200:
            raise ParameterError(f"Expected dpi from 50 to 1200, got {dpi!r}: 300 is usual.")
        return self._saved("png", {"Software": None, "Title": self._title}, dpi=dpi)

    def tex(self, file: str | None = None) -> str:
        """A figure environment of LaTeX with caption and label.

        Args:
            file: the name of the file that it includes; None takes that of `name`, as PDF.

        Raises:
            ParameterError: if LaTeX would not find a file of this name.
        """
        file = f"{self.name}.pdf" if file is None else file
        label = Path(file).stem.replace("_", "-")
        caption = caption_of(self._content, self.options)
        return snippet(file, self.options.width_cm, caption, label, notes=self.notes)

    def file(self, format: str = "pdf") -> FigureFile:
        """As the content of one file.

        Args:
            format: `"pdf"`, `"svg"`, `"png"` or `"tex"`. LaTeX includes a PDF of the same name.

        Raises:
            ParameterError: if there is no such format.
        """
        format = expect_format(format)
        made = getattr(self, format)()
        content = made.encode() if isinstance(made, str) else made
        return FigureFile(f"{self.name}.{format}", CONTENT_TYPES[format], content)

    def save(
        self, path: str | os.PathLike[str], *, format: str | None = None, overwrite: bool = False
    ) -> Path:
        """Write the figure to a file, completely or not at all.

        Args:
            path: of the file; missing folders are made.
            format: `"pdf"`, `"svg"`, `"png"` or `"tex"`; None takes the path's ending. With
                `"tex"` the PDF is written beside it, under the same name.
            overwrite: replace files that exist.

        Returns:
            The path.

        Raises:
            ParameterError: if the format is not known.
            OutputError: if a file exists or cannot be written; nothing is left half-written.
        """
        target = Path(path)
        format = format_of(target, format)
        if format != "tex":
            write_files({target: self.file(format).content}, overwrite)
            return target
        pdf = target.with_suffix(".pdf")
        expect_safe_name(pdf.name)
        write_files({target: self.tex(pdf.name).encode(), pdf: self.pdf()}, overwrite)
        return target

    @property
    def _title(self) -> str:
        return f"{', '.join(self.words)} · seewhy"

    @property
    def _about(self) -> dict[str, Any]:
        return {"Title": self._title, "Creator": f"seewhy {__version__}"}

    def _saved(self, format: str, metadata: dict[str, Any], **settings: Any) -> bytes:
        with own_settings():
            out = io.BytesIO()
            self._figure.savefig(out, format=format, metadata=metadata, **settings)
        return out.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png(200)

    def __repr__(self) -> str:
        width, height = self.size_cm
        return f"ExplanationFigure({', '.join(self.words)}; {width:g} x {height:g} cm)"


def make_figure(
    record: Record,
    words: Named | Sequence[Named] | None = None,
    others: Sequence[Record] | Mapping[str, Record] = (),
    options: FigureOptions | None = None,
    name: str | None = None,
) -> ExplanationFigure:
    """Draw a figure of some words.

    Args:
        record: the explanation.
        words: numbers or texts of words; None for the main words.
        others: further explanations of the same answer; of a mapping the names are shown.
        options: how it is drawn; None for the usual way.
        name: of the first explanation, where there are others; None takes its method or its model.

    Raises:
        UnknownNameError: if a word is not in the answer; the message lists near words.
        ParameterError: if the explanations are of different answers, or an option is out of range.
        OutputError: if matplotlib is not installed.
    """
    options = options or FigureOptions()
    return ExplanationFigure(content_of(record, words, others, options, name), options)


def figure_file(
    record: Record,
    words: Named | Sequence[Named] | None = None,
    *,
    format: str = "pdf",
    others: Sequence[Record] | Mapping[str, Record] = (),
    **options: Any,
) -> FigureFile:
    """A figure as the content of one file; what a server sends.

    Args:
        record, words, others: as for `make_figure`.
        format: `"pdf"`, `"svg"`, `"png"` or `"tex"`.
        **options: fields of `FigureOptions`.

    Raises:
        As `make_figure`; ParameterError also for an unknown format or option.
    """
    expect_format(format)
    return make_figure(record, words, others, FigureOptions.of(**options)).file(format)


def format_of(path: Path, format: str | None) -> str:
    """The format of a file: the named one, else that of its ending.

    Raises:
        ParameterError: if it is none, or the two differ.
    """
    ending = path.suffix.removeprefix(".").lower()
    if format is None:
        return expect_format(ending)
    if ending and ending != expect_format(format):
        raise ParameterError(
            f"Expected a file that ends with .{expect_format(format)}, got {path.name!r}: name "
            "one format."
        )
    return expect_format(format)
