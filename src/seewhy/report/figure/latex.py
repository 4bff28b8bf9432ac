"""A figure as LaTeX: the file, its width, a caption and a label. Every text is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from seewhy.core.errors import ParameterError
from seewhy.report.figure.caption import Piece
from seewhy.report.figure.texts import plain

#: A figure that is wider spans both columns of a paper of two.
COLUMN_CM = 9.5

#: Names of files that LaTeX finds without quoting.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# In a caption: robust, and without ligatures that are meant for typing (--, ``, ?`, <<, ,,).
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    "`": r"\textasciigrave{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "⏎": r"\textbackslash{}n",
    "⇥": r"\textbackslash{}t",
    "\u00a0": "~",
}

#: Scripts whose letters pdfLaTeX knows with its usual fonts, by the first word of their names.
_KNOWN_SCRIPTS = ("LATIN", "DIGIT")


def escaped(text: str) -> str:
    r"""A text for LaTeX, in which nothing of it is a command.

    Example:
        >>> print(escaped(r"50 % of $x_1$ \input{a}--b"))
        50 \% of \$x\_1\$ \textbackslash{}input\{a\}-{}-b
    """
    spaced = " ".join(text.split(" "))
    clean = "".join(c if unicodedata.category(c) != "Cc" else " " for c in spaced)
    parted = re.sub(r"([-',])(?=\1)", "\\1\0", clean)
    return "".join("{}" if c == "\0" else _ESCAPES.get(c, c) for c in parted)


def snippet(
    file: str, width_cm: float, caption: Sequence[Piece], label: str, *, notes: Sequence[str] = ()
) -> str:
    r"""A figure environment; where it is wider than a column, one that spans both.

    Args:
        file: the name of the file that it includes.
        width_cm: of the figure.
        caption: in pieces.
        label: after `fig:`.
        notes: comments above it.

    Raises:
        ParameterError: if the name of the file holds characters that LaTeX reads as commands.
    """
    expect_safe_name(file)
    environment = "figure*" if width_cm > COLUMN_CM else "figure"
    body = "".join(map(_piece, caption))
    comments = [f"% {plain(note)}" for note in (*notes, *_font_notes(caption))]
    lines = [
        "% Needs \\usepackage{graphicx}.",
        *comments,
        f"\\begin{{{environment}}}[t]",
        "  \\centering",
        f"  \\includegraphics[width={width_cm:.2f}cm]{{{file}}}",
        f"  \\caption{{{body}}}",
        f"  \\label{{fig:{label}}}",
        f"\\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def expect_safe_name(file: str) -> None:
    """Raise ParameterError if LaTeX would not find a file of this name."""
    if not SAFE_NAME.fullmatch(file):
        raise ParameterError(
            f"Expected a file name of letters, digits, dots, hyphens and underscores for LaTeX, "
            f"got {file!r}: choose another name."
        )


def _piece(piece: Piece) -> str:
    text = escaped(piece.text)
    if piece.kind == "quote":
        # A quotation that itself begins or ends with a quotation mark is kept apart from ours.
        left = "``{}" if text.startswith(("`", "'")) else "``"
        right = "{}''" if text.endswith(("`", "'")) else "''"
        return f"{left}{text}{right}"
    return rf"\texttt{{{text}}}" if piece.kind == "code" else text


def _font_notes(caption: Sequence[Piece]) -> list[str]:
    """A comment where the caption holds letters that pdfLaTeX cannot set by itself."""
    texts = "".join(piece.text for piece in caption)
    foreign = dict.fromkeys(c for c in texts if c not in _ESCAPES and not _is_known(c))
    if not foreign:
        return []
    told = " ".join(f"U+{ord(c):04X}" for c in list(foreign)[:8])
    return [
        f"The caption holds characters that pdfLaTeX cannot set ({told}): use LuaLaTeX or XeLaTeX",
        "with a font that has them, such as Noto (package fontspec).",
    ]


def _is_known(character: str) -> bool:
    if character.isascii():
        return True
    name = unicodedata.name(character, "").split(" ")[0]
    return name in _KNOWN_SCRIPTS and ord(character) < 0x180
