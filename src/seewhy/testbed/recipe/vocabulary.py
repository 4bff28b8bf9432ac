"""A real byte-level BPE tokenizer, trained on what the world says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from seewhy.testbed.captions import vocabulary
from seewhy.testbed.recipe.student import Student

LONGEST = 7
"""Longest token in bytes, its leading space included: rarer, longer words are split."""


def train_tokenizer(student: Student, texts: Iterable[str], size: int = 633) -> Any:
    """Train a student's tokenizer on prompts and answers.

    Args:
        student: gives class, special tokens and chat template.
        texts: prompts and answers, as they are.
        size: most entries that the vocabulary may have beside special tokens, so that students
            of other special tokens split alike.
    """
    # Qwen2's own pre-tokenizer, so that training splits as the finished tokenizer will.
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = Qwen2Tokenizer().backend_tokenizer.pre_tokenizer
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size + len(student.special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(student.special_tokens),
        max_token_length=LONGEST,
        show_progress=False,
    )
    trained.train_from_iterator(("user\nassistant\n", *texts), trainer)
    model = json.loads(trained.to_str())["model"]
    return student.tokenizer(model["vocab"], [tuple(pair) for pair in model["merges"]])


def split_share(tokenizer: Any) -> float:
    """Share of the content words that split into several tokens, each after a space."""
    words = vocabulary()
    return sum(len(tokenizer.encode(f" {word}")) > 1 for word in words) / len(words)
