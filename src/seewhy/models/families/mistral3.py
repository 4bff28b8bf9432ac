"""Mistral Small 3.1 and 3.2: pictures of any size, one token for each square of merged patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers.models.pixtral.image_processing_pil_pixtral import get_resize_output_image_size

from seewhy.core.errors import GeometryError, ImageError, UnsupportedModelError
from seewhy.core.geometry import Geometry
from seewhy.models.families.llava import set_sizes
from seewhy.models.families.qwen2_vl import resample_of
from seewhy.models.family import Family, VisualInputs, concatenate, on_device
from seewhy.models.isolation import in_eval_mode
from seewhy.models.row_tensors import entries_of_row, sliced, tokens_in_rows

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts


class Mistral3(Family):
    """Mistral 3 in transformers' own class (`Mistral3ForConditionalGeneration`).

    The processor shrinks the picture to its longest edge if need be and stretches each side to
    whole tokens of patch x merge pixels. Image tokens come row by row, `[IMG_BREAK]` after each
    row but the last and `[IMG_END]` after that; those two are text.
    """

    name = "mistral3"
    model_types = ("mistral3",)
    checkpoints = (
        "mistralai/Mistral-Small-3.1-24B-Base-2503",
        "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
        "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    )
    scaling = (
        "dynamic resolution: the original picture is resized once to scale times the size that the "
        "processor would give it, no side longer than the vision tower was made for"
    )
    coverage = "every pixel is seen, none twice"
    default_marker = "[IMG]"
    plain_format = "<s>[INST]{marker}{prompt}[/INST]"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_resize_alone(processor.image_processor)

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `process_rows`."""
        config: Any = self.model.config
        return process_rows(self, image, scale, merge=config.spatial_merge_size)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `rows_size`."""
        config: Any = self.model.config
        return rows_size(self, size, scale, merge=config.spatial_merge_size)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `row_tensors_of_row`."""
        config: Any = self.model.config
        return rows_tensors_of_row(self, tensors, ids, row, merge=config.spatial_merge_size)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `row_features`."""
        return row_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """See `collate_padded`."""
        return collate_padded(rows)


def process_rows(family: Family, image: Image, scale: float, *, merge: int) -> VisualInputs:
    """Prepare a picture for a Pixtral vision tower, one token for `merge` x `merge` patches.

    Raises:
        ImageError: if the picture is one token at scale 1.
        GeometryError: if the image processor's output size does not match its settings.
    """
    vision: Any = family.model.config.vision_config
    cell = vision.patch_size * merge
    expect_patch_size(family.processor, cell)
    (rows, columns), processed = _processed_rows(
        family.processor.image_processor, image, scale, cell, vision.image_size
    )
    pixels, expected = processed["pixel_values"], (1, 3, rows * cell, columns * cell)
    if tuple(pixels.shape) != expected:
        raise GeometryError(
            f"Expected pixels of shape {list(expected)} from an image of {image.width} x "
            f"{image.height}, got {list(pixels.shape)} from {family.processor.image_processor}: "
            "this family does not support its settings; use the checkpoint's own processor."
        )
    return VisualInputs(
        tensors={"pixel_values": pixels, "image_sizes": torch.as_tensor([expected[2:]])},
        placeholder="[IMG_BREAK]".join([family.default_marker * columns] * rows) + "[IMG_END]",
        geometries=(Geometry.of_equal_cells(image.size, rows, columns),),
        size=(columns * cell, rows * cell),
    )


def _processed_rows(
    processor: Any, image: Image, scale: float, cell: int, longest: int
) -> tuple[tuple[int, int], Any]:
    """Rows and columns of tokens, and the image processor's output for a picture.

    Args:
        processor: the image processor.
        image: an upright RGB picture.
        scale: relative to the processor's own size for it.
        cell: pixels under one token, on each side.
        longest: largest side in pixels at other scales.

    Raises:
        ImageError: if the picture is one token at scale 1.
    """
    rows, columns = rows_at(processor, image.size, scale, cell, longest)
    if scale == 1:
        expect_two_tokens(image, rows * columns, cell)
        return (rows, columns), processor([image], patch_size=cell, return_tensors="pt")
    resized = image.resize((columns * cell, rows * cell), resample_of(processor))
    processed = processor([resized], patch_size=cell, do_resize=False, return_tensors="pt")
    return (rows, columns), processed


def rows_at(
    processor: Any, size: tuple[int, int], scale: float, cell: int, longest: int
) -> tuple[int, int]:
    """Rows and columns of tokens of a picture of this width and height at a scale.

    Args:
        processor, scale, cell, longest: as for `_processed_rows`.
        size: width and height.
    """
    rows, columns = token_grid(processor, size[1], size[0], cell)
    if scale == 1:
        return rows, columns
    growth = min(scale, max(1.0, longest // cell / max(rows, columns)))
    growth = max(growth, 1.6 / max(rows, columns))  # two tokens: see `expect_two_tokens`
    return max(1, round(rows * growth)), max(1, round(columns * growth))


def rows_size(
    family: Family, size: tuple[int, int], scale: float, *, merge: int
) -> tuple[int, int]:
    """Width and height of the model's input, as `process_rows` makes it."""
    vision: Any = family.model.config.vision_config
    cell, processor = vision.patch_size * merge, family.processor.image_processor
    rows, columns = rows_at(processor, size, scale, cell, vision.image_size)
    return columns * cell, rows * cell


def rows_tensors_of_row(
    family: Family, tensors: Mapping[str, Any], ids: Tensor, row: int, *, merge: int
) -> dict[str, Any]:
    """See `Family.tensors_of_row`; the tokens of each picture follow from its size."""
    names = ("pixel_values", "image_sizes")
    if not set(names) <= set(tensors):
        return {}
    vision: Any = family.model.config.vision_config
    cell = vision.patch_size * merge
    tokens = (tensors["image_sizes"] // cell).prod(-1).tolist()
    entries = entries_of_row(tokens, tokens_in_rows(ids, family.image_token_id), row)
    return sliced(tensors, names, entries)


def expect_patch_size(processor: ProcessorParts, cell: int) -> None:
    """Check that a chosen `patch_size` is the token's side, which transformers' processor passes.

    Raises:
        UnsupportedModelError: if it is not.
    """
    chosen = processor.call_settings.get("patch_size")
    size = set_sizes(chosen) if isinstance(chosen, Mapping) else chosen
    if chosen is not None and size not in (cell, {"height": cell, "width": cell}):
        raise UnsupportedModelError(
            f"Expected patch_size of {cell}, the pixels of one token, got {size}: leave it out."
        )


@in_eval_mode
def row_features(family: Family, visual: VisualInputs) -> Tensor:
    """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
    model: Any = family.model
    return torch.cat(model.get_image_features(**on_device(visual.tensors, model)).pooler_output)


def collate_padded(rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
    """Batch pictures, padded with zeros at right and bottom to the largest, as by the processor.

    The vision tower removes the padding by `image_sizes`.
    """
    pictures = [visual.tensors for row in rows for visual in row]
    height, width = torch.cat([picture["image_sizes"] for picture in pictures]).amax(0).tolist()
    return concatenate(
        [{**picture, "pixel_values": padded(picture, height, width)} for picture in pictures]
    )


def padded(picture: Any, height: int, width: int) -> Tensor:
    """Float `[1, 3, height, width]`: one picture's pixels, with zeros at right and bottom."""
    down, across = picture["image_sizes"][0].tolist()
    return torch.nn.functional.pad(picture["pixel_values"], (0, width - across, 0, height - down))


def token_grid(processor: Any, height: int, width: int, cell: int) -> tuple[int, int]:
    """Rows and columns of tokens of a picture, by the image processor's own rule."""
    size = set_sizes(processor.size)
    limit = (size.get("longest_edge") or size["height"], size.get("longest_edge") or size["width"])
    # Only the shape counts: the array is one zero, repeated by strides.
    shape = np.broadcast_to(np.uint8(0), (3, height, width))
    tall, wide = get_resize_output_image_size(
        shape, size=limit, patch_size=cell, input_data_format="channels_first"
    )
    return tall // cell, wide // cell


def expect_two_tokens(image: Image, tokens: int, cell: int) -> None:
    """Raise `ImageError` for a picture of one token.

    transformers 5.23 removes the token axis then, and its own forward pass fails.
    """
    if tokens < 2:
        raise ImageError(
            f"Expected a picture of two tokens at least, got {image.width} x {image.height} "
            f"pixels, which is one token of {cell} x {cell}: enlarge the picture."
        )


def expect_resize_alone(processor: Any) -> None:
    """Check that the image processor resizes to whole tokens and crops nothing.

    Raises:
        UnsupportedModelError: if it does not resize, crops, or has no size.
    """
    size, crops = set_sizes(processor.size), bool(getattr(processor, "do_center_crop", False))
    sized = "longest_edge" in size or {"height", "width"} <= set(size)
    if not processor.do_resize or crops or not sized:
        raise UnsupportedModelError(
            "Expected an image processor that resizes to a longest edge and crops nothing, got "
            f"do_resize = {processor.do_resize}, size = {size}, do_center_crop = {crops}: use the "
            "checkpoint's own processor."
        )
