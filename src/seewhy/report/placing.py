"""A box or point in pixels, brought within its picture, and what a reader must know of it."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.core.boxes import Convention, PictureFrame

#: Pixels beyond the edge that come from rounding of numbers and are not worth a remark.
ROUNDING = 0.5


def placed(
    pixels: Sequence[float], frame: PictureFrame, convention: Convention, numbers: Sequence[float]
) -> tuple[tuple[float, ...] | None, list[str]]:
    """Pixels within the picture, and remarks; None if the place lies outside.

    Args:
        pixels: of a box or a point in the original picture, as its numbers say.
        frame: the picture.
        convention: of the numbers.
        numbers: as they are written.
    """
    remarks = [*_range_remarks(convention, numbers), *_frame_remarks(convention, frame)]
    if len(pixels) == 2:
        return _point(pixels, frame, remarks)
    return _box(pixels, frame, remarks)


def _box(
    pixels: Sequence[float], frame: PictureFrame, remarks: list[str]
) -> tuple[tuple[float, ...] | None, list[str]]:
    left, right = sorted((pixels[0], pixels[2]))
    top, bottom = sorted((pixels[1], pixels[3]))
    if (left, top, right, bottom) != tuple(pixels):
        remarks.append("The second corner is left of or above the first: they were put in order.")
    width, height = frame.size
    box = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    if box[0] > box[2] or box[1] > box[3] or _is_beyond(left, top, right, bottom, width, height):
        return None, [*remarks, "The box lies outside the picture."]
    beyond = max(abs(a - b) for a, b in zip(box, (left, top, right, bottom), strict=True))
    if beyond > ROUNDING:
        remarks.append(f"The box reaches {beyond:.0f} pixels beyond the picture: it was clipped.")
    if box[0] == box[2] or box[1] == box[3]:
        remarks.append("The box has no area.")
    return box, remarks


def _is_beyond(
    left: float, top: float, right: float, bottom: float, width: int, height: int
) -> bool:
    """Whether a box with an area touches the picture from outside at most with its edge."""
    has_area = left < right and top < bottom
    return has_area and (left >= width or top >= height or right <= 0 or bottom <= 0)


def _point(
    pixels: Sequence[float], frame: PictureFrame, remarks: list[str]
) -> tuple[tuple[float, ...] | None, list[str]]:
    inside = [min(max(at, 0.0), float(side)) for at, side in zip(pixels, frame.size, strict=True)]
    beyond = max(abs(a - b) for a, b in zip(inside, pixels, strict=True))
    if beyond > ROUNDING:
        return None, [*remarks, "The point lies outside the picture."]
    return tuple(inside), remarks


def _range_remarks(convention: Convention, numbers: Sequence[float]) -> list[str]:
    """A remark on numbers that do not fit the convention's range."""
    if convention.unit is None or all(0 <= number <= convention.unit for number in numbers):
        return []
    written = ", ".join(f"{number:g}" for number in numbers)
    return [
        f"Expected numbers from 0 to {convention.unit:g} ({convention.name}), got {written}: the "
        "model may count something else here."
    ]


def _frame_remarks(convention: Convention, frame: PictureFrame) -> list[str]:
    """A remark where numbers count a crop or a padded picture."""
    if convention.frame != "input":
        return []
    (width, height), (left, top, right, bottom) = frame.size, frame.seen
    tolerance = ROUNDING
    is_crop = max(left, top, width - right, height - bottom) > tolerance
    is_padded = max(-left, -top, right - width, bottom - height) > tolerance
    seen = f"{left:.0f} to {right:.0f} across and {top:.0f} to {bottom:.0f} down"
    if is_crop:
        return [f"The numbers count the model's input, a crop of the picture: {seen}."]
    if is_padded:
        return [f"The numbers count the model's input, the picture with padding: {seen}."]
    return []
