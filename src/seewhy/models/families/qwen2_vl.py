"""Qwen2-VL: pictures of any size, one token for each square of merged patches, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, ImageError, UnsupportedModelError
from seewhy.core.geometry import Geometry
from seewhy.images.clips import Clip
from seewhy.models.families._qwen_vl_utils import PART_SETTINGS, fetched_size, resize_of_part
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.isolation import eval_mode
from seewhy.models.row_tensors import dynamic_tensors_of_row

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.models.medium_settings import Resize

#: Limits for the pixels of a frame, if the checkpoint has none: transformers' defaults.
FRAME_LIMITS = {"shortest_edge": 128 * 28 * 28, "longest_edge": 768 * 28 * 28}

SizeRule = Callable[[Any, int, int, int], tuple[int, int]]
"""From settings, number of frames, height and width to the model's height and width."""


class Qwen2VL(Family):
    """Qwen2-VL in transformers' own class (`Qwen2VLForConditionalGeneration`).

    The processor stretches each side to a multiple of patch x merge pixels; `merge` x `merge`
    neighbouring patches become one token. Every pixel is seen, none twice.
    """

    name = "qwen2-vl"
    model_types = ("qwen2_vl",)
    checkpoints = (
        "Qwen/Qwen2-VL-2B-Instruct",
        "Qwen/Qwen2-VL-7B-Instruct",
        "Qwen/Qwen2-VL-72B-Instruct",
    )
    scaling = (
        "dynamic resolution: the original picture is resized once to scale times the size that the "
        "processor would give it, within the processor's limits of pixels"
    )
    coverage = "every pixel is seen, none twice"
    default_marker = "<|image_pad|>"
    clip_marker = "<|video_pad|>"
    clip_token_field = "video_token_id"
    plain_format = "<|vision_start|>{marker}<|vision_end|>{prompt}\n"
    part_settings = PART_SETTINGS
    box_format = BoxFormat("relative-1000", ("qwen-tokens", "pairs"))

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `process_dynamic`."""
        return process_dynamic(self, image, scale)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `dynamic_size`."""
        return dynamic_size(self, size, scale)

    def resize_of_part(self, medium: Image | Clip, part: Mapping[str, Any]) -> Resize:
        """See `_qwen_vl_utils.resize_of_part`."""
        return resize_of_part(self, medium, part)

    def size_within(self, size: tuple[int, int], limits: tuple[int, int] | None) -> tuple[int, int]:
        """See `_qwen_vl_utils.fetched_size`."""
        return fetched_size(self, size, limits)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `seewhy.models.row_tensors.dynamic_tensors_of_row`."""
        return dynamic_tensors_of_row(self, tensors, ids, row)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """See `process_frames`."""
        return process_frames(self, clip, scale, FRAME_LIMITS)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `merged_features`."""
        return merged_features(self, visual)


def smart_resize_image(settings: Any, frames: int, height: int, width: int) -> tuple[int, int]:
    """Height and width by Qwen2-VL's `smart_resize`; the limits are for one frame."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    return smart_resize(
        height,
        width,
        factor=settings.patch_size * settings.merge_size,
        min_pixels=settings.size["shortest_edge"],
        max_pixels=settings.size["longest_edge"],
    )


def smart_resize_clip(settings: Any, frames: int, height: int, width: int) -> tuple[int, int]:
    """Height and width by GLM-4V's `smart_resize`, as for clips in Qwen3-VL: limits for all frames.

    Fewer frames than a step has count as one step.
    """
    from transformers.models.glm4v.image_processing_pil_glm4v import smart_resize

    return smart_resize(
        num_frames=max(frames, settings.temporal_patch_size),
        height=height,
        width=width,
        temporal_factor=settings.temporal_patch_size,
        factor=settings.patch_size * settings.merge_size,
        min_pixels=settings.size["shortest_edge"],
        max_pixels=settings.size["longest_edge"],
    )


def process_dynamic(
    family: Family, image: Image, scale: float, size_rule: SizeRule = smart_resize_image
) -> VisualInputs:
    """Process a picture with dynamic resolution; boxes follow the processor's grid.

    Args:
        family: a Qwen family, or one with the same patches.
        image: an upright RGB picture.
        scale: relative to the processor's own size for the picture.
        size_rule: the family's rule for the size.

    Raises:
        ImageError: if one side is over 200 times the other, which these models do not support, or
            the processor does not resize and the picture is not of whole tokens.
        GeometryError: if the patches of processor and model differ.
    """
    processor: Any = family.processor.image_processor
    expect_same_patches(family, processor)
    expect_moderate_ratio(image.size)
    if scale == 1:
        if not processor.do_resize:
            expect_whole_tokens(image.size, processor)
        processed = processor(images=[image], return_tensors="pt")
    else:
        size = target_size(image.size, scale, processor, size_rule)
        stretched = image.resize(size, resample_of(processor))
        processed = processor(images=[stretched], do_resize=False, return_tensors="pt")
    _, rows, columns = processed["image_grid_thw"][0].tolist()
    merge, patch = processor.merge_size, processor.patch_size
    height, width = rows // merge, columns // merge
    return VisualInputs(
        tensors={name: processed[name] for name in ("pixel_values", "image_grid_thw")},
        placeholder=family.default_marker * (height * width),
        geometries=(Geometry.of_equal_cells(image.size, height, width),),
        size=(columns * patch, rows * patch),
    )


def dynamic_size(
    family: Family,
    size: tuple[int, int],
    scale: float,
    size_rule: SizeRule = smart_resize_image,
) -> tuple[int, int]:
    """Width and height of the model's input, as `process_dynamic` makes it."""
    return target_size(size, scale, family.processor.image_processor, size_rule)


def process_frames(
    family: Family,
    clip: Clip,
    scale: float,
    limits: dict[str, int],
    *,
    size_rule: SizeRule = smart_resize_image,
    step_text: Callable[[list[float], str], str] = lambda seconds, tokens: tokens,
    token: str = "",
) -> VisualInputs:
    """Process a clip with dynamic resolution; `temporal_patch_size` frames make one step.

    The image processor processes each frame, and the patches are merged into steps, so no video
    processor (and no torchvision) is needed. If the last step lacks frames, the last frame is
    repeated.

    Args:
        family: a Qwen family, or one with the same patches.
        clip: the sampled frames.
        scale: relative to the video processor's own size for the frames.
        limits: of pixels, if the checkpoint has no video settings.
        size_rule: the family's rule for the size.
        step_text: from a step's times in seconds and its image tokens to its text.
        token: the text of a visual token; the clip's marker if empty.

    Raises:
        ImageError, GeometryError, UnsupportedModelError: as `process_dynamic`.
    """
    settings = clip_settings(family, limits)
    expect_same_patches(family, settings)
    expect_moderate_ratio(clip.size)
    size = target_size(clip.size, scale, settings, size_rule, len(clip))
    frames = [frame.resize(size, resample_of(settings)) for frame in clip.frames]
    names = ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")
    processed = family.processor.image_processor(
        images=frames,
        do_resize=False,
        return_tensors="pt",
        **{name: getattr(settings, name) for name in names},
    )
    _, rows, columns = processed["image_grid_thw"][0].tolist()
    step, merge = settings.temporal_patch_size, settings.merge_size
    height, width = rows // merge, columns // merge
    steps = [
        tuple(range(first, min(first + step, len(clip)))) for first in range(0, len(clip), step)
    ]
    tokens = (token or family.clip_marker) * (height * width)
    return VisualInputs(
        tensors={
            "pixel_values_videos": merge_frames(processed["pixel_values"], len(clip), step),
            "video_grid_thw": torch.tensor([[len(steps), rows, columns]]),
        },
        placeholder="".join(step_text([clip.seconds[n] for n in ns], tokens) for ns in steps),
        geometries=(Geometry.of_equal_cells(clip.size, height, width),) * len(steps),
        size=(columns * settings.patch_size, rows * settings.patch_size),
        frames=tuple(steps),
        notes=("frames are resized by PIL, in the place of torchvision's video processor",),
    )


def merge_frames(pixels: Tensor, frames: int, step: int) -> Tensor:
    """Patches of steps from those of single frames, which the image processor repeats in time.

    Args:
        pixels: float `[frames * patch, colour * step * area]`, from the image processor.
        frames: number of frames.
        step: frames of a step.

    Returns:
        float `[steps * patch, colour * step * area]`.
    """
    single = pixels.unflatten(0, (frames, -1)).unflatten(-1, (3, step, -1))[:, :, :, 0]
    repeated = single[-1:].expand(-frames % step, *single.shape[1:])
    steps = torch.cat([single, repeated]).unflatten(0, (-1, step))
    return steps.permute(0, 2, 3, 1, 4).flatten(0, 1).flatten(1)


def clip_settings(family: Family, limits: dict[str, int]) -> Any:
    """Settings of the checkpoint's video processor, completed by the image processor's.

    Raises:
        UnsupportedModelError: if it caps the pixels of each frame.
    """
    image_processor: Any = family.processor.image_processor
    video = dict(family.processor.video or {})
    if video.get("cap_pixels_per_frame"):
        raise UnsupportedModelError(
            "Expected a video processor without cap_pixels_per_frame, got one with it: set it to "
            "False, which is transformers' default."
        )
    names = ("patch_size", "merge_size", "temporal_patch_size", "resample", "do_resize")
    names += ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")
    settings = {name: getattr(image_processor, name) for name in names}
    settings |= {name: video[name] for name in names if video.get(name) is not None}
    # Older checkpoints of Qwen2-VL have other names for the limits.
    older = {"shortest_edge": video.get("min_pixels"), "longest_edge": video.get("max_pixels")}
    size = {**limits, **dict(video.get("size") or {})}
    size |= {name: value for name, value in older.items() if value is not None}
    return SimpleNamespace(**settings, size=size)


def merged_features(family: Family, visual: VisualInputs) -> Tensor:
    """Float `[visual, hidden]`: the merger's output for the language model, in raster order."""
    tensors = on_device(visual.tensors, family.model)
    names = ("pixel_values_videos", "video_grid_thw") if visual.is_clip else tuple(tensors)
    model: Any = family.model
    encode = model.get_video_features if visual.is_clip else model.get_image_features
    with eval_mode(family.model):
        outputs = encode(**{name: tensors[name] for name in names}, return_dict=True)
    return torch.cat(tuple(outputs.pooler_output))


def target_size(
    picture: tuple[int, int],
    scale: float,
    settings: Any,
    size_rule: SizeRule = smart_resize_image,
    frames: int = 1,
) -> tuple[int, int]:
    """Width and height in pixels of the model's input for a picture at a scale.

    Both the base size and the scaled one follow the processor's own rule (`smart_resize`): whole
    tokens, within its pixel limits. So two scales may have the same size. A processor that does
    not resize has the picture's own size as base.

    Args:
        picture: its width and height, or those of a clip's frames.
        scale: relative to the processor's own size for it.
        settings: the processor, or an object with its settings.
        size_rule: the family's rule for the size.
        frames: number of frames of the clip.

    Raises:
        ImageError: if the processor does not resize and the picture is not of whole tokens.
    """
    width, height = picture
    if settings.do_resize:
        height, width = size_rule(settings, frames, height, width)
    else:
        expect_whole_tokens(picture, settings)
    if scale != 1:
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        height, width = size_rule(settings, frames, height, width)
    return width, height


def resample_of(processor: Any) -> Any:
    """The processor's resampling, as PIL's enum."""
    from PIL.Image import Resampling

    resample = processor.resample
    if resample is None:
        return Resampling.BILINEAR
    return Resampling[resample.name] if hasattr(resample, "name") else Resampling(resample)


def expect_moderate_ratio(size: tuple[int, int]) -> None:
    """Raise `ImageError` if `smart_resize` would fail for a picture of this width and height."""
    if max(size) > 200 * min(size):
        raise ImageError(
            f"Expected a picture whose sides differ at most 200-fold, got {size[0]} x "
            f"{size[1]} pixels: crop it, this family's processor does not support it."
        )


def expect_whole_tokens(size: tuple[int, int], settings: Any) -> None:
    """Raise `ImageError` if a picture is not of whole tokens, for a processor without resize."""
    cell = settings.patch_size * settings.merge_size
    if size[0] % cell or size[1] % cell:
        raise ImageError(
            f"Expected a picture whose sides are multiples of {cell} pixels with do_resize=False, "
            f"got {size[0]} x {size[1]}: resize it to whole tokens, or leave do_resize out."
        )


def expect_same_patches(family: Family, settings: Any) -> None:
    """Check that processor and model have the same patches.

    Raises:
        GeometryError: if patches differ.
    """
    vision: Any = family.model.config.vision_config
    patch, merge, step = expected = (
        vision.patch_size,
        vision.spatial_merge_size,
        vision.temporal_patch_size,
    )
    actual = (settings.patch_size, settings.merge_size, settings.temporal_patch_size)
    if expected != actual:
        raise GeometryError(
            f"Expected a processor with patches of {patch} pixels, {merge} x {merge} merged, "
            f"{step} frames a step, got {actual[0]} pixels, merge {actual[1]} and {actual[2]} "
            "frames: load model and processor from one checkpoint."
        )
