"""Gemma 4: pictures of any shape within a token budget; clips frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.models.gemma4.image_processing_pil_gemma4 import get_aspect_ratio_preserving_size

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry
from seewhy.models.family import (
    RESIZED_BY_IMAGE_PROCESSOR,
    Family,
    VisualInputs,
    minutes_and_seconds,
    on_device,
    single_frames,
)
from seewhy.models.isolation import in_eval_mode
from seewhy.models.row_tensors import entries_of_row, sliced, tokens_in_rows

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.images.clips import Clip
    from seewhy.models.processing import ProcessorParts

#: Token budgets of a picture; the image processor supports no other numbers.
BUDGETS = (70, 140, 280, 560, 1120)

#: Token budget of a frame, as in Gemma 4's video processor.
FRAME_BUDGET = 70


class Gemma4(Family):
    """Gemma 4 in transformers' own class (`Gemma4ForConditionalGeneration`).

    The picture is resized to as many whole tokens as the budget allows at its aspect ratio, each
    side rounded down; 3 x 3 patches are averaged to one token, row by row. The frames of a clip
    are processed in the same way, with a smaller budget and the time before each.
    """

    name = "gemma4"
    model_types = ("gemma4",)
    checkpoints = (
        "google/gemma-4-E2B-it",
        "google/gemma-4-E4B-it",
        "google/gemma-4-26B-A4B-it",
        "google/gemma-4-31B-it",
    )
    scaling = (
        "resolution: the budget of tokens grows with the scale squared, up to the 1120 that the "
        "model knows, and the picture is resized to what it allows"
    )
    coverage = "every pixel is seen, and none twice"
    default_marker = "<|image|>"
    clip_marker = "<|video|>"
    clip_token_field = "video_token_id"
    plain_format = "<|turn>user\n{marker}{prompt}<turn|>\n<|turn>model\n"
    box_format = BoxFormat("relative-1000-yx", ("json-box_2d",))

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        config: Any = model.config
        expect_patches(config.vision_config, processor.image_processor)
        self._merge = config.vision_config.pooling_kernel_size
        self._cell = config.vision_config.patch_size * self._merge
        # If late layers share keys and values, `logits_to_keep=1` makes a model skip all positions
        # but the last in these layers, so that their states are missing. A slice avoids this.
        shares = bool(config.text_config.num_kv_shared_layers)
        self._flags = {"logits_to_keep": slice(-1, None)} if shares else {}

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        Raises:
            GeometryError: if the image processor's patches do not match its settings.
        """
        budget = self.processor.image_processor.max_soft_tokens
        processed, (width, height) = self._patches([image], budget, scale)
        return VisualInputs(
            tensors={
                "pixel_values": processed["pixel_values"],
                "image_position_ids": processed["image_position_ids"],
                **self._flags,
            },
            placeholder=self._image_text(self.image_token_id, width * height),
            geometries=(Geometry.of_equal_cells(image.size, height, width),),
            size=(width * self._cell, height * self._cell),
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        budget = self.processor.image_processor.max_soft_tokens
        tokens = budget_at(budget, scale)
        width, height = token_grid_size(size, tokens, self._cell, self._merge)
        return width * self._cell, height * self._cell

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `Family.tensors_of_row`; the positions tell the tokens of each picture or frame."""
        found: dict[str, Any] = {}
        for pixels, positions, token in (
            ("pixel_values", "image_position_ids", self.image_token_id),
            ("pixel_values_videos", "video_position_ids", self.clip_token_id),
        ):
            if not {pixels, positions} <= set(tensors):
                continue
            flat = {name: tensors[name].flatten(0, -3) for name in (pixels, positions)}
            patches = (flat[positions] >= 0).all(-1).sum(-1).tolist()
            tokens = [count // self._merge**2 for count in patches]
            entries = entries_of_row(tokens, tokens_in_rows(ids, token), row)
            found |= sliced(flat, (pixels, positions), entries)
        return found

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Prepare a clip; at scale 1 exactly as the model's own video processor does.

        Raises:
            GeometryError: if the image processor's patches do not match its settings.
        """
        processed, (width, height) = self._patches(list(clip.frames), FRAME_BUDGET, scale)
        frame = self._image_text(self.clip_token_id, width * height)
        times = [minutes_and_seconds(second) for second in clip.seconds]
        return VisualInputs(
            tensors={
                "pixel_values_videos": processed["pixel_values"],
                "video_position_ids": processed["image_position_ids"],
                "num_frames_per_video": torch.tensor([len(clip)]),
                **self._flags,
            },
            placeholder=" ".join(f"{time} {frame}" for time in times),
            geometries=(Geometry.of_equal_cells(clip.size, height, width),) * len(clip),
            size=(width * self._cell, height * self._cell),
            frames=single_frames(clip),
            notes=(RESIZED_BY_IMAGE_PROCESSOR,),
        )

    @in_eval_mode
    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        model: Any = self.model.base_model
        encode = model.get_video_features if visual.is_clip else model.get_image_features
        tensors = {name: value for name, value in visual.tensors.items() if name not in self._flags}
        return torch.cat(list(encode(**on_device(tensors, model)).pooler_output))

    def _image_text(self, token: int, count: int) -> str:
        """The text of one picture or frame."""
        tokens = self.processor.tokenizer
        start = getattr(tokens, "boi_token", "<|image>")
        end = getattr(tokens, "eoi_token", "<image|>")
        return start + tokens.convert_ids_to_tokens(token) * count + end

    def _patches(
        self, images: Sequence[Image], native_budget: int, scale: float
    ) -> tuple[Any, tuple[int, int]]:
        """The image processor's output for pictures of one size, and their grid's width and height.

        Args:
            images: pictures of one size.
            native_budget: tokens at scale 1.
            scale: of a side; the budget grows with its square.

        Raises:
            GeometryError: if the image processor's patches do not match its settings.
        """
        processor, size = self.processor.image_processor, images[0].size
        tokens = budget_at(native_budget, scale)
        width, height = token_grid_size(size, tokens, self._cell, self._merge)
        # The processor supports only some budgets, and pads up to them.
        budget = native_budget
        if scale != 1:
            budget = next(number for number in BUDGETS if number >= tokens)
            target = (width * self._cell, height * self._cell)
            images = [image.resize(target, processor.resample) for image in images]
        processed = processor(
            list(images), return_tensors="pt", do_resize=scale == 1, max_soft_tokens=budget
        )
        counts = [int(count) for count in processed["num_soft_tokens_per_image"]]
        shape = tuple(processed["pixel_values"].shape)
        expected = (len(images), budget * self._merge**2, 3 * (self._cell // self._merge) ** 2)
        if shape != expected or any(count != width * height for count in counts):
            raise GeometryError(
                f"Expected {width} x {height} tokens in pixels of shape {list(expected)} for an "
                f"image of {size[0]} x {size[1]}, got {counts} in {list(shape)} with a budget of "
                f"{budget} tokens: use the checkpoint's own processor."
            )
        return processed, (width, height)


def budget_at(native: int, scale: float) -> int:
    """Tokens of a picture at most, at a scale of its sides; at 1 the processor's own."""
    return native if scale == 1 else min(max(2, round(native * scale**2)), max(BUDGETS))


def token_grid_size(size: tuple[int, int], budget: int, cell: int, merge: int) -> tuple[int, int]:
    """Tokens in a row and in a column, by the image processor's own rule.

    Args:
        size: width and height of the picture.
        budget: tokens at most.
        cell: pixels under one token, on each side.
        merge: patches under one token, on each side.

    Example:
        >>> token_grid_size((640, 480), 280, 48, 3)
        (19, 14)
    """
    height, width = get_aspect_ratio_preserving_size(
        size[1], size[0], cell // merge, budget * merge**2, merge
    )
    return width // cell, height // cell


def expect_patches(vision: Any, processor: Any) -> None:
    """Check that model and image processor have the same patches.

    Raises:
        UnsupportedModelError: if the model has no vision tower, or its processor does not resize.
        GeometryError: if patches differ.
    """
    if vision is None or not processor.do_resize:
        raise UnsupportedModelError(
            "Expected a model with a vision tower and an image processor that resizes, got "
            f"vision_config = {vision}, do_resize = {processor.do_resize}: use a checkpoint that "
            "reads images, with its own processor."
        )
    patch, pool = vision.patch_size, vision.pooling_kernel_size
    if (patch, pool) != (processor.patch_size, processor.pooling_kernel_size):
        raise GeometryError(
            f"Expected a processor with patches of {patch} pixels, {pool} x {pool} "
            f"averaged, got {processor.patch_size} pixels and {processor.pooling_kernel_size}: "
            "load model and processor from one checkpoint."
        )
