"""A clip: the frames of a video, and when each was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seewhy.core.errors import ClipError

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames of a video, in order, as the model is shown them: sampled already.

    Attributes:
        frames: upright RGB pictures of one size, at least one.
        seconds: when each frame was taken, counted from the video's start, increasing.
    """

    frames: tuple[Image, ...]
    seconds: tuple[float, ...]

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
