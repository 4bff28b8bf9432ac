"""Stand-ins for SmolLM2's file and for parts of a model: random, tiny, of the same layout."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers

from seewhy.testbed.smol import families, wheel
from seewhy.testbed.smol.assembly import whole_state
from seewhy.testbed.smol.gguf_file import read_gguf
from seewhy.testbed.smol.language_model import LanguageModel, llama
from seewhy.testbed.smol.parts import Parts, write_parts

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<unused_{i}>" for i in range(3, 17)))
MERGES = ["a t", "c at", "Ġ cat", "i n"]
LAYERS, HIDDEN, INNER, HEADS, PAIRS = 2, 64, 96, 4, 2
QUANTISED = gguf.GGMLQuantizationType.Q4_1


def vocabulary() -> list[str]:
    """The special tokens, each byte, and what the merges make."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return [*SPECIAL, *bytes_to_unicode().values(), *(m.replace(" ", "") for m in MERGES)]


def write_gguf(path: Path, seed: int = 0) -> Path:
    """A file like SmolLM2's, written by the package `gguf`: Q4_1 layers, Q8_0 embeddings."""
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(PAIRS)
    writer.add_rope_freq_base(100_000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = vocabulary()
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    narrow = HIDDEN // HEADS * PAIRS
    shapes = {
        "attn_q": (HIDDEN, HIDDEN),
        "attn_k": (narrow, HIDDEN),
        "attn_v": (narrow, HIDDEN),
        "attn_output": (HIDDEN, HIDDEN),
        "ffn_gate": (INNER, HIDDEN),
        "ffn_up": (INNER, HIDDEN),
        "ffn_down": (HIDDEN, INNER),
    }

    def add(name: str, shape: tuple[int, ...], kind: gguf.GGMLQuantizationType) -> None:
        values = rng.normal(0, 0.1, shape).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    add("token_embd.weight", (len(tokens), HIDDEN), gguf.GGMLQuantizationType.Q8_0)
    for layer in range(LAYERS):
        for name, shape in shapes.items():
            add(f"blk.{layer}.{name}.weight", shape, QUANTISED)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(HIDDEN, np.float32))
    writer.add_tensor("output_norm.weight", np.ones(HIDDEN, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def use_tiny_language(
    monkeypatch: pytest.MonkeyPatch, folder: Path, path: Path | None = None
) -> Path:
    """Let a tiny file stand for SmolLM2's, and a cache of its own for the user's."""
    path = path or write_gguf(folder / "tiny.gguf")
    monkeypatch.setattr(wheel, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv(wheel.VARIABLE, str(path))
    monkeypatch.setenv("SEEWHY_CACHE", str(folder / "cache"))
    return path


def tiny_language(folder: Path) -> LanguageModel:
    """The language model of the tiny file, which is written."""
    return llama(read_gguf(write_gguf(folder / "tiny.gguf").read_bytes()))


def plain_llama(language: LanguageModel) -> Any:
    """transformers' own Llama with the language model's weights, float32."""
    kind = transformers.LlamaForCausalLM
    return _with_weights(kind, language.config, dict(language.state))


def plain_model(config: Any, parts: Parts, language: LanguageModel) -> Any:
    """The family's class with parts and language model, float32, before anything is rounded."""
    family = families.family_for(config.model_type)
    state = whole_state(family, parts, language)
    return _with_weights(getattr(transformers, family.architecture), config, state)


def _with_weights(kind: Any, config: Any, state: dict[str, torch.Tensor]) -> Any:
    return kind.from_pretrained(None, config=config, state_dict=state, dtype=torch.float32).eval()


def config_of(model_type: str, language: LanguageModel) -> Any:
    """A small config of each family around the language model."""
    tower = {"num_attention_heads": 2, "num_hidden_layers": 2, "hidden_size": 32}
    tower |= {"intermediate_size": 64}
    if model_type == "qwen2_vl":
        vision = {"depth": 2, "embed_dim": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 16}
        vision |= {"hidden_act": "silu", "spatial_merge_size": 2, "temporal_patch_size": 2}
        return families.qwen2_vl_config(language.config, vision)
    if model_type == "llava-siglip":
        vision = transformers.SiglipVisionConfig(**tower, image_size=64, patch_size=16)
        return families.llava_config(language.config, vision)
    if model_type == "llava":
        vision = transformers.CLIPVisionConfig(**tower, image_size=64, patch_size=16)
        return families.llava_config(language.config, vision)
    vision = transformers.InternVLVisionConfig(**tower, image_size=64, patch_size=16)
    return families.internvl_config(language.config, vision)


def random_parts(config: Any, rank: int = 2, seed: int = 0) -> Parts:
    """Tower, projector and LoRA on every linear layer of the language model."""
    torch.manual_seed(seed)
    family = families.family_for(config.model_type)
    with torch.device("meta"):
        state = getattr(transformers, family.architecture)(config).state_dict()
    tensors = {
        name: 0.1 * torch.randn(tensor.shape)
        for name, tensor in state.items()
        if name.startswith(family.vision)
    }
    lora = {
        name.removesuffix(".weight"): (
            0.1 * torch.randn(rank, tensor.shape[1]),
            0.1 * torch.randn(tensor.shape[0], rank),
        )
        for name, tensor in state.items()
        if name.startswith("model.language_model.layers.") and name.endswith("proj.weight")
    }
    return Parts(tensors, lora, 2.0)


def write_random_parts(folder: Path, model_type: str, language: LanguageModel) -> Path:
    """A folder as a smol model ships in."""
    config = config_of(model_type, language)
    tokenizer = language.tokenizer(families.family_for(config.model_type))
    write_parts(folder, config, tokenizer, random_parts(config), "# A stand-in\n")
    return folder
