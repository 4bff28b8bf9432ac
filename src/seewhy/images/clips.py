"""A clip: the frames of a video, and when each was taken."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageSequence

from seewhy.core.errors import ClipError
from seewhy.images.read import ImageSource, read_image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ClipSource: TypeAlias = (
    "Clip | Sequence[ImageSource] | np.ndarray | torch.Tensor | str | os.PathLike[str]"
)
"""What `read_clip` takes."""

FRAMES = 16
"""How many frames of a clip are kept by default."""

ANIMATED = (".gif", ".webp", ".png", ".apng", ".avif", ".tif", ".tiff")
"""Endings of the files whose frames Pillow reads."""


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

    Args:
        source: one of
            - pictures in order, in any form that `read_image` takes;
            - an array or tensor `[frame, height, width, 3]`, or a tensor `[frame, 3, height,
              width]`;
            - a folder of pictures, in the order of their names;
            - an animated GIF, WebP, PNG, AVIF or TIFF;
            - a video file, where PyAV is installed (`pip install 'seewhy[video]'`).
        fps: frames a second in `source`; None takes a file's own times, and 1 for pictures.
        max_frames: how many frames are kept at most; None keeps all.

    Raises:
        ClipError: if the file or folder is missing, cannot be read or holds no frame, the frames
            differ in size, or `fps` or `max_frames` is out of range.
        ImageError: if one of the pictures cannot be read.

    Example:
        >>> clip = read_clip(np.zeros((40, 8, 12, 3), np.uint8), fps=10, max_frames=4)
        >>> clip.size, clip.seconds
        ((12, 8), (0.0, 1.3, 2.6, 3.9))
    """
    if isinstance(source, Clip):
        return source
    if (fps is not None and not fps > 0) or (max_frames is not None and max_frames < 1):
        raise ClipError(
            f"Expected fps above 0 and max_frames of at least 1, got {fps} and {max_frames}: "
            "leave them out to keep every frame."
        )
    if isinstance(source, str | os.PathLike):
        frames, times = _read_path(Path(source))
    else:
        frames, times = list(source), []
    if not frames:
        raise ClipError("Expected a clip of at least one frame, got none: add frames.")
    if fps is not None or not times:
        times = [index / (fps or 1.0) for index in range(len(frames))]
    count = len(frames) if max_frames is None else min(max_frames, len(frames))
    kept = np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int)).tolist()
    left_out = len(frames) - len(kept)
    note = f"Of the clip's {len(frames)} frames, {len(kept)} were kept, evenly spaced."
    return Clip(
        frames=tuple(read_image(frames[index]) for index in kept),
        seconds=tuple(round(times[index], 6) for index in kept),
        notes=(note,) if left_out else (),
    )


def _read_path(path: Path) -> tuple[list[ImageSource], list[float]]:
    """Frames of a file or folder, and their times; no times for a folder."""
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        return list(files), []
    if not path.is_file():
        raise ClipError(
            f"Expected a video file or a folder of frames, got {path}, which does not exist: check "
            "the path."
        )
    if path.suffix.lower() in ANIMATED:
        return _read_animation(path)
    return _read_video(path)


def _read_video(path: Path) -> tuple[list[ImageSource], list[float]]:
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ClipError(
            f"Expected PyAV to read the video {path}, got none: pip install 'seewhy[video]', or "
            "give its frames (a folder of pictures, or an array)."
        ) from error
    frames: list[ImageSource] = []
    times: list[float] = []
    try:
        with av.open(str(path)) as video:
            for frame in video.decode(video=0):
                frames.append(frame.to_image())
                times.append(float(frame.time))
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise ClipError(
            f"Expected a video in {path}, got a file that PyAV cannot read ({error}): convert it "
            "to MP4, or give its frames."
        ) from error
    return frames, [time - times[0] for time in times]


def _read_animation(path: Path) -> tuple[list[ImageSource], list[float]]:
    try:
        with Image.open(path) as picture:
            frames = list(_animation_frames(picture))
    except (OSError, SyntaxError, ValueError) as error:
        raise ClipError(
            f"Expected an animated picture in {path}, got a file that cannot be read ({error}): "
            "give its frames."
        ) from error
    times = [sum(duration for _, duration in frames[:index]) for index in range(len(frames))]
    return [frame for frame, _ in frames], times


def _animation_frames(picture: Picture) -> Iterator[tuple[ImageSource, float]]:
    """Each frame and its duration in seconds; 0 is a tenth of a second, as in browsers."""
    for frame in ImageSequence.Iterator(picture):
        yield frame.copy(), (frame.info.get("duration") or 100) / 1000
