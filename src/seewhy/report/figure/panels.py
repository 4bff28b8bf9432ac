"""One panel: a picture, a map over it, and the boxes that go with a word.

Boxes need matplotlib: `seewhy[plot]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PIL import Image

from seewhy.core.display import Display
from seewhy.core.record import Record
from seewhy.report.colourmaps import DEFAULT
from seewhy.report.locations import Location, locations_of
from seewhy.report.overlay import overlay
from seewhy.report.spans import TextSpan

#: The outline of boxes and points, and of its dark edges: colours and widths in points.
OUTLINE = (("black", 1.7), ("#ffd60a", 0.9))


def panel_image(
    record: Record,
    view: int,
    span: TextSpan | None,
    *,
    colourmap: str = DEFAULT,
    display: Display = "answer",
    size: tuple[int, int] | None = None,
) -> Image.Image:
    """A picture, with a word's map laid over it if there is one.

    Args:
        record: the explanation.
        view: which of its pictures.
        span: the word; None for the picture alone.
        colourmap: a name from `seewhy.report.colourmaps.NAMES`.
        display: the scale of the map.
        size: width and height of the result in pixels; None for those of the picture.
    """
    picture = record.pictures[view]
    if span is not None:
        shown = span.displayed(display)[view]
        return overlay(picture.image, shown, picture.base_grid, colourmap, size=size)
    image = Image.fromarray(picture.image.cpu().numpy())
    return image if size in (None, image.size) else image.resize(size, Image.Resampling.LANCZOS)


def locations_with(record: Record, view: int, span: TextSpan | None) -> list[Location]:
    """The boxes and points of a view that a word goes with; all of the view for None."""
    own = None if span is None else set(span.tokens)

    def is_wanted(location: Location) -> bool:
        phrase = location.phrase.tokens if location.phrase else ()
        return own is None or not own.isdisjoint((*location.tokens, *phrase))

    return [one for one in locations_of(record) if view in one.views and is_wanted(one)]


def draw_locations(axis: Any, locations: Iterable[Location], radius: float) -> None:
    """Draw boxes as yellow outlines and points as rings, over dark edges.

    Args:
        axis: of matplotlib, in pixels of the original picture.
        locations: those without pixels are left out.
        radius: of a ring, in pixels of the picture.
    """
    from matplotlib.patches import Circle, Rectangle

    for location in locations:
        if location.pixels is None:
            continue
        x, y = location.pixels[:2]
        for colour, width in OUTLINE:
            style = {"fill": False, "edgecolor": colour, "linewidth": width}
            if location.markup.kind == "point":
                axis.add_patch(Circle((x, y), radius, **style))
            else:
                right, bottom = location.pixels[2:]
                axis.add_patch(Rectangle((x, y), right - x, bottom - y, **style))
