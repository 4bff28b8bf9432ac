"""From the numbers of a box to pixels of the original picture, and back: pure geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seewhy.core.boxes.conventions import Convention
from seewhy.core.errors import GeometryError

if TYPE_CHECKING:
    from seewhy.core.geometry import Box  # its module needs torch, which nothing here does


@dataclass(frozen=True)
class PictureFrame:
    """A picture and the part of it that is in the model's input.

    Attributes:
        size: width and height of the original in pixels.
        seen: left, top, right and bottom of the model's input in pixels of the original. Beyond the
            picture where the input has padding, within it where it is a crop.
        input_size: width and height in pixels of the model's input, without padding; None if it is
            not known.
    """

    size: tuple[int, int]
    seen: Box
    input_size: tuple[int, int] | None = None

    @staticmethod
    def whole(size: tuple[int, int], input_size: tuple[int, int] | None = None) -> PictureFrame:
        """A picture that is resized as a whole, each side on its own."""
        return PictureFrame(size, (0.0, 0.0, float(size[0]), float(size[1])), input_size)


def to_pixels(
    convention: Convention, numbers: Sequence[float], frame: PictureFrame
) -> tuple[float, ...]:
    """Pixels of the original picture, x before y, neither rounded nor clipped.

    Args:
        convention: what the numbers count.
        numbers: pairs of coordinates in the order of the text: four of a box, two of a point.
        frame: the picture.

    Raises:
        GeometryError: if pixels of the model's input are counted and its size is not known.

    Example:
        >>> from seewhy.core.boxes import convention_named
        >>> frame = PictureFrame.whole((1920, 1080), input_size=(1932, 1092))
        >>> to_pixels(convention_named("pixels-input"), [966, 546, 1932, 1092], frame)
        (960.0, 540.0, 1920.0, 1080.0)
    """
    axes = _axes(convention, frame)
    paired = _x_first(convention, numbers)
    return tuple(low + value * step for value, (low, step) in zip(paired, axes * 2, strict=False))


def from_pixels(
    convention: Convention, pixels: Sequence[float], frame: PictureFrame
) -> tuple[float, ...]:
    """Undo `to_pixels`: numbers of a convention, in its order and not rounded.

    Raises:
        GeometryError: as `to_pixels`.
    """
    axes = _axes(convention, frame)
    numbers = [(value - low) / step for value, (low, step) in zip(pixels, axes * 2, strict=False)]
    return tuple(_x_first(convention, numbers))


def _x_first(convention: Convention, numbers: Sequence[float]) -> list[float]:
    """Pairs swapped where y is written first; swapping twice changes nothing."""
    if not convention.y_first:
        return list(numbers)
    pairs = zip(numbers[1::2], numbers[0::2], strict=True)
    return [value for pair in pairs for value in pair]


def _axes(convention: Convention, frame: PictureFrame) -> list[tuple[float, float]]:
    """For x and y: the pixel of the original at number 0, and pixels to a number."""
    return [_axis(convention, frame, axis) for axis in (0, 1)]


def _axis(convention: Convention, frame: PictureFrame, axis: int) -> tuple[float, float]:
    length, low, high = frame.size[axis], frame.seen[axis], frame.seen[axis + 2]
    if convention.frame == "square":
        side = max(frame.size)
        low, high = -((side - length) // 2), side - (side - length) // 2
    elif convention.frame == "picture":
        low, high = 0.0, float(length)
    if convention.unit is not None:
        return float(low), (high - low) / convention.unit
    if convention.frame == "picture":
        return 0.0, 1.0
    if frame.input_size is None:
        raise GeometryError(
            f"Expected the size of the model's input for the convention {convention.name!r}, got "
            "none: explain again with this version, which keeps it."
        )
    # The size of the input does not count padding, so only the visible part is compared with it.
    visible = min(high, length) - max(low, 0.0)
    return float(low), visible / frame.input_size[axis]
