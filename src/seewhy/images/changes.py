"""Changed pictures: without a place, with other colours, mirrored, grey."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from seewhy.core.geometry import Box
from seewhy.functional.curves import dilated
from seewhy.images.clips import Clip

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

RING = 1 / 32
"""Width of the ring whose mean colour fills an erased place, as a share of the longer side."""

GREY = (128, 128, 128)


def grey_picture(picture: Picture) -> Picture:
    """A mid-grey picture of the same size."""
    return Image.new("RGB", picture.size, GREY)


def erase_object(picture: Picture, mask: Tensor) -> Picture:
    """A picture without an object: its pixels have the mean colour of the ring around it.

    A blur would keep the object's colour.

    Args:
        picture: an RGB Pillow image.
        mask: bool `[height, width]`, the object.
    """
    pixels = np.asarray(picture, dtype=np.float64).copy()
    inside = mask.cpu().numpy()
    around = dilated(mask.cpu(), max(1, round(RING * max(picture.size)))).numpy() & ~inside
    pixels[inside] = pixels[around if around.any() else ~inside].mean(0) if not inside.all() else 0
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def without_place(picture: Picture, box: Box) -> Picture:
    """A picture without a rectangle: it has the mean colour of the ring around it.

    Args:
        picture: an RGB Pillow image.
        box: left, top, right, bottom in pixels.
    """
    left, top, right, bottom = _whole(box, picture)
    mask = torch.zeros(picture.height, picture.width, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return erase_object(picture, mask)


def only_place(picture: Picture, box: Box) -> Picture:
    """A rectangle of a picture, on grey.

    Args:
        picture: an RGB Pillow image.
        box: left, top, right, bottom in pixels.
    """
    rectangle = _whole(box, picture)
    grey = grey_picture(picture)
    grey.paste(picture.crop(rectangle), rectangle[:2])
    return grey


def _with_channels(picture: Picture, order: tuple[int, int, int]) -> Picture:
    channels = picture.split()
    return Image.merge("RGB", [channels[index] for index in order])


RECOLOURINGS: tuple[Callable[[Picture], Picture], ...] = (
    partial(_with_channels, order=(1, 2, 0)),
    partial(_with_channels, order=(2, 0, 1)),
    ImageOps.invert,
)
"""Give a picture other colours: its channels swapped in a circle, twice, and its negative.

Every colour changes in at least one of them, black, white and grey in the negative.
"""


def mirrored(picture: Picture) -> Picture:
    """Left and right exchanged."""
    return ImageOps.mirror(picture)


def upside_down(picture: Picture) -> Picture:
    """Top and bottom exchanged."""
    return ImageOps.flip(picture)


def turned_place(picture: Picture, box: Box) -> Picture:
    """A picture with one rectangle upside down.

    Args:
        picture: an RGB Pillow image.
        box: left, top, right, bottom in pixels.
    """
    rectangle = _whole(box, picture)
    changed = picture.copy()
    changed.paste(ImageOps.flip(picture.crop(rectangle)), rectangle[:2])
    return changed


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture at another size, without distortion.

    Args:
        picture: an RGB Pillow image.
        size: width and height in pixels.
    """
    return picture if picture.size == size else ImageOps.fit(picture, size)


def changed_medium(medium: Any, change: Callable[[Picture], Picture]) -> Any:
    """A picture, or every frame of a clip, changed."""
    if isinstance(medium, Clip):
        return Clip(tuple(map(change, medium.frames)), medium.seconds, medium.notes)
    return change(medium)


def changed_frames(
    medium: Any, frames: tuple[int, ...], change: Callable[[Picture], Picture]
) -> Any:
    """A picture changed, or some frames of a clip.

    Args:
        medium: a picture or a clip.
        frames: indices of the clip's frames; not used for a picture.
        change: of a picture.
    """
    if not isinstance(medium, Clip):
        return change(medium)
    kept = tuple(
        change(frame) if index in frames else frame for index, frame in enumerate(medium.frames)
    )
    return Clip(kept, medium.seconds, medium.notes)


def _whole(box: Box, picture: Picture) -> tuple[int, int, int, int]:
    """A box in whole pixels, at least one pixel, within the picture."""
    left, top = (
        min(max(int(edge), 0), side - 1) for edge, side in zip(box[:2], picture.size, strict=True)
    )
    right = min(max(left + 1, round(box[2])), picture.width)
    bottom = min(max(top + 1, round(box[3])), picture.height)
    return left, top, right, bottom
