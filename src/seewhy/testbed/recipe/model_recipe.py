"""What training needs to know of a model: how to build and save it, its pixels and token layout."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, Qwen2Tokenizer

MODELS = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")
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


class ModelRecipe(ABC):
    """How a tiny model of a family's real classes is made: one file with one final class.

    Class attributes:
        name: of the model.
        special_tokens: of its vocabulary; the first is padding, the third ends a turn.
        chat_template: of its tokenizer.
        opening, closing: the text before and after an image's tokens, in the user's turn.
        image_token: the placeholder of a visual token.
        scales, scale_weights: image scales of the last stage and their probabilities.
    """

    name: ClassVar[str]
    special_tokens: ClassVar[tuple[str, ...]]
    chat_template: ClassVar[str]
    opening: ClassVar[str]
    closing: ClassVar[str]
    image_token: ClassVar[str]
    turn: ClassVar[str] = "<|im_end|>\n<|im_start|>assistant\n"
    end: ClassVar[str] = "<|im_end|>"
    scales: ClassVar[tuple[float, ...]]
    scale_weights: ClassVar[tuple[float, ...]]

    @abstractmethod
    def tokenizer(self, vocab: dict[str, int], merges: list[tuple[str, str]]) -> Any:
        """The family's tokenizer with a trained vocabulary."""

    @abstractmethod
    def build(self, tokenizer: Any, seed: int = 0) -> Any:
        """The model with fresh weights, tied head."""

    @abstractmethod
    def save(self, model: Any, tokenizer: Any, folder: Path) -> None:
        """Write an ordinary Hugging Face folder: config, bfloat16 weights, tokenizer, processor."""

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

    def prepare(self, model: Any) -> Any:
        """Choose attention kernels that are fast under autocast on CPUs."""
        for part in ("language_model", "vision_tower"):
            if hasattr(model.model, part):
                getattr(model.model, part).set_attn_implementation("float32_sdpa")
        return model


def recipe_for(name: str) -> ModelRecipe:
    """The recipe of a model.

    Args:
        name: one of `MODELS`.

    Raises:
        ValueError: if the name is unknown.
    """
    if name not in MODELS:
        raise ValueError(
            f"Expected one of {', '.join(MODELS)}, got {name!r}: choose one of these models."
        )
    module = importlib.import_module(f"seewhy.testbed.recipe.{name.replace('-', '_')}")
    return module.RECIPE


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


def language_settings(tokenizer: Any) -> dict[str, Any]:
    """Sizes of the language model, the same for every model."""
    return {
        "vocab_size": -(-len(tokenizer) // 32) * 32,
        "hidden_size": 192,
        "intermediate_size": 512,
        "num_hidden_layers": 5,
        "num_attention_heads": 6,
        "num_key_value_heads": 3,
        "max_position_embeddings": 4096,
        "bos_token_id": tokenizer.convert_tokens_to_ids("<|im_start|>"),
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
        "pad_token_id": tokenizer.convert_tokens_to_ids("<|endoftext|>"),
    }


def set_special_tokens(model: Any, tokenizer: Any) -> Any:
    """Set the ids of begin, end and padding that `generate` uses."""
    generation = model.generation_config
    generation.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    generation.pad_token_id = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    generation.bos_token_id = tokenizer.convert_tokens_to_ids("<|im_start|>")
    return model


def embeddings_of(model: nn.Module) -> Iterator[Tensor]:
    """The weights of embedding layers."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            yield module.weight


def qwen2_tokenizer(
    vocab: dict[str, int],
    merges: Iterable[tuple[str, str]],
    special_tokens: tuple[str, ...],
    chat_template: str,
    named: dict[str, str] | None = None,
) -> Qwen2Tokenizer:
    """Qwen2's tokenizer class with a trained vocabulary and its special tokens.

    Args:
        named: special tokens that the family's processor looks up by name.
    """
    tokenizer = Qwen2Tokenizer(
        vocab=vocab,
        merges=list(merges),  # type: ignore[arg-type]
        unk_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=named if named else list(special_tokens[1:]),
        model_max_length=4096,
    )
    if named:
        tokenizer.add_special_tokens(
            {"extra_special_tokens": list(special_tokens[1:])}, replace_extra_special_tokens=False
        )
    tokenizer.chat_template = chat_template
    return tokenizer
