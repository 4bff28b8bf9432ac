"""Pictures of Qwen2-VL: sides in whole cells, rotary positions of time, height and width."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seewhy.testbed.recipe.picture_recipe import (
    Layout,
    PictureRecipe,
    attend,
    normalised,
    raster,
    resized,
)

MERGE = 2
"""Patches along the side of a cell, the square of one visual token."""


class Qwen2VLPictures(PictureRecipe):
    """One grid of cells.

    Class attributes:
        patch: its side in pixels.
    """

    patch: ClassVar[int]
    opening: ClassVar = "<|im_start|>user\n<|vision_start|>"
    closing: ClassVar = "<|vision_end|>"
    image_token: ClassVar = "<|image_pad|>"

    def layout(self, width: int, height: int, scale: float) -> Layout:
        """One grid of whole cells."""
        rows, columns = self.grid_of(width, height, scale)
        return Layout(raster(0, 0, width, height, rows, columns), (rows, columns))

    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """Patches in blocks of `MERGE` x `MERGE`: `[batch, patch, 3 * patch**2]`, one frame."""
        _, height, width, _ = images.shape
        rows, columns = self.grid_of(width, height, scale)
        cell, patch = self.patch * MERGE, self.patch
        pixels = normalised(resized(images, rows * cell, columns * cell))
        blocks = pixels.view(len(images), 3, rows, MERGE, patch, columns, MERGE, patch)
        blocks = blocks.permute(0, 2, 5, 3, 6, 1, 4, 7)  # rows, columns, block, channel, pixels
        return blocks.reshape(len(images), rows * columns * MERGE**2, -1)

    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """`[batch, visual, hidden]`: `model.model.visual` for a batch of images in one pass."""
        tower: Any = model.model.visual
        rows, columns = layout.shape
        kernel = tower.patch_embed.proj
        # A picture is read as two equal frames: their kernels add up.
        weight = kernel.weight.sum(2).flatten(1)
        hidden = F.linear(pixels.to(weight.dtype), weight, kernel.bias)
        return encode(tower, hidden, rows, columns)

    def vision_modules(self, model: Any) -> list[nn.Module]:
        """The tower; it contains the merger."""
        return [model.model.visual]

    def position_ids(self, layout: Layout, first: int) -> tuple[np.ndarray, int]:
        """Time, height and width; the text continues after the longer side."""
        cells = np.arange(layout.visual)
        rows, columns = layout.shape
        time = np.full_like(cells, first)
        ids = np.stack([time, first + cells // columns, first + cells % columns])
        return ids, first + max(rows, columns)

    def language(self, model: Any, embeds: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Final states `[batch, token, hidden]`."""
        return model.model.language_model(
            inputs_embeds=embeds,
            attention_mask={"full_attention": mask},
            position_ids=positions.expand(3, -1, -1),
            use_cache=False,
        ).last_hidden_state

    def grid_of(self, width: int, height: int, scale: float) -> tuple[int, int]:
        """Rows and columns of visual tokens at a scale, rounded as in Qwen2-VL's processor."""
        cell = self.patch * MERGE
        return max(1, round(height * scale / cell)), max(1, round(width * scale / cell))


def encode(tower: Any, hidden: Tensor, rows: int, columns: int) -> Tensor:
    """Blocks and merger of a Qwen2-VL tower for a batch in one pass: `[batch, visual, hidden]`.

    Args:
        tower: transformers' own, of cells of `MERGE` x `MERGE` patches.
        hidden: embedded patches `[batch, patch, width]`, in blocks of a cell.
        rows, columns: of the cells.
    """
    batch, count, _ = hidden.shape
    positions = patch_positions(rows, columns).to(hidden.device)
    cos, sin = tower.rotary_pos_emb(hidden, positions)
    half = cos.shape[-1] // 2
    sin = torch.cat([-sin[..., :half], sin[..., half:]], -1)
    heads = tower.blocks[0].attn.num_heads

    def rotated(x: Tensor) -> Tensor:
        return x * cos.to(x.dtype) + x.roll(half, -1) * sin.to(x.dtype)

    for block in tower.blocks:
        mixed = block.attn.qkv(block.norm1(hidden)).view(batch, count, 3, heads, -1)
        query, key, value = (x.transpose(1, 2) for x in mixed.unbind(2))
        output = attend(rotated(query), rotated(key), value)
        hidden = hidden + block.attn.proj(output.transpose(1, 2).reshape(batch, count, -1))
        hidden = hidden + block.mlp(block.norm2(hidden))
    return tower.merger(hidden).view(batch, rows * columns, -1)


def patch_positions(rows: int, columns: int) -> Tensor:
    """int64 `[patch, 2]`: row and column of each patch, in blocks of `MERGE` x `MERGE`."""
    cells, inner = torch.arange(rows * columns), torch.arange(MERGE**2)
    down = (cells // columns)[:, None] * MERGE + (inner // MERGE)[None]
    across = (cells % columns)[:, None] * MERGE + (inner % MERGE)[None]
    return torch.stack([down.flatten(), across.flatten()], -1)
