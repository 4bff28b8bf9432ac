"""What the recipe must know of a model that it teaches: how it is built, sees and places tokens."""

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

STUDENTS = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Of the pixels, for every student."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where visual tokens stand over a canvas, in the order in which the language model reads them.

    Attributes:
        boxes: float64 `[visual, 4]`: left, top, right, bottom in the canvas' pixels; they reach
            beyond it where the model's processor pads.
        shape: rows and columns of the raster, or of the tiles.
    """

    boxes: np.ndarray
    shape: tuple[int, int]

    @property
    def visual(self) -> int:
        """Number of visual tokens."""
        return len(self.boxes)


class Student(ABC):
    """A tiny model in a family's real classes: one file with one final class.

    Class attributes:
        name: of the model.
        special_tokens: of its vocabulary; the first one pads, the third ends a turn.
        chat_template: of its tokenizer.
        opening, closing: the text before and after an image's tokens, the user's turn begun.
        image_token: stands at an image's places.
        scales, scale_weights: image scales of the last stage and how often they come.
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
        """The family's tokenizer over a trained vocabulary."""

    @abstractmethod
    def build(self, tokenizer: Any, seed: int = 0) -> Any:
        """The model with fresh weights, tied head."""

    @abstractmethod
    def save(self, model: Any, tokenizer: Any, folder: Path) -> None:
        """Write an ordinary Hugging Face folder: config, bfloat16 weights, tokenizer, processor."""

    @abstractmethod
    def layout(self, width: int, height: int, scale: float) -> Layout:
        """Where the visual tokens of a canvas stand at a scale."""

    @abstractmethod
    def pixels(self, images: Tensor, scale: float = 1.0) -> Tensor:
        """What the family's image processor makes of images of one size.

        Args:
            images: uint8 `[batch, height, width, 3]`.

        Returns:
            float32 `[batch, ...]`, as `see` takes it.
        """

    @abstractmethod
    def process_image(self, model: Any, pixels: Tensor, layout: Layout) -> Tensor:
        """Float `[batch, visual, hidden]`: vision tower and projector in one pass."""

    @abstractmethod
    def eyes(self, model: Any) -> list[nn.Module]:
        """The vision tower, and the projector if it is no part of it."""

    def places(self, layout: Layout, first: int) -> tuple[np.ndarray, int]:
        """Position ids of an image's tokens `[axes, visual]`, and the id that comes after it."""
        return first + np.arange(layout.visual)[None], first + layout.visual

    def language(self, model: Any, embeds: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """Final states `[batch, token, hidden]` under a mask `[batch, 1, token, token]`."""
        return model.model.language_model(
            inputs_embeds=embeds, attention_mask=mask, position_ids=positions[0], use_cache=False
        ).last_hidden_state

    def prepare(self, model: Any) -> Any:
        """Choose attention kernels that are fast under autocast on CPUs, where `see` uses them."""
        for part in ("language_model", "vision_tower"):
            if hasattr(model.model, part):
                getattr(model.model, part).set_attn_implementation("float32_sdpa")
        return model


def student(name: str) -> Student:
    """The student of a name, one of `STUDENTS`.

    Raises:
        ValueError: if there is none.
    """
    if name not in STUDENTS:
        raise ValueError(f"Expected one of {', '.join(STUDENTS)}, got {name!r}.")
    module = importlib.import_module(f"seewhy.testbed.recipe.{name.replace('-', '_')}")
    return module.STUDENT


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention in float32 also under autocast: in bfloat16 its CPU kernels are slower."""
    with torch.autocast(query.device.type, enabled=False):
        found = F.scaled_dot_product_attention(query.float(), key.float(), value.float(), mask)
    return found.to(query.dtype)


def _attention(module: nn.Module, query, key, value, attention_mask, **_) -> tuple[Tensor, None]:
    """`attend` in the form that transformers calls."""
    groups = query.shape[1] // key.shape[1]
    key, value = (x.repeat_interleave(groups, 1) for x in (key, value))
    return attend(query, key, value, attention_mask).transpose(1, 2).contiguous(), None


AttentionInterface.register("float32_sdpa", _attention)


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Bicubic with antialiasing, rounded to 8 bit as Pillow does: float32 `[batch, 3, h, w]`.

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
    """Pixels 0 .. 255 by the students' mean and deviation."""
    return (pixels / 255 - MEAN[0]) / STD[0]


def raster(
    left: float, top: float, right: float, bottom: float, rows: int, columns: int
) -> np.ndarray:
    """Boxes float64 `[rows * columns, 4]` of an even raster over a rectangle, row by row."""
    across = np.linspace(left, right, columns + 1)
    down = np.linspace(top, bottom, rows + 1)
    row, column = (axis.reshape(-1) for axis in np.indices((rows, columns)))
    return np.stack([across[column], down[row], across[column + 1], down[row + 1]], 1)


def language_settings(tokenizer: Any) -> dict[str, Any]:
    """Sizes of the language model, the same for every student."""
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


def settle_generation(model: Any, tokenizer: Any) -> Any:
    """Tell `generate` where a turn begins and ends."""
    generation = model.generation_config
    generation.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    generation.pad_token_id = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    generation.bos_token_id = tokenizer.convert_tokens_to_ids("<|im_start|>")
    return model


def embeddings_of(model: nn.Module) -> Iterator[Tensor]:
    """Tables of embeddings, which are no maps from states to states."""
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
        named: special tokens that the family's processor asks for by name.
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
