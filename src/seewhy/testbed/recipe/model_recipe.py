"""What training needs to know of a tiny model: its pictures, and how to build and save it."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import Qwen2Tokenizer

from seewhy.testbed.recipe.picture_recipe import PictureRecipe

MODELS = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")


class ModelRecipe(PictureRecipe):
    """How a tiny model of a family's real classes is made: one file with one final class.

    Class attributes:
        name: of the model.
        special_tokens: of its vocabulary; the first is padding, the third ends a turn.
        chat_template: of its tokenizer.
        scales, scale_weights: image scales of the last stage and their probabilities.
    """

    name: ClassVar[str]
    special_tokens: ClassVar[tuple[str, ...]]
    chat_template: ClassVar[str]
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
