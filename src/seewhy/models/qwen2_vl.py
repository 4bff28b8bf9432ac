"""Qwen2-VL: pictures of any size, one token for each square of merged patches, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError, ImageError
from seewhy.core.geometry import Geometry, Layer
from seewhy.models.base import Family, Seen, on_device

if TYPE_CHECKING:
    from PIL.Image import Image


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
    unseen = "every pixel is seen, none twice"
    default_marker = "<|image_pad|>"
    plain_format = "<|vision_start|>{marker}<|vision_end|>{prompt}\n"

    @property
    def image_token_id(self) -> int:
        """The id of `<|image_pad|>`."""
        return self.model.config.image_token_id

    def see(self, image: Image, scale: float = 1.0) -> Seen:
        """See `see_dynamic`."""
        return see_dynamic(self, image, scale)

    def embed(self, seen: Seen) -> Tensor:
        """See `embed_merged`."""
        return embed_merged(self, seen)


def see_dynamic(family: Family, image: Image, scale: float) -> Seen:
    """One picture by dynamic resolution: boxes from the grid that the processor reports.

    Args:
        family: one of the Qwen families.
        image: an upright RGB picture.
        scale: of the size that the processor would give the picture.

    Raises:
        ImageError: if one side is over 200 times the other, which these models do not take.
        GeometryError: if processor and model cut the picture differently.
    """
    processor: Any = family.processor.image_processor
    expect_same_patches(family)
    expect_moderate_ratio(image)
    if scale == 1:
        made = processor(images=[image], return_tensors="pt")
    else:
        stretched = image.resize(target_size(image, scale, processor), resample_of(processor))
        made = processor(images=[stretched], do_resize=False, return_tensors="pt")
    _, rows, columns = made["image_grid_thw"][0].tolist()
    merge, patch = processor.merge_size, processor.patch_size
    height, width = rows // merge, columns // merge
    box = (0.0, 0.0, float(image.width), float(image.height))
    return Seen(
        tensors={name: made[name] for name in ("pixel_values", "image_grid_thw")},
        placeholder=family.default_marker * (height * width),
        geometries=(Geometry(image.size, (Layer.over(box, height, width),)),),
        size=(columns * patch, rows * patch),
    )


def embed_merged(family: Family, seen: Seen) -> Tensor:
    """Float `[visual, hidden]`: what the merger hands to the language model, in raster order."""
    tensors = on_device(seen.tensors, family.model)
    with torch.no_grad():
        made = family.model.get_image_features(**tensors, return_dict=True)  # type: ignore[operator]
    return torch.cat(tuple(made.pooler_output))


def target_size(image: Image, scale: float, processor: Any) -> tuple[int, int]:
    """Width and height in pixels of what the model sees of a picture at a scale.

    Both the base size and the scaled one are the processor's own choice (`smart_resize`): whole
    tokens, within its limits of pixels. So a scale may collapse onto the size of another.
    """
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    limits = {
        "factor": processor.patch_size * processor.merge_size,
        "min_pixels": processor.size["shortest_edge"],
        "max_pixels": processor.size["longest_edge"],
    }
    height, width = smart_resize(image.height, image.width, **limits)
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    height, width = smart_resize(height, width, **limits)
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


def expect_same_patches(family: Family) -> None:
    """Raise `GeometryError` where processor and model cut pictures into different patches."""
    vision, processor = family.model.config.vision_config, family.processor.image_processor
    wanted = (vision.patch_size, vision.spatial_merge_size)
    if wanted != (processor.patch_size, processor.merge_size):
        raise GeometryError(
            f"Expected a processor with patches of {wanted[0]} pixels, {wanted[1]} x {wanted[1]} "
            f"merged, got {processor.patch_size} pixels and merge {processor.merge_size}: load "
            "model and processor from one checkpoint."
        )
