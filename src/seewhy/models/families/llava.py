"""LLaVA-1.5: a picture of fixed size, one token for each patch, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers.image_transforms import get_resize_output_image_size

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.encoder_outputs import encoder_outputs, pixels_or_outputs
from seewhy.models.family import Family, VisualInputs, concatenate, on_device
from seewhy.models.isolation import in_eval_mode

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts

#: Vision towers whose patches are ordered row by row, and whether a class token comes first.
TOWERS = {"clip_vision_model": True, "siglip_vision_model": False}


class Llava(Family):
    """LLaVA-1.5 in transformers' own class (`LlavaForConditionalGeneration`).

    The image processor resizes (by its settings it pads to a square before, or crops the centre
    after); every patch of the result is one token. Pixels outside the crop are unseen and belong to
    no box; if the processor pads, boxes extend beyond the image. With the strategy "full" the
    tower's class token comes first and owns no pixels.
    """

    name = "llava"
    model_types = ("llava",)
    checkpoints = (
        "llava-hf/llava-1.5-7b-hf",
        "llava-hf/llava-1.5-13b-hf",
        "llava-hf/bakLlava-v1-hf",
    )
    scaling = (
        "interpolated positions: the input is resized to scale times its side, rounded to whole "
        "patches, and the vision tower interpolates its position embeddings to it"
    )
    coverage = "pixels outside the processor's centre crop are unseen; none is seen twice"
    default_marker = "<image>"
    plain_format = "USER: {marker}\n{prompt} ASSISTANT:"
    box_format = BoxFormat("relative-1-input", ("fractions",))

    @classmethod
    def supports(cls, config: Any) -> bool:
        """Whether the vision tower has no family of its own."""
        return config.vision_config.model_type != "pixtral"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        config: Any = model.config
        expect_whole_raster(config)
        expect_fixed_size(processor.image_processor)
        self._patch = int(config.vision_config.patch_size)
        kept = config.vision_feature_select_strategy == "full"
        self._class_tokens = int(kept and TOWERS[config.vision_config.model_type])

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        At a size that is not the tower's own, the features are computed here and passed as
        `mm_encoder_outputs`, which both `forward` and `generate` take: neither passes
        `interpolate_pos_encoding` to the vision tower (transformers 5.23).

        Raises:
            GeometryError: if the image processor's output size does not match its settings.
        """
        processor, sizes = self.processor.image_processor, self._sizes(scale)
        pixels = processor(image, return_tensors="pt", **sizes)["pixel_values"]
        down, across = sides(processor, image.height, image.width, **sizes)
        if tuple(pixels.shape) != (1, 3, down.input, across.input):
            raise GeometryError(
                f"Expected pixels of shape {[1, 3, down.input, across.input]} from an image of "
                f"{image.width} x {image.height}, got {list(pixels.shape)} from {processor}: "
                "this family does not support its settings; use the checkpoint's own processor."
            )
        rows, columns = down.edges(self._patch), across.edges(self._patch)
        cells = torch.arange((len(rows) - 1) * (len(columns) - 1)).view(len(rows) - 1, -1)
        token = self.processor.tokenizer.convert_ids_to_tokens(self.image_token_id)
        return VisualInputs(
            tensors=pixels_or_outputs(
                pixels, self._native_side, lambda pixels: [self._projected(pixels)]
            ),
            placeholder=token * (self._class_tokens + cells.numel()),
            geometries=(Geometry(image.size, (TokenGrid(cells, rows, columns),)),),
            size=(across.content(self._patch), down.content(self._patch)),
            non_spatial=tuple(range(self._class_tokens)),
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        down, across = sides(self.processor.image_processor, size[1], size[0], **self._sizes(scale))
        return across.content(self._patch), down.content(self._patch)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected patches, as they enter the language model."""
        return self._image_tokens(visual)[self._class_tokens :]

    def _image_tokens(self, visual: VisualInputs) -> Tensor:
        """Float `[token, hidden]`: the projected patches, the class token before them if kept."""
        if "pixel_values" in visual.tensors:
            return self._projected(visual.tensors["pixel_values"])
        return torch.cat(visual.tensors["mm_encoder_outputs"]["image"].pooler_output)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """See `Family.collate`; pictures of other sizes than the tower's are passed as features."""
        visuals = [visual for row in rows for visual in row]
        if all("pixel_values" in visual.tensors for visual in visuals):
            return concatenate([visual.tensors for visual in visuals])
        return encoder_outputs([self._image_tokens(visual) for visual in visuals])

    def _sizes(self, scale: float) -> dict[str, dict[str, int]]:
        """The image processor's `size` and `crop_size` at a scale."""
        processor = self.processor.image_processor
        size, crop = set_sizes(processor.size), set_sizes(processor.crop_size)
        if scale == 1:
            return {"size": size, "crop_size": crop} if processor.do_center_crop else {"size": size}
        input_size = crop if processor.do_center_crop else size
        scaled = {
            side: max(1, round(input_size[side] * scale / self._patch)) * self._patch
            for side in ("height", "width")
        }
        if not processor.do_center_crop:
            return {"size": scaled}
        # The crop must contain the same part of the picture, so the resize grows equally.
        growth = scaled["height"] / crop["height"]
        return {
            "size": {side: round(length * growth) for side, length in size.items()},
            "crop_size": scaled,
        }

    @property
    def _native_side(self) -> int:
        """The side of the vision tower's own input, in pixels."""
        return self.model.config.vision_config.image_size

    @in_eval_mode
    def _projected(self, pixels: Tensor) -> Tensor:
        """Float `[token, hidden]`: the projected patches of `[1, 3, height, width]` pixels."""
        is_native = tuple(pixels.shape[-2:]) == (self._native_side, self._native_side)
        flags = {} if is_native else {"interpolate_pos_encoding": True}
        model: Any = self.model
        processed = model.get_image_features(**on_device({"pixel_values": pixels}, model), **flags)
        return torch.cat(list(processed.pooler_output))


@dataclass(frozen=True)
class Side:
    """One side of a picture after each step of the image processor, in whole pixels.

    Attributes:
        length: of the original image.
        margin: the padding before it, at the original's resolution.
        padded: `length` with the padding on both ends.
        resized: `padded` after the resize.
        crop: where the vision tower's input begins within `resized`; negative if the crop is
            larger and the processor pads.
        input: of the vision tower's input.
    """

    length: int
    margin: int
    padded: int
    resized: int
    crop: int
    input: int

    def edges(self, patch: int) -> Tensor:
        """Edges of the patches in the original's pixels: float64 `[cells + 1]`.

        A remainder that fills no patch belongs to no cell, as in the tower's convolution.
        """
        edges = torch.arange(self.input // patch + 1, dtype=torch.float64) * patch
        return (edges + self.crop) * self.padded / self.resized - self.margin

    def content(self, patch: int) -> int:
        """How many of the input's pixels are in patches and are no padding."""
        ratio = self.resized / self.padded
        start = max(0.0, self.margin * ratio - self.crop)
        end = (self.margin + self.length) * ratio - self.crop
        return round(min(self.input // patch * patch, end) - start)


def sides(
    processor: Any,
    height: int,
    width: int,
    *,
    size: dict[str, int],
    crop_size: dict[str, int] | None = None,
) -> tuple[Side, Side]:
    """The vertical and the horizontal side of a `width` x `height` picture, step by step.

    Follows the image processors of transformers 5.23 exactly: pad to a square if they do,
    resize to a shortest edge or to height and width, crop from the centre (or pad to the crop).

    Args:
        processor: an image processor of the CLIP, LLaVA or SigLIP kind.
        size, crop_size: arguments of its call; no `crop_size` if it does not crop.
    """
    squares = bool(getattr(processor, "do_pad", False)) and hasattr(processor, "pad_to_square")
    padded = (max(height, width),) * 2 if squares else (height, width)
    if "shortest_edge" in size:
        # Only the shape counts: the array is one zero, repeated by strides.
        resized = get_resize_output_image_size(
            np.broadcast_to(np.uint8(0), (3, *padded)),
            size=size["shortest_edge"],
            default_to_square=False,
            input_data_format="channels_first",
        )
    else:
        resized = (size["height"], size["width"])
    final = (crop_size["height"], crop_size["width"]) if crop_size else resized
    # If the crop is larger than the picture, the two backends round an odd remainder differently.
    floors = getattr(processor, "backend", "pil") == "pil"
    spare = [before - after for before, after in zip(resized, final, strict=True)]
    crop = [pixels // 2 if floors else int(pixels / 2) for pixels in spare]
    down, across = (
        Side(length, (extent - length) // 2, extent, after, start, end_size)
        for length, extent, after, start, end_size in zip(
            (height, width), padded, resized, crop, final, strict=True
        )
    )
    return down, across


def set_sizes(size: Any) -> dict[str, int]:
    """The entries of an image processor's size that are set, as a plain dictionary."""
    return {side: length for side, length in dict(size or {}).items() if length is not None}


def expect_whole_raster(config: Any) -> None:
    """Check that the vision tower is supported and that none of its patches is dropped.

    Raises:
        UnsupportedModelError: if it is not, or a patch is dropped as a class token.
    """
    tower, strategy = config.vision_config.model_type, config.vision_feature_select_strategy
    if tower not in TOWERS:
        raise UnsupportedModelError(
            f"Expected a LLaVA model with a vision tower of type {' or '.join(TOWERS)}, got "
            f"{tower!r}: no family of seewhy supports it, choose another model."
        )
    if strategy == "default" and not TOWERS[tower]:
        raise UnsupportedModelError(
            f"Expected vision_feature_select_strategy 'full' with the tower {tower!r}, got "
            f"{strategy!r}: it drops the first token, which is a patch here, not a class token; "
            "load the model with its checkpoint's own config."
        )


def expect_fixed_size(processor: Any) -> None:
    """Check that the image processor's output always has the same size.

    Raises:
        UnsupportedModelError: if it does not resize, or its settings fix neither crop nor size.
    """
    size, crop = set_sizes(processor.size), set_sizes(processor.crop_size)
    final = crop if processor.do_center_crop else size
    if not (processor.do_resize and set(final) == {"height", "width"}) or not (
        set(size) == {"shortest_edge"} or set(size) == {"height", "width"}
    ):
        raise UnsupportedModelError(
            "Expected an image processor that resizes to a shortest edge and crops, or to a height "
            f"and a width, got do_resize = {processor.do_resize}, size = {size}, do_center_crop = "
            f"{processor.do_center_crop}, crop_size = {crop}: use the checkpoint's own processor."
        )
