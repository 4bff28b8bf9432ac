"""The pictures of a recorded call, and how each was processed.

They come from the calls of the image processor in the block, or are given by the user. A given
picture may have been resized before the processor got it, such as by qwen_vl_utils; then the resize
is found by doing it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image as Pictures
from PIL.Image import Resampling
from torch import Tensor

from seewhy.images.clips import Clip
from seewhy.models.capture import GenerateCall, PreprocessCall
from seewhy.models.captured_pixels import same_values
from seewhy.models.family import Family
from seewhy.models.inputs import process_media
from seewhy.models.processor_settings import changed_settings
from seewhy.models.sized_media import MediumSettings, Resize

if TYPE_CHECKING:
    from PIL.Image import Image

#: Pillow's filters, the most likely first: qwen_vl_utils resizes with the first.
FILTERS = (
    *(Resampling.BICUBIC, Resampling.LANCZOS, Resampling.BILINEAR),
    *(Resampling.NEAREST, Resampling.BOX, Resampling.HAMMING),
)


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture or clip of a prompt, and how it was processed.

    Attributes:
        medium: what maps are drawn over.
        settings: what was chosen for it.
    """

    medium: Image | Clip
    settings: MediumSettings


def preprocess_calls_of(
    call: GenerateCall, preprocessed: Sequence[PreprocessCall]
) -> list[PreprocessCall]:
    """The calls of `preprocess` that made the pixels of a call of `generate`.

    The latest one with the same pixels. Else those of the latest run of calls whose pixels, joined,
    are the same: a user may process prompts one by one. All of them if there is none: pixels may
    have been changed or joined in another way in between.
    """
    pixels = call.tensors.get("pixel_values")
    if not isinstance(pixels, Tensor):
        return list(preprocessed)
    for candidate in reversed(preprocessed):
        if candidate.pixels is not None and same_values(pixels, candidate.pixels):
            return [candidate]
    for last in range(len(preprocessed), 0, -1):
        if run := _run_that_ends(preprocessed[:last], pixels):
            return run
    return list(preprocessed)


def _run_that_ends(calls: Sequence[PreprocessCall], pixels: Tensor) -> list[PreprocessCall]:
    """The last calls whose joined pixels are these; none if there are no such calls."""
    missing = len(pixels)
    for first in range(len(calls) - 1, -1, -1):
        made = calls[first].pixels
        if made is None or made.shape[1:] != pixels.shape[1:]:
            return []
        missing -= len(made)
        if missing < 0 or not same_values(pixels[missing : missing + len(made)], made):
            return []
        if not missing:
            return list(calls[first:])
    return []


def flat_images(pictures: Any) -> Iterator[Any]:
    """Single pictures from an image processor's input: a picture, a list, or a list of lists.

    An array with a batch axis counts as a list.
    """
    if isinstance(pictures, list | tuple) or (
        isinstance(pictures, np.ndarray | Tensor) and pictures.ndim > 3
    ):
        for picture in pictures:
            yield from flat_images(picture)
    elif pictures is not None:
        yield pictures


def without_exif(picture: Any) -> Any:
    """A Pillow image without EXIF tags: image processors do not apply the tag for rotation."""
    if not isinstance(picture, Pictures.Image):
        return picture
    copied = picture.copy()
    copied.info.pop("exif", None)
    copied.getexif().clear()
    return copied


def settings_of_call(family: Family, call: PreprocessCall, picture: Any) -> dict[str, Any]:
    """The settings under which a call processed one of its pictures, where they are not usual.

    Args:
        family: the model's adapter.
        call: the call.
        picture: as the call got it. Values in [0, 1] that were not scaled to [0, 1] once more are,
            for this package, values in [0, 255] that were.
    """
    settings = dict(call.settings)
    floating = isinstance(picture, Tensor) and picture.is_floating_point()
    floating = floating or (isinstance(picture, np.ndarray) and picture.dtype.kind == "f")
    if floating and not settings.get("do_rescale", True):
        settings |= {"do_rescale": True, "rescale_factor": 1 / 255}
    return changed_settings(family, settings)


def rows_of(family: Family, call: GenerateCall, shown: Sequence[Shown]) -> list[list[Shown]]:
    """The pictures of each prompt of a batch, among those of the whole batch.

    In order, each prompt takes as many pictures as its image tokens need.
    """
    remaining, rows, image_ids = list(shown), [], {family.image_token_id, family.clip_token_id}
    for ids in call.tensors["input_ids"].tolist():
        tokens = sum(token in image_ids for token in ids)
        count = _count_with_tokens(family, remaining, tokens)
        rows.append(remaining[:count])
        remaining = remaining[count:]
    return rows


def _count_with_tokens(family: Family, shown: Sequence[Shown], tokens: int) -> int:
    """How many of the first pictures have at least so many image tokens together."""
    for count in range(len(shown) + 1):
        first = shown[:count]
        visuals = process_media(
            family, [item.medium for item in first], 1.0, [item.settings for item in first]
        )
        if sum(visual.visual + len(visual.non_spatial) for visual in visuals) >= tokens:
            return count
    return len(shown)


def with_resizes(
    family: Family, given: Sequence[Image | Clip], recorded: Sequence[Shown]
) -> list[Shown]:
    """Given pictures with the settings of the recorded ones, and the resize between the two.

    Args:
        family: the model's adapter.
        given: by the user, for the prompt.
        recorded: of the prompt; empty if they are not known.
    """
    if len(given) != len(recorded):
        settings = [item.settings for item in recorded]
        common = settings[0] if settings and _all_equal(settings) else MediumSettings()
        return [Shown(medium, common) for medium in given]
    return [
        Shown(medium, _with_resize(family, medium, item))
        for medium, item in zip(given, recorded, strict=True)
    ]


def _with_resize(family: Family, given: Image | Clip, recorded: Shown) -> MediumSettings:
    """The recorded settings, with the resize that makes the recorded picture of the given one."""
    seen, settings = recorded.medium, recorded.settings
    if isinstance(given, Clip) or isinstance(seen, Clip) or given.size == seen.size:
        return settings
    for resample in FILTERS:
        if np.array_equal(np.asarray(given.resize(seen.size, resample)), np.asarray(seen)):
            return replace(settings, before=resize_before(family, seen.size, resample))
    return settings


def resize_before(
    family: Family, size: tuple[int, int], resample: Resampling = Resampling.BICUBIC
) -> Resize:
    """A resize that was found out; families with settings for one may repeat it at other scales."""
    return Resize(
        size, resample, scales=bool(family.part_settings), reason="code before the processor"
    )


def fetched_alternatives(
    family: Family, shown: Sequence[Shown], tensors: Mapping[str, Any]
) -> list[Shown]:
    """The same pictures as resized before the processor to the sizes of the call's grids.

    For families with settings for that, where the calls of the processor are not known.
    """
    grids = tensors.get("image_grid_thw")
    pictures = [item for item in shown if not isinstance(item.medium, Clip)]
    if not family.part_settings or grids is None or len(grids) != len(pictures):
        return []
    settings: Any = family.processor.image_processor
    sizes = iter((grids[:, [2, 1]] * settings.patch_size).tolist())
    return [
        item
        if isinstance(item.medium, Clip)
        else replace(
            item,
            settings=replace(item.settings, before=resize_before(family, tuple(next(sizes)))),
        )
        for item in shown
    ]


def _all_equal(settings: Sequence[MediumSettings]) -> bool:
    return all(same_settings(one.options, settings[0].options) for one in settings)


def same_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two dictionaries of settings are equal, arrays included."""
    if set(one) != set(other):
        return False
    return all(_same(one[name], other[name]) for name in one)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray | torch.Tensor) or isinstance(other, np.ndarray | torch.Tensor):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return bool(one == other)
