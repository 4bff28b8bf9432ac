"""Pictures of LLaVA-1.5: padded to a square, with fixed position embeddings and a CLIP tower."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from seewhy.testbed.recipe.picture_recipe import (
    MEAN,
    Layout,
    PictureRecipe,
    normalised,
    raster,
    resized,
)


class LlavaPictures(PictureRecipe):
    """A square of patches.

    Released LLaVA-1.5 pads in the same way in training; the image processor of its `-hf` versions
    crops. At other scales the position embeddings are interpolated, as in the family's class.

    Class attributes:
        side, patch: of the tower's input and of a patch, pixels.
    """

    side: ClassVar[int]
    patch: ClassVar[int]
    opening: ClassVar = "<|im_start|>user\n"
    closing: ClassVar = "\n"
    image_token: ClassVar = "<image>"

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """A square grid over the padded square."""
        cells, long = self.side_at(scale) // self.patch, max(width, height)
        left, top = -((long - width) // 2), -((long - height) // 2)
        return Layout(raster(left, top, left + long, top + long, cells, cells), (cells, cells))

    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """Pad to a square with the mean colour, then resize: `[batch, 3, side, side]`."""
        batch, height, width, _ = images.shape
        long = max(height, width)
        top, left = (long - height) // 2, (long - width) // 2
        square = images.new_full((batch, long, long, 3), int(255 * MEAN[0]))
        square[:, top : top + height, left : left + width] = images
        return normalised(resized(square, self.side_at(scale), self.side_at(scale)))

    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """`[batch, visual, hidden]`."""
        tower = model.model.vision_tower
        states = tower.embeddings(pixels, interpolate_pos_encoding=pixels.shape[-1] != self.side)
        states = tower.encoder(inputs_embeds=tower.pre_layrnorm(states)).last_hidden_state
        return model.model.multi_modal_projector(states[:, 1:])

    def vision_modules(self, model: Any) -> list[nn.Module]:
        """Tower and projector."""
        return [model.model.vision_tower, model.model.multi_modal_projector]

    def side_at(self, scale: float) -> int:
        """Side in pixels of the tower's input at a scale, in whole patches."""
        return max(1, int(np.round(self.side * scale / self.patch))) * self.patch
