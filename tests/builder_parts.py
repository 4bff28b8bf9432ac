"""What tiny models of several families share: vocabularies, and processors without parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers


class WithoutVideo:
    """Goes before a real processor's class: its video part, which needs torchvision, may lack."""

    absent = ("video_processor",)

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
        """Let absent parts pass; all else is checked as ever."""
        if argument_name in self.absent and argument is None:
            return type(None)
        check: Any = super()
        return check.check_argument_for_proper_class(argument_name, argument)


@cache
def byte_level_vocabulary(corpus: tuple[str, ...]) -> dict[str, Any]:
    """Vocabulary and merges of a byte-level tokenizer, trained once."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return _trained(learner, trainer, corpus)


@cache
def llama_vocabulary(corpus: tuple[str, ...]) -> dict[str, Any]:
    """Vocabulary and merges of Llama's kind of tokenizer, with byte fallback, trained once."""
    return _byte_fallback(corpus, ("<unk>", "<s>", "</s>"), "always")


@cache
def gemma_vocabulary(corpus: tuple[str, ...]) -> dict[str, Any]:
    """Vocabulary and merges of Gemma's kind of tokenizer, with byte fallback, trained once."""
    return _byte_fallback(corpus, ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"), "never")


def _byte_fallback(corpus: Sequence[str], special: Sequence[str], prepend: Any) -> dict[str, Any]:
    """Byte fallback.

    Args:
        corpus: what it is trained on.
        special: its first tokens.
        prepend: when a space is put before words: `"always"`, `"first"` or `"never"`.
    """
    bytewise = [f"<0x{byte:02X}>" for byte in range(256)]
    learner = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend)
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=[*special, *bytewise], show_progress=False
    )
    return _trained(learner, trainer, corpus)


def _trained(learner: Tokenizer, trainer: Any, corpus: Sequence[str]) -> dict[str, Any]:
    learner.train_from_iterator(corpus, trainer)
    state = json.loads(learner.to_str())["model"]
    return {"vocab": state["vocab"], "merges": [tuple(merge) for merge in state["merges"]]}
