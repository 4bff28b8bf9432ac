"""`seewhy figure`: a figure for a paper from saved explanations."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.cli._command import add_command
from seewhy.cli._values import real, whole
from seewhy.core.errors import ParameterError, SchemaError, UnknownNameError
from seewhy.core.paths import expanded

if TYPE_CHECKING:
    from seewhy.explanation import Explanation

FORMATS = ("pdf", "svg", "png", "tex")
NAME = "figure"
"""Of the file, where none is given."""


def add_to(commands) -> None:
    """Add `seewhy figure` and its options."""
    parser = add_command(
        commands,
        "figure",
        "draw a figure for a paper from saved explanations",
        "seewhy.cli.figure:figure",
    )
    parser.add_argument(
        "folders",
        metavar="FOLDER",
        nargs="+",
        help="a folder that `seewhy explain` or Explanation.save wrote; several of the same "
        "answer, by other methods or models, are the rows of a grid",
    )
    content = parser.add_argument_group("what is shown")
    content.add_argument(
        "--words",
        metavar="WORD,...",
        action="append",
        help="words or phrases of the answer, or numbers of words from 0, separated by commas; may "
        "be given several times (default: its main words, at most four)",
    )
    content.add_argument(
        "--names",
        metavar="NAME,...",
        help="what the rows are called (default: their methods, or their models)",
    )
    content.add_argument(
        "--scale",
        "--display",
        choices=("answer", "word", "joint"),
        help="scale of the maps: one for the whole answer, each map alone, or each together with "
        "the words before (default: answer)",
    )
    content.add_argument(
        "--view",
        metavar="N",
        type=whole(at_least=0),
        help="which picture or step of a clip, from 0 (default: for each word its brightest)",
    )
    content.add_argument(
        "--boxes", action="store_true", help="also draw boxes and points of the answer"
    )
    look = parser.add_argument_group("how it looks")
    look.add_argument(
        "--layout",
        choices=("row", "grid"),
        help="picture and maps side by side, or a table of words and explanations (default: a grid "
        "for several words of several explanations)",
    )
    look.add_argument(
        "--width-cm",
        metavar="CM",
        type=real(above=0),
        help="width in print, 4 to 60 (default: 8.4, a column of a paper of two)",
    )
    look.add_argument(
        "--columns",
        metavar="N",
        type=whole(at_least=1),
        help="pictures beside each other (default: as many as can be read)",
    )
    look.add_argument(
        "--colourmap",
        choices=("inferno", "viridis", "cividis", "magma"),
        help="colours of the maps (default: inferno)",
    )
    look.add_argument("--font", metavar="NAME", help="an installed font (default: DejaVu Sans)")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        choices=FORMATS,
        help="tex writes a LaTeX figure with its caption, and the PDF beside it (default: the "
        "ending of FILE, else pdf)",
    )
    output.add_argument(
        "--out", metavar="FILE", help=f"the file (default: {NAME}.pdf, or another ending)"
    )
    output.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    output.add_argument("--quiet", action="store_true", help="print no notes to stderr")


def figure(arguments: Namespace) -> int:
    """Draw the figure, write it, and print where it is."""
    from seewhy.report.figure.figure import format_of
    from seewhy.report.whole_files import expect_free

    target = _target(arguments)
    format = format_of(target, arguments.format)
    files = [target] if format != "tex" else [target, target.with_suffix(".pdf")]
    expect_free(files, arguments.overwrite)
    first, *others = [_opened(folder) for folder in arguments.folders]
    names = _names(arguments)
    options = {
        name: value
        for name in ("layout", "scale", "view", "width_cm", "columns", "colourmap", "font")
        if (value := getattr(arguments, name)) is not None
    }
    made = first.figure(
        _words(first, arguments.words),
        methods=dict(zip(names[1:], others, strict=True)) if names else others,
        name=names[0] if names else None,
        draw_boxes=arguments.boxes,
        **options,
    )
    made.save(target, format=format, overwrite=arguments.overwrite)
    for note in () if arguments.quiet else made.notes:
        from seewhy.cli._printable import printable

        print(f"seewhy: {printable(note)}", file=sys.stderr)
    for file in files:
        print(file)
    return 0


def _target(arguments: Namespace) -> Path:
    """The file that is written."""
    if arguments.out is None:
        return Path(f"{NAME}.{arguments.format or FORMATS[0]}")
    if not arguments.out.strip():
        raise ParameterError("Expected the name of a file after --out, got an empty one.")
    path = expanded(arguments.out)
    if not path.suffix:
        return path.with_name(f"{path.name}.{arguments.format or FORMATS[0]}")
    return path


def _opened(name: str) -> Explanation:
    import seewhy

    folder = expanded(name)
    if not folder.is_dir():
        raise SchemaError(
            f"Expected a folder with a saved explanation, got {folder}, which is none: give the "
            "folder that `seewhy explain` wrote."
        )
    return seewhy.open(folder)


def _names(arguments: Namespace) -> list[str]:
    """The names of the rows; empty where they have their own."""
    if arguments.names is None:
        return []
    names = [name.strip() for name in arguments.names.split(",")]
    if len(names) != len(arguments.folders) or not all(names) or len(set(names)) < len(names):
        raise ParameterError(
            f"Expected {len(arguments.folders)} different names after --names, one for each "
            f"folder, got {arguments.names!r}."
        )
    return names


def _words(explanation: Explanation, given: Sequence[str] | None) -> list[Any] | None:
    """The words that were named; None for the main words."""
    if given is None:
        return None
    words = [word for text in given for word in _split(explanation, text)]
    if not words:
        raise ParameterError("Expected words after --words, got none: leave it out.")
    return words


def _split(explanation: Explanation, text: str) -> list[Any]:
    """The words of one option: the whole text if it stands in the answer, else its parts."""
    if "," in text and _is_in(explanation, text):
        return [text]
    parts = [part.strip() for part in text.split(",")]
    return [_word(explanation, part) for part in parts if part]


def _word(explanation: Explanation, text: str) -> int | str:
    """A text of the answer, or else the number of a word."""
    is_number = text.lstrip("-").isdecimal()
    return int(text) if is_number and not _is_in(explanation, text) else text


def _is_in(explanation: Explanation, text: str) -> bool:
    try:
        explanation[text]
    except UnknownNameError:
        return False
    return True
