"""PaliGemma 1 and 2: a square, one token for each patch, bidirectional attention in the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry
from seewhy.models.encoder_outputs import (
    pixels_or_features,
    pixels_or_outputs,
    square_features,
)
from seewhy.models.families.llava import set_sizes
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.isolation import in_eval_mode

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts


class PaliGemma(Family):
    """PaliGemma in transformers' own class (`PaliGemmaForConditionalGeneration`).

    The image processor squashes the picture to a square, every patch of which is one token. It is
    a prefix language model: attention is bidirectional in image and prompt, and causal only in the
    answer. So the states of visual tokens depend on the prompt.
    """

    name = "paligemma"
    model_types = ("paligemma",)
    checkpoints = (
        *(f"google/paligemma-3b-pt-{side}" for side in (224, 448, 896)),
        *(f"google/paligemma-3b-mix-{side}" for side in (224, 448)),
        *(f"google/paligemma2-{n}b-pt-{side}" for n in (3, 10, 28) for side in (224, 448, 896)),
        *(f"google/paligemma2-{n}b-mix-{side}" for n in (3, 10, 28) for side in (224, 448)),
    )
    scaling = (
        "interpolated positions: the square is resized to scale times its side, rounded to whole "
        "patches, and the vision tower interpolates its position embeddings to it"
    )
    coverage = "every pixel is seen, none twice"
    default_marker = "<image>"
    needs_template = False
    plain_format = "{marker}<bos>{prompt}\n"
    causal_prompt = False
    box_format = BoxFormat("relative-1024-yx", ("loc",))

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_square(processor.image_processor)
        config: Any = model.config
        self._patch, self._native = (
            int(length)
            for length in (config.vision_config.patch_size, config.vision_config.image_size)
        )
        # As in transformers' own processor: the only <bos> is after the image, in the format above.
        # A tokenizer loaded without the processor would add another at the start.
        tokenizer: Any = processor.tokenizer
        tokenizer.add_bos_token = tokenizer.add_eos_token = False

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        At a size that is not the tower's own, the features are computed here and passed as
        `mm_encoder_outputs`, which both `forward` and `generate` take: neither passes
        `interpolate_pos_encoding` to the vision tower (transformers 5.23).

        Raises:
            GeometryError: if the image processor's output has not the vision tower's size.
        """
        processor, side = self.processor.image_processor, self._side(scale)
        size = set_sizes(processor.size)
        if scale != 1:
            size = dict.fromkeys(size, side * self._patch)
        pixels = processor(image, return_tensors="pt", size=size)["pixel_values"]
        expected = (1, 3, side * self._patch, side * self._patch)
        if tuple(pixels.shape) != expected:
            raise GeometryError(
                f"Expected pixels of shape {list(expected)} for the vision tower from an image of "
                f"{image.width} x {image.height}, got {list(pixels.shape)} with size = {size}: "
                "load model and processor from one checkpoint."
            )
        return VisualInputs(
            tensors=pixels_or_outputs(pixels, self._native, self._projected),
            placeholder=self.default_marker * side**2,
            geometries=(Geometry.of_equal_cells(image.size, side, side),),
            size=(side * self._patch, side * self._patch),
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        side = self._side(scale) * self._patch
        return side, side

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected patches, as they enter the language model."""
        return square_features(self.model, visual).flatten(0, 1)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """Squares of one size, one after the other; features if one picture has no pixels."""
        return pixels_or_features(rows, self.visual_features)

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """0 in image and prompt, with bidirectional attention; 1 in the answer, which is causal."""
        types = torch.zeros_like(ids)
        types[:, prompt:] = 1
        return {"token_type_ids": types}

    def _side(self, scale: float) -> int:
        """Tokens on the square's side at a scale."""
        return max(1, round(self._native // self._patch * scale))

    @in_eval_mode
    def _projected(self, pixels: Tensor) -> Tensor:
        """Float `[square, token, hidden]`: the projected patches of a square of another size."""
        model: Any = self.model
        tensors = on_device({"pixel_values": pixels}, model)
        return model.get_image_features(**tensors, interpolate_pos_encoding=True).pooler_output


def expect_square(processor: Any) -> None:
    """Check that the image processor squashes every picture to one square.

    Raises:
        UnsupportedModelError: if it does not resize, crops, or resizes to something else.
    """
    size, crops = set_sizes(processor.size), bool(getattr(processor, "do_center_crop", False))
    if not processor.do_resize or crops or set(size) != {"height", "width"}:
        raise UnsupportedModelError(
            "Expected an image processor that resizes to a height and a width, got do_resize = "
            f"{processor.do_resize}, size = {size}, do_center_crop = {crops}: use the checkpoint's "
            "own processor."
        )
