"""Sizes of a model and of a prompt, from which memory is estimated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from seewhy.core.trace import Inputs

MASKED = ("gemma4_vision", "pixtral")
"""Vision towers that mask all pairs of patches of a prompt."""


@dataclass(frozen=True)
class ModelSizes:
    """Sizes of a multimodal LLM, from its config.

    Attributes:
        layers, hidden, inner: decoder layers, width of the states and of the feed-forward part.
        heads, groups, dim: attention heads, groups of keys, and width of each.
        vocabulary: number of ids.
        vision_hidden, vision_inner: the same widths of the vision tower.
        patch: numbers in a patch: three colours, its pixels, and frames that are joined.
        bytes_each: of a number of the model's.
        masked: whether the vision tower masks all pairs of patches.
    """

    layers: int
    hidden: int
    inner: int
    heads: int
    groups: int
    dim: int
    vocabulary: int
    vision_hidden: int
    vision_inner: int
    patch: int
    bytes_each: int
    masked: bool = False

    @staticmethod
    def of(config: Any, dtype: torch.dtype) -> ModelSizes:
        """From a model's config, and the number type of its weights.

        Where a config has other names, sizes of large models are assumed.
        """
        text = config.get_text_config()
        vision = getattr(config, "vision_config", None)
        hidden = _first(text, ("hidden_size", "n_embd", "d_model"), 4096)
        heads = _first(text, ("num_attention_heads", "n_head"), max(1, hidden // 128))
        width = _first(vision, ("embed_dim", "hidden_size"), hidden)
        return ModelSizes(
            layers=_first(text, ("num_hidden_layers", "n_layer"), 32),
            hidden=hidden,
            inner=_inner(text, hidden),
            heads=heads,
            groups=_first(text, ("num_key_value_heads",), heads),
            dim=_largest(text, ("head_dim", "global_head_dim"), hidden // heads),
            vocabulary=_first(text, ("vocab_size",), 256_000),
            vision_hidden=width,
            vision_inner=_first(
                vision, ("intermediate_size",), int(width * _first(vision, ("mlp_ratio",), 4))
            ),
            patch=3
            * _first(vision, ("patch_size",), 14) ** 2
            * _first(vision, ("temporal_patch_size",), 1),
            bytes_each=dtype.itemsize,
            masked=getattr(vision, "model_type", "") in MASKED,
        )


def _inner(text: Any, hidden: int) -> int:
    """Width of the feed-forward part; of experts, that of all that see a token."""
    experts = _first(text, ("num_experts_per_tok",), 0)
    of_one = _first(text, ("moe_intermediate_size",), 0)
    return max(_largest(text, ("intermediate_size",), 4 * hidden), experts * of_one)


def _first(config: Any, names: Sequence[str], default: Any) -> Any:
    """The first of these settings that is a number, or a pair of equal numbers."""
    for name in names:
        value = getattr(config, name, None)
        value = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(value, int | float) and value:
            return value
    return default


def _largest(config: Any, names: Sequence[str], default: int) -> int:
    found = [0]
    for name in names:
        value = getattr(config, name, None)
        values = value if isinstance(value, list | tuple) else [value]
        found += [one for one in values if isinstance(one, int)]
    return max(found) or default


@dataclass(frozen=True)
class PromptSize:
    """Sizes of a prompt and its answer.

    Attributes:
        text: positions that are no visual tokens, without the answer.
        visual: visual tokens.
        answer: tokens of the answer, or the largest number of them.
        explained: how many tokens are explained, the prompt's among them.
        pixels: numbers in the tensors of pictures and clips.
    """

    text: int
    visual: int
    answer: int
    explained: int
    pixels: int

    @staticmethod
    def of(inputs: Inputs, answer: int, *, explain_prompt: bool = True) -> PromptSize:
        """Of the model's inputs and an answer of so many tokens."""
        visual, words = len(inputs.visual_positions), len(inputs.prompt_positions)
        pixels = sum(
            value.numel()
            for value in inputs.tensors.values()
            if isinstance(value, Tensor) and value.is_floating_point()
        )
        return PromptSize(
            text=inputs.length - visual,
            visual=visual,
            answer=answer,
            explained=answer + (words if explain_prompt else 0),
            pixels=pixels,
        )

    @property
    def positions(self) -> int:
        """Number of positions with the answer."""
        return self.text + self.visual + self.answer

    def resized(self, factor: float) -> PromptSize:
        """With pictures of a factor of the visual tokens."""
        return replace(
            self, visual=math.ceil(self.visual * factor), pixels=math.ceil(self.pixels * factor)
        )

    def batched(self, others: Sequence[PromptSize]) -> PromptSize:
        """The largest of several prompts, in each part."""
        every = [self, *others]
        names = ("text", "visual", "answer", "explained", "pixels")
        return PromptSize(*(max(getattr(size, name) for size in every) for name in names))
