"""Which frames of a clip are kept, and how much a clip may hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL.Image import Image

from seewhy.core.errors import ClipError

FRAMES_MAX = 1_000_000
"""Frames of a clip, kept or not."""

KEPT_PIXELS_MAX = 2**29
"""Pixels of the frames that are kept together: 1.6 GB."""

DECODED_PIXELS_MAX = 2**32
"""Pixels that are decoded on the way to the kept frames."""

ANIMATION_BYTES_MAX, VIDEO_BYTES_MAX = 2**29, 2**34
"""Sizes of files in bytes."""

FPS_MIN, FPS_MAX = 1e-6, 1e5
"""Frames a second: times of frames outside of these would be infinite, or equal."""

Choose: TypeAlias = Callable[[int], list[int]]
"""The frames to keep, by their indices in increasing order, of a number of frames."""


@dataclass(frozen=True, eq=False)
class KeptFrames:
    """Frames that were read.

    Attributes:
        frames: upright RGB pictures, in order.
        indices: of each, among all frames of the clip.
        seconds: when each was taken, from the clip's start; None where that is not known.
        total: frames of the clip.
    """

    frames: tuple[Image, ...]
    indices: tuple[int, ...]
    seconds: tuple[float, ...] | None
    total: int


def evenly(max_frames: int | None) -> Choose:
    """Keep frames evenly from the first to the last, all of them for None.

    Example:
        >>> evenly(4)(31), evenly(None)(3), evenly(1)(5)
        ([0, 10, 20, 30], [0, 1, 2], [0])
    """

    def choose(total: int) -> list[int]:
        count = total if max_frames is None else min(max_frames, total)
        return np.unique(np.linspace(0, total - 1, count).round().astype(int)).tolist()

    return choose


def expect_fps(fps: Any) -> float | None:
    """Frames a second as a float; None stays None.

    Raises:
        ClipError: if it is no number, or out of range.
    """
    if fps is None:
        return None
    is_number = isinstance(fps, Real | np.floating | np.integer) and not isinstance(fps, bool)
    value = float(fps) if is_number else math.nan
    if not FPS_MIN <= value <= FPS_MAX:
        raise ClipError(
            f"Expected fps above 0 and up to {FPS_MAX:,.0f} as a number, got {fps!r}: leave it out "
            "for a file's own times, or for one frame a second."
        )
    return value


def expect_max_frames(max_frames: Any) -> int | None:
    """The number of frames as an int; None stays None.

    Raises:
        ClipError: if it is no whole number of at least 1.
    """
    if max_frames is None:
        return None
    whole = isinstance(max_frames, Integral | np.integer) and not isinstance(max_frames, bool)
    if not whole or int(max_frames) < 1:
        raise ClipError(
            f"Expected max_frames of at least 1 as a whole number, got {max_frames!r}: leave it "
            "out for the usual number, or give None for every frame."
        )
    return int(max_frames)


def expect_few_pixels(size: tuple[int, int], decoded: int, kept: int, name: str) -> None:
    """Check how much is decoded and kept, before anything is.

    Args:
        size: width and height of a frame.
        decoded, kept: numbers of frames.
        name: of the clip, for the error.

    Raises:
        ClipError: if it is too much.
    """
    pixels = size[0] * size[1]
    if pixels * kept > KEPT_PIXELS_MAX:
        raise ClipError(
            f"Expected at most {KEPT_PIXELS_MAX:,} pixels in the frames that are kept, got {kept} "
            f"frames of {size[0]} x {size[1]} in {name}: keep fewer with max_frames, or scale the "
            "clip down."
        )
    if pixels * decoded > DECODED_PIXELS_MAX:
        raise ClipError(
            f"Expected at most {DECODED_PIXELS_MAX:,} pixels to decode, got {decoded} frames of "
            f"{size[0]} x {size[1]} in {name}: scale the clip down or shorten it."
        )


def expect_few_frames(total: int, name: str) -> None:
    """Check the number of frames of a clip.

    Raises:
        ClipError: if there are none, or too many.
    """
    if total < 1:
        raise ClipError(f"Expected a clip of at least one frame, got none in {name}: add frames.")
    if total > FRAMES_MAX:
        raise ClipError(
            f"Expected a clip of at most {FRAMES_MAX:,} frames, got {total:,} in {name}: give a "
            "part of it."
        )


def expect_small(path: Path, limit: int) -> None:
    """Check the size of a file.

    Raises:
        ClipError: if it is larger.
    """
    if (size := path.stat().st_size) > limit:
        raise ClipError(
            f"Expected a file of at most {limit:,} bytes, got {path} of {size:,}: give a part of "
            "it, or its frames."
        )
