"""How qwen_vl_utils, the package that comes with Qwen's models, sizes a picture of a message part.

It resizes with Pillow's default filter (bicubic) before the processor sees the picture; then the
processor resizes again, within its own limits (often to the same size). Rewritten from the
behaviour of its `fetch_image` and `fetch_video`, version 0.0.14. There the user passes the factor;
here it is always the model's own: patch x merge, so 28 for Qwen2-VL and 32 for Qwen3-VL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import ImageError, ParameterError
from seewhy.images.clips import Clip
from seewhy.models.processor_settings import expect_pixels
from seewhy.models.sized_media import Resize, expect_both_sides

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.models.family import Family

#: Names of a message part that qwen_vl_utils knows; `total_pixels` is for clips.
PART_SETTINGS = ("min_pixels", "max_pixels", "resized_height", "resized_width", "total_pixels")

#: Its limits in tokens: of a picture, of a frame, and of all frames of a clip.
PICTURE_TOKENS = (4, 16384)
FRAME_TOKENS = (128, 768)
CLIP_TOKENS = 128000 * 0.9

#: Frames of one step, and what a frame's upper limit exceeds its lower one by at least.
STEP, SPARE = 2, 1.05

LARGEST_RATIO = 200


def resize_of_part(family: Family, medium: Image | Clip, part: Mapping[str, Any]) -> Resize:
    """The resize that a part's settings ask for.

    With `resized_height` and `resized_width` it is their next whole tokens; the pixel limits of
    the part have no effect then, as in qwen_vl_utils. Else the picture's own size, in whole tokens
    within the limits.

    Raises:
        ParameterError: if a value is no whole number of at least 1, only one side is given, or the
            lower limit is above the upper one.
        ImageError: if one side is over 200 times the other.
    """
    for name, value in part.items():
        expect_pixels(name, value)
    reason = ", ".join(f"{name} = {value}" for name, value in part.items())
    sides, limits = expect_both_sides(part), None
    if sides is None:
        limits = limits_of_part(family, medium, part)
    size = fetched_size(family, medium.size if sides is None else (sides[1], sides[0]), limits)
    return Resize(size, scales=True, limits=limits, reason=f"{reason} of its message part")


def limits_of_part(
    family: Family, medium: Image | Clip, part: Mapping[str, Any]
) -> tuple[int, int]:
    """The least and the largest number of pixels of a picture, or of a frame of a clip.

    Raises:
        ParameterError: if the lower limit is above the upper one.
    """
    area = factor(family) ** 2
    if isinstance(medium, Clip):
        least = part.get("min_pixels", FRAME_TOKENS[0] * area)
        total = part.get("total_pixels", CLIP_TOKENS * area)
        frames = math.ceil(len(medium) / STEP) * STEP
        largest = max(min(FRAME_TOKENS[1] * area, total / frames * STEP), int(least * SPARE))
        limits = least, int(min(part.get("max_pixels", largest), largest))
    else:
        if "total_pixels" in part:
            raise ParameterError(
                "Expected total_pixels for a clip, got it for a picture: give max_pixels."
            )
        least, largest = (tokens * area for tokens in PICTURE_TOKENS)
        limits = part.get("min_pixels", least), part.get("max_pixels", largest)
    if limits[0] > limits[1]:
        raise ParameterError(
            f"Expected min_pixels of at most max_pixels, got {limits[0]} and {limits[1]}: lower "
            "min_pixels, or raise max_pixels; one that is not given has its default."
        )
    return limits


def fetched_size(
    family: Family, size: tuple[int, int], limits: tuple[int, int] | None
) -> tuple[int, int]:
    """Width and height in whole tokens, the nearest to a size within limits.

    Args:
        family: a Qwen family.
        size: width and height.
        limits: least and largest number of pixels; None for the defaults of a picture.

    Raises:
        ImageError: if one side is over 200 times the other, or nothing is left of one.
    """
    cell = factor(family)
    least, largest = limits or tuple(tokens * cell**2 for tokens in PICTURE_TOKENS)
    if max(size) > LARGEST_RATIO * min(size):
        raise ImageError(
            f"Expected a picture whose sides differ at most {LARGEST_RATIO}-fold, got {size[0]} x "
            f"{size[1]} pixels: crop it, this family's processor does not support it."
        )
    rounded = [max(1, round(length / cell)) for length in size]
    pixels = rounded[0] * rounded[1] * cell**2
    if pixels > largest:
        shrink = math.sqrt(size[0] * size[1] / largest)
        rounded = [math.floor(length / shrink / cell) for length in size]
    elif pixels < least:
        growth = math.sqrt(least / (size[0] * size[1]))
        rounded = [math.ceil(length * growth / cell) for length in size]
    if not all(rounded):
        raise ImageError(
            f"Expected a picture of which each side keeps a token, got {size[0]} x {size[1]} "
            f"pixels within {largest} pixels: raise max_pixels."
        )
    width, height = (count * cell for count in rounded)
    return width, height


def factor(family: Family) -> int:
    """Pixels of a token's side."""
    settings: Any = family.processor.image_processor
    return settings.patch_size * settings.merge_size
