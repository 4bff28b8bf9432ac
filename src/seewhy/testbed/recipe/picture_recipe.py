"""How a family reads pictures: pixels, boxes of tokens, and a quick way through the tower."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface

MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Of the pixels, for every model."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The boxes of visual tokens on a canvas, in the language model's order.

    Attributes:
        boxes: float64 `[visual, 4]`: left, top, right, bottom in the canvas' pixels; they reach
            beyond it where the model's processor pads.
        shape: rows and columns of the token grid, or of the tiles.
    """

    boxes: np.ndarray
    shape: tuple[int, int]

    @property
    def visual(self) -> int:
        """Number of visual tokens."""
        return len(self.boxes)


class PictureRecipe(ABC):
    """What training needs to know of a family's pictures.

    Class attributes:
        opening, closing: the text before and after an image's tokens, in the user's turn.
        image_token: the placeholder of a visual token.
        turn: between a question and its answer.
        end: of a turn.
    """

    opening: ClassVar[str]
    closing: ClassVar[str]
    image_token: ClassVar[str]
    turn: ClassVar[str] = "<|im_end|>\n<|im_start|>assistant\n"
    end: ClassVar[str] = "<|im_end|>"

    @abstractmethod
    def layout(self, width: int, height: int, scale: float) -> Layout:
        """The boxes of the visual tokens of a canvas at a scale."""

    @abstractmethod
    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """The output of the family's image processor for images of one size.

        Args:
            images: uint8 `[batch, height, width, 3]`.

        Returns:
            float32 `[batch, ...]`, as `process_image` takes it.
        """

    @abstractmethod
    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """Float `[batch, visual, hidden]`: output of vision tower and projector."""

    @abstractmethod
    def vision_modules(self, model: Any) -> list[nn.Module]:
        """The vision tower, and the projector if it is a separate module."""

    def position_ids(self, layout: Layout, first: int) -> tuple[np.ndarray, int]:
        """Position ids `[axes, visual]` of an image's tokens, and the id of the next token."""
        return first + np.arange(layout.visual)[None], first + layout.visual

    def language(self, model: Any, embeds: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Final states `[batch, token, hidden]` under a mask `[batch, 1, token, token]`."""
        return model.model.language_model(
            inputs_embeds=embeds, attention_mask=mask, position_ids=positions[0], use_cache=False
        ).last_hidden_state


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention in float32, also under autocast: the CPU kernels for bfloat16 are slower."""
    with torch.autocast(query.device.type, enabled=False):
        output = F.scaled_dot_product_attention(query.float(), key.float(), value.float(), mask)
    return output.to(query.dtype)


def _attention(module: nn.Module, query, key, value, attention_mask, **_) -> tuple[Tensor, None]:
    """`attend` with the signature that transformers calls."""
    groups = query.shape[1] // key.shape[1]
    key, value = (x.repeat_interleave(groups, 1) for x in (key, value))
    return attend(query, key, value, attention_mask).transpose(1, 2).contiguous(), None


AttentionInterface.register("float32_sdpa", _attention)


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Resize as Pillow: bicubic, antialiased, rounded to 8 bit; float32 `[batch, 3, h, w]`.

    Args:
        images: uint8 `[batch, height, width, 3]`.
    """
    pixels = images.permute(0, 3, 1, 2).float()
    if pixels.shape[-2:] != (height, width):
        pixels = F.interpolate(
            pixels, (height, width), mode="bicubic", antialias=True, align_corners=False
        )
        pixels = pixels.round().clamp(0, 255)
    return pixels


def normalised(pixels: Tensor) -> Tensor:
    """Pixels of 0 .. 255, normalised by `MEAN` and `STD`."""
    return (pixels / 255 - MEAN[0]) / STD[0]


def raster(
    left: float, top: float, right: float, bottom: float, rows: int, columns: int
) -> np.ndarray:
    """Boxes float64 `[rows * columns, 4]` of equal cells that fill a rectangle, row by row."""
    across = np.linspace(left, right, columns + 1)
    down = np.linspace(top, bottom, rows + 1)
    row, column = (axis.reshape(-1) for axis in np.indices((rows, columns)))
    return np.stack([across[column], down[row], across[column + 1], down[row + 1]], 1)
