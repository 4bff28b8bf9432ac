"""Frames of an animated picture: GIF, WebP, PNG, AVIF or TIFF.

Frames are decoded one after the other, as the formats need it, and only those that are kept are
copied. Of a TIFF, whose frames do not depend on each other, only these are decoded.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile

from seewhy.core.errors import ClipError, ImageError
from seewhy.images.formats import BOMB, DAMAGE, bomb, expect_no_bomb, open_picture
from seewhy.images.read import read_image
from seewhy.images.sampling import (
    ANIMATION_BYTES_MAX,
    Choose,
    KeptFrames,
    expect_few_frames,
    expect_few_pixels,
    expect_small,
)

ENDINGS = (".gif", ".webp", ".png", ".apng", ".avif", ".tif", ".tiff")
"""Endings of the files whose frames Pillow reads."""

DEFAULT_DURATION = 100
"""Milliseconds of a frame without a duration, or of 0, as in browsers."""


def read_animation(path: Path, choose: Choose) -> KeptFrames:
    """Read the chosen frames of an animated picture, and their times.

    Raises:
        ClipError: if it is damaged, or holds too many frames or pixels.
        ImageError: if a frame has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    expect_small(path, ANIMATION_BYTES_MAX)
    try:
        with open_picture(path) as picture:
            return _kept(picture, str(path), choose)
    except (ClipError, ImageError):
        raise
    except BOMB as error:
        raise ImageError(bomb(str(path))) from error
    except DAMAGE as error:
        raise ClipError(
            f"Expected an animated picture in {path}, got a file that cannot be read ({error}): "
            "give its frames."
        ) from error


def _kept(picture: ImageFile, name: str, choose: Choose) -> KeptFrames:
    total = getattr(picture, "n_frames", 1)
    expect_few_frames(total, name)
    kept = choose(total)
    single = picture.format == "TIFF"
    expect_few_pixels(picture.size, len(kept) if single else total, len(kept), name)
    frames, times = _single_frames(picture, kept) if single else _in_order(picture, kept)
    return KeptFrames(tuple(frames), tuple(kept), tuple(times), total)


def _single_frames(picture: ImageFile, kept: list[int]) -> tuple[list[Image.Image], list[float]]:
    """Frames that do not depend on each other, a tenth of a second each."""
    frames = []
    for index in kept:
        picture.seek(index)
        frames.append(_copied(picture))
    return frames, [index * DEFAULT_DURATION / 1000 for index in kept]


def _in_order(picture: ImageFile, kept: list[int]) -> tuple[list[Image.Image], list[float]]:
    """All frames up to the last that is kept, decoded in order."""
    frames, times, milliseconds = [], [], 0.0
    wanted = set(kept)
    for index in range(kept[-1] + 1):
        picture.seek(index)
        expect_no_bomb(picture.size)
        picture.load()
        if index in wanted:
            frames.append(_copied(picture))
            times.append(milliseconds / 1000)
        milliseconds += picture.info.get("duration") or DEFAULT_DURATION
    return frames, times


def _copied(picture: ImageFile) -> Image.Image:
    """The frame that the file is at, upright and in RGB; a copy has no other frames."""
    expect_no_bomb(picture.size)
    return read_image(picture.copy())
