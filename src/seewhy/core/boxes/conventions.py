"""What the numbers of a box count: thousandths, pixels, and of what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seewhy.core.boxes.markup import BARE, MARKED
from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import choose_from

Frame = Literal["picture", "input", "square"]
"""What the numbers refer to: the original picture, the part of it that is in the model's input (a
crop, or with padding around it), or the picture padded to a centred square."""


@dataclass(frozen=True)
class Convention:
    """What the numbers of a box or point count.

    Attributes:
        name: such as `"relative-1000"`.
        unit: the number at the frame's right and bottom edge; None where numbers are pixels.
        frame: what the numbers refer to.
        y_first: whether y comes before x, as in y1 x1 y2 x2.
        summary: one sentence.
    """

    name: str
    unit: float | None
    frame: Frame
    y_first: bool
    summary: str


_ALL = (
    Convention(
        "relative-1000", 1000, "picture", False, "Thousandths of the picture's width and height."
    ),
    Convention(
        "relative-1000-yx",
        1000,
        "picture",
        True,
        "Thousandths of the picture's height and width, y before x.",
    ),
    Convention(
        "relative-1024-yx",
        1024,
        "picture",
        True,
        "1024ths of the picture's height and width, y before x.",
    ),
    Convention("relative-500", 500, "picture", False, "500ths of the picture's width and height."),
    Convention(
        "relative-100", 100, "picture", False, "Per cent of the picture's width and height."
    ),
    Convention("relative-1", 1, "picture", False, "Fractions of the picture's width and height."),
    Convention(
        "relative-1-input",
        1,
        "input",
        False,
        "Fractions of the model's input, which may be a crop of the picture or have padding.",
    ),
    Convention(
        "relative-1-square",
        1,
        "square",
        False,
        "Fractions of a square, to which the picture is padded on both sides.",
    ),
    Convention("pixels", None, "picture", False, "Pixels of the original picture."),
    Convention(
        "pixels-input", None, "input", False, "Pixels of the resized picture that the model saw."
    ),
)

#: Every convention by its name.
CONVENTIONS = {convention.name: convention for convention in _ALL}


def convention_named(name: str) -> Convention:
    """A convention by its name.

    Raises:
        UnknownNameError: if there is none of this name.
    """
    if not isinstance(name, str) or name not in CONVENTIONS:
        raise UnknownNameError(
            f"Expected the name of a convention of boxes, got {name!r}: "
            f"{choose_from(str(name), CONVENTIONS)}"
        )
    return CONVENTIONS[name]


@dataclass(frozen=True)
class BoxFormat:
    """How a family's models write boxes and points.

    Attributes:
        convention: the name of what their numbers count, or None if nothing documents it: then
            boxes are listed with their numbers alone.
        syntaxes: ways to write them, of `seewhy.core.boxes.MARKED` and `BARE`, whose numbers count
            this.

    Raises:
        UnknownNameError: if there is no such convention or syntax.
    """

    convention: str | None
    syntaxes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.convention is not None:
            convention_named(self.convention)
        for syntax in self.syntaxes:
            if syntax not in MARKED and syntax not in BARE:
                raise UnknownNameError(
                    f"Expected names of ways to write boxes, got {syntax!r}: "
                    f"{choose_from(str(syntax), (*MARKED, *BARE))}"
                )

    @staticmethod
    def named(convention: str) -> BoxFormat:
        """The format of a user who names a convention: all ways to write boxes count it.

        Raises:
            UnknownNameError: if there is no such convention.
        """
        return BoxFormat(convention_named(convention).name, (*MARKED, *BARE))
