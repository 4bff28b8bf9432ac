"""Pictures of InternVL: tiles, then a thumbnail of the whole picture."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seewhy.models.families.internvl import nearest_tiles, tiling
from seewhy.testbed.recipe.picture_recipe import (
    Layout,
    PictureRecipe,
    normalised,
    raster,
    resized,
)


class InternVLPictures(PictureRecipe):
    """Tiles whose patches are put together by fours, with one thumbnail if there are several.

    Class attributes:
        tile, patch: sides in pixels.
        most_tiles: of a picture.
    """

    tile: ClassVar[int]
    patch: ClassVar[int]
    most_tiles: ClassVar[int]
    opening: ClassVar = "<|im_start|>user\n<img>"
    closing: ClassVar = "</img>\n"
    image_token: ClassVar = "<IMG_CONTEXT>"

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """The tiles, each row by row, then the thumbnail."""
        columns, rows = self.tiles_at(width, height, scale)
        cells = self.tile // self.patch // 2
        boxes = [
            raster(
                column * width / columns,
                row * height / rows,
                (column + 1) * width / columns,
                (row + 1) * height / rows,
                cells,
                cells,
            )
            for row in range(rows)
            for column in range(columns)
        ]
        if rows * columns > 1:
            boxes.append(raster(0, 0, width, height, cells, cells))
        return Layout(torch.cat([torch.from_numpy(b) for b in boxes]).numpy(), (rows, columns))

    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """`[batch, tile, 3, side, side]`."""
        batch, height, width, _ = images.shape
        columns, rows = self.tiles_at(width, height, scale)
        canvas = resized(images, rows * self.tile, columns * self.tile)
        tiles = canvas.view(batch, 3, rows, self.tile, columns, self.tile).permute(0, 2, 4, 1, 3, 5)
        tiles = tiles.reshape(batch, rows * columns, 3, self.tile, self.tile)
        if rows * columns > 1:
            tiles = torch.cat([tiles, resized(images, self.tile, self.tile)[:, None]], 1)
        return normalised(tiles)

    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """`[batch, visual, hidden]`; each tile is processed separately."""
        features = model.get_image_features(pixels.flatten(0, 1)).pooler_output
        return features.reshape(len(pixels), layout.visual, -1)

    def vision_modules(self, model: Any) -> list[nn.Module]:
        """Tower and projector."""
        return [model.model.vision_tower, model.model.multi_modal_projector]

    def language(self, model: Any, embeds: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Final states `[batch, token, hidden]`."""
        return model.model.language_model(
            inputs_embeds=embeds,
            attention_mask={"full_attention": mask},
            position_ids=positions[0],
            use_cache=False,
        ).last_hidden_state

    def tiles_at(self, width: int, height: int, scale: float) -> tuple[int, int]:
        """Columns and rows of tiles: the processor's rule, with the family's scaling."""
        size = {"height": self.tile, "width": self.tile}
        columns, rows = tiling(height, width, size, 1, self.most_tiles)
        if scale == 1:
            return columns, rows
        tiles = nearest_tiles(height, width, size, columns * scale, rows * scale)
        return tiling(height, width, size, tiles, tiles)
