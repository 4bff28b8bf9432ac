"""Gemma 3: the picture squashed to a square, and with pan and scan also its crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.encoder_outputs import (
    pixels_or_features,
    pixels_or_outputs,
    square_features,
)
from seewhy.models.families.idefics3 import cell_edges, tile_order, tiled_grid
from seewhy.models.families.llava import set_sizes
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.isolation import in_eval_mode

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts

#: Gemma 3's defaults for settings that the image processor does not set.
PAN_AND_SCAN_DEFAULTS = {
    "do_convert_rgb": True,
    "do_pan_and_scan": False,
    "pan_and_scan_min_crop_size": 256,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
}


class Gemma3(Family):
    """Gemma 3 in transformers' own class (`Gemma3ForConditionalGeneration`).

    The picture is squashed to a square, and 4 x 4 patches are averaged to one token. With pan and
    scan (off by default) an elongated picture is cut into crops along its longer side, the last of
    which may be smaller; they follow the whole picture, with words in between. Attention is
    bidirectional among the tokens of one square.
    """

    name = "gemma3"
    model_types = ("gemma3",)
    checkpoints = (
        "google/gemma-3-4b-it",
        "google/gemma-3-12b-it",
        "google/gemma-3-27b-it",
        "google/medgemma-4b-it",
    )
    scaling = (
        "interpolated positions: the whole picture (and each crop) is resized to scale times the "
        "tower's side, rounded to whole tokens, the tower interpolates its position embeddings, "
        "and the same patches are averaged; so the number of tokens grows with the scale squared"
    )
    coverage = (
        "every pixel is seen; a picture that is panned and scanned is seen twice, as a whole and "
        "by its crops, which are fused"
    )
    default_marker = "<start_of_image>"
    plain_format = "<start_of_turn>user\n{marker}{prompt}<end_of_turn>\n<start_of_turn>model\n"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        config: Any = model.config
        self._native, patch = config.vision_config.image_size, config.vision_config.patch_size
        tokens = int(config.mm_tokens_per_image**0.5)
        self._cell = self._native // patch // tokens * patch
        expect_square(processor.image_processor, self._native)
        if config.vision_config.model_type != "siglip_vision_model" or (
            tokens**2 != config.mm_tokens_per_image or self._cell * tokens != self._native
        ):
            raise UnsupportedModelError(
                "Expected a SigLIP tower whose patches are averaged to a square of "
                f"{config.mm_tokens_per_image} tokens without rest, got a "
                f"{config.vision_config.model_type!r} for {self._native} pixels in patches of "
                f"{patch}: no family of seewhy supports it, choose another model."
            )

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        At a size that is not the tower's own, the features are computed here and passed as
        `mm_encoder_outputs`, which both `forward` and `generate` take.

        Raises:
            GeometryError: if the image processor's squares do not match its settings.
        """
        side = self._native // self._cell if scale == 1 else self._side(scale)
        square = side * self._cell
        pixels, crops = self._squares(image, square)
        columns, rows = (max(1, crops), 1) if image.width >= image.height else (1, max(1, crops))
        tokens = self.processor.tokenizer
        return VisualInputs(
            tensors=pixels_or_outputs(pixels, self._native, self._projected),
            placeholder=placeholder(
                crops,
                start=getattr(tokens, "boi_token", "<start_of_image>"),
                image=tokens.convert_ids_to_tokens(self.image_token_id) * side**2,
                end=getattr(tokens, "eoi_token", "<end_of_image>"),
            ),
            geometries=(
                Geometry(image.size, grids(image.size, columns, rows, side, crops=crops > 0)),
            ),
            size=(columns * square, rows * square),
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        side = self._native // self._cell if scale == 1 else self._side(scale)
        crops = max(1, number_of_crops(size, pan_and_scan(self.processor.image_processor)))
        across, down = (crops, 1) if size[0] >= size[1] else (1, crops)
        return across * side * self._cell, down * side * self._cell

    def _squares(self, image: Image, square: int) -> tuple[Tensor, int]:
        """Float `[1 + crop, 3, square, square]`, the whole picture first; and the number of crops.

        Raises:
            GeometryError: if the image processor's squares do not match its settings.
        """
        processor = self.processor.image_processor
        settings = pan_and_scan(processor)
        processed = processor(
            image, return_tensors="pt", size={"height": square, "width": square}, **settings
        )
        crops, pixels = int(processed["num_crops"][0]), processed["pixel_values"]
        if tuple(pixels.shape) != (1 + crops, 3, square, square):
            raise GeometryError(
                f"Expected {1 + crops} squares of {square} pixels for an image of {image.width} x "
                f"{image.height} in {crops} crops, got pixels of shape {list(pixels.shape)} from "
                f"{settings}: use the checkpoint's own processor."
            )
        return pixels, crops

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        return square_features(self.model, visual).flatten(0, 1)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """Squares of one size, one after the other; features if one picture has no pixels."""
        return pixels_or_features(rows, self.visual_features)

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """1 at image tokens: attention is bidirectional within a run of them."""
        return {"token_type_ids": (ids == self.image_token_id).long()}

    def _side(self, scale: float) -> int:
        """Tokens on a square's side at a scale."""
        return max(1, round(self._native / self._cell * scale))

    @in_eval_mode
    def _projected(self, pixels: Tensor) -> Tensor:
        """Float `[square, token, hidden]`: the projected tokens of squares of any size.

        The projector's own forward pass supports only the native grid.
        """
        model: Any = self.model.base_model
        patches = model.vision_tower(
            **on_device({"pixel_values": pixels}, model), interpolate_pos_encoding=True
        ).last_hidden_state
        project, side = model.multi_modal_projector, int(patches.shape[1] ** 0.5)
        pooled = project.avg_pool(patches.transpose(1, 2).unflatten(2, (side, side)))
        normed = project.mm_soft_emb_norm(pooled.flatten(2).transpose(1, 2))
        return (normed @ project.mm_input_projection_weight).type_as(patches)


def placeholder(crops: int, *, start: str, image: str, end: str) -> str:
    """The text of one picture: the whole picture, then its crops if there are any.

    Args:
        crops: number of crops.
        start, image, end: the text before a square, its image tokens, and the text after it.
    """
    square = f"\n\n{start}{image}{end}\n\n"
    if not crops:
        return square
    crop_squares = " ".join([square] * crops)
    return (
        f"Here is the original image {square} and here are some crops to help you see better "
        f"{crop_squares}"
    )


def grids(
    size: tuple[int, int], columns: int, rows: int, side: int, *, crops: bool
) -> tuple[TokenGrid, ...]:
    """The token grid of the whole picture and, after it on the visual axis, that of its crops.

    Args:
        size: width and height of the picture.
        columns, rows: of crops.
        side: tokens on a square's side.
        crops: whether there are any.
    """
    whole = tiled_grid(size, 1, 1, side)
    if not crops:
        return (whole,)
    width, height = (
        crop_edges(length, count) for length, count in zip(size, (columns, rows), strict=True)
    )
    raster = TokenGrid(
        index=tile_order(rows, columns, side) + side**2,
        row_edges=cell_edges(height, side),
        column_edges=cell_edges(width, side),
        name="crops",
    )
    return whole, raster


def crop_edges(length: int, crops: int) -> Tensor:
    """Edges of crops: their size is rounded up to whole pixels, so the last may be smaller.

    Example:
        >>> crop_edges(10, 3)
        tensor([ 0.,  4.,  8., 10.], dtype=torch.float64)
    """
    step = ceil(length / crops)
    return torch.tensor([min(step * n, length) for n in range(crops + 1)], dtype=torch.float64)


def number_of_crops(size: tuple[int, int], settings: Mapping[str, Any]) -> int:
    """How many crops the image processor cuts out of a picture; 0 if it is not cut.

    Args:
        size: width and height of the picture.
        settings: as from `pan_and_scan`.

    Example:
        >>> number_of_crops((900, 300), PAN_AND_SCAN_DEFAULTS | {"do_pan_and_scan": True})
        3
    """
    long, short = max(size), min(size)
    least = settings["pan_and_scan_min_crop_size"]
    ratio = long / short
    if not settings["do_pan_and_scan"] or ratio < settings["pan_and_scan_min_ratio_to_activate"]:
        return 0
    fitting = max(2, min(int(ratio + 0.5), long // least))
    crops = min(settings["pan_and_scan_max_num_crops"], fitting)
    return 0 if min(ceil(long / crops), short) < least else crops


def pan_and_scan(processor: Any) -> dict[str, Any]:
    """The image processor's settings for crops, with Gemma 3's defaults."""
    values = {name: getattr(processor, name, None) for name in PAN_AND_SCAN_DEFAULTS}
    return PAN_AND_SCAN_DEFAULTS | {n: value for n, value in values.items() if value is not None}


def expect_square(processor: Any, side: int) -> None:
    """Check that the image processor squashes every picture to the tower's square.

    Raises:
        UnsupportedModelError: if it does not.
    """
    size = set_sizes(processor.size)
    if not processor.do_resize or size != {"height": side, "width": side}:
        raise UnsupportedModelError(
            f"Expected an image processor that resizes to the tower's {side} x {side} pixels, got "
            f"do_resize = {processor.do_resize}, size = {size}: use the checkpoint's own "
            "processor."
        )
