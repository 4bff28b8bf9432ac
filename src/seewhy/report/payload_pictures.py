"""The pictures of the page's data: their files, their grids, and the names of views."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from seewhy.core.record import Picture
from seewhy.report.payload_numbers import short
from seewhy.report.payload_schema import PictureData

#: Longest side in pixels of the picture inside a page. With several pictures it is divided by the
#: square root of their number, so that together they hold no more pixels than one, but is at least
#: the second value: smaller pictures are not readable.
PICTURE_SIDE, SMALLEST_SIDE = 1600, 480


def picture_side(pictures: int) -> int:
    """The longest side in pixels of each of so many pictures inside a page."""
    return max(SMALLEST_SIDE, round(PICTURE_SIDE / math.sqrt(pictures)))


def pictures_data(pictures: Sequence[Picture]) -> list[PictureData]:
    """The data of each view."""
    side = picture_side(len(pictures))
    return [
        {
            "source": data_uri(picture.image, side),
            "width": picture.size[0],
            "height": picture.size[1],
            "grid": {
                "name": picture.base_grid.name,
                "rows": [short(edge, 7) for edge in picture.base_grid.row_edges],
                "columns": [short(edge, 7) for edge in picture.base_grid.column_edges],
            },
            "name": name,
            "medium": picture.medium,
            "clip": is_step(picture),
            "seconds": None if picture.seconds is None else short(picture.seconds),
            "frames": list(picture.frames),
        }
        for picture, name in zip(pictures, view_names(pictures), strict=True)
    ]


def view_names(pictures: Sequence[Picture]) -> list[str]:
    """The name of each view on a page: picture, picture 2, 0:03.5, clip 1 at 0:03.5.

    Steps without a time are named by the index of their first frame.
    """
    clips = list(dict.fromkeys(p.medium for p in pictures if is_step(p)))
    stills = [i for i, p in enumerate(pictures) if not is_step(p)]
    names = []
    for i, picture in enumerate(pictures):
        if not is_step(picture):
            names.append("picture" if len(stills) == 1 else f"picture {stills.index(i) + 1}")
            continue
        time = f"frame {picture.frames[0]}" if picture.seconds is None else clock(picture.seconds)
        clip = "clip" if len(clips) == 1 else f"clip {clips.index(picture.medium) + 1}"
        names.append(time if len(clips) == 1 and not stills else f"{clip} at {time}")
    return names


def is_step(picture: Picture) -> bool:
    """Whether a view is a step of a clip."""
    return picture.seconds is not None or bool(picture.frames)


def clock(seconds: float) -> str:
    """A time in minutes, seconds and tenths.

    Example:
        >>> clock(0.0), clock(3.5), clock(59.96), clock(75.25)
        ('0:00.0', '0:03.5', '1:00.0', '1:15.2')
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def data_uri(image: Tensor, side: int = PICTURE_SIDE) -> str:
    """Encode a picture for a page, no side longer than `side` pixels.

    A drawing is stored as PNG, without loss; a photograph, whose PNG is far larger, as JPEG.

    Args:
        image: uint8 `[height, width, 3]`.
    """
    picture = Image.fromarray(image.numpy())
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    exact, lossy = io.BytesIO(), io.BytesIO()
    picture.save(exact, "PNG", optimize=True)
    picture.save(lossy, "JPEG", quality=88)
    format_name, best = ("png", exact) if exact.tell() <= 2 * lossy.tell() else ("jpeg", lossy)
    return f"data:image/{format_name};base64,{base64.b64encode(best.getvalue()).decode()}"
