"""A byte-level BPE tokenizer, trained on the prompts and answers of the drawn world."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from seewhy.testbed.captions import vocabulary
from seewhy.testbed.recipe.model_recipe import ModelRecipe

LONGEST = 7
"""Longest token in bytes, with its leading space; longer words are split."""


def train_tokenizer(recipe: ModelRecipe, texts: Iterable[str], size: int = 633) -> Any:
    """Train a model's tokenizer on prompts and answers.

    Args:
        recipe: gives class, special tokens and chat template.
        texts: prompts and answers.
        size: maximum number of entries without the special tokens, so that models with different
            special tokens split words in the same way.
    """
    # Qwen2's own pre-tokenizer, so that training and the finished tokenizer split in the same way.
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = Qwen2Tokenizer().backend_tokenizer.pre_tokenizer
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size + len(recipe.special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(recipe.special_tokens),
        max_token_length=LONGEST,
        show_progress=False,
    )
    trained.train_from_iterator(("user\nassistant\n", *texts), trainer)
    model = json.loads(trained.to_str())["model"]
    return recipe.tokenizer(model["vocab"], [tuple(pair) for pair in model["merges"]])


def split_share(tokenizer: Any) -> float:
    """Share of the content words that split into several tokens; each word follows a space."""
    words = vocabulary()
    return sum(len(tokenizer.encode(f" {word}")) > 1 for word in words) / len(words)
