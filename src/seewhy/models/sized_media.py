"""Pictures and clips whose size was chosen: by a resize beforehand, or by processor settings.

Two things can happen to a picture before the model sees it. It may be resized beforehand, as
qwen_vl_utils does with `max_pixels` of a message part; then the processor processes the result by
its own settings. Boxes are always in pixels of the original picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seewhy.core.errors import ParameterError, SeewhyError
from seewhy.images.clips import Clip
from seewhy.models.medium_settings import PLAIN, MediumSettings, Resize
from seewhy.models.processor_settings import REFUSALS, expect_settings, family_with, refused

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.models.family import Family, VisualInputs

__all__ = [
    "PLAIN",
    "MediumSettings",
    "Resize",
    "expect_both_sides",
    "model_sizes",
    "process_medium",
    "settings_of_parts",
]

#: Names of a message part that no processor of transformers has. Servers take them, and most do
#: nothing with them.
WITHOUT_EFFECT = ("detail",)


def settings_of_parts(
    family: Family, media: Sequence[Image | Clip], parts: Sequence[Mapping[str, Any]]
) -> list[MediumSettings]:
    """What the settings of message parts mean for a family.

    Args:
        family: the model's adapter.
        media: the pictures and clips.
        parts: for each the settings of its part, such as `{"max_pixels": 100352}`; names of
            `family.part_settings`, of the image processor, or without effect.

    Raises:
        ParameterError: if the family has no such setting, or a value is out of its range.
    """
    return [_settings_of_part(family, *pair) for pair in zip(media, parts, strict=True)]


def _settings_of_part(
    family: Family, medium: Image | Clip, part: Mapping[str, Any]
) -> MediumSettings:
    given = {name: value for name, value in part.items() if value is not None}
    notes = tuple(
        f"{name} = {given[name]!r} of a picture was not used: the processor of {family.name} has "
        "no such setting."
        for name in WITHOUT_EFFECT
        if name in given and given[name] != "auto"
    )
    chosen = {name: value for name, value in given.items() if name not in WITHOUT_EFFECT}
    before = {name: value for name, value in chosen.items() if name in family.part_settings}
    options = {name: value for name, value in chosen.items() if name not in before}
    if options:
        expect_settings(family.name, family.processor.image_processor, options)
    resize = family.resize_of_part(medium, before) if before else None
    return MediumSettings(options, resize, notes)


def process_medium(
    family: Family, medium: Image | Clip, scale: float, pictures: int, settings: MediumSettings
) -> VisualInputs:
    """The visual inputs of a picture or clip, as it was chosen to be shown.

    Args:
        family: the model's adapter.
        medium: the original.
        scale: see `Family.scaling`.
        pictures: number of pictures in the prompt, without clips.
        settings: what was chosen.

    Raises:
        ParameterError: if the processor does not take the chosen settings.
        SeewhyError: as `Family.process_image`.
    """
    family = family_with(family, settings.options)
    resized, remaining = _resized(family, medium, scale, settings.before)
    with _settings_in_errors(family, medium):
        visual = (
            family.process_video(resized, remaining)
            if isinstance(resized, Clip)
            else family.process_image_among(resized, remaining, pictures)
        )
    if resized is not medium:
        geometries = tuple(geometry.over_size(medium.size) for geometry in visual.geometries)
        visual = replace(visual, geometries=geometries)
    return replace(visual, notes=(*visual.notes, *_notes(medium, settings)))


def model_sizes(
    family: Family,
    pictures: Sequence[Image],
    scale: float,
    settings: Sequence[MediumSettings],
) -> tuple[tuple[int, int], ...]:
    """Width and height of the model's input for each picture of a prompt, without its pixels.

    Args:
        family: the model's adapter.
        pictures: all media of the prompt; a clip's sizes are not known without its pixels.
        scale: see `Family.scaling`.
        settings: for each picture what was chosen for it.
    """
    sizes = []
    for picture, own in zip(pictures, settings, strict=True):
        size, remaining = picture.size, scale
        if own.before is not None:
            size, remaining = size_before(family, scale, own.before)
        chosen = family_with(family, own.options)
        sizes.append(chosen.model_size(size, remaining, len(pictures)))
    return tuple(sizes)


def _notes(medium: Image | Clip, settings: MediumSettings) -> tuple[str, ...]:
    before = settings.before
    if before is None or not before.reason or before.size == medium.size:
        return settings.notes
    size, chosen = (f"{width} x {height}" for width, height in (medium.size, before.size))
    resized = f"A picture of {size} pixels was resized to {chosen} before the processor, by "
    return (*settings.notes, f"{resized}{before.reason}.")


def _resized(
    family: Family, medium: Image | Clip, scale: float, before: Resize | None
) -> tuple[Image | Clip, float]:
    """The medium after the resize, and the scale that is left for the processor."""
    if before is None:
        return medium, scale
    size, remaining = size_before(family, scale, before)
    if isinstance(medium, Clip):
        frames = tuple(frame.resize(size, before.resample) for frame in medium.frames)
        return replace(medium, frames=frames), remaining
    # The notes of a picture belong to the original.
    return medium.resize(size, before.resample), remaining


def size_before(family: Family, scale: float, before: Resize) -> tuple[tuple[int, int], float]:
    """The size of the resize at a scale, and the scale that is left for the processor."""
    if scale == 1 or not before.scales:
        return before.size, scale
    width, height = (max(1, round(length * scale)) for length in before.size)
    return family.size_within((width, height), before.limits), 1.0


@contextmanager
def _settings_in_errors(family: Family, medium: Image | Clip) -> Iterator[None]:
    """Name the chosen settings if the processor cannot process a picture with them."""
    try:
        yield
    except SeewhyError:
        raise
    except REFUSALS as error:
        if not family.processor.call_settings:
            raise
        raise refused(family.name, family.processor.call_settings, error) from error


def expect_both_sides(settings: Mapping[str, Any]) -> tuple[int, int] | None:
    """`resized_height` and `resized_width`, or None if neither is given.

    Raises:
        ParameterError: if one of the two is missing.
    """
    sides = [settings.get(name) for name in ("resized_height", "resized_width")]
    if all(side is None for side in sides):
        return None
    if None in sides:
        raise ParameterError(
            "Expected resized_height and resized_width together, got one of them: qwen_vl_utils "
            "uses neither without the other; add it, or give max_pixels."
        )
    return sides[0], sides[1]  # type: ignore[return-value]
