"""Boxes and points in an answer's text: how models write them, and where they are in a picture.

`find_markup` reads them from the text, `CONVENTIONS` says what their numbers count, and
`seewhy.core.boxes.frames` converts them to pixels of the original picture. No model is needed.
"""

from seewhy.core.boxes.conventions import CONVENTIONS, BoxFormat, Convention, convention_named
from seewhy.core.boxes.finding import find_markup
from seewhy.core.boxes.frames import PictureFrame, from_pixels, to_pixels
from seewhy.core.boxes.markup import BARE, MARKED, Markup, Number

__all__ = [
    "BARE",
    "CONVENTIONS",
    "MARKED",
    "BoxFormat",
    "Convention",
    "Markup",
    "Number",
    "PictureFrame",
    "convention_named",
    "find_markup",
    "from_pixels",
    "to_pixels",
]
