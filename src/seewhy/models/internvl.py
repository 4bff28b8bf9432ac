"""InternVL 2.5 and 3: tiles of a resized canvas, then a thumbnail of the whole."""

from __future__ import annotations

from math import ceil, floor, log
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

from seewhy.core.errors import GeometryError
from seewhy.core.geometry import Geometry, Layer, pixel_edges
from seewhy.models.base import Family, Seen, on_device

if TYPE_CHECKING:
    from PIL.Image import Image


class InternVL(Family):
    """InternVL in transformers' own class (`InternVLForConditionalGeneration`).

    The image processor stretches the picture to a canvas of whole tiles, row by row, and adds the
    whole picture as a last tile (the thumbnail) where there is more than one. Within a tile the
    pixel shuffle joins 2 x 2 patches to one token and keeps the rows' order. So a picture of many
    tiles is seen twice: by one raster across all tiles, and by the thumbnail's.
    """

    name = "internvl"
    model_types = ("internvl",)
    checkpoints = (
        "OpenGVLab/InternVL2_5-2B-MPO-hf",
        "OpenGVLab/InternVL2_5-8B-MPO-hf",
        *(f"OpenGVLab/InternVL3-{n}B-hf" for n in (1, 2, 8, 9, 14, 38, 78)),
    )
    scaling = (
        "tiles: another tiling, whose canvas comes nearest to scale times the base canvas on each "
        "side (beyond max_patches if need be); a picture of one tile keeps it, the tile is resized "
        "to scale times its side, and the vision tower interpolates its position embeddings"
    )
    unseen = (
        "every pixel is seen; a picture of several tiles is seen twice, by its tiles and by the "
        "thumbnail, which are fused"
    )
    default_marker = "<IMG_CONTEXT>"
    plain_format = "<|im_start|>user\n{marker}\n{prompt}<|im_end|>\n<|im_start|>assistant\n"

    @property
    def image_token_id(self) -> int:
        """The id of `<IMG_CONTEXT>`."""
        return self.model.config.image_token_id

    def see(self, image: Image, scale: float = 1.0) -> Seen:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does.

        Raises:
            GeometryError: if the image processor's tiles are not those that its settings say.
        """
        settings = self._settings(image.height, image.width, scale)
        # The checkpoints' image processors say False; their processors always say True.
        pixels = self.processor.image_processor(
            image, return_tensors="pt", crop_to_patches=True, **settings
        )["pixel_values"]
        columns, rows = tiling(image.height, image.width, **settings)
        tile, tiles = settings["size"]["height"], rows * columns
        expected = (tiles + (tiles > 1), 3, tile, tile)
        if tuple(pixels.shape) != expected or tile % self._cell:
            raise GeometryError(
                f"Expected {expected[0]} square tiles, their side a multiple of {self._cell} "
                f"pixels, for an image of {image.width} x {image.height} in {columns} x {rows} "
                f"tiles, got pixels of shape {list(pixels.shape)} from {settings}: use the "
                "checkpoint's own processor."
            )
        side = tile // self._cell
        count = expected[0] * side**2
        tokens, token = self.processor.tokenizer, self.image_token_id
        start = getattr(tokens, "start_image_token", "<img>")
        end = getattr(tokens, "end_image_token", "</img>")
        return Seen(
            tensors={"pixel_values": pixels},
            placeholder=start + tokens.convert_ids_to_tokens(token) * count + end,
            geometries=(
                Geometry(image.size, layers(image.width, image.height, columns, rows, side)),
            ),
            size=(columns * tile, rows * tile),
        )

    @torch.no_grad()
    def embed(self, seen: Seen) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        model: Any = self.model
        return model.get_image_features(**on_device(seen.tensors, model)).pooler_output.flatten(
            0, 1
        )

    @property
    def _cell(self) -> int:
        """Pixels of a tile under one token, on each side."""
        config: Any = self.model.config
        return round(config.vision_config.patch_size[0] / config.downsample_ratio)

    def _settings(self, height: int, width: int, scale: float) -> dict[str, Any]:
        """The image processor's tile size and tile counts at a scale."""
        processor = self.processor.image_processor
        own = {
            "size": {"height": processor.size["height"], "width": processor.size["width"]},
            "min_patches": processor.min_patches,
            "max_patches": processor.max_patches,
        }
        if scale == 1:
            return own
        columns, rows = tiling(height, width, **own)
        if columns * rows == 1:
            tile = max(1, round(own["size"]["height"] * scale / self._cell)) * self._cell
            return {"size": {"height": tile, "width": tile}, "min_patches": 1, "max_patches": 1}

        def misfit(tiles: int) -> float:
            across, down = tiling(height, width, own["size"], tiles, tiles)
            return abs(log(across / (columns * scale))) + abs(log(down / (rows * scale)))

        tiles = min(sorted(near(columns * scale, rows * scale)), key=misfit)
        return {"size": own["size"], "min_patches": tiles, "max_patches": tiles}


def tiling(
    height: int, width: int, size: dict[str, int], min_patches: int, max_patches: int
) -> tuple[int, int]:
    """Columns and rows of tiles for a picture, by the image processor's own rule."""
    tile = (size["height"], size["width"])
    return get_optimal_tiled_canvas((height, width), tile, min_patches, max_patches)


def near(columns: float, rows: float) -> set[int]:
    """How many tiles the grids around `columns` x `rows` have.

    Example:
        >>> sorted(near(1.5, 0.5))
        [1, 2]
    """
    across, down = ({max(1, floor(n)), ceil(n)} for n in (columns, rows))
    return {a * d for a in across for d in down}


def layers(width: int, height: int, columns: int, rows: int, side: int) -> tuple[Layer, ...]:
    """The raster of all tiles and, behind it on the visual axis, the thumbnail's.

    Args:
        width, height: of the original picture in pixels; canvas and thumbnail stretch it whole.
        columns, rows: of tiles; one tile alone has no thumbnail.
        side: tokens on a tile's side.
    """
    tiles = rows * columns
    if tiles == 1:
        return (Layer.over((0, 0, width, height), side, side),)
    in_input = torch.arange(tiles * side**2).view(rows, columns, side, side)
    raster = Layer(
        index=in_input.transpose(1, 2).reshape(rows * side, columns * side),
        rows=pixel_edges(height, rows * side),
        columns=pixel_edges(width, columns * side),
        name="tiles",
    )
    thumbnail = Layer.over(
        (0, 0, width, height), side, side, first=tiles * side**2, name="thumbnail"
    )
    return raster, thumbnail
