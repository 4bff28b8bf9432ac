"""Text drawn into a picture, with the fonts that a machine has.

Pillow brings a font for Latin letters, the same on every machine; for other scripts those of the
system are tried, word by word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

_SYSTEM = (
    *(
        "DejaVuSans.ttf",
        "NotoSans-Regular.ttf",
        "NotoSansCJK-Regular.ttc",
        "NotoSansSC-Regular.otf",
    ),
    *("NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf"),
    *(
        "NotoSansThai-Regular.ttf",
        "wqy-zenhei.ttc",
        "wqy-microhei.ttc",
        "DroidSansFallbackFull.ttf",
    ),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "Arial Unicode.ttf"),
    *("msyh.ttc", "msgothic.ttc", "malgun.ttf", "nirmala.ttf", "segoeui.ttf", "seguiemj.ttf"),
)
"""Names of font files of Linux, macOS and Windows, those with the most scripts first."""

_MISSING = "\U0010fffe"
"""A character that no font has."""


@dataclass(frozen=True)
class Piece:
    """A piece of text that stays on one line, such as a word.

    Attributes:
        text: its characters.
        mark: how strongly it is marked, in [0, 1].
    """

    text: str
    mark: float = 0.0


@dataclass(frozen=True)
class PlacedPiece:
    """A piece with its place: the left edge, and the number of its line."""

    piece: Piece
    left: float
    line: int


def width_of(text: str, size: int) -> float:
    """How wide a text is, in pixels."""
    return font_for(text, size).getlength(text)


def can_draw(text: str) -> bool:
    """Whether this machine has one font for all letters of a text."""
    return any(_covers(font, text) for font in _fonts(12))


def font_for(text: str, size: int) -> FreeTypeFont:
    """The first font that has all letters of a text; the first of all where none has."""
    small = _fonts(12)
    number = next((i for i, font in enumerate(small) if _covers(font, text)), 0)
    return _fonts(size)[number]


def lines_of(pieces: Sequence[Piece], width: float, size: int, most: int) -> list[PlacedPiece]:
    """Put pieces of text into lines; what does not fit ends in "…".

    Args:
        pieces: in order. One that begins with a space, and comes first in a line, loses it.
        width: of a line, in pixels.
        size: of the letters, in pixels.
        most: lines at most.
    """
    placed: list[PlacedPiece] = []
    left, line = 0.0, 0
    for piece in _short(pieces, width, size):
        wide = width_of(piece.text, size)
        if placed and left + wide > width:
            left, line = 0.0, line + 1
            piece = Piece(piece.text.lstrip(), piece.mark)
            wide = width_of(piece.text, size)
        if line == most:
            last = placed.pop()
            placed.append(PlacedPiece(Piece("…"), last.left, last.line))
            break
        placed.append(PlacedPiece(piece, left, line))
        left += wide
    return placed


def shortened(text: str, width: float, size: int) -> str:
    """A text in one line that is no wider than `width` pixels; its end may be "…"."""
    line = " ".join(text.split())
    if width_of(line, size) <= width:
        return line
    while line and width_of(line + "…", size) > width:
        line = line[: -max(1, len(line) // 16)]
    return line.rstrip() + "…"


def draw_text(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colour: str
) -> None:
    """Draw one line of text; `place` is its left end on the base line."""
    pen.text(place, text, fill=colour, font=font_for(text, size), anchor="ls")


def _short(pieces: Sequence[Piece], width: float, size: int) -> Iterator[Piece]:
    """The pieces, those that are wider than a line in parts."""
    for piece in pieces:
        text = " ".join(piece.text.split("\n"))
        while width_of(text, size) > width and len(text) > 1:
            cut = max(1, int(len(text) * width / width_of(text, size)) - 1)
            yield Piece(text[:cut], piece.mark)
            text = text[cut:]
        yield Piece(text, piece.mark)


@cache
def _fonts(size: int) -> tuple[FreeTypeFont, ...]:
    """All fonts of this machine that are known by name, Pillow's own first."""
    own = ImageFont.load_default(size)
    found = [own] if isinstance(own, FreeTypeFont) else []
    for name in (*_SYSTEM, *_of_matplotlib()):
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    if not found:
        raise RuntimeError("Expected a font, got none: Pillow was built without FreeType.")
    return tuple(found)


def _of_matplotlib() -> Iterator[str]:
    """The font that matplotlib brings, where it is installed."""
    spec = find_spec("matplotlib")
    if spec is not None and spec.origin:
        yield str(Path(spec.origin).with_name("mpl-data") / "fonts" / "ttf" / "DejaVuSans.ttf")


def _covers(font: FreeTypeFont, text: str) -> bool:
    return all(_has(font, character) for character in set(text) if not character.isspace())


@cache
def _has(font: FreeTypeFont, character: str) -> bool:
    """Whether a font has its own picture of a character, not the one for missing ones."""
    return _drawn(font, character) != _drawn(font, _MISSING)


def _drawn(font: FreeTypeFont, character: str) -> bytes:
    paper = Image.new("L", (32, 32))
    ImageDraw.Draw(paper).text((4, 4), character, fill=255, font=font)
    return paper.tobytes()
