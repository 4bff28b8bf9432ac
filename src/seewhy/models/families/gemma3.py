"""Gemma 3: the picture squashed to a square, and its crops where it pans and scans."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.families.idefics3 import cell_edges, tile_order, tiled
from seewhy.models.family import Family, VisualInputs, concatenate, on_device

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts

#: What Gemma 3's processor asks for where the image processor's settings are left open.
OPEN = {
    "do_convert_rgb": True,
    "do_pan_and_scan": False,
    "pan_and_scan_min_crop_size": 256,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
}


class Gemma3(Family):
    """Gemma 3 in transformers' own class (`Gemma3ForConditionalGeneration`).

    The picture is squashed to a square, and 4 x 4 patches are averaged to one token. With pan and
    scan (off unless the image processor says so) an elongated picture is cut into crops along its
    longer side, the last of which may be smaller; they follow the whole picture, with words in
    between. Attention is bidirectional among the tokens of one square.
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
    unseen = (
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

    @property
    def image_token_id(self) -> int:
        """The id of `<image_soft_token>`."""
        return self.model.config.image_token_id

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does.

        At a size that is not the tower's own, the features are computed here and handed on as
        `mm_encoder_outputs`, which both `forward` and `generate` take.

        Raises:
            GeometryError: if the image processor's squares are not those that its settings say.
        """
        processor = self.processor.image_processor
        side = self._native // self._cell if scale == 1 else self._side(scale)
        square, settings = side * self._cell, pan_and_scan(processor)
        made = processor(
            image, return_tensors="pt", size={"height": square, "width": square}, **settings
        )
        crops, pixels = int(made["num_crops"][0]), made["pixel_values"]
        if tuple(pixels.shape) != (1 + crops, 3, square, square):
            raise GeometryError(
                f"Expected {1 + crops} squares of {square} pixels for an image of {image.width} x "
                f"{image.height} in {crops} crops, got pixels of shape {list(pixels.shape)} from "
                f"{settings}: use the checkpoint's own processor."
            )
        columns, rows = (max(1, crops), 1) if image.width >= image.height else (1, max(1, crops))
        tokens = self.processor.tokenizer
        return VisualInputs(
            tensors=self._tensors(pixels),
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

    def visual_features(self, seen: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        return features_of(self, seen).flatten(0, 1)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """Squares of one size, one after the other; features if there are some."""
        seen = [one for row in rows for one in row]
        if all("pixel_values" in one.tensors for one in seen):
            return concatenate([one.tensors for one in seen])
        # One square of all tokens: pictures at different scales have different numbers.
        features = [features_of(self, one).flatten(0, 1) for one in seen]
        return encoder_outputs(torch.cat(features)[None])

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """1 where an image token stands: attention is bidirectional within a run of them."""
        return {"token_type_ids": (ids == self.image_token_id).long()}

    def _side(self, scale: float) -> int:
        """Tokens on a square's side at a scale."""
        return max(1, round(self._native / self._cell * scale))

    def _tensors(self, pixels: Tensor) -> dict[str, Any]:
        if pixels.shape[-1] == self._native:
            return {"pixel_values": pixels}
        return encoder_outputs(self._look(pixels))

    @torch.no_grad()
    def _look(self, pixels: Tensor) -> Tensor:
        """Float `[square, token, hidden]`: what tower and projector make of any size.

        The projector's own forward lays the patches out on the native grid, whatever came in.
        """
        model: Any = self.model.base_model
        patches = model.vision_tower(
            **on_device({"pixel_values": pixels}, model), interpolate_pos_encoding=True
        ).last_hidden_state
        project, side = model.multi_modal_projector, int(patches.shape[1] ** 0.5)
        pooled = project.avg_pool(patches.transpose(1, 2).unflatten(2, (side, side)))
        normed = project.mm_soft_emb_norm(pooled.flatten(2).transpose(1, 2))
        return (normed @ project.mm_input_projection_weight).type_as(patches)


@torch.no_grad()
def features_of(family: Family, seen: VisualInputs) -> Tensor:
    """Float `[square, token, hidden]`: the projected tokens of a picture's squares."""
    if "pixel_values" not in seen.tensors:
        outputs: Any = seen.tensors["mm_encoder_outputs"]
        return outputs["image"].pooler_output
    model: Any = family.model
    return model.get_image_features(**on_device(seen.tensors, model)).pooler_output


def encoder_outputs(features: Tensor) -> dict[str, Any]:
    """Features `[square, token, hidden]`, as `forward` and `generate` take them."""
    outputs = BaseModelOutputWithPooling(pooler_output=features)  # pyright: ignore
    return {"mm_encoder_outputs": {"image": outputs}}


def placeholder(crops: int, *, start: str, image: str, end: str) -> str:
    """The text of one picture: the whole, and its crops if there are some.

    Args:
        crops: how many.
        start, image, end: what stands before a square, its image tokens, and what stands after.
    """
    square = f"\n\n{start}{image}{end}\n\n"
    if not crops:
        return square
    several = " ".join([square] * crops)
    return (
        f"Here is the original image {square} and here are some crops to help you see better "
        f"{several}"
    )


def grids(
    size: tuple[int, int], columns: int, rows: int, side: int, *, crops: bool
) -> tuple[TokenGrid, ...]:
    """The whole picture and, behind it on the visual axis, the raster of its crops.

    Args:
        size: width and height of the picture.
        columns, rows: of crops.
        side: tokens on a square's side.
        crops: whether there are any.
    """
    whole = tiled(size, 1, 1, side)
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
    """Edges of crops of whole pixels, rounded up, so that the last may be smaller.

    Example:
        >>> crop_edges(10, 3)
        tensor([ 0.,  4.,  8., 10.], dtype=torch.float64)
    """
    step = ceil(length / crops)
    return torch.tensor([min(step * n, length) for n in range(crops + 1)], dtype=torch.float64)


def pan_and_scan(processor: Any) -> dict[str, Any]:
    """The image processor's settings for crops, Gemma 3's own where it leaves them open."""
    stated = {name: getattr(processor, name, None) for name in OPEN}
    return {name: OPEN[name] if value is None else value for name, value in stated.items()}


def expect_square(processor: Any, side: int) -> None:
    """Check that the image processor squashes every picture to the tower's square.

    Raises:
        UnsupportedModelError: if it does not.
    """
    size = {name: length for name, length in dict(processor.size).items() if length is not None}
    if not processor.do_resize or size != {"height": side, "width": side}:
        raise UnsupportedModelError(
            f"Expected an image processor that resizes to the tower's {side} x {side} pixels, got "
            f"do_resize = {processor.do_resize}, size = {size}: use the checkpoint's own "
            "processor."
        )
