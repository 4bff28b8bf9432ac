"""Qwen2-VL: pictures of any size, one token for each square of merged patches, row by row."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError, ImageError, UnsupportedModelError
from seewhy.core.geometry import Geometry
from seewhy.images.clips import Clip
from seewhy.models.family import Family, VisualInputs, on_device

if TYPE_CHECKING:
    from PIL.Image import Image

#: Pixels a frame of a clip may have where the checkpoint does not say: transformers' defaults.
FRAME_LIMITS = {"shortest_edge": 128 * 28 * 28, "longest_edge": 768 * 28 * 28}

SizeRule = Callable[[Any, int, int, int], tuple[int, int]]
"""From settings, number of frames, height and width to the height and width that are seen."""


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

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `process_dynamic`."""
        return process_dynamic(self, image, scale)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """See `process_frames`."""
        return process_frames(self, clip, scale, FRAME_LIMITS)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `merged_features`."""
        return merged_features(self, visual)


def smart_resize_image(settings: Any, frames: int, height: int, width: int) -> tuple[int, int]:
    """Height and width by Qwen2-VL's `smart_resize`: the limits are those of one frame."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    return smart_resize(
        height,
        width,
        factor=settings.patch_size * settings.merge_size,
        min_pixels=settings.size["shortest_edge"],
        max_pixels=settings.size["longest_edge"],
    )


def smart_resize_clip(settings: Any, frames: int, height: int, width: int) -> tuple[int, int]:
    """Height and width by GLM-4V's `smart_resize`, Qwen3-VL's for clips: limits for all frames.

    Fewer frames than make a step count as one step.
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
    """One picture by dynamic resolution: boxes from the grid that the processor reports.

    Args:
        family: one of the Qwen families, or one that cuts pictures like them.
        image: an upright RGB picture.
        scale: of the size that the processor would give the picture.
        size_rule: the family's choice of size.

    Raises:
        ImageError: if one side is over 200 times the other, which these models do not take.
        GeometryError: if processor and model cut the picture differently.
        UnsupportedModelError: if the processor does not resize.
    """
    processor: Any = family.processor.image_processor
    expect_same_patches(family, processor)
    expect_moderate_ratio(image)
    if scale == 1:
        processed = processor(images=[image], return_tensors="pt")
    else:
        size = target_size(image, scale, processor, size_rule)
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
    """One clip by dynamic resolution: `temporal_patch_size` frames merge into one step.

    The frames go through the image processor one by one and their patches are merged into steps,
    so no video processor (and no torchvision) is needed. Where the last step lacks frames, the
    last one stands in for them.

    Args:
        family: one of the Qwen families, or one that cuts clips like them.
        clip: its frames, sampled already.
        scale: of the size that the video processor would give the frames.
        limits: of pixels, where the checkpoint brings no video settings.
        size_rule: the family's choice of size.
        step_text: the text of a step, from its frames' seconds and its image tokens.
        token: what a visual token is written as; the clip's marker if empty.

    Raises:
        ImageError, GeometryError, UnsupportedModelError: as `process_dynamic`.
    """
    settings = clip_settings(family, limits)
    expect_same_patches(family, settings)
    expect_moderate_ratio(clip.frames[0])
    size = target_size(clip.frames[0], scale, settings, size_rule, len(clip))
    frames = [frame.resize(size, resample_of(settings)) for frame in clip.frames]
    names = ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")
    processed = family.processor.image_processor(
        images=frames,
        do_resize=False,
        return_tensors="pt",
        **{name: getattr(settings, name) for name in names},
    )
    _, rows, columns = processed["image_grid_thw"][0].tolist()
    each, merge = settings.temporal_patch_size, settings.merge_size
    height, width = rows // merge, columns // merge
    steps = [
        tuple(range(first, min(first + each, len(clip)))) for first in range(0, len(clip), each)
    ]
    tokens = (token or family.clip_marker) * (height * width)
    return VisualInputs(
        tensors={
            "pixel_values_videos": merge_frames(processed["pixel_values"], len(clip), each),
            "video_grid_thw": torch.tensor([[len(steps), rows, columns]]),
        },
        placeholder="".join(step_text([clip.seconds[n] for n in step], tokens) for step in steps),
        geometries=(Geometry.of_equal_cells(clip.size, height, width),) * len(steps),
        size=(columns * settings.patch_size, rows * settings.patch_size),
        frames=tuple(steps),
        notes=("frames are resized by PIL, in the place of torchvision's video processor",),
    )


def merge_frames(pixels: Tensor, frames: int, each: int) -> Tensor:
    """Patches of steps from those of single frames, which are doubled in time.

    Args:
        pixels: float `[frames * patch, colour * each * area]`, as the image processor makes them.
        frames: their number.
        each: frames of a step.

    Returns:
        float `[steps * patch, colour * each * area]`.
    """
    single = pixels.unflatten(0, (frames, -1)).unflatten(-1, (3, each, -1))[:, :, :, 0]
    rest = single[-1:].expand(-frames % each, *single.shape[1:])
    steps = torch.cat([single, rest]).unflatten(0, (-1, each))
    return steps.permute(0, 2, 3, 1, 4).flatten(0, 1).flatten(1)


def clip_settings(family: Family, limits: dict[str, int]) -> Any:
    """Settings of the checkpoint's video processor; what it leaves open is the image processor's.

    Raises:
        UnsupportedModelError: if it caps the pixels of each frame.
    """
    pictures: Any = family.processor.image_processor
    given = dict(family.processor.video or {})
    if given.get("cap_pixels_per_frame"):
        raise UnsupportedModelError(
            "Expected a video processor without cap_pixels_per_frame, got one with it: set it to "
            "False, which is transformers' default."
        )
    names = ("patch_size", "merge_size", "temporal_patch_size", "resample", "do_resize")
    names += ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")
    settings = {name: getattr(pictures, name) for name in names}
    settings |= {name: given[name] for name in names if given.get(name) is not None}
    # Older checkpoints of Qwen2-VL say the limits by names of their own.
    older = {"shortest_edge": given.get("min_pixels"), "longest_edge": given.get("max_pixels")}
    size = {**limits, **dict(given.get("size") or {})}
    size |= {name: value for name, value in older.items() if value is not None}
    return SimpleNamespace(**settings, size=size)


def merged_features(family: Family, visual: VisualInputs) -> Tensor:
    """Float `[visual, hidden]`: what the merger hands to the language model, in raster order."""
    tensors = on_device(visual.tensors, family.model)
    names = ("pixel_values_videos", "video_grid_thw") if visual.is_clip else tuple(tensors)
    model: Any = family.model
    features = model.get_video_features if visual.is_clip else model.get_image_features
    with torch.no_grad():
        processed = features(**{name: tensors[name] for name in names}, return_dict=True)
    return torch.cat(tuple(processed.pooler_output))


def target_size(
    image: Image,
    scale: float,
    settings: Any,
    size_rule: SizeRule = smart_resize_image,
    frames: int = 1,
) -> tuple[int, int]:
    """Width and height in pixels of what the model sees of a picture at a scale.

    Both the base size and the scaled one are the processor's own choice (`smart_resize`): whole
    tokens, within its limits of pixels. So a scale may collapse onto the size of another.

    Args:
        image: a picture, or any frame of a clip.
        scale: of the size that the processor would give it.
        settings: the processor, or what stands for it.
        size_rule: the family's choice of size.
        frames: of the clip.
    """
    height, width = size_rule(settings, frames, image.height, image.width)
    if scale != 1:
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        height, width = size_rule(settings, frames, height, width)
    return width, height


def resample_of(processor: Any) -> Any:
    """The processor's resampling, as PIL names it."""
    from PIL.Image import Resampling

    resample = processor.resample
    if resample is None:
        return Resampling.BILINEAR
    return Resampling[resample.name] if hasattr(resample, "name") else Resampling(resample)


def expect_moderate_ratio(image: Image) -> None:
    """Raise `ImageError` where `smart_resize` would refuse the picture."""
    if max(image.size) > 200 * min(image.size):
        raise ImageError(
            f"Expected a picture whose sides differ at most 200-fold, got {image.width} x "
            f"{image.height} pixels: crop it, this family's processor does not take it."
        )


def expect_same_patches(family: Family, settings: Any) -> None:
    """Refuse a processor that cuts pictures or clips differently from the model.

    Raises:
        GeometryError: if patches differ.
        UnsupportedModelError: if it does not resize: sides need not be whole tokens then.
    """
    vision: Any = family.model.config.vision_config
    wanted = (vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size)
    given = (settings.patch_size, settings.merge_size, settings.temporal_patch_size)
    if wanted != given:
        raise GeometryError(
            f"Expected a processor with patches of {wanted[0]} pixels, {wanted[1]} x {wanted[1]} "
            f"merged, {wanted[2]} frames a step, got {given[0]} pixels, merge {given[1]} and "
            f"{given[2]} frames: load model and processor from one checkpoint."
        )
    if not settings.do_resize:
        raise UnsupportedModelError(
            "Expected a processor that resizes to whole tokens, got do_resize=False: set it to "
            "True."
        )
