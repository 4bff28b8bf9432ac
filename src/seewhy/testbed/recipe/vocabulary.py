"""A real byte-level BPE tokenizer, trained on what the world says."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from seewhy.testbed.captions import vocabulary

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
LONGEST = 7
"""Longest token in bytes, its leading space included: rarer, longer words are split."""
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer(texts: Iterable[str], size: int = 640) -> Qwen2Tokenizer:
    """Train the tokenizer on prompts and answers.

    Args:
        texts: prompts and answers, as they are.
        size: most entries that the vocabulary may have, special tokens included.

    Returns:
        Qwen2's tokenizer class with its own vocabulary, merges and chat template.
    """
    # Qwen2's own pre-tokenizer, so that training splits as the finished tokenizer will.
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = Qwen2Tokenizer().backend_tokenizer.pre_tokenizer
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(SPECIAL_TOKENS),
        max_token_length=LONGEST,
        show_progress=False,
    )
    trained.train_from_iterator(("user\nassistant\n", *texts), trainer)
    model = json.loads(trained.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],  # type: ignore[arg-type]
        unk_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=list(SPECIAL_TOKENS[1:]),
        model_max_length=4096,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def split_share(tokenizer: Qwen2Tokenizer) -> float:
    """Share of the content words that split into several tokens, each after a space."""
    words = vocabulary()
    return sum(len(tokenizer.encode(f" {word}")) > 1 for word in words) / len(words)
