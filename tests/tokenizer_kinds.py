"""Tokenizers of every kind, small and trained here, and a real one where it is at hand.

All have special tokens for boxes, as grounding models do, and tags of a thinking block.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import GemmaTokenizer, PreTrainedTokenizerFast

import tiny_llava
import tiny_models
from builder_parts import gemma_vocabulary

QWEN = Path("/work/shared/tokenizers/qwen2.5.json")
"""The real tokenizer of Qwen2.5; tests that need it skip where it is not at hand."""

BOXES = ("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>")
THINKING = ("<think>", "</think>")


def with_markup(tokenizer: Any) -> Any:
    """The tokenizer with special tokens for boxes, and tags of thinking that are not special."""
    known = tokenizer.get_vocab()
    tokenizer.add_special_tokens(
        {"extra_special_tokens": [token for token in BOXES if token not in known]},
        replace_extra_special_tokens=False,
    )
    tokenizer.add_tokens([tag for tag in THINKING if tag not in known])
    return tokenizer


def gemma() -> Any:
    """Gemma's kind of SentencePiece: byte fallback, and no space put before a text."""
    state = gemma_vocabulary(tiny_llava.CORPUS)
    return GemmaTokenizer(vocab=state["vocab"], merges=state["merges"])


def wordpiece() -> Any:
    """A tokenizer as BERT has it: pieces within a word begin with ##, and others are unknown."""
    letters = [chr(code) for code in (*range(0x21, 0x7F), *range(0x4E00, 0x4E20))]
    words = ["red", "star", "the", "cat", "红色", *"红的车एकक니다"]
    pieces = dict.fromkeys(["[UNK]", *letters, *words, *(f"##{piece}" for piece in letters)])
    made = Tokenizer(models.WordPiece({p: n for n, p in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(cleanup=False)
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", eos_token="[SEP]")


def qwen() -> Any:
    """The real tokenizer of Qwen2.5."""
    return PreTrainedTokenizerFast(tokenizer_file=str(QWEN), eos_token="<|im_end|>")


_MAKERS: dict[str, Callable[[], Any]] = {
    "byte-level": tiny_models.tokenizer,
    "llama": tiny_llava.tokenizer,
    "gemma": gemma,
    "wordpiece": wordpiece,
    **({"qwen2.5": qwen} if QWEN.is_file() else {}),
}

KINDS = tuple(_MAKERS)
"""Names for `tokenizer_of`."""


@cache
def tokenizer_of(kind: str) -> Any:
    """The tokenizer of a kind, the same at every call."""
    return with_markup(_MAKERS[kind]())
