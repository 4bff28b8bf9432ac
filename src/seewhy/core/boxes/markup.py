"""A box or a point as it stands in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["box", "point"]

Span = tuple[int, int]
"""Start and end in characters, the end exclusive."""

#: Ways to write boxes that no ordinary text holds. They are found in the answer of any model.
MARKED = (
    "json",
    "json-box_2d",
    "json-other",
    "qwen-tokens",
    "box-tags",
    "glm-tokens",
    "loc",
    "doctags",
    "point-tags",
)

#: Ways that ordinary text may hold too: read for the families that write boxes so, or where the
#: user names a convention.
BARE = ("pairs", "fractions", "brackets")

#: A model that repeats a digit writes numbers without end, which no float holds.
LARGEST = 1e15

NUMBER = r"-?(?:\d+(?:\.\d+)?|\.\d+)"


@dataclass(frozen=True)
class Number:
    """A coordinate in a text.

    Attributes:
        value: as it is written.
        start, end: its characters.
    """

    value: float
    start: int
    end: int


@dataclass(frozen=True)
class Markup:
    """A box or a point in a text, with its numbers as they are written.

    Attributes:
        kind: `"box"` or `"point"`.
        syntax: how it is written: one of `MARKED` or `BARE`.
        start, end: its characters: the tags with what is between them; of several boxes between two
            tags the brackets of each; in JSON the key and its value.
        numbers: four of a box, two of a point, in the order of the text. Fewer if the text ends
            inside it.
        phrase: the characters of what it locates, or None where the text does not say.
        picture: the number of the picture that the markup itself names, or None.
        seconds: the time in a clip that the markup itself names, or None.
        is_complete: whether the text does not end inside it.
    """

    kind: Kind
    syntax: str
    start: int
    end: int
    numbers: tuple[Number, ...]
    phrase: Span | None = None
    picture: int | None = None
    seconds: float | None = None
    is_complete: bool = True

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers alone."""
        return tuple(number.value for number in self.numbers)


def numbers_in(text: str, start: int, end: int) -> tuple[Number, ...]:
    """All numbers of a piece of a text, with their characters.

    Example:
        >>> [number.value for number in numbers_in("at (12, 3.5)", 3, 12)]
        [12.0, 3.5]
    """
    found = re.compile(NUMBER).finditer(text, start, end)
    return tuple(Number(value_of(match[0]), *match.span()) for match in found)


def value_of(text: str) -> float:
    """A number as it is written, or the greatest that is told apart: `LARGEST`.

    Example:
        >>> value_of("12.5"), value_of("-" + "9" * 400)
        (12.5, -1000000000000000.0)
    """
    return min(max(float(text), -LARGEST), LARGEST)
