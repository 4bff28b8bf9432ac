"""A clip: the frames of a video, and when each was taken."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from seewhy.core.errors import ClipError, ImageError
from seewhy.images.animations import ENDINGS, read_animation
from seewhy.images.read import ImageSource, read_image
from seewhy.images.sampling import (
    FRAMES_MAX,
    Choose,
    KeptFrames,
    evenly,
    expect_few_frames,
    expect_few_pixels,
    expect_fps,
    expect_max_frames,
)
from seewhy.images.videos import read_video

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ClipSource: TypeAlias = (
    "Clip | Sequence[ImageSource] | np.ndarray | torch.Tensor | str | os.PathLike[str]"
)
"""What `read_clip` takes."""

FRAMES = 16
"""How many frames of a clip are kept by default."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames of a video, in order, already sampled for the model.

    Attributes:
        frames: upright RGB pictures of one size, at least one.
        seconds: when each frame was taken, counted from the video's start, increasing.
        notes: what a reader must know, such as frames that were left out.
    """

    frames: tuple[Picture, ...]
    seconds: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.frames:
            raise ClipError("Expected a clip of at least one frame, got none: add frames.")
        sizes = {frame.size for frame in self.frames}
        if len(sizes) > 1:
            raise ClipError(
                f"Expected frames of one size, got {sorted(sizes)}: resize them to one another."
            )
        rising = all(a < b for a, b in zip(self.seconds, self.seconds[1:], strict=False))
        rising = rising and all(map(math.isfinite, self.seconds))
        if len(self.seconds) != len(self.frames) or not rising:
            raise ClipError(
                f"Expected an increasing time for each of {len(self.frames)} frames, got "
                f"{list(self.seconds)[:8]}: give frames in order, or `fps` alone."
            )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every frame in pixels."""
        return self.frames[0].size

    @property
    def fps(self) -> float:
        """Frames a second, on the mean; 1 for a single frame."""
        span = self.seconds[-1] - self.seconds[0]
        return (len(self) - 1) / span if span > 0 else 1.0


def read_clip(
    source: ClipSource, *, fps: float | None = None, max_frames: int | None = FRAMES
) -> Clip:
    """Read a clip, and sample it evenly from its first frame to its last.

    Only the frames that are kept are held in memory, and only what they need is decoded. How much
    a clip may hold is limited by `seewhy.images.sampling`.

    Args:
        source: one of
            - pictures in order, in any form that `read_image` takes;
            - an array or tensor `[frame, height, width, 3]`, or a tensor `[frame, 3, height,
              width]`;
            - a folder of pictures, in the order of their names, numbers in them by their value;
            - an animated GIF, WebP, PNG, AVIF or TIFF;
            - a video file, where PyAV is installed (`pip install 'seewhy[video]'`).
        fps: frames a second in `source`; None takes a file's own times, and 1 for pictures.
        max_frames: how many frames are kept at most; None keeps all.

    Raises:
        ClipError: if the file or folder is missing, cannot be read, holds no frame or too much, the
            frames differ in size, an array has other axes, or `fps` or `max_frames` is not of its
            type or out of range.
        ImageError: if one of the pictures cannot be read.

    Example:
        >>> clip = read_clip(np.zeros((40, 8, 12, 3), np.uint8), fps=10, max_frames=4)
        >>> clip.size, clip.seconds
        ((12, 8), (0.0, 1.3, 2.6, 3.9))
    """
    if isinstance(source, Clip):
        return source
    rate, choose = expect_fps(fps), evenly(expect_max_frames(max_frames))
    if isinstance(source, str | os.PathLike):
        kept = _read_path(Path(source), choose)
    else:
        kept = _read_pictures(_listed(source), "the clip", choose)
    if not kept.frames:
        raise ClipError("Expected frames that can be decoded, got none: give the clip's frames.")
    seconds = kept.seconds
    if rate is not None or seconds is None:
        seconds = tuple(index / (rate or 1.0) for index in kept.indices)
    note = f"Of the clip's {kept.total} frames, {len(kept.frames)} were kept, evenly spaced."
    return Clip(
        frames=kept.frames,
        seconds=tuple(round(time, 6) for time in seconds),
        notes=(note,) if len(kept.frames) < kept.total else (),
    )


def _listed(source: Any) -> Sequence[ImageSource]:
    """The frames of a source that is no path, as they are given."""
    if isinstance(source, np.ndarray | torch.Tensor):
        shape = list(source.shape)
        if source.ndim != 4:
            one = ", which is one picture: put it in a list" if source.ndim in (2, 3) else ""
            raise ClipError(
                "Expected an array of frames [frame, height, width, 3] or "
                f"[frame, 3, height, width], got shape {shape}{one}."
            )
        return source  # type: ignore[return-value] - indexed and counted as a list
    if isinstance(source, Sequence) and not isinstance(source, bytes | bytearray | memoryview):
        return source
    if isinstance(source, Iterator):
        return list(islice(source, FRAMES_MAX + 1))
    raise ClipError(
        f"Expected a path, a list of pictures or an array of frames as clip, got "
        f"{type(source).__name__}: put a single picture in a list, and save bytes to a file."
    )


def _read_pictures(sources: Sequence[ImageSource], name: str, choose: Choose) -> KeptFrames:
    """Read the chosen ones of some pictures."""
    expect_few_frames(len(sources), name)
    kept, frames = choose(len(sources)), []
    for index in kept:
        frames.append(read_image(sources[index]))
        expect_few_pixels(frames[0].size, len(frames), len(frames), name)
    return KeptFrames(tuple(frames), tuple(kept), None, len(sources))


def _read_path(path: Path, choose: Choose) -> KeptFrames:
    """Frames of a file or folder; no times for a folder."""
    try:
        path = path.expanduser()
        if path.is_dir():
            files = (p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
            return _read_pictures(sorted(files, key=_by_number), str(path), choose)
        if path.is_file():
            reader = read_animation if path.suffix.lower() in ENDINGS else read_video
            return reader(path, choose)
    except (ClipError, ImageError):
        raise
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, not readable
        name = repr(str(path)[:200])
        raise ClipError(
            f"Expected a video file or a folder of frames, got {name}: {error}."
        ) from error
    raise ClipError(
        f"Expected a video file or a folder of frames, got {path}, which does not exist: check "
        "the path."
    )


def _by_number(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorts names with numbers in them by their values: frame 2 before frame 10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(p) if p.isdecimal() else -1, p) for p in parts], path.name
