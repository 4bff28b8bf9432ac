"""Tiny models whose language models are built in ways that no other tiny model has.

Each is a LLaVA with another text part, or another version of a family's tiny model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers

import tiny_glm4v
import tiny_llava
import tiny_models
import tiny_paligemma
import tiny_qwen3_vl
from seewhy.models import Loaded, load

FULL = ["full_attention", "full_attention"]
SLIDING = ["sliding_attention", "sliding_attention"]
BOTH = ["sliding_attention", "full_attention"]

#: For each text part its config's class, and settings beside `TEXT`.
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "cohere2: parallel, sliding": ("Cohere2Config", {"sliding_window": 8, "layer_types": BOTH}),
    "gemma2: capped, sliding": (
        "Gemma2Config",
        {"attn_logit_softcapping": 2.0, "sliding_window": 8, "layer_types": BOTH},
    ),
    "gpt-oss: sinks, sliding, experts": (
        "GptOssConfig",
        {
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "sliding_window": 8,
            "layer_types": BOTH,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
        },
    ),
    "granite: multipliers": (
        "GraniteConfig",
        {"residual_multiplier": 0.3, "embedding_multiplier": 4.0, "attention_multiplier": 0.2},
    ),
    "llama: biases": ("LlamaConfig", {"attention_bias": True, "mlp_bias": True}),
    "mistral: sliding": ("MistralConfig", {"sliding_window": 8}),
    "mixtral: experts": ("MixtralConfig", {"num_local_experts": 4}),
    "olmo2: norms after": ("Olmo2Config", {}),
    "phi3: one projection": ("Phi3Config", {}),
    "qwen2: sliding": (
        "Qwen2Config",
        {"use_sliding_window": True, "sliding_window": 8, "layer_types": SLIDING},
    ),
    "qwen3-next: gates, experts": (
        "Qwen3NextConfig",
        {
            "layer_types": FULL,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "shared_expert_intermediate_size": 32,
        },
    ),
    "starcoder2: layer norms": ("Starcoder2Config", {}),
    "stablelm: layer norms": (
        "StableLmConfig",
        {
            "use_qkv_bias": True,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e4,
                "partial_rotary_factor": 0.5,
            },
        },
    ),
}


def llava_with(config: str, dtype: torch.dtype = torch.float32, **settings: Any) -> Loaded:
    """A LLaVA with another text part.

    Args:
        config: the name of its config's class.
        dtype: of the weights.
        **settings: of the text part.
    """
    tokens = tiny_llava.tokenizer()
    text = {
        "vocab_size": len(tokens),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
        "tie_word_embeddings": False,
        **settings,
    }
    part = getattr(transformers, config)(**text)
    model: Any
    model, processor = tiny_llava.build(dtype, text_config=part)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for name, weights in model.model.language_model.named_parameters():
            # Biases and sinks begin at 0 or at chance, gains at 1: none may go unnoticed.
            if name.endswith(("bias", "sinks")):
                weights.data.normal_(std=0.3)
            elif "norm" in name:
                weights.data += 0.3 * torch.randn_like(weights)
    model.lm_head.weight.data *= 20
    return load((model, processor))


DECODERS: dict[str, Callable[[], Loaded]] = {
    **{
        name: lambda config=config, settings=settings: llava_with(config, **settings)
        for name, (config, settings) in TEXTS.items()
    },
    "glm4v-moe": lambda: load(tiny_glm4v.build("glm4v_moe")),
    "paligemma 2": lambda: load(tiny_paligemma.build(generation=2)),
    "qwen2-vl: sliding": lambda: load(
        tiny_models.build(
            use_sliding_window=True, sliding_window=8, max_window_layers=0, layer_types=SLIDING
        )
    ),
    "qwen3-vl-moe": lambda: load(tiny_qwen3_vl.build("qwen3_vl_moe")),
}
